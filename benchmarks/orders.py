"""Known orders of simulated data, recovered from the start alone or by whole fits, whatever troubles them."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _checkout  # noqa: F401
import numpy as np
import pandas as pd
from _kept import Kept
from _measures import rank_errors, ranking
from _sets import ORDERS, data_sets
from sklearn.metrics import roc_auc_score

import gsr_sc
from gsr_sc import datasets, graphs, metrics

if TYPE_CHECKING:
    from _sets import DataSet
    from anndata import AnnData

    from gsr_sc.graphs import NeuronGraph

SIMULATORS: dict[str, Any] = {
    "line": datasets.simulate_line,
    "ring": datasets.simulate_ring,
    "wishbone": datasets.simulate_wishbone,
    "tree": partial(datasets.simulate_tree, depth=2),
}
# As `graph=kind` makes them for 1000 cells.
GRAPHS = {
    "line": graphs.line(32),
    "ring": graphs.ring(32),
    "wishbone": graphs.wishbone(2, 16),
    "tree": graphs.tree(2, 2, n_per_branch=12, n_stem=12),
}
TROUBLES: dict[str, dict[str, float]] = {
    "none": {},
    "density": {"density": 5.0},
    "more noise": {"noise": 0.6},
    "noise": {"noise": 0.8},
    "outliers": {"outliers": 0.05},
    "doublets": {"doublets": 0.05},
}
_NOISE = 0.4
_TARGET = 0.98
# What is told of wishbones and trees: which cells are early.
_EARLY = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=SIMULATORS, default=list(SIMULATORS))
    parser.add_argument("--troubles", nargs="+", choices=TROUBLES, default=list(TROUBLES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--fits", action="store_true", help="whole fits (seconds each) instead of starts")
    parser.add_argument("--confidence", action="store_true", help="whole fits: how well their confidence ranks errors")
    parser.add_argument(
        "--data", type=Path, help="with --confidence: folder of h5ad files, of those with a known order"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    kept = Kept(options.out, "orders.jsonl")
    rows: list[dict[str, Any]] = []
    if options.confidence:
        for kind in options.kinds:
            for trouble in options.troubles:
                run = partial(confident, kind, trouble)
                found = [
                    kept.get(partial(run, seed), "confident", kind, trouble, seed) for seed in range(options.seeds)
                ]
                rows.append(tell({"data": kind, "trouble": trouble} | mean(found)))
        for name, load in data_sets(options.data, None).items() if options.data else ():
            if name in ORDERS and ORDERS[name].within is None:
                data = load()
                found = [
                    kept.get(partial(known_order, data, seed), "known", name, data.fingerprint, seed)
                    for seed in range(options.seeds)
                ]
                rows.append(tell({"data": name, "trouble": ""} | mean(found)))
        write(rows, options.out / "orders_confidence.md")
        return
    compute = fitted if options.fits else started
    for kind in options.kinds:
        for trouble in options.troubles:
            found, known = (
                [kept.get(partial(how, kind, trouble, seed), how.__name__, kind, trouble, seed) for seed in seeds]
                for how, seeds in ((compute, range(options.seeds)), (oracle, range(options.seeds)))
            )
            rows.append(tell(row(kind, trouble, found, known)))
    write(rows, options.out / f"orders_{compute.__name__}.md")


def tell(line: dict[str, Any]) -> dict[str, Any]:
    print(" ".join(f"{name} {value}" for name, value in line.items()), flush=True)
    return line


def write(rows: list[dict[str, Any]], path: Path) -> None:
    table = pd.DataFrame(rows).fillna("")
    lines = [
        "| " + " | ".join(map(str, values)) + " |"
        for values in [table.columns, ["---"] * table.shape[1], *table.to_numpy()]
    ]
    path.write_text("\n".join(lines) + "\n")


def mean(found: list[dict[str, float]]) -> dict[str, str]:
    """Figures of several seeds, as text."""
    return {name: f"{value:.3f}" for name, value in pd.DataFrame(found).mean().items()}


def row(kind: str, trouble: str, found: list[float], known: list[float]) -> dict[str, Any]:
    """A line of the table: agreement of each seed, and what could be reached."""
    return {
        "kind": kind,
        "trouble": trouble,
        f">= {_TARGET}": f"{sum(value >= _TARGET for value in found)} of {len(found)}",
        "lowest": f"{min(found):.3f}",
        "median": f"{np.median(found):.3f}",
        "oracle, lowest": f"{min(known):.3f}",
        "oracle, median": f"{np.median(known):.3f}",
    }


def started(kind: str, trouble: str, seed: int) -> float:
    """Agreement of the annealed start on 30 principal components."""
    adata = SIMULATORS[kind](rng=seed, **TROUBLES[trouble])
    z = np.asarray(adata.X, dtype=np.float64)
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    left, values, _ = np.linalg.svd(z, full_matrices=False)
    scores = (left * values)[:, :30]
    graph = GRAPHS[kind]
    # The network learns the responsibilities of a start as squares of its activations.
    activations = np.sqrt(graphs.fit_annealed_map(scores, graph).responsibilities(scores))
    place = graphs.order(graph, activations) if kind in ("line", "ring") else rooted(graph, activations, adata)
    return agreement(place, adata)


def rooted(graph: NeuronGraph, activations: np.ndarray, adata: AnnData) -> np.ndarray:
    """Positions from where the early cells are."""
    time = adata.obs["time"].to_numpy(dtype=float)
    share = activations**2 / (activations**2).sum(axis=1, keepdims=True)
    mass = share[np.isfinite(time)].sum(axis=0)
    root = graphs.find_root(graph, share[time < _EARLY].sum(axis=0) / np.maximum(mass, 1e-12), mass)
    return graphs.course(graph, root=root).read(activations).order


def fitted(kind: str, trouble: str, seed: int) -> float:
    """Agreement of a fit at its defaults."""
    adata = fit(kind, trouble, seed)
    return agreement(adata.obs["gsr_order"].to_numpy(), adata)


def fit(kind: str, trouble: str, seed: int) -> AnnData:
    adata = SIMULATORS[kind](rng=seed, **TROUBLES[trouble])
    gsr_sc.tl.fit(adata, graph=kind, rng=seed, n_jobs=1)
    if kind in ("wishbone", "tree"):
        adata.obs["stage"] = pd.Categorical(np.where(adata.obs["time"] < _EARLY, "early", "later"))
        gsr_sc.tl.order(adata, root="early", groupby="stage")
    else:
        gsr_sc.tl.order(adata)
    return adata


def confident(kind: str, trouble: str, seed: int) -> dict[str, float]:
    """How well the confidence of a fit at its defaults ranks errors, and tells cells that have no place."""
    adata = fit(kind, trouble, seed)
    sure = adata.obs["gsr_order_confidence"].to_numpy()
    error = rank_errors(adata.obs["gsr_order"].to_numpy(), truth(adata), is_round=kind == "ring")
    foreign = ~np.isfinite(truth(adata))
    told = {"AUROC foreign": float(roc_auc_score(foreign, -sure))} if foreign.any() else {}
    return {"error": float(np.nanmean(error))} | ranking(sure, error) | told


def known_order(data: DataSet, seed: int) -> dict[str, float]:
    """How well the confidence ranks errors on data of which an order is known."""
    known = data.truth
    assert known is not None
    adata, given = data.given("log")
    gsr_sc.tl.fit(adata, graph=known.graph, rng=seed, n_jobs=1, **given)
    is_round = known.graph == "ring"
    gsr_sc.tl.order(adata, root=None if is_round else adata.obs_names[data.first_cell()])
    time = adata.obs[known.time].to_numpy(dtype=float)
    error = rank_errors(adata.obs["gsr_order"].to_numpy(), time, is_round=is_round)
    return {"error": float(np.nanmean(error))} | ranking(adata.obs["gsr_order_confidence"].to_numpy(), error)


def oracle(kind: str, trouble: str, seed: int) -> float:
    """Agreement of one who knows the process: the mean place of all other cells, by how likely each would look like this."""
    options = {"noise": _NOISE, **TROUBLES[trouble]}
    adata = SIMULATORS[kind](rng=seed, **options)
    without = SIMULATORS[kind](rng=seed, **{**options, "noise": 0.0})
    place = truth(adata)
    known = np.isfinite(place)
    seen, true = (np.log(np.expm1(np.asarray(data.X[known], dtype=np.float64))) for data in (adata, without))
    distance = (seen**2).sum(axis=1)[:, None] - 2 * seen @ true.T + (true**2).sum(axis=1)
    np.fill_diagonal(distance, np.inf)
    likely = np.exp(-(distance - distance.min(axis=1, keepdims=True)) / (2 * options["noise"] ** 2))
    likely /= likely.sum(axis=1, keepdims=True)
    found = np.full(len(place), np.nan)
    found[known] = np.angle(likely @ np.exp(1j * place[known])) if kind == "ring" else likely @ place[known]
    return agreement(found, adata)


def truth(adata: AnnData) -> np.ndarray:
    return adata.obs["angle" if "angle" in adata.obs else "time"].to_numpy(dtype=float)


def agreement(place: np.ndarray, adata: AnnData) -> float:
    known = np.isfinite(truth(adata))
    measure = metrics.circular_concordance if "angle" in adata.obs else metrics.order_agreement
    return float(measure(place[known], truth(adata)[known]))


if __name__ == "__main__":
    main()
