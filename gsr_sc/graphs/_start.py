"""A robust start: an annealed soft map of the data onto the neuron graph, before any network.

A randomly started layer folds the map and folds it differently for every seed.
So the cells are first laid onto the graph by a deterministic batch self-organising map,
whose neighbourhood is the heat kernel of the neuron graph itself, from wide to narrow.

A sheet of neurons is laid into the space of principal components, where it fills what there is. A slender graph (line,
ring, tree) has to follow a process, however bent: see `_slender.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._laplacian import HeatKernel
from ._match import first_assignments
from ._neighbours import Neighbours, nearest_neighbours
from ._slender import fit_slender_map, is_slender, steps_to_neighbours
from ._soft_map import AnnealedMap, anneal, as_map, quantisation_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._graph import NeuronGraph
    from ._soft_map import Sweeps

_N_SWEEPS = 40
# Heat levels out in about 1 / (smallest eigenvalue). Beginning well above, a map unfolds by itself, and the same one
# whatever cells are left out; above four times that it may come out turned. The end keeps neighbours alike.
_LEVELLED, _FINAL_HEAT = 4.0, 0.3
_FEWEST_TO_UNFOLD = 30
# Power of the number of its cells with which a neuron counts: a little less than by number was both the most stable and
# kept small clusters.
_SHEET_POWER = 0.75
# Maps that are about as good should not take turns winning: a later start has to be better by this factor.
_CLEARLY_BETTER = 0.95


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
        return fit_slender_map(x, graph, candidates)
    kernel = HeatKernel(graph.adjacency)
    heats = np.geomspace(max(_LEVELLED / kernel.slowest, 4 * _FINAL_HEAT), _FINAL_HEAT, _N_SWEEPS)
    starts = first_assignments(graph, [x] if candidates is None else candidates)
    maps = [anneal(x, kernel, nodes, heats, power=_SHEET_POWER) for nodes in starts]
    if neighbours is None and len(maps) > 1:
        neighbours = nearest_neighbours(x)

    def score(distance: NDArray[np.float32]) -> float:
        """The quantisation error times one plus the tear, which that does not see."""
        assert neighbours is not None
        return quantisation_error(x, distance) * (
            1 + float(steps_to_neighbours(graph, distance.argmin(axis=1), neighbours).mean())
        )

    return _best(maps, score, x, kernel)


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
    return as_map(best, x, kernel)
