"""The start of a slender graph (line, ring, tree), which has to follow a process, however bent.

It is laid along the data unfolded by diffusion, so that its neurons are evenly spaced whether the cells are or not, and from
there drawn anew through the principal components. First guesses differ in which branches meet first, and in what is taken
for an outlying cluster: the map that tears neighbours apart least is kept. Few observations with hardly any noise go round a ring
along a tour through all of them, where neighbours would fold it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from scipy.sparse import csgraph

from ._laplacian import HeatKernel
from ._match import first_assignments
from ._neighbours import nearest_neighbours
from ._position import ends, steps_between
from ._redraw import redraw, tells_as_much
from ._soft_map import anneal, as_map
from ._tips import assign_by_tips
from ._tour import fit_tour_map
from ._unfold import unfold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ._graph import NeuronGraph
    from ._neighbours import Neighbours
    from ._soft_map import AnnealedMap
    from ._unfold import Unfolded

T = TypeVar("T")

_N_SWEEPS = 40
# A good guess is at hand, whose turns more heat would cut short. It is kept smooth to the end, the more where there are
# ends: around a ring, neurons are fewer for what they have to turn.
_HEAT, _RING_FINAL_HEAT, _FINAL_HEAT = 8.0, 0.5, 0.7
# On graphs of few neurons so much heat would make all prototypes one, and they remain so: the slowest pattern on the graph
# loses these shares of itself at most, at first (around a ring more) and, where there are ends, at last.
_MOST_LOST, _RING_MOST_LOST, _MOST_LOST_AT_LAST = 0.1, 0.35, 0.02
# Power of the number of its cells with which a neuron counts. A hair below evenly makes up for neurons that are hardly
# filled and count for less.
_POWER = -0.03
# A graph is slender if it has few edges for its neurons: a grid of any size has more.
_MOST_EDGES = 1.1
# The tear of maps so near to the best is looked at again where they are drawn anew. The distances between tips that guesses go
# by say something, too: a later guess has to be better by the second factor, data with other cells by the third.
_NEARLY_BEST, _OTHER_WAY, _OTHER_CELLS = 0.85, 0.9, 0.95


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
    few_edges = graph.n_edges <= _MOST_EDGES * graph.n_neurons
    has_course = graph.kind == "ring" or len(ends(graph)) > 1
    return bool(few_edges and has_course and csgraph.connected_components(graph.adjacency)[0] == 1)


def is_branching(graph: NeuronGraph) -> bool:
    """Whether lines of a graph fork.

    Parameters
    ----------
    graph
        The neuron graph.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.is_branching(gsr_sc.graphs.star(3, 2)), gsr_sc.graphs.is_branching(gsr_sc.graphs.ring(8))
    (True, False)
    """
    return bool(np.diff(graph.adjacency.indptr).max(initial=0) > 2)


def fit_slender_map(
    x: NDArray[np.float32], graph: NeuronGraph, candidates: list[NDArray[np.floating]] | None
) -> AnnealedMap:
    """Lay observations along a slender graph.

    Parameters
    ----------
    x
        Principal components, shape (n_obs, n_coordinates).
    graph
        A slender graph.
    candidates
        First coordinates to start from, each of shape (n_obs, >= 1), the first one unless another is clearly better;
        by default those of the unfolded data.

    Returns
    -------
    The fitted map.
    """
    kernel = HeatKernel(graph.adjacency)
    drawing = _Drawing(x, graph, kernel, _heats(graph.kind, kernel.slowest))
    found = [drawing.least_torn(_first_guesses(graph, space, candidates), space) for space in _ways_to_unfold(x, graph)]
    first, second = _first_unless(found, _OTHER_CELLS)
    assert first.unfolded is not None
    seen, n_near = x[first.unfolded.kept], first.unfolded.neighbours.numbers.shape[1]
    second = drawing.anew(first) if second is None else second
    share, again = first.responsibilities(seen), second.responsibilities(seen)
    laid = second if tells_as_much(graph, again, share, second.place(seen), n_near) else first
    along = fit_tour_map(x, graph, laid, kernel) if graph.kind == "ring" and candidates is None else None
    return laid if along is None else along


def _heats(kind: str, slowest: float) -> NDArray[np.float64]:
    """How far neurons weigh on each other in each sweep, by the smallest eigenvalue above zero of the Laplacian."""
    if kind == "ring":
        first, last = min(_HEAT, _RING_MOST_LOST / slowest), min(_RING_FINAL_HEAT, _RING_MOST_LOST / slowest)
    else:
        first, last = min(_HEAT, _MOST_LOST / slowest), min(_FINAL_HEAT, _MOST_LOST_AT_LAST / slowest)
    return np.geomspace(first, last, _N_SWEEPS)


class _Laid(NamedTuple):
    """A map of the unfolded data, and what it becomes when it is drawn anew, if that is known."""

    first: AnnealedMap
    second: AnnealedMap | None = None


@dataclass(frozen=True)
class _Drawing:
    """How maps of some observations are laid and drawn anew."""

    x: NDArray[np.float32]
    graph: NeuronGraph
    kernel: HeatKernel
    heats: NDArray[np.float64]

    def least_torn(self, guesses: list[NDArray[np.intp]], space: Unfolded) -> tuple[float, _Laid]:
        """The map on which neighbours are nearest to each other, of those from all first guesses, and its tear."""
        maps = []
        for nodes in guesses:
            swept = anneal(space.coordinates, self.kernel, nodes, self.heats, power=_POWER)
            laid = replace(as_map(swept, space.coordinates, self.kernel), unfolded=space)
            maps.append((_tear(self.graph, swept.distance.argmin(axis=1), space.neighbours), laid))
        least = min(tear for tear, _ in maps)
        near = [(tear, _Laid(first)) for tear, first in maps if tear * _NEARLY_BEST <= least]
        if len(near) == 1:
            return near[0]
        both = []
        for tear, (first, _) in near:
            second = self.anew(first)
            both.append((np.sqrt(tear * self._tear_anew(second, space)), (tear, _Laid(first, second))))
        return _first_unless(both, _OTHER_WAY)

    def anew(self, first: AnnealedMap) -> AnnealedMap:
        assert first.unfolded is not None
        seen = self.x[first.unfolded.kept]
        drawn = redraw(seen, self.kernel, first.responsibilities(seen), self.heats, power=_POWER)
        return replace(drawn, heat=first.heat)

    def _tear_anew(self, second: AnnealedMap, space: Unfolded) -> float:
        """The tear of a map that is drawn anew, where noise is alike in all directions."""
        seen = self.x[space.kept]
        near = nearest_neighbours(second.place(seen), space.neighbours.numbers.shape[1])
        return _tear(self.graph, second.responsibilities(seen).argmax(axis=1), near)


def _first_unless(found: list[tuple[float, T]], factor: float) -> T:
    """The first, unless the tear of a later one is lower by a factor."""
    best = found[0]
    for other in found[1:]:
        if other[0] < factor * best[0]:
            best = other
    return best[1]


def _ways_to_unfold(x: NDArray[np.float32], graph: NeuronGraph) -> Iterator[Unfolded]:
    """Outlying clusters set aside, and, if the graph branches, with those that may be the end of a branch."""
    space = unfold(x)
    yield space
    if graph.kind != "ring" and len(ends(graph)) > 2 and len(space.kept) < len(x):
        other = unfold(x, bridges=True)
        if len(other.kept) > len(space.kept):
            yield other


def _first_guesses(
    graph: NeuronGraph, space: Unfolded, candidates: list[NDArray[np.floating]] | None
) -> list[NDArray[np.intp]]:
    if candidates is not None:
        return first_assignments(graph, [values[space.kept] for values in candidates])
    # Where a line runs is surer than where it ends, so that its coordinates come before its tips.
    guesses = first_assignments(graph, [space.coordinates]) if graph.kind in ("line", "ring") else []
    return guesses if graph.kind == "ring" else [*guesses, *assign_by_tips(graph, space)]


def _tear(graph: NeuronGraph, winner: NDArray[np.intp], neighbours: Neighbours) -> float:
    """Steps between neighbours over what they are between cells taken at random, both root mean square."""
    steps = steps_to_neighbours(graph, winner, neighbours)
    share = np.bincount(winner, minlength=graph.n_neurons) / len(winner)
    at_random = float(share @ steps_between(graph) ** 2 @ share)
    return float(np.sqrt((steps**2).mean() / max(at_random, 1e-12)))


def steps_to_neighbours(graph: NeuronGraph, winner: NDArray[np.intp], neighbours: Neighbours) -> NDArray[np.float64]:
    """Steps on the graph from each observation to its neighbours, (n_obs, k), given the neuron of each, (n_obs,)."""
    steps = np.minimum(steps_between(graph), graph.n_neurons)
    return np.asarray(steps[winner[:, None], winner[neighbours.numbers]])
