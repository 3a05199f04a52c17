"""What the encoder sees: z-scored logarithms, Pearson residuals, a mean of both, or the values as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray


TransformKind = Literal["zscore", "pearson", "combined", "none"]

# Standardised values beyond this are single outlying cells, which would lead the training.
CLIP = 10.0
# Overdispersion of UMI counts, the usual one (Lause et al. 2021).
_THETA = 100.0


@dataclass(frozen=True, kw_only=True)
class Transform:
    """How a row becomes the input of the network, with what was learnt about each variable.

    Fit one with :func:`fit_transform`; apply it to rows with `transform(rows, totals)`.

    Attributes
    ----------
    kind
        `"zscore"`: counts are first scaled to the same total and log(1 + x) is taken, then every variable is centred
        and divided by its standard deviation. `"pearson"`: analytic Pearson residuals of counts.
        `"combined"`: of counts a weighted mean of both, after Pearson residuals are divided by `spread`; other values are
        centred and divided by a power of their standard deviation. `"none"`: as given, but for the origin and one unit for
        all variables, so that what is learned does not depend on those in which they were measured.
    counts
        Whether the matrix holds counts.
    columns
        Numbers of the variables that the network sees, in its order, (n_inputs,).
    target
        Total to which counts are scaled before the logarithm.
    mean, scale
        Per used variable: centre and divisor of `"zscore"`, `"combined"` and `"none"`; share of all counts (and one) of
        `"pearson"`.
    baseline
        Mean of the transformed values over the training cells, per used variable: what explained variance is about.
    clip
        Largest absolute transformed value, of `"combined"` that of each part.
    share, spread
        For `"combined"` counts: share of all counts per used variable, and the root mean square of the standard deviations of
        the Pearson residuals.
    log_weight
        For `"combined"` counts: weight of the z-scored logarithms; that of the residuals is what is left of one.
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
    log_weight: float = 0.5

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
        if self.kind != "none" and totals is None:
            totals = row_totals(rows)
        rows = self._narrowed(rows)
        if self.kind == "none":
            values = _dense(rows)
            values -= self.mean
            values /= self.scale
            return values
        if self.kind == "pearson":
            return self._residuals(_dense(rows), totals, self.mean)
        residuals = None
        if self.share is not None:
            residuals = self._residuals(rows.toarray() if sparse.issparse(rows) else rows.copy(), totals, self.share)
        if self.counts:
            log_normalise(rows, np.asarray(totals), self.target)
        x = _dense(rows)
        x -= self.mean
        weight = np.float32(1 if residuals is None else self.log_weight)
        x *= weight / self.scale
        # With both bounds, or it takes three times as long.
        np.clip(x, -np.inf if self.counts else -weight * self.clip, weight * self.clip, out=x)
        if residuals is not None:
            residuals *= (1 - weight) / np.float32(self.spread)
            x += residuals
        return x

    def as_given(self, rows: Any) -> NDArray[np.float32]:
        """The variables that the network sees as they stand in raw float32 rows, (batch, n_inputs)."""
        return _dense(self._narrowed(rows))

    def given_back(self, seen: NDArray[np.float32], *, differences: bool = False) -> NDArray[np.float32]:
        """What the network sees, (batch, n_inputs), as users see it: values as given in their own units, others transformed.

        Parameters
        ----------
        seen
            What the network sees, or expects to see.
        differences
            Whether these are differences between such.
        """
        if self.kind != "none":
            return seen
        values = seen * self.scale
        return values if differences else values + self.mean

    def part(self, kept: NDArray[np.bool_]) -> Transform:
        """The same for some of the variables, by a mask of (n_inputs,)."""
        by_variable = ("columns", "mean", "scale", "baseline")
        share = None if self.share is None else self.share[kept]
        return replace(self, **{name: getattr(self, name)[kept] for name in by_variable}, share=share)

    def _residuals(self, x: NDArray[np.float32], totals: Any, share: Any) -> NDArray[np.float32]:
        """Analytic Pearson residuals of dense counts, in place."""
        # Expected counts m, and m + m * m / theta: as products of two columns they take BLAS half the time of an outer product.
        totals = np.maximum(totals, 1e-12)
        by_row = np.column_stack([totals, totals**2 / _THETA]).astype(np.float32)
        by_variable = np.stack([share, share**2])
        x -= (by_row * np.array([1, 0], dtype=np.float32)) @ by_variable
        variance = by_row @ by_variable
        x /= np.sqrt(variance, out=variance)
        return np.clip(x, -self.clip, self.clip, out=x)

    def _narrowed(self, rows: Any) -> Any:
        """Rows of the variables that the network sees, in its order; where they are sparse, in their own memory."""
        if self.n_inputs == rows.shape[1] and self._ascending:
            return rows
        if not sparse.issparse(rows):
            # As `rows[:, columns]`, but row by row in memory, as what comes after goes through it.
            return np.take(rows, self.columns, axis=1)
        # Before they are made dense: less to fill, and nothing to take from it.
        at = np.take(self._places, rows.indices, mode="clip")
        kept = at >= 0
        shape = (rows.shape[0], self.n_inputs)
        if kept.all():
            return sparse.csr_array((rows.data, at, rows.indptr), shape=shape)
        ends = np.concatenate([[0], np.cumsum(kept)])[rows.indptr]
        return sparse.csr_array((rows.data[kept], at[kept], ends), shape=shape)

    @cached_property
    def _ascending(self) -> bool:
        """Whether the inputs follow the order of the variables: those of cells placed on a map need not."""
        return bool((np.diff(self.columns) > 0).all())

    @cached_property
    def _places(self) -> NDArray[np.int32]:
        """Which input each variable is, -1 for none, up to one behind the last input."""
        places = np.full(self.columns.max(initial=-1) + 2, -1, dtype=np.int32)
        places[self.columns] = np.arange(self.n_inputs)
        return places


def _dense(rows: Any) -> NDArray[np.float32]:
    dense: NDArray[np.float32] = rows.toarray() if sparse.issparse(rows) else rows
    return dense


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
    # numpy takes the logarithm of several values at a time, but `log1p` of one by one: four times as long, for digits that no
    # z-score has.
    values = rows.data if sparse.issparse(rows) else rows
    np.log(np.add(values, 1, out=values), out=values)
