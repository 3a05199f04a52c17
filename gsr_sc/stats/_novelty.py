"""How strange a cell looks to a model, judged by cells that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from sklearn.covariance import ledoit_wolf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._shared import Together

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
# Measures of a cell that is looked at alone, and how much those count beside it that it shows with others.
_N_ALONE = 3
_SAY = (1.0, 2.0)
# Standard deviations are taken to be this at least: among few cells of a query all company is alike.
_LEAST_SPREAD = (0.0, 0.0, 0.0, 0.0, 0.5)


class Look(NamedTuple):
    """What a network shows of cells.

    Attributes
    ----------
    residuals
        What it leaves unexplained of the variables that are there, (n, n_found).
    along
        Scores along the principal axes of the reference, (n, n_components).
    evidence
        For each neuron, before they are made shares, (n, n_neurons).
    """

    residuals: NDArray[np.float32]
    along: NDArray[np.float32]
    evidence: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """What turns what a network shows of cells into a score, and the score into a share of held-out cells.

    Three things are looked at. The mean squared residual over variables, each in units of its usual residual, sees genes that
    the reference never showed. How far cells are from the nearest group of the reference, along its principal components and
    in the evidence for neurons, sees known genes in a combination that no group has: Mahalanobis distances to the means of
    groups with one covariance for all of them, shrunk as the number of cells asks for. All three grow with sampling
    noise, so their trend and spread along the depth are taken off first. New cells need be far in one of them only, so that the
    score is their soft maximum.

    Attributes
    ----------
    axes
        Principal axes of the reference, (n_inputs, n_components).
    variance
        Usual squared residual of every variable, (n_inputs,).
    along_scale, evidence_scale
        What makes the scores along the axes, and the evidence, vary by one within groups in all directions,
        (n_components, n_components) and (n_neurons, n_neurons).
    along_groups, evidence_groups
        Means of groups after that, (n_groups, n_components) and (n_groups, n_neurons).
    depth
        Lowest, highest and mean depth of the held-out cells and its standard deviation, (4,).
    trend, spread
        Polynomial coefficients, along the depth, of each measure and of the logarithm of its standard deviation,
        (n_measures, n_terms) and (n_measures, n_terms).
    scores
        Sorted scores of the held-out cells, or as many quantiles of them.
    n_held_out
        How many held-out cells there were.
    alone
        Mean and standard deviation of the soft maximum of the first three measures of held-out cells, (2,).
    """

    axes: NDArray[np.float32]
    variance: NDArray[np.float32]
    along_scale: NDArray[np.float32]
    along_groups: NDArray[np.float32]
    evidence_scale: NDArray[np.float32]
    evidence_groups: NDArray[np.float32]
    depth: NDArray[np.float64]
    trend: NDArray[np.float64]
    spread: NDArray[np.float64]
    scores: NDArray[np.float64]
    n_held_out: int
    alone: NDArray[np.float64]

    def measure(
        self, look: Look, found: NDArray[np.bool_] | None = None, shared: Together | None = None
    ) -> NDArray[np.float64]:
        """Logarithm of all measures, (n, 3), or (n, 5) with what cells have in common.

        Parameters
        ----------
        look
            What a network shows of the cells.
        found
            Variables that the residuals are of, (n_inputs,); all by default.
        shared
            What cells of a query have in common.
        """
        variance = self.variance if found is None else self.variance[found]
        # What stands for missing variables makes the noise of the others count the more: see `PartialSource`.
        share = 1.0 if found is None else float(found.mean())
        unexplained = (look.residuals**2 / variance).mean(axis=1, dtype=np.float64)
        along = _to_nearest(look.along, self.along_scale, self.along_groups)
        evidence = share * _to_nearest(look.evidence, self.evidence_scale, self.evidence_groups)
        measures = [unexplained, along, evidence]
        if shared is None:
            return np.log(np.column_stack(measures) + _LEAST)
        points = where(look, shared.axes)
        in_common = (points[:, look.along.shape[1] :] ** 2).sum(axis=1, dtype=np.float64)
        logs = np.log(np.column_stack([*measures, in_common]) + _LEAST)
        return np.column_stack([logs, shared.company(points)])

    def score(self, measures: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much more than usual there is at this depth of the measure that has most, (n,).

        What a cell shows alone and what it leaves unexplained as others do have the same say, the company that it keeps has
        twice that: it is told from many cells, and other batches and depths change it least.
        """
        excess = self.excess(measures, depth)
        alone = np.asarray(logsumexp(excess[:, :_N_ALONE], axis=1))
        if excess.shape[1] == _N_ALONE:
            return alone
        common = excess[:, _N_ALONE:] * _SAY
        return np.asarray(logsumexp(np.column_stack([(alone - self.alone[0]) / self.alone[1], common]), axis=1))

    def excess(self, measures: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each measure in standard deviations of held-out cells of this depth, (n, n_measures)."""
        terms = _terms(depth, self.depth, self.trend.shape[1])
        return np.asarray((measures - terms @ self.trend.T) * np.exp(-(terms @ self.spread.T)))

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


def where(look: Look, shared_axes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where cells are along the axes of the reference and in the directions that residuals have in common, (n, n_dims)."""
    return np.concatenate([look.along, look.residuals @ shared_axes], axis=1)


def usual_looks(axes: NDArray[np.float32], look: Look, groups: NDArray[Any]) -> Novelty:
    """Learn what is usual of variables and groups, from training cells and the group of each, (n_training,).

    What comes back can `measure`; what is usual for cells is left to :func:`calibrate`.
    """
    squares = np.mean(look.residuals.astype(np.float64) ** 2, axis=0)
    along_scale, along_groups = _spread_of_groups(look.along, groups)
    evidence_scale, evidence_groups = _spread_of_groups(look.evidence, groups)
    return Novelty(
        axes=axes,
        # Variables that are always explained would make anything strange.
        variance=(squares + 0.05 * squares.mean() + _LEAST).astype(np.float32),
        along_scale=along_scale,
        along_groups=along_groups,
        evidence_scale=evidence_scale,
        evidence_groups=evidence_groups,
        depth=np.zeros(4),
        trend=np.zeros((3, 1)),
        spread=np.zeros((3, 1)),
        scores=np.zeros(0),
        n_held_out=0,
        alone=np.array([0.0, 1.0]),
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
        Of the held-out cells, (n_held_out, 3) and (n_held_out,).
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
    # Which measure is most is asked in standard deviations of held-out cells.
    novelty = replace(usual, depth=stored, trend=along, spread=spread, n_held_out=len(depth))
    off = (measures - _terms(depth, stored, n_terms) @ along.T).std(axis=0) + _LEAST
    wider = np.maximum(np.array(_LEAST_SPREAD[: len(off)]) / off, 1)
    spread[:, 0] += np.log(novelty.excess(measures, depth).std(axis=0) * wider + _LEAST)
    alone = logsumexp(novelty.excess(measures, depth)[:, :_N_ALONE], axis=1)
    novelty = replace(novelty, alone=np.array([alone.mean(), alone.std() + _LEAST]))
    return replace(novelty, scores=kept_scores(novelty.score(measures, depth)))


def kept_scores(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores as they are kept: sorted, or of many as many quantiles."""
    if len(scores) > _N_QUANTILES:
        return np.asarray(np.quantile(scores, (np.arange(_N_QUANTILES) + 0.5) / _N_QUANTILES))
    return np.sort(scores)


def _spread_of_groups(
    values: NDArray[np.float32], groups: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What makes the spread within groups one in all directions, (n_dims, n_dims), and their means after that."""
    numbers = np.unique(groups, return_inverse=True)[1]
    values = values.astype(np.float64)
    means = np.stack([values[numbers == number].mean(axis=0) for number in range(numbers.max() + 1)])
    covariance = ledoit_wolf(values - means[numbers], assume_centered=True)[0]
    # Directions that the reference does not use would make anything strange.
    covariance += (1e-3 * np.trace(covariance) / len(covariance) + _LEAST) * np.eye(len(covariance))
    scale = np.linalg.cholesky(np.linalg.inv(covariance))
    return scale.astype(np.float32), (means @ scale).astype(np.float32)


def _to_nearest(
    values: NDArray[np.float32], scale: NDArray[np.float32], means: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Squared distance to the nearest group, (n,)."""
    return np.asarray(cdist(values @ scale, means, "sqeuclidean").min(axis=1), dtype=np.float64)


def _terms(depth: NDArray[np.float64], stored: NDArray[np.float64], n_terms: int) -> NDArray[np.float64]:
    """Powers of the standardised depth, (n, n_terms), constant beyond what was seen."""
    lowest, highest, mean, scale = stored
    at = (np.clip(depth, lowest, highest) - mean) / scale
    return np.vander(at, n_terms, increasing=True)
