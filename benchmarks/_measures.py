"""From what a method gave to figures: the definitions are those of `gsr_sc.metrics`, the same for everyone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import adjusted_rand_score, balanced_accuracy_score

from gsr_sc import metrics

if TYPE_CHECKING:
    from _result import Result
    from _sets import DataSet


def label_figures(result: Result, data: DataSet) -> dict[str, object]:
    """Agreement with the labels: `kNN`, `AUROC`, `ARI`; for several readings the best one, and which it was."""
    known, labels = data.known, data.labels
    figures: dict[str, object] = dict(result.figures)
    for measure, readings, agreement in (
        ("kNN", result.spaces, metrics.knn_purity),
        ("AUROC", result.indicators, metrics.indicator_auroc),
    ):
        values = {name: agreement(reading[known], labels) for name, reading in readings.items()}
        if values:
            best = max(values, key=values.__getitem__)
            figures[measure] = values[best]
            if len(values) > 1:
                figures[f"{measure} by"] = best
    if result.clusters is not None:
        clusters = result.clusters[known]
        figures |= {"ARI": float(adjusted_rand_score(labels, clusters)), "k": len(set(clusters.tolist()))}
    if result.clusters_by_k:
        by_k = {str(k): adjusted_rand_score(labels, found[known]) for k, found in result.clusters_by_k.items()}
        figures["ARI by k"] = {k: round(float(value), 4) for k, value in by_k.items()}
    return figures


def signed(latent: np.ndarray) -> np.ndarray:
    """Latent dimensions and their negatives: the sign of a linear unit has no meaning, so either may indicate."""
    return np.concatenate([latent, -latent], axis=1)


def order_figures(order: np.ndarray, branch: np.ndarray | None, data: DataSet) -> dict[str, float]:
    """Agreement with the known order, and of branches with the known ones."""
    assert data.truth is not None
    obs = data.adata.obs
    agree = metrics.circular_concordance if data.truth.graph == "ring" else metrics.order_agreement
    figures = {"order": agree(order, obs[data.truth.time].to_numpy(dtype=float))}
    if branch is not None and data.truth.branch is not None:
        figures["branches"] = branch_accuracy(branch, obs[data.truth.branch].astype(str).to_numpy())
    return figures


def branch_accuracy(branch: np.ndarray, truth: np.ndarray) -> float:
    """Balanced accuracy of branches, each named after the known branch that it is the largest share of.

    Most cells are on the trunk, so shares and not numbers of cells decide, in the naming as in the accuracy.
    """
    names, codes = np.unique(truth, return_inverse=True)
    share = np.bincount(codes, minlength=len(names))
    found, of = np.unique(branch.astype(str), return_inverse=True)
    table = np.zeros((len(found), len(names)))
    np.add.at(table, (of, codes), 1.0)
    named = names[(table / share).argmax(axis=1)]
    return float(balanced_accuracy_score(truth, named[of]))
