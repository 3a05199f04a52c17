"""What the encoder sees: z-scored logarithms, Pearson residuals, the mean of both, or the values as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from ._moments import Sums, moments, sums_of
from ._rows import as_float

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._rows import Rows

TransformKind = Literal["zscore", "pearson", "combined", "none"]

# Standardised values beyond this are single outlying cells, which would lead the training.
CLIP = 10.0
# Overdispersion of UMI counts, the usual one (Lause et al. 2021).
_THETA = 100.0
# Overdispersion of whole data sets from cell lines to atlases lies between .05 and 5.
_OVERDISPERSION_RANGE = (0.05, 5.0)
# Of so many rows means and variances are known well enough, and reading costs no more for any number of rows.
_MAX_ROWS = 100_000


@dataclass(frozen=True, kw_only=True)
class Transform:
    """How a row becomes the input of the network, with what was learnt about each variable.

    Fit one with :func:`fit_transform`; apply it to rows with `transform(rows, totals)`.

    Attributes
    ----------
    kind
        `"zscore"`: counts are first scaled to the same total and log(1 + x) is taken, then every variable is centred
        and divided by its standard deviation. `"pearson"`: analytic Pearson residuals of counts.
        `"combined"`: the mean of both, after Pearson residuals are divided by `spread`. `"none"`: as given.
    counts
        Whether the matrix holds counts.
    columns
        Numbers of the variables that the network sees, sorted, (n_inputs,).
    target
        Total to which counts are scaled before the logarithm.
    mean, scale
        Per used variable: centre and divisor of `"zscore"` and `"combined"`; share of all counts (and one) of
        `"pearson"`.
    baseline
        Mean of the transformed values over the training cells, per used variable: what explained variance is about.
    clip
        Largest absolute transformed value, of `"combined"` that of each part.
    share, spread
        For `"combined"`: share of all counts per used variable, and the root mean square of the standard deviations of
        the Pearson residuals.
    """

    kind: TransformKind
    counts: bool
    columns: NDArray[np.intp]
    target: float
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    baseline: NDArray[np.float32]
    clip: float
    share: NDArray[np.float32] | None = None
    spread: float = 1.0

    @property
    def n_inputs(self) -> int:
        """Number of variables the network sees."""
        return len(self.columns)

    def __call__(self, rows: Any, totals: NDArray[np.floating] | None = None) -> NDArray[np.float32]:
        """Transform rows.

        Parameters
        ----------
        rows
            Raw float32 rows, dense or CSR, shape (batch, n_vars); changed in place.
        totals
            Total count of each row; by default the sum over all variables of the rows.

        Returns
        -------
        Shape (batch, n_inputs) float32.
        """
        if self.kind == "none":
            return self._select(rows)
        totals = row_totals(rows) if totals is None else totals
        if self.kind == "pearson":
            return self._residuals(self._select(rows), totals, self.mean)
        residuals = None
        if self.kind == "combined":
            residuals = self._residuals(
                self._select(rows if sparse.issparse(rows) else rows.copy()), totals, self.share
            )
        if self.counts:
            log_normalise(rows, totals, self.target)
        x = self._select(rows)
        x -= self.mean
        weight = np.float32(1 if residuals is None else 0.5)
        x *= weight / self.scale
        # With both bounds, or it takes three times as long.
        np.clip(x, -np.inf if self.counts else -weight * self.clip, weight * self.clip, out=x)
        if residuals is not None:
            residuals *= np.float32(weight / self.spread)
            x += residuals
        return x

    def part(self, kept: NDArray[np.bool_]) -> Transform:
        """The same for some of the variables, by a mask of (n_inputs,)."""
        by_variable = ("columns", "mean", "scale", "baseline")
        share = None if self.share is None else self.share[kept]
        return replace(self, **{name: getattr(self, name)[kept] for name in by_variable}, share=share)

    def _residuals(self, x: NDArray[np.float32], totals: Any, share: Any) -> NDArray[np.float32]:
        """Analytic Pearson residuals of dense counts, in place."""
        expected = np.maximum(totals, 1e-12).astype(np.float32)[:, None] @ share[None, :]
        x -= expected
        deviation = expected * np.float32(1 / _THETA)
        deviation += 1
        deviation *= expected
        x /= np.sqrt(deviation, out=deviation)
        return np.clip(x, -self.clip, self.clip, out=x)

    def _select(self, rows: Any) -> NDArray[np.float32]:
        dense: NDArray[np.float32] = rows.toarray() if sparse.issparse(rows) else rows
        whole = self.n_inputs == dense.shape[1] and bool((np.diff(self.columns) == 1).all())
        return dense if whole else dense[:, self.columns]


def row_totals(rows: Any) -> NDArray[np.float64]:
    """Sum of each row, (batch,)."""
    return np.asarray(rows.sum(axis=1, dtype=np.float64)).ravel()


def log_normalise(rows: Any, totals: NDArray[np.floating], target: float) -> None:
    """Scale rows of counts to the same total and take log(1 + x), in place; rows without counts stay zero."""
    factor = np.divide(target, totals, out=np.zeros(len(totals)), where=totals > 0).astype(np.float32)
    if sparse.issparse(rows):
        rows.data *= np.repeat(factor, np.diff(rows.indptr))
    else:
        rows *= factor[:, None]
    # `log1p` takes numpy four times as long, for digits that no z-score has.
    values = rows.data if sparse.issparse(rows) else rows
    np.log(np.add(values, 1, out=values), out=values)


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
    learn = partial(_learn, rows, counts=counts, columns=columns, training=training, totals=totals)
    if kind == "combined":
        transform = _combine(
            learn(kind="zscore", counts=True), learn(kind="pearson", counts=True), rows, training, totals
        )
    else:
        transform = learn(kind=kind)
    if kind == "none":
        return transform
    return replace(transform, baseline=_seen(transform, rows, training, totals)[0].astype(np.float32))


def _learn(
    rows: Rows,
    *,
    kind: TransformKind,
    counts: bool,
    columns: NDArray[np.intp],
    training: NDArray[np.intp],
    totals: NDArray[np.float64],
) -> Transform:
    """Learn a transform of one kind; its baseline is the mean of what goes in."""
    logs = counts and kind == "zscore"
    target = _log_target(rows, columns, training, totals) if logs else 1.0
    work = partial(_log_sums, target=target if logs else None)
    mean, variance, _ = moments(rows.each(work, training, totals))
    # Below this a variance is rounding error of the sum of squares.
    columns = columns[variance[columns] > 1e-9 * np.maximum(mean[columns] ** 2, 1e-12)]
    centre, scale, clip = np.zeros(len(columns)), np.ones(len(columns)), float(np.finfo(np.float32).max)
    if kind == "zscore":
        centre, scale, clip = mean[columns], np.sqrt(variance[columns]), CLIP
    elif kind == "pearson":
        centre, clip = mean[columns] / max(totals[training].mean(), 1e-12), float(np.sqrt(len(training)))
    return Transform(
        kind=kind,
        counts=counts,
        columns=columns,
        target=target,
        mean=centre.astype(np.float32),
        scale=scale.astype(np.float32),
        baseline=mean[columns].astype(np.float32),
        clip=clip,
    )


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
    """Mean of z-scored logarithms and Pearson residuals, both of the same total variance.

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


