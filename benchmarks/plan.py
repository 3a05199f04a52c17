"""Quality against time, by batch size, learning rate and number of epochs: what the defaults were chosen from. A table, curves.

    python benchmarks/plan.py --data FILE.h5ad

A point of a curve is a whole fit with so many epochs, since the learning rate falls over all of them; nothing else differs
from the defaults. Counts and labels are found as `quality.py` finds them. Nothing else should run on the machine. Each fit is
kept in `--out`: a call that was interrupted goes on where it was, and another state of the package's code starts anew.
"""

from __future__ import annotations

import argparse
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _checkout  # noqa: F401
import anndata as ad
import numpy as np
import pandas as pd
from _kept import Kept
from _result import clock
from _sets import DataSet
from _table import markdown

import gsr_sc
from gsr_sc import metrics
from gsr_sc.training import TrainingPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

# Batch size, learning rate, and a colour of Okabe and Ito.
SIZES = {64: (2e-3, "#009E73"), 128: (3e-3, "#0072B2"), 256: (4.5e-3, "#D55E00"), 512: (6e-3, "#CC79A7")}
MEASURES = {"AUROC": "indicator AUROC", "kNN": "kNN purity", "EV": "held-out explained variance"}


def main() -> None:
    """Fit, print the table and draw the curves."""
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    data = DataSet(options.data.stem, ad.read_h5ad(options.data))
    kept = Kept(options.out, "plan.jsonl")
    # What every first fit of a process takes: torch, its threads.
    gsr_sc.tl.fit(gsr_sc.datasets.simulate_clusters(300, 30), max_epochs=1, n_jobs=options.n_jobs, progress=False)
    rows = []
    for seed in range(options.seeds):
        for size in options.sizes:
            for epochs in options.epochs:
                key = (data.name, data.fingerprint, size, epochs, seed, options.n_jobs)
                figures = kept.get(lambda: measure(data, size, epochs, seed, options.n_jobs), *key)  # noqa: B023
                rows.append({"batch": size, "rate": SIZES[size][0], "epochs": epochs, "seed": seed, **figures})
                print({name: round(value, 4) for name, value in rows[-1].items()}, flush=True)
    table = pd.DataFrame(rows).groupby(["batch", "rate", "epochs"], sort=False)[[*MEASURES, "seconds"]].mean()
    table = table.reset_index().round({"AUROC": 4, "kNN": 4, "EV": 4, "seconds": 1})
    (options.out / f"plan_{data.name}.md").write_text(markdown(table) + "\n")
    draw(table, data, options.out)
    print(f"\n{table.to_string(index=False)}")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=".h5ad file with counts and labels")
    parser.add_argument("--sizes", type=int, nargs="+", choices=SIZES, default=[128, 256, 512])
    parser.add_argument("--epochs", type=int, nargs="+", default=[4, 8, 12, 20])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--n-jobs", type=int, default=2, help="threads (default: 2)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    return parser.parse_args()


def measure(data: DataSet, size: int, epochs: int, seed: int, n_jobs: int) -> dict[str, float]:
    """Agreement with the labels, what is explained, and the seconds of a fit."""
    adata, options = data.given("counts" if data.counts else "log values")
    with planned(size), clock() as spent:
        gsr_sc.tl.fit(adata, max_epochs=epochs, rng=seed, n_jobs=n_jobs, progress=False, **options)
    latent = np.asarray(adata.obsm["X_gsr"])[data.known]
    return {
        "AUROC": metrics.indicator_auroc(latent, data.labels),
        "kNN": metrics.knn_purity(latent, data.labels),
        "EV": adata.uns["gsr"]["quality"]["explained_variance"],
        "seconds": spent.wall,
    }


@contextmanager
def planned(size: int) -> Iterator[None]:
    """Have fits use batches of a size, and the learning rate that goes with it."""
    usual = TrainingPlan.for_data

    def for_data(*args: Any, **options: Any) -> TrainingPlan:
        return replace(usual(*args, **options), batch_size=size, learning_rate=SIZES[size][0])

    TrainingPlan.for_data = for_data  # type: ignore[method-assign]
    try:
        yield
    finally:
        TrainingPlan.for_data = usual  # type: ignore[method-assign]


def draw(table: pd.DataFrame, data: DataSet, folder: Path) -> None:
    """Draw each measure against seconds, a curve per batch size, and write it as PNG and SVG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), layout="constrained")
    FigureCanvasAgg(figure)
    usual = TrainingPlan.for_data(data.adata.n_obs)
    for panel, (measure_name, title) in zip(figure.subplots(1, len(MEASURES)), MEASURES.items(), strict=True):
        for (size, rate), points in table.groupby(["batch", "rate"], sort=False):
            panel.plot(
                points["seconds"], points[measure_name], "o-", color=SIZES[size][1], ms=4, label=f"{size}, {rate:g}"
            )
            default = points[points["epochs"] == usual.max_epochs]
            panel.plot(default["seconds"], default[measure_name], "o", color=SIZES[size][1], ms=10, mfc="none")
        panel.set(xlabel="seconds", title=title)
        panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False, fontsize=8, title="batch, learning rate")
    figure.suptitle(
        f"{data.name}: {', '.join(map(str, sorted(set(table['epochs']))))} epochs; ringed: {usual.max_epochs}"
    )
    for suffix in ("png", "svg"):
        figure.savefig(folder / f"plan_{data.name}.{suffix}", dpi=150)


if __name__ == "__main__":
    main()
