"""Orders of few observations with little noise, such as time courses and views of objects: whole fits beside components.

Lines of two or four waves, and rings of once and twice round, in 60 variables, at random places and so with gaps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import _checkout  # noqa: F401
import anndata as ad
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

import gsr_sc
from gsr_sc import metrics

_N_VARS = 60
KINDS = {"line": (1, 2), "bent line": (1, 2, 3, 4), "ring": (1, 2)}
FOUND = 0.95


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=[40, 60, 100, 150, 200, 300])
    parser.add_argument("--noise", nargs="+", type=float, default=[0.05, 0.2, 0.5], help="waves have an amplitude of 1")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    rows = []
    for n_obs in options.sizes:
        for kind in KINDS:
            for noise in options.noise:
                found = np.array([agreements(kind, n_obs, noise, seed) for seed in range(options.seeds)])
                rows.append({"kind": kind, "observations": n_obs, "noise": noise} | figures(found))
                print(" ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
    options.out.mkdir(exist_ok=True, parents=True)
    table = pd.DataFrame(rows)
    table.to_csv(options.out / "few.csv", index=False)
    sums = table.groupby(["observations", "kind"])[["found", "by components"]].sum()
    print(sums, f"of {options.seeds * len(options.noise)}", sep="\n")


def figures(found: np.ndarray) -> dict[str, float]:
    """How many of the seeds are found, and medians, of fits and of components."""
    ours, components = found.T
    return {
        "found": int((ours >= FOUND).sum()),
        "by components": int((components >= FOUND).sum()),
        "median": round(float(np.median(ours)), 3),
        "lowest": round(float(ours.min()), 3),
        "median by components": round(float(np.median(components)), 3),
    }


def agreements(kind: str, n_obs: int, noise: float, seed: int) -> tuple[float, float]:
    """Agreement of a fit at its defaults with the known order, and that of the leading components."""
    rng = np.random.default_rng(seed)
    is_round = kind == "ring"
    place = rng.random(n_obs) * (2 * np.pi if is_round else 1)
    if is_round:
        waves = [wave(times * place) for times in KINDS[kind] for wave in (np.cos, np.sin)]
    else:
        waves = [np.cos(np.pi * times * place) for times in KINDS[kind]]
    x = np.column_stack(waves) @ rng.normal(size=(len(waves), _N_VARS)) + noise * rng.normal(size=(n_obs, _N_VARS))
    adata = ad.AnnData(x.astype(np.float32))
    gsr_sc.tl.fit(adata, graph="ring" if is_round else "line", rng=seed, n_jobs=1, progress=False)
    first, second = PCA(2).fit_transform(x).T
    measure = metrics.circular_concordance if is_round else metrics.order_agreement
    by_components = np.arctan2(second, first) if is_round else first
    return float(measure(adata.obs["gsr_order"].to_numpy(), place)), float(measure(by_components, place))


if __name__ == "__main__":
    main()
