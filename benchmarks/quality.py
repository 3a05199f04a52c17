"""How good the maps are: every labelled data set in a folder, against PCA and the plain autoencoder, in one run.

    python benchmarks/quality.py --data FOLDER_OF_H5AD_FILES

Every method runs at its defaults on the same cells; nothing is tuned to a data set. Without `--data` only the data set
that scanpy bundles is measured. Results are kept in `--out` one by one, so that an interrupted run goes on where it was.

Columns: `kNN` is the share of the 15 nearest neighbours with the same label, `AUROC` the indicator AUROC (one neuron per
label), `Moran` Moran's I of each cell's activations on the neuron graph, `EV` the held-out explained variance, `EV/0` that
over the same network's without the penalty, `ARI` the clusters against the labels, `seeds` the agreement of neurons and of
map coordinates between seeds, `s` the seconds of a fit. Every figure is the mean over seeds; `+-` is half the range.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from itertools import combinations
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from sklearn.metrics import adjusted_rand_score

import gsr_sc
from gsr_sc import metrics

# Where a file's labels are not in `cell_type`, and files whose truth is an order rather than labels.
LABELS = {"paul15_myeloid": "paul15_clusters", "wishbone_thymus_masscyt": "gate", "pbmc68k_reduced": "bulk_labels"}
ORDERS = {
    "schlitzer_dc_progenitors": ("line", "stage"),
    "guo_mouse_embryo_qpcr": ("line", "stage"),
    "wishbone_thymus_masscyt": ("line", "wishbone_trajectory"),
    "buettner_mesc_cellcycle": ("line", "stage"),
    "peco_fucci_ipsc": ("ring", "phase_theta"),
}
METHODS = ("PCA", "plain autoencoder", "gsr_sc")


def main() -> None:
    """Measure, and print the tables."""
    options = arguments()
    warnings.simplefilter("ignore")
    kept = Kept(options.out)
    rows = []
    for name, load in data_sets(options.data, options.sets).items():
        adata = load()
        if name in ORDERS:
            rows += measure_order(name, adata, options, kept)
        label = LABELS.get(name, "cell_type")
        if label in adata.obs:
            rows += measure_labels(name, adata, label, options, kept)
        print_table(name, [row for row in rows if row["data"] == name])
    frame = pd.DataFrame(rows)
    frame.to_csv(options.out / "quality.csv", index=False)
    print(f"\nAll figures: {options.out / 'quality.csv'}")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of .h5ad files with labels in .obs")
    parser.add_argument("--sets", nargs="*", help="names of the files to use, without ending; all by default")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (default: 3)")
    parser.add_argument("--n-jobs", type=int, default=2, help="threads (default: 2)")
    parser.add_argument("--log", action="store_true", help="log-normalise counts first, as a scanpy user would")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=METHODS)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="where results are kept")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def data_sets(folder: Path | None, wanted: list[str] | None) -> dict[str, Any]:
    """Name and loader of every data set."""
    sets: dict[str, Any] = {"pbmc68k_reduced": sc.datasets.pbmc68k_reduced}
    if folder is not None:
        for path in sorted(folder.glob("*.h5ad")):
            sets[path.stem] = lambda path=path: ad.read_h5ad(path)
    if wanted:
        missing = sorted(set(wanted) - set(sets))
        if missing:
            sys.exit(f"No such data set: {missing}. There are {sorted(sets)}.")
        sets = {name: sets[name] for name in wanted}
    return sets


class Kept:
    """Results on disk, one JSON line each."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "quality.jsonl"
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.known = {record["key"]: record["value"] for record in map(json.loads, lines)}

    def get(self, compute: Any, *key: Any) -> Any:
        """Result of `compute()`, kept under the key and the package's version."""
        name = "|".join(map(str, (gsr_sc.__version__, *key)))
        if name not in self.known:
            self.known[name] = compute()
            with self.path.open("a") as file:
                file.write(json.dumps({"key": name, "value": self.known[name]}) + "\n")
        return self.known[name]


def prepared(adata: ad.AnnData, *, log: bool) -> ad.AnnData:
    """Return the data as the methods get them."""
    adata = adata.copy()
    if log and is_counts(adata):
        adata.layers["counts"] = adata.X.copy()
        sc.pp.normalize_total(adata)
        sc.pp.log1p(adata)
    return adata


def is_counts(adata: ad.AnnData) -> bool:
    """Whether X holds whole numbers >= 0."""
    values = adata.X.data if hasattr(adata.X, "tocsr") else np.asarray(adata.X)
    return bool((values >= 0).all() and (values == np.round(values)).all() and values.max() > 1)


def measure_labels(name: str, adata: ad.AnnData, label: str, options: argparse.Namespace, kept: Kept) -> list[Any]:
    """All methods and seeds on one labelled data set."""
    adata = prepared(adata, log=options.log)
    known = adata.obs[label].notna().to_numpy()
    labels = adata.obs[label].astype(str).to_numpy()[known]
    rows = []
    if "PCA" in options.methods:
        value = kept.get(lambda: pca_figures(adata, labels, known), name, options.log, "PCA")
        rows.append({"data": name, "method": "PCA", "seed": 0, **value})
    for method in [method for method in options.methods if method != "PCA"]:
        for seed in range(options.seeds):

            def compute(method: str = method, seed: int = seed) -> dict[str, float]:
                fitted = fit(adata, method, seed, options.n_jobs)
                np.savez_compressed(latent(options, name, method, seed), fitted.obsm["X_gsr"].astype(np.float16))
                return figures(fitted, labels, known)

            value = kept.get(compute, name, options.log, method, seed, options.n_jobs)
            rows.append({"data": name, "method": method, "seed": seed, **value})
    if "gsr_sc" in options.methods and options.seeds > 1:

        def agreement() -> list[float]:
            maps = [np.load(latent(options, name, "gsr_sc", seed))["arr_0"] for seed in range(options.seeds)]
            graph = gsr_sc.graphs.resolve("grid", n_neurons=maps[0].shape[1], n_obs=adata.n_obs)
            pairs = [metrics.seed_agreement(a.astype(float), b.astype(float), graph) for a, b in combinations(maps, 2)]
            return np.mean(pairs, axis=0).tolist()

        neurons, coordinates = kept.get(agreement, name, options.log, "agreement", options.seeds, options.n_jobs)
        for row in rows:
            if row["method"] == "gsr_sc":
                row |= {"seeds": neurons, "seeds (map)": coordinates}
    return rows


