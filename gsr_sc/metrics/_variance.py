"""Share of the variance of many columns that one covariate explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.polynomial import legendre
from scipy.stats import rankdata

from ._arrays import label_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEGREE = 3
_RANK = 1e-8


def smooth_design(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Columns that a number may act through: cubic polynomials of its rank, (n_obs, 3)."""
    place = 2 * (rankdata(values) - 0.5) / len(values) - 1
    return np.asarray(legendre.legvander(place, _DEGREE)[:, 1:])


def category_design(codes: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """One column for each category that occurs, (n_obs, n_categories)."""
    return np.asarray(codes[:, None] == np.unique(codes)[None, :], dtype=np.float64)


def explained_share(
    matrix: NDArray[np.floating[Any]], design: NDArray[np.float64], within: NDArray[np.intp] | None = None
) -> tuple[NDArray[np.float64], float]:
    """Share of the variance of each column that a design explains, corrected for what chance explains.

    The correction is that of the adjusted R2, which for categories is epsilon squared: its mean is 0 where nothing is
    explained, so that single values may be a little below 0.

    Parameters
    ----------
    matrix
        Shape (n_obs, n_columns).
    design
        Shape (n_obs, n_terms), without a constant.
    within
        Number of the label of each observation, (n_obs,), from 0 without gaps: only what varies within labels counts.

    Returns
    -------
    Share of each column, (n_columns,), NaN where it does not vary; and share of all columns together.
    """
    n_obs = len(matrix)
    labels = np.zeros(n_obs, dtype=np.intp) if within is None else within
    n_labels = int(labels.max()) + 1
    values = np.asarray(matrix, dtype=np.float64)
    values = values - label_means(values, labels, n_labels)[labels]
    terms = design - label_means(design, labels, n_labels)[labels]
    # A term that does not vary within labels, or follows from others, explains nothing of its own.
    size, direction = np.linalg.eigh(terms.T @ terms)
    kept = size > _RANK * max(float((design**2).sum()), 1e-300)
    n_terms = int(kept.sum())
    loading = direction[:, kept].T @ (terms.T @ values) / np.sqrt(size[kept])[:, None]
    explained, total = (loading**2).sum(axis=0), (values**2).sum(axis=0)
    # Constant up to rounding.
    varies = total > 1e-10 * np.maximum((np.asarray(matrix, dtype=np.float64) ** 2).sum(axis=0), 1e-300)
    free = n_obs - n_labels
    inflation = free / max(free - n_terms, 1)
    share = np.full(values.shape[1], np.nan)
    share[varies] = 1 - (1 - explained[varies] / total[varies]) * inflation
    whole = 1 - (1 - explained[varies].sum() / total[varies].sum()) * inflation if varies.any() else np.nan
    return share, float(whole)
