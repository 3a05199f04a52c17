"""What a transform learns from the training cells, in a few passes over blocks of rows."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ._dispersion import dispersion
from ._moments import Sums, moments, sums_of
from ._rows import as_float
from ._transform import CLIP, Transform, log_normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._rows import Rows
    from ._transform import TransformKind

# What values that are no counts are divided by is this power of their standard deviation. As given (0), a few variables
# drown the others; as z-scores (1), those that hardly vary are as loud as those that tell cells apart.
_SHRINKAGE = 2 / 3
# What varies so many times as much as three quarters of the variables do (of expression and cytometry 6 times at most) is on
# another scale, such as light scatter among markers, and would drown them all the same.
_LOUDEST = 30.0
# Of so many rows means and variances are known well enough, and reading costs no more for any number of rows.
_MAX_ROWS = 100_000


def fit_transform(
    rows: Rows,
    *,
    kind: TransformKind,
    counts: bool,
    columns: NDArray[np.intp],
    training: NDArray[np.intp],
    totals: NDArray[np.float64],
) -> Transform:
    """Learn a transform from the training cells, in a few passes over blocks of rows.

    Parameters
    ----------
    rows
        The matrix.
    kind, counts, columns
        See :class:`Transform`. Variables that do not vary in the training cells are dropped from `columns`.
    training
        Sorted numbers of the training cells; at most 100 000 of them are looked at.
    totals
        Total count of each row of the matrix, (n_obs,).
    """
    training = rows.sample(training, _MAX_ROWS)
    learn = partial(_learn, rows, columns=columns, training=training, totals=totals)
    if not counts or kind not in ("zscore", "combined"):
        transform = learn(kind=kind, counts=counts)
    else:
        spread = dispersion(rows, columns, training, totals)
        transform = learn(kind="zscore", counts=True, target=spread.target)
        if kind == "combined":
            residuals = learn(kind="pearson", counts=True)
            transform = replace(_combine(transform, residuals, rows, training, totals), log_weight=spread.log_weight)
    return replace(transform, baseline=_seen(transform, rows, training, totals)[0].astype(np.float32))


def _learn(
    rows: Rows,
    *,
    kind: TransformKind,
    counts: bool,
    columns: NDArray[np.intp],
    training: NDArray[np.intp],
    totals: NDArray[np.float64],
    target: float | None = None,
) -> Transform:
    """Learn a transform of one kind, of logarithms if there is a target; its baseline is the mean of what goes in."""
    work = partial(_log_sums, target=target)
    mean, variance, _ = moments(rows.each(work, training, totals))
    # Below this a variance is rounding error of the sum of squares.
    rounding = np.maximum(mean[columns] ** 2, 1e-12 * variance[columns].max(initial=0))
    columns = columns[variance[columns] > 1e-9 * rounding]
    centre, scale, clip = np.zeros(len(columns)), np.ones(len(columns)), float(np.finfo(np.float32).max)
    if kind == "zscore":
        centre, scale, clip = mean[columns], np.sqrt(variance[columns]), CLIP
    elif kind == "combined":
        centre, scale, clip = mean[columns], _shrunken(variance[columns], _SHRINKAGE), CLIP
    elif kind == "none":
        centre, scale = mean[columns], _shrunken(variance[columns], 0)
    elif kind == "pearson":
        centre, clip = mean[columns] / max(totals[training].mean(), 1e-12), float(np.sqrt(len(training)))
    return Transform(
        kind=kind,
        counts=counts,
        columns=columns,
        target=1.0 if target is None else target,
        mean=centre.astype(np.float32),
        scale=scale.astype(np.float32),
        baseline=mean[columns].astype(np.float32),
        clip=clip,
    )


def _shrunken(variance: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """What to divide variables by: a power of their standard deviation, so that the mean variance is one."""
    deviation = np.sqrt(variance)
    scale = deviation**power
    if power > 0 and len(variance):
        loudest = _LOUDEST * np.quantile(deviation, 0.75)
        scale *= np.maximum(deviation / loudest, 1) ** (1 - power)
    left = (variance / scale**2).sum() / max(len(variance), 1)
    return np.asarray(scale * np.sqrt(left))


def _seen(
    transform: Transform, rows: Rows, training: NDArray[np.intp], totals: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of each transformed variable over the training cells."""
    return moments(rows.each(partial(_transformed_sums, transform), training, totals))[:2]


def _combine(
    logs: Transform,
    residuals: Transform,
    rows: Rows,
    training: NDArray[np.intp],
    totals: NDArray[np.float64],
) -> Transform:
    """Weighted mean of z-scored logarithms and Pearson residuals, both of the same total variance.

    Z-scores give every gene the same say, and so hear rare types but also noise; residuals give most to genes whose
    counts vary beyond sampling, and so drown rare types in a few strong programs. Held-out halves of the counts are
    predicted better from a map of the mean than from a map of either.
    """
    columns, in_logs, in_residuals = np.intersect1d(logs.columns, residuals.columns, return_indices=True)
    share = residuals.mean[in_residuals]
    clipped = replace(residuals, columns=columns, mean=share, clip=CLIP)
    spread = float(np.sqrt(_seen(clipped, rows, training, totals)[1].sum() / max(len(columns), 1)))
    return replace(
        logs,
        kind="combined",
        columns=columns,
        mean=logs.mean[in_logs],
        scale=logs.scale[in_logs],
        share=share,
        spread=max(spread, 1e-12),
    )


# What is summed over a block; each travels to where the rows are.


def _log_sums(values: Any, totals: NDArray[np.float64], *, target: float | None) -> Sums:
    values = as_float(values)
    if target is not None:
        log_normalise(values, totals, target)
    return sums_of(values)


def _transformed_sums(transform: Transform, values: Any, totals: NDArray[np.float64]) -> Sums:
    return sums_of(transform(as_float(values), totals))
