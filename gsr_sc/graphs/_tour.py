"""A ring through few observations with little noise, such as views of a turning object: the tour that bends least.

Opposite views of an object may look more alike than views next to each other. Neighbours then tie both sides of the ring
together, and a map of them folds it. A tour through all observations passes such places twice, straight on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import pdist, squareform
from scipy.stats import gmean

from ._match import squared_distances
from ._position import mean_angle, ring_angles
from ._smoothing import cross_validated
from ._soft_map import Sweeps, as_map, sharing_width
from ._unfold import with_coordinates

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._graph import NeuronGraph
    from ._laplacian import HeatKernel
    from ._soft_map import AnnealedMap

    Array = NDArray[np.float64]

# More observations than these tell the way round by themselves, and a tour of them takes long.
_MOST_OBSERVATIONS = 250
# What a part of the components leaves unexplained along the tour of the others, over that along the map, geometric mean over
# parts: noise, through which any tour finds a way, gives 1.2 to 3.5, folded rings .02 to .7.
_CLEARER, _N_PARTS = 0.8, 4
_N_STARTS, _N_NEAR = 2, 15
# So many tours are tried from each start, times the number of observations.
_TRIALS = 4000
_SEED = 0
_STRENGTHS = np.geomspace(1e-3, 1e6, 40)


def fit_tour_map(
    x: NDArray[np.float32], graph: NeuronGraph, other: AnnealedMap, kernel: HeatKernel
) -> AnnealedMap | None:
    """Lay few observations round a ring along a tour through all of them, if that tells clearly more than another map does.

    Whether it does is judged by components that had no part in it: tours of all others have to leave less of them unexplained.

    Parameters
    ----------
    x
        Principal components, (n_obs, n_components).
    graph
        A ring.
    other
        The map that is there already.
    kernel
        Heat kernel of the ring.

    Returns
    -------
    The map along the tour, or None if the other one is to be kept.
    """
    if len(x) > _MOST_OBSERVATIONS or x.shape[1] < _N_PARTS:
        return None
    values = np.asarray(x, dtype=np.float64)
    angle = ring_angles(graph)
    before = np.argsort(mean_angle(other.responsibilities(x), angle), kind="stable")
    part = np.arange(x.shape[1]) % _N_PARTS
    ratios = []
    for which in range(_N_PARTS):
        judged, order = values[:, part == which], closed_tour(values[:, part != which])
        ratios.append(_unexplained(judged[order]) / max(_unexplained(judged[before]), 1e-300))
    if gmean(np.maximum(ratios, 1e-300)) >= _CLEARER:
        return None
    order = closed_tour(values)
    turn = np.empty(len(x))
    turn[order] = np.arange(len(x)) * (2 * np.pi / len(x))
    space = with_coordinates(x, _on_circle(turn).astype(np.float32))
    prototypes = _on_circle(angle)
    distance = squared_distances(space.coordinates, prototypes.astype(np.float32))
    laid = Sweeps(prototypes, sharing_width(distance), distance)
    return replace(as_map(laid, space.coordinates, kernel), unfolded=space)


def closed_tour(x: NDArray[np.floating]) -> NDArray[np.intp]:
    """Order the observations along a closed way through all of them, short and then as straight as can be found.

    A local search over reversals of stretches, first for the length, then for the sum of squared second differences, started
    anew from the best tour so far with four of its pieces swapped.

    Parameters
    ----------
    x
        Coordinates, (n_obs, n_coordinates), at least 8 observations.

    Returns
    -------
    Numbers of the observations in the order of the tour, (n_obs,).

    Examples
    --------
    An eight, which crosses itself:

    >>> import numpy as np
    >>> from gsr_sc.graphs._tour import closed_tour
    >>> turn = np.linspace(0, 2 * np.pi, 30, endpoint=False) + 0.1
    >>> order = closed_tour(np.column_stack([np.sin(turn), np.sin(2 * turn)]))
    >>> sorted(np.unique(np.diff(order) % 30).tolist()) in ([1], [29])
    True
    """
    moves = _Reversals(squareform(pdist(x)))
    rng, n_obs = np.random.default_rng(_SEED), len(x)
    found: list[tuple[float, NDArray[np.intp]]] = []
    for _ in range(_N_STARTS):
        order = moves.settle(rng.permutation(n_obs))
        bend = moves.bend(order)
        for _ in range(max(_TRIALS // n_obs, 1)):
            first, second, third, last = np.split(order, np.sort(rng.choice(n_obs - 1, 3, replace=False) + 1))
            trial = moves.settle(np.concatenate([first, third, second, last]))
            if (less := moves.bend(trial)) < bend:
                order, bend = trial, less
        found.append((bend, order))
    return min(found, key=lambda each: each[0])[1]


class _Reversals:
    """Ways to reverse a stretch of a tour such that near observations come together, and what each gains.

    Parameters
    ----------
    distance
        Between observations, (n_obs, n_obs).
    """

    def __init__(self, distance: Array) -> None:
        n_near = min(_N_NEAR, len(distance) - 1)
        near = np.argsort(distance + np.diag(np.full(len(distance), np.inf)), axis=1)[:, :n_near]
        self._first, self._second = np.repeat(np.arange(len(distance)), n_near), near.ravel()
        self._distance, self._squares = distance, distance**2

    def settle(self, order: NDArray[np.intp]) -> NDArray[np.intp]:
        """Reverse what gains most until nothing does, for the length and then for the bends."""
        return self._climb(self._climb(order, self.shorter), self.straighter)

    def bend(self, order: NDArray[np.intp]) -> float:
        """Sum of squared second differences along the tour."""
        after, next_but_one = np.roll(order, -1), np.roll(order, -2)
        return float((4 * self._squares[order, after] - self._squares[order, next_but_one]).sum())

    def stretches(self, order: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places before the first and at the last of each stretch whose reversal brings a near pair together."""
        n = len(order)
        place = np.empty(n, dtype=np.intp)
        place[order] = np.arange(n)
        first, second = place[self._first], place[self._second]
        # The pair comes together where the stretch begins, or where it ends.
        start = np.concatenate([np.minimum(first, second), (np.minimum(first, second) - 1) % n])
        stop = np.concatenate([np.maximum(first, second), np.maximum(first, second) - 1])
        proper = (stop - start >= 3) & (stop - start <= n - 3)
        return start[proper], stop[proper]

    def _climb(self, order: NDArray[np.intp], gain: Callable[..., Array]) -> NDArray[np.intp]:
        least = 1e-9 * float(self._squares.max(initial=0))
        while True:
            start, stop = self.stretches(order)
            gained = gain(order, start, stop)
            if gained.max(initial=0) <= least:
                return order
            best = int(gained.argmax())
            at = slice(start[best] + 1, stop[best] + 1)
            order = order.copy()
            order[at] = order[at][::-1]

    def shorter(self, order: NDArray[np.intp], start: NDArray[np.intp], stop: NDArray[np.intp]) -> Array:
        """How much shorter the tour is after each reversal."""
        a, b, y, z = _around(order, start, stop, 0, 1)
        return np.asarray(_gain(self._distance, a, b, y, z))

    def straighter(self, order: NDArray[np.intp], start: NDArray[np.intp], stop: NDArray[np.intp]) -> Array:
        """How much less it bends: a squared bend is 2 |pq|^2 + 2 |qr|^2 - |pr|^2."""
        a, b, y, z = _around(order, start, stop, 0, 1)
        before_a, after_b, before_y, after_z = _around(order, start, stop, -1, 2)
        d = self._squares
        skipped = d[before_a, b] + d[a, after_b] + d[before_y, z] + d[y, after_z]
        skips = d[before_a, y] + d[a, before_y] + d[after_b, z] + d[b, after_z]
        return np.asarray(4 * _gain(d, a, b, y, z) - skipped + skips)


