"""A robust start: an annealed soft map of the data onto the neuron graph, before any network.

A randomly started layer folds the map and folds it differently for every seed.
So the cells are first laid onto the graph by a deterministic batch self-organising map,
whose neighbourhood is the heat kernel of the neuron graph itself, from wide to narrow.

A sheet of neurons is laid into the space of principal components, where it fills what there is. A slender graph (line,
ring, tree) has to follow a process, however bent: it is laid along the data unfolded by diffusion, and so that
its neurons are evenly spaced whether the cells are or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csgraph

from ._laplacian import HeatKernel
from ._match import first_assignments, squared_distances
from ._neighbours import Neighbours, nearest_neighbours
from ._position import ends, steps_between
from ._tips import assign_by_tips
from ._unfold import unfold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph
    from ._unfold import Unfolded

_N_SWEEPS = 40
_WIDTH_SAMPLE = 2000
# Heat levels out in about 1 / (smallest eigenvalue). Beginning well above, a map unfolds by itself, and the same one
# whatever cells are left out; above four times that it may come out turned. The end keeps neighbours alike.
_LEVELLED, _FINAL_HEAT = 4.0, 0.3
# A slender graph starts from a good guess, whose turns more heat would cut short, and is kept smooth to the end.
_SLENDER_HEAT, _SLENDER_FINAL_HEAT = 8.0, 0.5
# A graph is slender if it has few edges for its neurons: a grid of any size has more.
_SLENDER_EDGES = 1.1
_FEWEST_TO_UNFOLD = 30
# Weight of a neuron's cells where they need not count by number: a neuron with a twentieth of its share counts half.
_LEAST_FILLED = 0.05
# Power of the number of its cells with which a neuron counts: by number, evenly, or for sheets a little less than by
# number, which was both the most stable and kept small clusters.
_SHEET_POWER, _SLENDER_POWER = 0.75, 0.0
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
    score
        What the best of several maps has the least of: the quantisation error times one plus the tear;
        on a slender graph the tear over what it is between cells taken at random (both root mean square).
    unfolded
        The space that the prototypes lie in, if it is not that of the coordinates.
    """

    prototypes: NDArray[np.float64]
    width: float
    heat: NDArray[np.float64]
    quantisation_error: float
    tear: float
    score: float
    unfolded: Unfolded | None = None

    def place(self, coordinates: NDArray[np.floating]) -> NDArray[np.floating]:
        """Bring coordinates into the space of the prototypes, shape (n_obs, n)."""
        return coordinates if self.unfolded is None else self.unfolded.place(coordinates)

    def responsibilities(self, coordinates: NDArray[np.floating], *, placed: bool = False) -> NDArray[np.float64]:
        """Share of each neuron in each cell, rows summing to 1, shape (n_obs, n_neurons).

        Parameters
        ----------
        coordinates
            Shape (n_obs, n_coordinates).
        placed
            Whether they come from :meth:`place` already.
        """
        x = coordinates if placed else self.place(coordinates)
        distance = squared_distances(np.asarray(x, dtype=np.float64), self.prototypes)
        return soft_assignment(distance, self.width)

    def targets(self, coordinates: NDArray[np.floating], *, placed: bool = False) -> NDArray[np.float32]:
        """Responsibilities smoothed by a little heat: what the encoder is first trained towards."""
        smooth = self.responsibilities(coordinates, placed=placed) @ self.heat
        return (smooth / smooth.sum(axis=1, keepdims=True)).astype(np.float32)


