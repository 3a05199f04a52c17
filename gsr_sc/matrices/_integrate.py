"""Scores of cells from several batches, brought together without merging what only one batch holds.

Cells are put into soft clusters in which all batches are wanted to occur as often as overall, and in each cluster the offset
of every batch is taken off, by a ridge regression that shrinks the offsets of batches with few cells there (the scheme of
Harmony, Korsunsky et al. 2019, from its description). A cluster of one batch only keeps its place: its offset is its mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_CELLS_PER_CLUSTER = 30
_MAX_CLUSTERS = 100
# Width of the soft clusters on the unit sphere and ridge on the offsets, as published; a tenth of the published weight of their
# diversity, which mixes as well on real batches and merges far less of what only one batch holds.
_WIDTH = 0.1
_DIVERSITY = 0.2
_RIDGE = 1.0
_N_ROUNDS = 10
_N_SWEEPS = 5
_N_PARTS = 20
_CONVERGED = 1e-3
_SEED = 0


@dataclass(frozen=True)
class _Round:
    """Soft clusters of one round, and the offsets of the batches in them.

    Attributes
    ----------
    centres
        On the unit sphere, (n_clusters, n_components).
    favour
        Logarithm of how much a batch is favoured in a cluster, (n_batches, n_clusters).
    offsets
        (n_clusters, n_batches, n_components).
    """

    centres: Array
    favour: Array
    offsets: Array

    def shares(self, scores: Array, design: Array) -> Array:
        """Share of each cluster in each cell, (n_obs, n_clusters)."""
        return _softmax(_closeness(scores, self.centres) + design @ self.favour)

    def correct(self, scores: Array, shares: Array, design: Array) -> Array:
        """Scores without the offsets."""
        corrected = scores.copy()
        for batch in range(design.shape[1]):
            rows = design[:, batch] > 0
            corrected[rows] -= shares[rows] @ self.offsets[:, batch]
        return corrected


@dataclass(frozen=True)
class Integration:
    """How scores are corrected for batches; learnt by :func:`fit_integration`.

    Attributes
    ----------
    means
        Mean of each batch, where the first clusters are looked for, (n_batches, n_components).
    rounds
        Corrections, each from the scores as given, with clusters of the one before.
    """

    means: Array
    rounds: tuple[_Round, ...]

    def __call__(self, scores: NDArray[np.floating], design: NDArray[np.floating]) -> NDArray[np.float32]:
        """Correct scores of any cells of these batches.

        Parameters
        ----------
        scores
            (n_obs, n_components).
        design
            One column of zeros and ones for every batch, (n_obs, n_batches).
        """
        given, batches = np.asarray(scores, dtype=np.float64), np.asarray(design, dtype=np.float64)
        corrected = given - batches @ self.means
        for step in self.rounds:
            corrected = step.correct(given, step.shares(corrected, batches), batches)
        return corrected.astype(np.float32)


def fit_integration(scores: NDArray[np.floating], design: NDArray[np.floating]) -> Integration:
    """Learn how the scores of batches differ within soft clusters of cells.

    Deterministic: the same scores give the same correction.

    Parameters
    ----------
    scores
        Principal component scores, (n_obs, n_components).
    design
        One column of zeros and ones for every batch; with several batch variables their columns side by side,
        (n_obs, n_batches).

    Examples
    --------
    >>> import numpy as np
    >>> from gsr_sc.matrices import fit_integration
    >>> rng = np.random.default_rng(0)
    >>> design = np.repeat(np.eye(2), 50, axis=0)
    >>> scores = rng.normal(size=(100, 3)) + 5 * design[:, :1]
    >>> corrected = fit_integration(scores, design)(scores, design)
    >>> bool(abs(corrected[:50].mean() - corrected[50:].mean()) < 1)
    True
    """
    from sklearn.cluster import KMeans

    given, batches = np.asarray(scores, dtype=np.float64), np.asarray(design, dtype=np.float64)
    n_clusters = int(np.clip(len(given) // _CELLS_PER_CLUSTER, 1, _MAX_CLUSTERS))
    # Clusters of what is left beside the mean of each batch: a shift of a whole batch larger than the distances between
    # cell types would make every cluster one of a single batch, and nothing would ever move.
    means: Array = np.asarray(np.linalg.lstsq(batches, given, rcond=None)[0], dtype=np.float64)
    corrected = given - batches @ means
    found = KMeans(n_clusters, n_init=1, random_state=_SEED).fit(_on_sphere(corrected))
    centres, rounds = _on_sphere(found.cluster_centers_), list[_Round]()
    shares = _softmax(_closeness(corrected, centres))
    for _ in range(_N_ROUNDS):
        centres, favour, shares = _clusters(corrected, batches, shares)
        step = _Round(centres, favour, _offsets(given, batches, shares))
        # By its own rule for any cell, so that the cells that were learnt from are treated like all others.
        before, corrected = corrected, step.correct(given, step.shares(corrected, batches), batches)
        rounds.append(step)
        if ((corrected - before) ** 2).sum() < _CONVERGED * (given**2).sum():
            break
    return Integration(means, tuple(rounds))


def _clusters(scores: Array, design: Array, shares: Array) -> tuple[Array, Array, Array]:
    """Centres, favours and shares after a few sweeps over the cells, part by part."""
    frequency = design.mean(axis=0)
    favour = np.zeros((design.shape[1], shares.shape[1]))
    centres = _on_sphere(shares.T @ _on_sphere(scores))
    for _ in range(_N_SWEEPS):
        centres = _on_sphere(shares.T @ _on_sphere(scores))
        closeness = _closeness(scores, centres)
        seen, mass = design.T @ shares, shares.sum(axis=0)
        for part in range(_N_PARTS):
            rows = slice(part, None, _N_PARTS)
            seen -= design[rows].T @ shares[rows]
            mass -= shares[rows].sum(axis=0)
            favour = _DIVERSITY * np.log((np.outer(frequency, mass) + 1) / (seen + 1))
            shares[rows] = _softmax(closeness[rows] + design[rows] @ favour)
            seen += design[rows].T @ shares[rows]
            mass += shares[rows].sum(axis=0)
    return centres, favour, shares


def _offsets(scores: Array, design: Array, shares: Array) -> Array:
    """Offset of every batch in every cluster from the cluster's own mean, (n_clusters, n_batches, n_components)."""
    with_mean = np.column_stack([np.ones(len(design)), design])
    ridge = _RIDGE * np.diag([0.0] + [1.0] * design.shape[1])
    offsets = np.empty((shares.shape[1], design.shape[1], scores.shape[1]))
    for cluster, share in enumerate(shares.T):
        weighted = with_mean * share[:, None]
        normal = weighted.T @ with_mean + ridge + 1e-9 * np.eye(len(ridge))
        offsets[cluster] = np.linalg.solve(normal, weighted.T @ scores)[1:]
    return offsets


def _on_sphere(x: Array) -> Array:
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12))


def _closeness(scores: Array, centres: Array) -> Array:
    return np.asarray(-2 * (1 - _on_sphere(scores) @ centres.T) / _WIDTH)


def _softmax(logits: Array) -> Array:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