def _around(
    order: NDArray[np.intp], start: NDArray[np.intp], stop: NDArray[np.intp], before: int, after: int
) -> list[NDArray[np.intp]]:
    """Observations so far before and after the place where each stretch begins, and where it ends."""
    return [order[(at + by) % len(order)] for at in (start, stop) for by in (before, after)]


def _gain(d: Array, a: NDArray[np.intp], b: NDArray[np.intp], y: NDArray[np.intp], z: NDArray[np.intp]) -> Array:
    """What is saved where the stretch from b to y, between a and z, is turned round."""
    return np.asarray(d[a, b] + d[y, z] - d[a, y] - d[b, z])


def _unexplained(x: Array) -> float:
    """What is left of values in the order of a ring beside smooth curves, by generalised cross-validation.

    Curves are periodic smoothing splines of one strength, the best: in waves round the ring, factors.
    """
    n_obs = len(x)
    waves = np.fft.rfft(x - x.mean(axis=0), axis=0)
    times = np.full(len(waves), 2.0)
    times[0] = 1
    if n_obs % 2 == 0:
        times[-1] = 1
    power = times * (np.abs(waves) ** 2).sum(axis=1) / n_obs
    bends = (2 - 2 * np.cos(2 * np.pi * np.arange(len(waves)) / n_obs)) ** 2
    kept = 1 / (1 + _STRENGTHS[:, None] * bends)
    return float(cross_validated((1 - kept) ** 2 @ power, kept @ times, n_obs).min())


def _on_circle(angle: NDArray[np.floating]) -> Array:
    return np.column_stack([np.cos(angle), np.sin(angle)])
