"""How well cells of a type that a map has never seen are told from others, and how well these are labelled.

    python benchmarks/query.py --data FOLDER_OF_H5AD_FILES

For each set, each of its largest types is left out in turn, if it is distinct: if most of the nearest neighbours of its cells
are of it too. A map is fitted at the defaults to the others but for some cells drawn at random, which then come as a query
together with the type that was left out. `AUROC of distances` is what the mean distance to the nearest cells of the reference
among its own principal components reaches on the same cells: where that is far from 1, the type lies where others are.
Results are kept in `--out` one by one, so that an interrupted run goes on where it was; another state of the package's code
starts anew.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import _checkout  # noqa: F401
import numpy as np
import pandas as pd
from _kept import Kept
from _result import clock
from _sets import DataSet, data_sets
from _table import markdown
from scipy import sparse
from scipy.stats import ks_2samp
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

import gsr_sc

TARGET = 0.95
_DRAWN = 0.15
_NEIGHBOURS = 15
_SHARE_STRANGE = 0.95
_THINNED, _RARE = 1 / 3, 0.1


def main() -> None:
    """Leave out one type after the other, print and write the table."""
    options = arguments()
    warnings.simplefilter("ignore")
    kept, rows = Kept(options.out, "query.jsonl"), []
    for name, load in data_sets(options.data, options.sets).items():
        data = load()
        if data.label is None:
            continue
        purity = purities(data)
        for how in options.inputs if data.counts else ["values"]:
            for label in chosen(data, purity, options):
                for seed in range(options.seeds):
                    value = kept.get(
                        lambda data=data, how=how, label=label, seed=seed: leave_out(data, how, label, seed, options),
                        *(
                            name,
                            data.fingerprint,
                            how,
                            label,
                            seed,
                            options.max_epochs,
                            options.max_cells,
                            options.alone,
                            options.share_new,
                            options.reference,
                        ),
                    )
                    rows.append(
                        {"data": name, "input": how, "left out": label, "purity": float(purity[label]), **value}
                    )
                    print({key: round(x, 3) if isinstance(x, float) else x for key, x in rows[-1].items()}, flush=True)
    table = pd.DataFrame(rows)
    if "AUROC" not in table:
        print("No set has a distinct type, or enough cells beside it.")
        return
    table.to_csv(options.out / "query.csv", index=False)
    means = table.groupby(["data", "input", "left out"], sort=False).mean().round(3)
    reached = f"{(means['AUROC'] >= TARGET).sum()} of {len(means)} types reach {TARGET}"
    uniform = f"calibration refused (KS p < .01) in {(table['KS p'] < 0.01).sum()} of {len(table)} fits"
    (options.out / "query.md").write_text(f"# Queries\n\n{markdown(means.reset_index())}\n\n{reached}; {uniform}.\n")
    print(f"\n{means.to_string()}\n\n{reached}; {uniform}.\nTable: {options.out / 'query.md'}, query.csv")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of .h5ad files with labels in .obs")
    parser.add_argument("--sets", nargs="*", help="names of the files to use, without ending; all by default")
    parser.add_argument("--inputs", nargs="*", default=["counts"], choices=["counts", "log"], help="what we get")
    parser.add_argument("--types", type=int, default=3, help="types left out of each set, the largest (default: 3)")
    parser.add_argument("--purity", type=float, default=0.9, help="least purity of a distinct type (default: .9)")
    parser.add_argument("--least", type=int, default=25, help="least number of cells of a type (default: 25)")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds (default: 1)")
    parser.add_argument("--max-epochs", type=int, help="fewer epochs than by default")
    parser.add_argument("--max-cells", type=int, help="cells drawn from larger sets")
    parser.add_argument(
        "--reference",
        default="whole",
        choices=["whole", "thinned", "rare"],
        help="a third of its counts is left of the reference, so that the query is deeper; or a tenth of its most common type",
    )
    parser.add_argument("--alone", action="store_true", help="judge each cell alone (`together=False`)")
    parser.add_argument(
        "--share-new", type=float, default=1.0, help="largest share of new cells in a query (default: 1)"
    )
    parser.add_argument("--n-jobs", type=int, default=2, help="threads (default: 2)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="where results are kept")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def purities(data: DataSet) -> pd.Series:
    """Share of nearest neighbours among principal components that are of the same type, mean over the cells of each."""
    points, labels = data.components()[data.known], data.labels
    near = NearestNeighbors(n_neighbors=_NEIGHBOURS).fit(points).kneighbors(return_distance=False)
    return pd.Series((labels[near] == labels[:, None]).mean(axis=1)).groupby(labels).mean()


def chosen(data: DataSet, purity: pd.Series, options: argparse.Namespace) -> list[str]:
    """The largest distinct types."""
    sizes = pd.Series(data.labels).value_counts()
    return [label for label in sizes.index[sizes >= options.least] if purity[label] >= options.purity][: options.types]


def leave_out(data: DataSet, how: str, label: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Fit without a type, and place it and some cells of others."""
    adata, fit_options = data.given(how)
    adata = adata[data.known].copy()
    rng = np.random.default_rng(seed)
    if options.max_cells is not None and adata.n_obs > options.max_cells:
        adata = adata[np.sort(rng.choice(adata.n_obs, options.max_cells, replace=False))].copy()
    new = (adata.obs[data.label].astype(str) == label).to_numpy()
    drawn = ~new & (rng.random(adata.n_obs) < _DRAWN)
    if options.share_new < 1:
        most = options.share_new / (1 - options.share_new) * drawn.sum()
        kept = rng.permutation(np.flatnonzero(new))[: max(round(most), 1)]
        adata = adata[~new | np.isin(np.arange(adata.n_obs), kept)].copy()
        drawn, new = (mask[~new | np.isin(np.arange(len(new)), kept)] for mask in (drawn, new))
    labels = adata.obs[data.label].astype(str)
    common = (labels == labels[~new].value_counts().index[0]).to_numpy()
    left = ~new & ~drawn
    if options.reference == "rare":
        left &= ~common | (rng.random(adata.n_obs) < _RARE)
    reference, query = adata[left].copy(), adata[drawn | new].copy()
    if options.reference == "thinned" and how == "counts":
        reference.layers["counts"] = thinned(reference.layers["counts"], rng)
    values = data.log()[data.known][adata.obs_names].X
    far = distances(np.asarray(values.toarray() if hasattr(values, "toarray") else values), left)[drawn | new]
    new, common = new[drawn | new], common[drawn | new]
    model = gsr_sc.GSR(rng=seed, n_jobs=options.n_jobs, max_epochs=options.max_epochs, **fit_options)
    with clock() as spent:
        model.fit(reference, progress=False).annotate(reference)
    if model.fitted.novelty is None:
        return {"cells": int(new.sum())}
    gsr_sc.tl.map_query(query, model, reference=reference, labels_key=data.label, together=not options.alone)
    novelty = query.obs["gsr_novelty"].to_numpy()
    known, unknown = novelty[~new], novelty[new]
    usual = query[~new]
    # The novelty is a rank among held-out cells, and these are a sample themselves: two are compared, not one with a law.
    n_held_out = query.uns["gsr_query"]["n_novelty_reference"]
    held_out = (np.arange(n_held_out) + 0.5) / n_held_out
    right = usual.obs["gsr_label"].astype(str) == usual.obs[data.label].astype(str)
    return {
        "cells": len(unknown),
        "AUROC": float(roc_auc_score(np.repeat([0, 1], [len(known), len(unknown)]), np.r_[known, unknown])),
        "AUROC of distances": float(roc_auc_score(new, far)),
        "found": float((unknown > _SHARE_STRANGE).mean()),
        "false": float((known > _SHARE_STRANGE).mean()),
        "false, most common": float((novelty[common] > _SHARE_STRANGE).mean()),
        "KS p": float(ks_2samp(known, held_out).pvalue),
        "right labels": float(right.mean()),
        "confidence": float(usual.obs["gsr_label_confidence"].mean()),
        "s": spent.wall,
    }


def thinned(counts: Any, rng: np.random.Generator) -> sparse.csr_matrix:
    """A share of the counts."""
    counts = sparse.csr_matrix(counts, copy=True)
    counts.data = rng.binomial(np.rint(counts.data).astype(np.int64), _THINNED).astype(np.float32)
    counts.eliminate_zeros()
    return counts


def distances(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Mean distance of rows to the nearest of the reference, among the principal components of these."""
    values = values - values[reference].mean(axis=0)
    axes = PCA(min(50, reference.sum() - 1, values.shape[1]), random_state=0).fit(values[reference])
    points = axes.transform(values)
    return NearestNeighbors(n_neighbors=_NEIGHBOURS).fit(points[reference]).kneighbors(points)[0].mean(axis=1)


if __name__ == "__main__":
    main()
