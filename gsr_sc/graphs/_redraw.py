"""A map along a process, drawn anew through the coordinates themselves, with noise and other processes made small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.neighbors import NearestNeighbors

from ._match import squared_distances
from ._position import steps_between
from ._soft_map import AnnealedMap, gathered, quantisation_error, soft_assignment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph
    from ._laplacian import HeatKernel

# No direction counts as less noisy than this share of what the map explains of one on average: that a process
# moves much along a direction is no reason to look at it less, and noise that is small is no reason to look at it alone.
_LEAST_NOISE = 0.3
# On a curve of few, clear observations what is left over is bends that were cut short, not noise: seen by how much less of
# the data a position then tells. Where it was noise it was less left over, where not, a fifth more at least.
_TELLS_LESS = 1.1
# Sum of squared shares, where evenly over all neurons is one: below, prototypes have run together, and no position is told.
_SPREAD_OUT = 1.5


def redraw(
    x: NDArray[np.floating],
    kernel: HeatKernel,
    share: NDArray[np.floating],
    heats: NDArray[np.float64],
    *,
    power: float = 0.0,
) -> AnnealedMap:
    """Draw a map anew through coordinates, weighed by how little noise they have.

    Distances over which one can walk tell branches apart, but little of how far an observation has come: they shrink
    towards the tips, and follow whatever else cells do. So the curves that were found are drawn again where every
    gene counts. What the map leaves over of the observations, noise and processes of their own, is estimated from sweep
    to sweep, and made alike in all directions: a generative topographic map with full covariance.

    Parameters
    ----------
    x
        Principal components, (n_obs, n_coordinates).
    kernel
        Heat on the neuron graph.
    share
        Of each neuron in each observation, from a first map, (n_obs, n_neurons).
    heats
        How far neurons weigh on each other, one number for each sweep.
    power
        Of the number of its cells with which a neuron counts; see :func:`gathered`.

    Returns
    -------
    Prototypes in coordinates in which noise is alike in all directions; the width is twice its variance.
    """
    z = np.asarray(x, dtype=np.float64)
    for t in heats:
        heat = kernel(t)
        centres = gathered(z, share, heat, power)
        metric = _metric(z, share @ centres)
        distance = squared_distances(z @ metric, centres @ metric)
        width = max(2 * float((share * distance).sum(axis=1).mean()) / z.shape[1], 1e-12)
        share = soft_assignment(distance, width)
    return AnnealedMap(centres @ metric, width, heat, quantisation_error(z @ metric, distance), metric=metric)


def _metric(x: NDArray[np.float64], explained: NDArray[np.float64]) -> NDArray[np.float64]:
    """What makes the noise the same in all directions."""
    noise = ledoit_wolf(x - explained)[0] if x.shape[1] > 1 else np.var(x - explained, axis=0)[None]
    least = _LEAST_NOISE * float(explained.var(axis=0).mean())
    values, vectors = np.linalg.eigh(noise)
    values = np.maximum(values, 0) + least
    floor = max(1e-6 * float(x.var(axis=0).mean()), 1e-12)
    return np.asarray(vectors / np.sqrt(np.maximum(values, floor)))


def tells_as_much(
    graph: NeuronGraph, share: NDArray[np.floating], other: NDArray[np.floating], x: NDArray[np.floating], k: int
) -> bool:
    """Whether positions on one map tell about as much of the data as those on another, or more.

    Parameters
    ----------
    graph
        The neuron graph.
    share, other
        Responsibilities on the one and on the other, (n_obs, n_neurons).
    x
        The data where noise is alike in all directions, (n_obs, n_coordinates).
    k
        An observation is told from so many others, those nearest to it on the map.
    """
    if (share**2).sum(axis=1).mean() * graph.n_neurons < _SPREAD_OUT:
        return False
    return _untold(graph, share, x, k) <= _TELLS_LESS * _untold(graph, other, x, k)


def _untold(graph: NeuronGraph, share: NDArray[np.floating], x: NDArray[np.floating], k: int) -> float:
    """Sum of squares of the data that the `k` nearest others on the map leave over of each observation."""
    place = share**2 @ steps_between(graph) / (share**2).sum(axis=1, keepdims=True)
    near = NearestNeighbors(n_neighbors=k).fit(place).kneighbors(return_distance=False)
    left = np.asarray(x, dtype=np.float64) - x[near].mean(axis=1)
    return float((left**2).sum())
