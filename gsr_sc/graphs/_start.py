"""A robust start: an annealed soft map of the data onto the neuron graph, before any network.

A randomly started layer folds the map and folds it differently for every seed.
So the cells are first laid onto the graph by a deterministic batch self-organising map,
whose neighbourhood is the heat kernel of the neuron graph itself, from wide to narrow.

A sheet of neurons is laid into the space of principal components, where it fills what there is. A slender graph (line,
ring, tree) has to follow a process, however bent: it is laid along the data unfolded by diffusion, and so that
its neurons are evenly spaced whether the cells are or not. From there it is drawn anew through the components.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csgraph

from ._laplacian import HeatKernel
from ._match import first_assignments
from ._neighbours import Neighbours, nearest_neighbours
from ._position import ends, steps_between
from ._redraw import redraw, tells_as_much
from ._soft_map import AnnealedMap, anneal, quantisation_error
from ._tips import assign_by_tips
from ._unfold import unfold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ._graph import NeuronGraph
    from ._soft_map import Sweeps
    from ._unfold import Unfolded

_N_SWEEPS = 40
# Heat levels out in about 1 / (smallest eigenvalue). Beginning well above, a map unfolds by itself, and the same one
# whatever cells are left out; above four times that it may come out turned. The end keeps neighbours alike.
_LEVELLED, _FINAL_HEAT = 4.0, 0.3
# A slender graph starts from a good guess, whose turns more heat would cut short, and is kept smooth to the end, the more
# where it has ends: around a ring, neurons are fewer for what they have to turn.
_SLENDER_HEAT, _RING_FINAL_HEAT, _SLENDER_FINAL_HEAT = 8.0, 0.5, 0.7
# A graph is slender if it has few edges for its neurons: a grid of any size has more.
_SLENDER_EDGES = 1.1
_FEWEST_TO_UNFOLD = 30
# Power of the number of its cells with which a neuron counts: by number, evenly, or for sheets a little less than by
# number, which was both the most stable and kept small clusters. A hair below evenly makes up for the neurons that are hardly
# filled and count for less.
_SHEET_POWER, _SLENDER_POWER = 0.75, -0.03
_SMOOTHING_HEAT = 0.3
# Maps that are about as good should not take turns winning: a later start has to be better by this factor.
_CLEARLY_BETTER = 0.95
# Which branches meet first is told by distances between tips; a tear has to say clearly that it is otherwise.
_OTHER_WAY = 0.9


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
    kernel = HeatKernel(graph.adjacency)
    heats = np.geomspace(max(_LEVELLED / kernel.slowest, 4 * _FINAL_HEAT), _FINAL_HEAT, _N_SWEEPS)
    starts = first_assignments(graph, [x] if candidates is None else candidates)
    maps = [anneal(x, kernel, nodes, heats, power=_SHEET_POWER) for nodes in starts]
    if neighbours is None and len(maps) > 1:
        neighbours = nearest_neighbours(x)

    def score(distance: NDArray[np.float32]) -> float:
        """The quantisation error times one plus the tear, which that does not see."""
        assert neighbours is not None
        return quantisation_error(x, distance) * (1 + float(_steps(graph, distance, neighbours).mean()))

    return _best(maps, score, x, kernel)


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
    kernel = HeatKernel(graph.adjacency)
    final = _RING_FINAL_HEAT if graph.kind == "ring" else _SLENDER_FINAL_HEAT
    heats = np.geomspace(_SLENDER_HEAT, final, _N_SWEEPS)
    found, space = _least_torn(x, graph, kernel, heats, candidates)
    first = replace(_as_map(found, space.coordinates, kernel), unfolded=space)
    seen = x[space.kept]
    share = first.responsibilities(seen)
    second = replace(redraw(seen, kernel, share, heats, power=_SLENDER_POWER), heat=first.heat)
    n_near = space.neighbours.numbers.shape[1]
    again = second.responsibilities(seen)
    return second if tells_as_much(graph, again, share, second.place(seen), n_near) else first


def _least_torn(
    x: NDArray[np.float32],
    graph: NeuronGraph,
    kernel: HeatKernel,
    heats: NDArray[np.float64],
    candidates: list[NDArray[np.floating]] | None,
) -> tuple[Sweeps, Unfolded]:
    """The map on which neighbours are nearest to each other, of those from all first guesses."""
    of_spaces: list[tuple[float, Sweeps, Unfolded]] = []
    for space in _unfolded(x, graph):
        maps = []
        for nodes in _slender_starts(graph, space, candidates):
            found = anneal(space.coordinates, kernel, nodes, heats, power=_SLENDER_POWER)
            maps.append((_tear(graph, found.distance, space.neighbours), found, space))
        of_spaces.append(_first_unless(maps, _OTHER_WAY))
    _, found, space = _first_unless(of_spaces, _CLEARLY_BETTER)
    return found, space


def _first_unless(maps: list[tuple[float, Sweeps, Unfolded]], factor: float) -> tuple[float, Sweeps, Unfolded]:
    """The first map, unless the tear of a later one is lower by a factor."""
    best = maps[0]
    for other in maps[1:]:
        if other[0] < factor * best[0]:
            best = other
    return best


def _unfolded(x: NDArray[np.float32], graph: NeuronGraph) -> Iterator[Unfolded]:
    """The data unfolded; if the graph branches, also with what may be an outlying cluster or the end of a branch."""
    space = unfold(x)
    yield space
    if graph.kind != "ring" and len(ends(graph)) > 2 and len(space.kept) < len(x):
        other = unfold(x, bridges=True)
        if len(other.kept) > len(space.kept):
            yield other


def _slender_starts(
    graph: NeuronGraph, space: Unfolded, candidates: list[NDArray[np.floating]] | None
) -> list[NDArray[np.intp]]:
    if candidates is not None:
        return first_assignments(graph, [values[space.kept] for values in candidates])
    # Where a line runs is surer than where it ends, so that its coordinates come before its tips.
    starts = first_assignments(graph, [space.coordinates]) if graph.kind in ("line", "ring") else []
    return starts if graph.kind == "ring" else [*starts, *assign_by_tips(graph, space)]


def _tear(graph: NeuronGraph, distance: NDArray[np.float32], neighbours: Neighbours) -> float:
    """Steps between neighbours over what they are between cells taken at random, both root mean square."""
    steps = _steps(graph, distance, neighbours)
    return float(np.sqrt((steps**2).mean() / max(_mean_square_steps(graph, distance), 1e-12)))


def _best(
    maps: list[Sweeps], score: Callable[[NDArray[np.float32]], float], x: NDArray[np.float32], kernel: HeatKernel
) -> AnnealedMap:
    """The map of the lowest score, the first unless another is clearly better."""
    best = maps[0]
    if len(maps) > 1:
        lowest = score(best.distance)
        for other in maps[1:]:
            if (found := score(other.distance)) < _CLEARLY_BETTER * lowest:
                best, lowest = other, found
    return _as_map(best, x, kernel)


def _as_map(found: Sweeps, x: NDArray[np.float32], kernel: HeatKernel) -> AnnealedMap:
    error = quantisation_error(x, found.distance)
    return AnnealedMap(found.prototypes, found.width, kernel(_SMOOTHING_HEAT), error)


def _steps(graph: NeuronGraph, distance: NDArray[np.float32], neighbours: Neighbours) -> NDArray[np.float64]:
    """Steps on the graph from each cell to its neighbours, (n_obs, k)."""
    steps = np.minimum(steps_between(graph), graph.n_neurons)
    winner = distance.argmin(axis=1)
    return np.asarray(steps[winner[:, None], winner[neighbours.numbers]])


def _mean_square_steps(graph: NeuronGraph, distance: NDArray[np.float32]) -> float:
    """The same between any two cells, its mean square."""
    share = np.bincount(distance.argmin(axis=1), minlength=graph.n_neurons) / len(distance)
    return float(share @ steps_between(graph) ** 2 @ share)
