"""What observations with a large weight have more of than the rest, for many weights and variables at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Contrasts:
    """Weighted mean minus the mean of the rest.

    Attributes
    ----------
    difference
        In the units of the values, (n_vars, n_weights).
    sd
        Standard deviation of each variable over all observations, (n_vars,).
    n_effective
        How many observations a weighted mean is worth, (n_weights,): Kish's (sum w)^2 / sum w^2.
    variance
        Variance that `difference / sd` has by sampling alone, (n_weights,).
    """

    difference: NDArray[np.float64]
    sd: NDArray[np.float64]
    n_effective: NDArray[np.float64]
    variance: NDArray[np.float64]

    @property
    def standardised(self) -> NDArray[np.float64]:
        """Differences in standard deviations of the variable, 0 where it does not vary, (n_vars, n_weights)."""
        sd = self.sd[:, None]
        return np.divide(self.difference, sd, out=np.zeros_like(self.difference), where=sd > 0)

    @property
    def shrinkage(self) -> NDArray[np.float64]:
        """Share of the standardised differences that is not sampling, (n_weights,).

        The posterior mean of an effect whose prior variance is estimated from all variables is this share of it:
        nearly all where many observations stand behind a mean, nothing where few noisy ones do.
        """
        varies = self.sd > 0
        square = (self.standardised[varies] ** 2).mean(axis=0) if varies.any() else np.zeros_like(self.variance)
        real = np.clip(square - self.variance, 0, None)
        return np.divide(real, square, out=np.zeros_like(square), where=square > 0)


class ContrastSums(NamedTuple):
    """What a block of rows adds to the means of :func:`weighted_contrasts`.

    Attributes
    ----------
    weighted
        Weighted sums of the variables, (n_vars, n_weights).
    total, squares
        Sums of the variables and of their squares, (n_vars,).
    """

    weighted: NDArray[np.float64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]


def contrast_sums(block: Any, weights: NDArray[np.floating]) -> ContrastSums:
    """What some rows, dense or CSR (rows, n_vars), add with the weights of each, (rows, n_weights)."""
    # A sparse matrix with single precision would sum in single precision.
    w = weights if sparse.issparse(block) else weights.astype(block.dtype)
    ones = np.ones(block.shape[0])
    power = block.multiply(block) if sparse.issparse(block) else block * block
    return ContrastSums(
        np.asarray(block.T @ w, dtype=np.float64),
        np.asarray(ones @ block, dtype=np.float64).ravel(),
        np.asarray(ones @ power, dtype=np.float64).ravel(),
    )


def weighted_contrasts(parts: Iterable[ContrastSums], weights: NDArray[np.floating]) -> Contrasts:
    """Contrast weighted observations with the rest, from what :func:`contrast_sums` gives for each block of them.

    Parameters
    ----------
    parts
        Of blocks that are all observations together; they are added up as they come.
    weights
        How much of each observation belongs to each side, in [0, 1], (n_obs, n_weights).

    Raises
    ------
    ValueError
        If there are no rows.
    """
    weights = np.asarray(weights, dtype=np.float64)
    n_obs, added = len(weights), None
    for part in parts:
        added = part if added is None else ContrastSums(*map(np.add, added, part))
    if added is None:
        msg = "There are no rows."
        raise ValueError(msg)
    sums, total, squares = added
    mass, size = weights.sum(axis=0), (weights**2).sum(axis=0)
    rest, rest_size = n_obs - mass, n_obs - 2 * mass + size
    inside = np.divide(sums, mass, out=np.zeros_like(sums), where=mass > 0)
    others = total[:, None] - sums
    outside = np.divide(others, rest, out=np.zeros_like(others), where=rest > 1e-9 * n_obs)
    mean = total / n_obs
    variance = squares / n_obs - mean**2
    # Below this a variance is rounding error of the sum of squares.
    sd = np.sqrt(np.where(variance > 1e-9 * np.maximum(mean**2, 1e-12), variance, 0))
    n_effective = _ratio(mass**2, size)
    both = (mass > 0) & (rest > 1e-9 * n_obs)
    return Contrasts(
        difference=np.where(both, inside - outside, 0.0),
        sd=sd,
        n_effective=n_effective,
        # Of sum_i x_i (w_i / W - (1 - w_i) / (n - W)): an observation that belongs to both sides counts on both.
        variance=np.clip(
            _ratio(size, mass**2) + _ratio(rest_size, rest**2) - 2 * _ratio(mass - size, mass * rest), 0, None
        ),
    )


def column_correlations(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pearson correlation of corresponding columns over the rows where both are finite, (n_columns,).

    NaN where a column does not vary or fewer than three rows are left.
    """
    known = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    if known.sum() < 3:
        return np.full(first.shape[1], np.nan)
    a, b = (np.asarray(values[known], dtype=np.float64) for values in (first, second))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    return np.divide((a * b).sum(axis=0), scale, out=np.full(a.shape[1], np.nan), where=scale > 1e-12)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
