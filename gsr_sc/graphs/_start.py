"""A robust start: an annealed soft map of the data onto the neuron graph, before any network.

A randomly started layer folds the map and folds it differently for every seed.
So the cells are first laid onto the graph by a deterministic batch self-organising map in the space of
principal components, whose neighbourhood is the heat kernel of the neuron graph itself, from wide to narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._laplacian import HeatKernel
from ._match import first_assignments, squared_distances
from ._neighbours import Neighbours, nearest_neighbours
from ._position import steps_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph

_N_SWEEPS = 40
_WIDTH_SAMPLE = 2000
_FINAL_HEAT = 0.15
_SMOOTHING_HEAT = 0.3
# Maps that are about as good should not take turns winning: a later start has to be better by this factor.
_CLEARLY_BETTER = 0.95


@dataclass(frozen=True)
class AnnealedMap:
    """Prototypes of the neurons in the space of the coordinates they were fitted in.

    Attributes
    ----------
    prototypes
        Shape (n_neurons, n_coordinates).
    width
        Squared distance over which a cell is shared between neurons.
    heat
        Kernel that smooths the targets over the graph, shape (n_neurons, n_neurons).
    quantisation_error
        Mean squared distance of a cell to its nearest prototype, as a share of the variance.
    tear
        Mean number of steps on the graph between the neurons of a cell and of its nearest neighbours;
        large where the map is folded, which the quantisation error does not see.
    """

    prototypes: NDArray[np.float64]
    width: float
    heat: NDArray[np.float64]
    quantisation_error: float
    tear: float

    @property
    def score(self) -> float:
        """What the best of several maps has the least of."""
        return self.quantisation_error * (1 + self.tear)

    def responsibilities(self, coordinates: NDArray[np.floating]) -> NDArray[np.float64]:
        """Share of each neuron in each cell, rows summing to 1, shape (n_obs, n_neurons)."""
        distance = squared_distances(np.asarray(coordinates, dtype=np.float64), self.prototypes)
        return soft_assignment(distance, self.width)

    def targets(self, coordinates: NDArray[np.floating]) -> NDArray[np.float32]:
        """Responsibilities smoothed by a little heat: what the encoder is first trained towards."""
        smooth = self.responsibilities(coordinates) @ self.heat
        return (smooth / smooth.sum(axis=1, keepdims=True)).astype(np.float32)


def fit_annealed_map(
    coordinates: NDArray[np.floating],
    graph: NeuronGraph,
    *,
    candidates: list[NDArray[np.floating]] | None = None,
    neighbours: Neighbours | None = None,
) -> AnnealedMap:
    """Lay observations onto the graph by a soft self-organising map with a shrinking neighbourhood.

    Deterministic: the same coordinates give the same map.

    Parameters
    ----------
    coordinates
        Principal components, shape (n_obs, n_coordinates), the leading one first.
    graph
        The neuron graph.
    candidates
        First coordinates to start from, each of shape (n_obs, >= 1);
        the first one is kept unless another ends in a clearly lower error. By default `coordinates` alone.
    neighbours
        Nearest neighbours of the observations, if they are known already.

    Returns
    -------
    The fitted map.

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> along = np.linspace(0, 1, 50)
    >>> start = gsr_sc.graphs.fit_annealed_map(along[:, None], gsr_sc.graphs.line(5))
    >>> start.responsibilities(along[:, None]).shape
    (50, 5)
    """
    # Single precision is enough for a soft map, and half the time.
    x = np.asarray(coordinates, dtype=np.float32)
    kernel = HeatKernel(graph.adjacency)
    candidates = [x] if candidates is None else candidates
    neighbours = nearest_neighbours(x) if neighbours is None else neighbours
    steps = np.minimum(steps_between(graph), graph.n_neurons)
    variance = float(((x - x.mean(axis=0)) ** 2).sum(axis=1).mean())
    fitted = []
    for nodes in first_assignments(graph, candidates):
        prototypes, width, distance = _anneal(x, kernel, nodes)
        winner = distance.argmin(axis=1)
        fitted.append(
            AnnealedMap(
                prototypes,
                width,
                kernel(_SMOOTHING_HEAT),
                quantisation_error=float(distance.min(axis=1).mean()) / max(variance, 1e-12),
                tear=float(steps[winner[:, None], winner[neighbours.numbers]].mean()),
            )
        )
    best = fitted[0]
    for candidate in fitted[1:]:
        if candidate.score < _CLEARLY_BETTER * best.score:
            best = candidate
    return best


def _anneal(
    x: NDArray[np.float32], kernel: HeatKernel, nodes: NDArray[np.intp]
) -> tuple[NDArray[np.float64], float, NDArray[np.float32]]:
    """Prototypes, width, and squared distances of the observations to the prototypes."""
    share = np.zeros((len(x), len(kernel.eigenvalues)), dtype=np.float32)
    share[np.arange(len(x)), nodes] = 1.0
    mean = x.mean(axis=0, dtype=np.float64)
    # The width is a median, for which a few thousand observations will do.
    sample = slice(None, None, max(len(x) // _WIDTH_SAMPLE, 1))
    widest = max(1.0 / kernel.slowest, 4 * _FINAL_HEAT)
    for t in np.geomspace(widest, _FINAL_HEAT, _N_SWEEPS):
        heat = kernel(t)
        # A neuron that no heat reaches would have no prototype; the floor lets it share the overall mean.
        mass = heat @ share.sum(axis=0, dtype=np.float64) + 1e-9
        prototypes = (heat @ (share.T @ x) + 1e-9 * mean) / mass[:, None]
        distance = squared_distances(x, prototypes.astype(np.float32))
        width = sharing_width(distance[sample])
        share = soft_assignment(distance, width)
    return prototypes, width, distance


def soft_assignment(distance: NDArray[Any], width: float) -> NDArray[Any]:
    """Softmax over neurons of minus the squared distances over a width, rows summing to 1."""
    share = distance - distance.min(axis=1, keepdims=True)
    share *= share.dtype.type(-1 / width)
    np.exp(share, out=share)
    share /= share.sum(axis=1, keepdims=True)
    return share


def sharing_width(distance: NDArray[np.floating]) -> float:
    """Squared distance over which an observation is shared: from the nearest prototype to the fourth, as a rule."""
    rank = min(3, distance.shape[1] - 1)
    lowest = np.partition(distance, rank, axis=1)
    return max(float(np.median(lowest[:, rank] - lowest[:, 0])), 1e-12)
