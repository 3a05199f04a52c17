"""How strange a cell looks to a model, judged by cells that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# So many values of the held-out scores are kept, whatever their number.
_N_QUANTILES = 1000
# Fewer held-out cells say too little: 19 is the least that can call a cell stranger than 95 % of them.
MIN_HELD_OUT = 19
# Held-out cells that a term of the trend with depth takes.
_CELLS_PER_TERM = 30
_LEAST = 1e-9
_TAIL = 0.9
# Beyond this one is no longer less than what can be told from it.
_FARTHEST = 25.0


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """What turns the residuals of cells into a score, and the score into a share of held-out cells.

    Two things are looked at. The mean squared residual over variables, each in units of its usual residual, sees genes that
    the reference never showed. The length of the residual along the principal components of the reference, in units of the
    usual residual there, sees known genes in a combination that no neuron stands for. Both grow with sampling noise, so
    their trend and spread along the depth are taken off first; the score is their sum.

    Attributes
    ----------
    axes
        Principal axes of the reference, (n_inputs, n_components).
    variance
        Usual squared residual of every variable, (n_inputs,).
    centre, precision
        Mean and inverse covariance of usual residuals along the axes, (n_components,) and (n_components, n_components).
    depth
        Lowest, highest and mean depth of the held-out cells and its standard deviation, (4,).
    trend, spread
        Polynomial coefficients, along the depth, of each measure and of the logarithm of its standard deviation,
        (2, n_terms) and (2, n_terms).
    scores
        Sorted scores of the held-out cells, or as many quantiles of them.
    n_held_out
        How many held-out cells there were.
    """

    axes: NDArray[np.float32]
    variance: NDArray[np.float32]
    centre: NDArray[np.float32]
    precision: NDArray[np.float32]
    depth: NDArray[np.float64]
    trend: NDArray[np.float64]
    spread: NDArray[np.float64]
    scores: NDArray[np.float64]
    n_held_out: int

    def measure(self, residuals: NDArray[np.float32], found: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Logarithm of both measures, (n, 2); of variables that were `found` alone, whose residuals these are then."""
        axes, variance = (self.axes, self.variance) if found is None else (self.axes[found], self.variance[found])
        return _measure(residuals, axes, variance, self.centre, self.precision, whole=len(self.axes))

    def score(self, measures: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much more than usual of both there is at this depth, (n,)."""
        terms = _terms(depth, self.depth, self.trend.shape[1])
        return np.asarray(((measures - terms @ self.trend.T) * np.exp(-(terms @ self.spread.T))).sum(axis=1))

    def __call__(self, measures: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of held-out cells that look less strange, as one minus a conformal p-value, (n,) in [0, 1).

        Beyond the strangest of them the p-value falls on exponentially, as the scores of the strangest tenth do, so that
        few held-out cells do not make all new ones alike.
        """
        score = self.score(measures, depth)
        below = np.searchsorted(self.scores, score) / len(self.scores)
        tail = self.scores[self.scores >= np.quantile(self.scores, _TAIL)]
        scale = max(float((tail - tail[0]).mean()), _LEAST)
        beyond = np.clip((score - self.scores[-1]) / scale, 0, _FARTHEST)
        p_value = 1 - below * self.n_held_out / (self.n_held_out + 1)
        return np.asarray(1 - p_value * np.exp(-beyond))


def usual_residuals(axes: NDArray[np.float32], residuals: NDArray[np.float32]) -> Novelty:
    """Learn how variables and axes compare, from residuals of training cells, (n_training, n_inputs).

    What comes back can `measure`; what is usual for cells is left to :func:`calibrate`.
    """
    squares = np.mean(residuals.astype(np.float64) ** 2, axis=0)
    # Variables that are always explained would make anything strange.
    variance = (squares + 0.05 * squares.mean() + _LEAST).astype(np.float32)
    along = residuals.astype(np.float64) @ axes
    covariance = np.atleast_2d(np.cov(along.T))
    covariance += (1e-3 * np.trace(covariance) / len(covariance) + _LEAST) * np.eye(len(covariance))
    return Novelty(
        axes=axes,
        variance=variance,
        centre=along.mean(axis=0).astype(np.float32),
        precision=np.linalg.inv(covariance).astype(np.float32),
        depth=np.zeros(4),
        trend=np.zeros((2, 1)),
        spread=np.zeros((2, 1)),
        scores=np.zeros(0),
        n_held_out=0,
    )


def calibrate(
    usual: Novelty,
    measures: NDArray[np.float64],
    depth: NDArray[np.float64],
    shallow: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    *,
    trend: bool = True,
) -> Novelty:
    """Learn what is usual for held-out cells.

    Parameters
    ----------
    usual
        What measured them.
    measures, depth
        Of the held-out cells, (n_held_out, 2) and (n_held_out,).
    shallow
        The same of held-out cells of which counts were taken away: the trend with depth is learnt from them too, so that
        it holds for queries less deep than the reference.
    trend
        Whether the depth says anything.
    """
    depths = np.concatenate([depth, *(at for _, at in shallow)])
    values = np.concatenate([measures, *(value for value, _ in shallow)])
    varies = depths.std() > 0.01 * max(abs(float(depths.mean())), _LEAST)
    n_terms = 1 + min(2, len(depth) // _CELLS_PER_TERM) if trend and varies else 1
    stored = np.array([*np.quantile(depths, [0.01, 0.99]), depths.mean(), max(depths.std(), _LEAST)])
    terms = _terms(depths, stored, n_terms)
    along = np.asarray(np.linalg.lstsq(terms, values, rcond=None)[0].T, dtype=np.float64)
    left = np.abs(values - terms @ along.T)
    log_spread = np.log(left + 0.05 * left.mean(axis=0) + _LEAST)
    spread = np.asarray(np.linalg.lstsq(terms, log_spread, rcond=None)[0].T, dtype=np.float64)
    novelty = replace(usual, depth=stored, trend=along, spread=spread, n_held_out=len(depth))
    scores = np.sort(novelty.score(measures, depth))
    if len(scores) > _N_QUANTILES:
        scores = np.quantile(scores, (np.arange(_N_QUANTILES) + 0.5) / _N_QUANTILES)
    return replace(novelty, scores=scores)


def _measure(
    residuals: NDArray[np.float32],
    axes: NDArray[np.float32],
    variance: NDArray[np.float32],
    centre: NDArray[np.float32],
    precision: NDArray[np.float32],
    *,
    whole: int,
) -> NDArray[np.float64]:
    by_variable = (residuals**2 / variance).mean(axis=1, dtype=np.float64)
    # Sampling noise along an axis adds up over variables: with fewer of them there is less of it.
    off = (residuals @ axes) * np.float32(np.sqrt(whole / max(len(axes), 1))) - centre
    along = np.einsum("ij,jk,ik->i", off, precision, off, optimize=True)
    return np.log(np.column_stack([by_variable, np.maximum(along, 0)]) + _LEAST)


def _terms(depth: NDArray[np.float64], stored: NDArray[np.float64], n_terms: int) -> NDArray[np.float64]:
    """Powers of the standardised depth, (n, n_terms), constant beyond what was seen."""
    lowest, highest, mean, scale = stored
    at = (np.clip(depth, lowest, highest) - mean) / scale
    return np.vander(at, n_terms, increasing=True)