def _log_target(
    rows: Rows, columns: NDArray[np.intp], training: NDArray[np.intp], totals: NDArray[np.float64]
) -> float:
    """Total to which counts are scaled, so that log(1 + x) stabilises their variance.

    Counts of mean m and overdispersion alpha (variance m + alpha m^2) are stabilised by log(x + 1 / 4 alpha)
    (Ahlmann-Eltze and Huber 2023). Adding one to rescaled counts is the same as adding less to the counts themselves,
    so the scale carries the pseudo-count: with 1 / 2 alpha, because alpha measured over
    all cells contains the differences between cell types too.
    """
    median = float(np.median(totals[training][totals[training] > 0]))
    factor = np.divide(median, totals, out=np.zeros(len(totals)), where=totals > 0)
    mean, variance, poisson = moments(rows.each(_scaled_sums, training, factor))
    excess = variance - poisson / len(training)
    overdispersion = float(excess[columns].sum() / max((mean[columns] ** 2).sum(), 1e-12))
    return median * 2 * float(np.clip(overdispersion, *_OVERDISPERSION_RANGE))


# What is summed over a block; each travels to where the rows are.


def _log_sums(values: Any, totals: NDArray[np.float64], *, target: float | None) -> Sums:
    values = as_float(values)
    if target is not None:
        log_normalise(values, totals, target)
    return sums_of(values)


def _transformed_sums(transform: Transform, values: Any, totals: NDArray[np.float64]) -> Sums:
    return sums_of(transform(as_float(values), totals))


def _scaled_sums(values: Any, factor: NDArray[np.float64]) -> Sums:
    values, by_row = as_float(values), factor.astype(np.float32)[:, None]
    values = sparse.csr_array(values.multiply(by_row)) if sparse.issparse(values) else values * by_row
    return sums_of(values, factor)
