"""From what a method gave to figures: the definitions are those of `gsr_sc.metrics`, the same for everyone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata, spearmanr
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


def rank_errors(order: np.ndarray, truth: np.ndarray, *, is_round: bool) -> np.ndarray:
    """How far each observation is from its place among all, as a share of them; NaN where either is not known.

    On rings round the circle, after the turn and direction that fit best (half a circle is .5). Where many observations share
    a known time, such as a stage, no order among them is wrong.
    """
    known = np.isfinite(order) & np.isfinite(truth)
    error = np.full(len(order), np.nan)
    n_known = int(known.sum())
    found = (rankdata(order[known]) - 0.5) / n_known
    if is_round:
        place = (rankdata(truth[known]) - 0.5) / n_known
        turns = {sign: np.exp(2j * np.pi * (found - sign * place)).mean() for sign in (1, -1)}
        sign = max(turns, key=lambda way: abs(turns[way]))
        error[known] = np.abs(np.angle(np.exp(2j * np.pi * (found - sign * place)) / turns[sign])) / (2 * np.pi)
        return error
    if spearmanr(found, truth[known]).statistic < 0:
        found = 1 - found
    first, last = ((rankdata(truth[known], how) - 0.5) / n_known for how in ("min", "max"))
    error[known] = np.maximum(np.maximum(first - found, found - last), 0)
    return error


def ranking(confidence: np.ndarray, error: np.ndarray) -> dict[str, float]:
    """How well a confidence ranks errors: `rho`, Spearman's with minus the error, and mean errors of both ends.

    `fifths` is the mean error of the most confident fifth over that of the least confident.
    """
    known = np.isfinite(confidence) & np.isfinite(error)
    sure, wrong = confidence[known], error[known]
    by = np.argsort(sure, kind="stable")
    fifth = max(len(by) // 5, 1)
    least = wrong[by[:fifth]].mean()
    return {
        "rho": float(spearmanr(sure, -wrong).statistic),
        "fifths": float(wrong[by[-fifth:]].mean() / least) if least > 0 else float("nan"),
    }


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