def fit_annealed_map(
    coordinates: NDArray[np.floating],
    graph: NeuronGraph,
    *,
    candidates: list[NDArray[np.floating]] | None = None,
    neighbours: Neighbours | None = None,
    unfolded: bool = True,
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
        the first one is kept unless another ends in a clearly lower score. By default `coordinates` alone;
        for slender graphs those of the unfolded data.
    neighbours
        Nearest neighbours of the observations, if they are known already.
    unfolded
        Whether to lay slender graphs along the unfolded data instead of through the coordinates.

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
    if unfolded and is_slender(graph) and len(x) >= _FEWEST_TO_UNFOLD:
        return _fit_slender(x, graph, candidates)
    candidates = [x] if candidates is None else candidates
    neighbours = nearest_neighbours(x) if neighbours is None else neighbours
    kernel = HeatKernel(graph.adjacency)
    widest = max(_LEVELLED / kernel.slowest, 4 * _FINAL_HEAT)
    fitted = []
    for nodes in first_assignments(graph, candidates):
        prototypes, width, distance = _anneal(
            x, kernel, nodes, np.geomspace(widest, _FINAL_HEAT, _N_SWEEPS), power=_SHEET_POWER
        )
        error, tear = _quantisation_error(x, distance), float(_steps(graph, distance, neighbours).mean())
        fitted.append(AnnealedMap(prototypes, width, kernel(_SMOOTHING_HEAT), error, tear, score=error * (1 + tear)))
    return _best(fitted)


def is_slender(graph: NeuronGraph) -> bool:
    """Whether a graph is one connected piece of lines, as lines, rings and trees are and grids are not.

    Parameters
    ----------
    graph
        The neuron graph.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.is_slender(gsr_sc.graphs.ring(8)), gsr_sc.graphs.is_slender(gsr_sc.graphs.grid(4))
    (True, False)
    """
    few_edges = graph.n_edges <= _SLENDER_EDGES * graph.n_neurons
    has_course = graph.kind == "ring" or len(ends(graph)) > 1
    return bool(few_edges and has_course and csgraph.connected_components(graph.adjacency)[0] == 1)


def _fit_slender(
    x: NDArray[np.float32], graph: NeuronGraph, candidates: list[NDArray[np.floating]] | None
) -> AnnealedMap:
    space = unfold(x)
    y = space.coordinates
    if candidates is not None:
        starts = first_assignments(graph, [values[space.kept] for values in candidates])
    elif graph.kind == "ring":
        starts = first_assignments(graph, [y])
    else:
        # Where a line runs is surer than where it ends, so that its coordinates come before its tips.
        starts = first_assignments(graph, [y]) if graph.kind == "line" else []
        starts.append(assign_by_tips(graph, space))
    kernel = HeatKernel(graph.adjacency)
    heats = np.geomspace(_SLENDER_HEAT, _SLENDER_FINAL_HEAT, _N_SWEEPS)
    fitted = []
    for nodes in starts:
        prototypes, width, distance = _anneal(y, kernel, nodes, heats, power=_SLENDER_POWER)
        steps = _steps(graph, distance, space.neighbours)
        anywhere = _mean_square_steps(graph, distance)
        score = float(np.sqrt((steps**2).mean() / max(anywhere, 1e-12)))
        error, tear = _quantisation_error(y, distance), float(steps.mean())
        fitted.append(AnnealedMap(prototypes, width, kernel(_SMOOTHING_HEAT), error, tear, score, space))
    return _best(fitted)


def _best(fitted: list[AnnealedMap]) -> AnnealedMap:
    best = fitted[0]
    for candidate in fitted[1:]:
        if candidate.score < _CLEARLY_BETTER * best.score:
            best = candidate
    return best


def _quantisation_error(x: NDArray[np.float32], distance: NDArray[np.float32]) -> float:
    variance = float(((x - x.mean(axis=0)) ** 2).sum(axis=1).mean())
    return float(distance.min(axis=1).mean()) / max(variance, 1e-12)


def _steps(graph: NeuronGraph, distance: NDArray[np.float32], neighbours: Neighbours) -> NDArray[np.float64]:
    """Steps on the graph from each cell to its neighbours, (n_obs, k)."""
    steps = np.minimum(steps_between(graph), graph.n_neurons)
    winner = distance.argmin(axis=1)
    return np.asarray(steps[winner[:, None], winner[neighbours.numbers]])


def _mean_square_steps(graph: NeuronGraph, distance: NDArray[np.float32]) -> float:
    """The same between any two cells, its mean square."""
    share = np.bincount(distance.argmin(axis=1), minlength=graph.n_neurons) / len(distance)
    return float(share @ steps_between(graph) ** 2 @ share)


def _anneal(
    x: NDArray[np.float32],
    kernel: HeatKernel,
    nodes: NDArray[np.intp],
    heats: NDArray[np.float64],
    *,
    power: float,
) -> tuple[NDArray[np.float64], float, NDArray[np.float32]]:
    """Prototypes, width, and squared distances of the observations to the prototypes.

    A neuron weighs on those around it by a power of the number of its cells. With a power of 1 every cell counts the
    same, and neurons gather where cells do; with 0 every filled neuron does, and they come to lie at even distances.
    """
    share = np.zeros((len(x), len(kernel.eigenvalues)), dtype=np.float32)
    share[np.arange(len(x)), nodes] = 1.0
    mean = x.mean(axis=0, dtype=np.float64)
    # The width is a median, for which a few thousand observations will do.
    sample = slice(None, None, max(len(x) // _WIDTH_SAMPLE, 1))
    for t in heats:
        heat = kernel(t)
        mass = share.sum(axis=0, dtype=np.float64)
        weight = (mass / mass.mean() + _LEAST_FILLED) ** (power - 1)
        # A neuron that no heat reaches would have no prototype; the floor lets it share the overall mean.
        prototypes = heat @ (weight[:, None] * (share.T @ x)) + 1e-9 * mean
        prototypes /= (heat @ (weight * mass) + 1e-9)[:, None]
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