def latent(options: argparse.Namespace, name: str, method: str, seed: int) -> Path:
    """File of one fit's activations."""
    return options.out / f"{name}-{'log' if options.log else 'asis'}-{method.replace(' ', '_')}-{seed}.npz"


def fit(adata: ad.AnnData, method: str, seed: int, n_jobs: int, **extra: Any) -> ad.AnnData:
    """Fit one method and time it."""
    # The network as one would write it without this package: linear units, no penalty, no start.
    plain = {"smoothness": 0, "init": "random", "activation": "linear"} if method == "plain autoencoder" else {}
    fitted = adata.copy()
    start = time.perf_counter()
    gsr_sc.tl.fit(fitted, rng=seed, n_jobs=n_jobs, progress=False, **plain, **extra)
    fitted.uns["seconds"] = time.perf_counter() - start
    return fitted


def figures(fitted: ad.AnnData, labels: np.ndarray, known: np.ndarray) -> dict[str, float]:
    """Everything measured on one fit."""
    z = fitted.obsm["X_gsr"][known]
    stored = fitted.uns["gsr"]
    quality = stored["quality"]
    return {
        "kNN": metrics.knn_purity(z, labels),
        "AUROC": metrics.indicator_auroc(z, labels),
        "Moran": metrics.moran_i(z, stored["graph"]["adjacency"]),
        "EV": quality["explained_variance"],
        "EV/0": quality["explained_variance"] / quality["explained_variance_unregularised"],
        "ARI": float(adjusted_rand_score(labels, fitted.obs["gsr_cluster"].astype(str).to_numpy()[known])),
        "unassigned": float((fitted.obs["gsr_cluster"] == "unassigned").mean()),
        "smoothness": float(stored["params"]["smoothness"]),
        "dead": float(quality["n_dead"]),
        "s": fitted.uns["seconds"],
    }


def pca_figures(adata: ad.AnnData, labels: np.ndarray, known: np.ndarray) -> dict[str, float]:
    """scanpy's principal components of log-normalised data."""
    adata = prepared(adata, log=True)
    start = time.perf_counter()
    sc.pp.pca(adata, n_comps=min(50, min(adata.shape) - 1))
    seconds = time.perf_counter() - start
    z = adata.obsm["X_pca"][known]
    return {"kNN": metrics.knn_purity(z, labels), "AUROC": metrics.indicator_auroc(z, labels), "s": seconds}


def measure_order(name: str, adata: ad.AnnData, options: argparse.Namespace, kept: Kept) -> list[Any]:
    """Agreement of a line or ring with a known order, against the first principal components."""
    graph, key = ORDERS[name]
    adata = prepared(adata, log=options.log)
    truth = adata.obs[key].to_numpy(dtype=float)
    agree = metrics.circular_concordance if graph == "ring" else metrics.order_agreement

    def of_pca() -> dict[str, float]:
        pcs = sc.pp.pca(prepared(adata, log=True), n_comps=2, copy=True).obsm["X_pca"]
        return {"order": agree(np.arctan2(pcs[:, 1], pcs[:, 0]) if graph == "ring" else pcs[:, 0], truth)}

    value = kept.get(of_pca, name, options.log, "PCA", "order")
    rows = [{"data": name, "method": f"PCA ({graph})", "seed": 0, **value}]
    for seed in range(options.seeds):

        def compute(seed: int = seed) -> dict[str, float]:
            fitted = fit(adata, "gsr_sc", seed, options.n_jobs, graph=graph)
            return {"order": agree(fitted.obs["gsr_order"], truth), "s": fitted.uns["seconds"]}

        value = kept.get(compute, name, options.log, graph, seed, options.n_jobs)
        rows.append({"data": name, "method": f"gsr_sc ({graph})", "seed": seed, **value})
    return rows


def print_table(name: str, rows: list[Any]) -> None:
    """Print the figures of one data set, mean and half the range over seeds."""
    if not rows:
        return
    frame = pd.DataFrame(rows).drop(columns=["data", "seed"])
    print(f"\n{name}")
    groups = frame.groupby("method", sort=False)
    mean, spread = groups.mean(), (groups.max() - groups.min()) / 2
    text = pd.DataFrame(index=mean.index, columns=mean.columns, dtype=object)
    for column in mean:
        digits = 1 if column in ("s", "dead") else 3
        for method in mean.index:
            value, half = mean.loc[method, column], spread.loc[method, column]
            if np.isnan(value):
                text.loc[method, column] = ""
            else:
                text.loc[method, column] = f"{value:.{digits}f}" + (f"+-{half:.{digits}f}" if half > 0 else "")
    print(text.to_string(), flush=True)


if __name__ == "__main__":
    main()
