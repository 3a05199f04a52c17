"""First assignments to a graph with ends: the tips of the data are matched to the ends of the graph."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import quadratic_assignment
from scipy.sparse import csgraph

from ._match import squared_distances
from ._neighbours import neighbour_matrix
from ._position import ends, steps_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph
    from ._unfold import Unfolded

# Up to so many ends every way of matching them is tried.
_MAX_TRIED = 7


def assign_by_tips(graph: NeuronGraph, data: Unfolded) -> NDArray[np.intp]:
    """Put every observation on the neuron that is as far from all ends of the graph as it is from the tips of the data.

    Distances are counted along the neighbour graph. Tips are found one by one: each as far as can be from
    the tree that those before it span. They are matched to the ends of the graph so that distances agree best.

    Parameters
    ----------
    graph
        A connected graph with at least two ends.
    data
        The observations.

    Returns
    -------
    A neuron for each of the observations kept, shape (n_kept,).
    """
    at = ends(graph)
    steps = steps_between(graph)
    tips, walk = _tips(data, len(at))
    between, wanted = walk[:, tips], steps[np.ix_(at, at)]
    matched = at[_match(between, wanted)]
    target = steps[np.ix_(matched, matched)]
    scale = (between * target).sum() / max((between**2).sum(), 1e-12)
    return np.asarray(squared_distances(scale * walk.T, steps[:, matched]).argmin(axis=1), dtype=np.intp)


def _tips(data: Unfolded, n_tips: int) -> tuple[list[int], NDArray[np.float64]]:
    """Numbers of the tips, and how far each observation is from each, (n_tips, n_kept)."""
    x, numbers = data.coordinates.astype(np.float64), data.neighbours.numbers
    length = np.sqrt(((x[:, None] - x[numbers]) ** 2).sum(axis=2)) + 1e-9
    ways = neighbour_matrix(numbers, length)

    def walk_from(start: int) -> NDArray[np.float64]:
        walk = np.asarray(csgraph.dijkstra(ways, directed=False, indices=start))
        # Neighbours among those kept may fall apart where those of all did not.
        reached = np.isfinite(walk)
        return np.where(reached, walk, walk[reached].max())

    middle = int(((x - np.median(x, axis=0)) ** 2).sum(axis=1).argmin())
    tips = [int(walk_from(middle).argmax())]
    walks = [walk_from(tips[0])]
    while len(tips) < n_tips:
        if len(tips) == 1:
            beyond = walks[0]
        else:
            pairs = itertools.combinations(range(len(tips)), 2)
            beyond = np.min([(walks[a] + walks[b] - walks[a][tips[b]]) / 2 for a, b in pairs], axis=0)
        tips.append(int(beyond.argmax()))
        walks.append(walk_from(tips[-1]))
    return tips, np.array(walks)


def _match(between: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.intp]:
    """For each tip the end whose distances to the others correlate best, the first of equals."""
    n = len(between)
    if n > _MAX_TRIED:
        # It draws nothing where it starts from the barycentre, but asks for numpy's global state if it gets no generator.
        options = {"maximize": True, "rng": np.random.default_rng(0)}
        found = quadratic_assignment(between, wanted, method="faq", options=options)
        return np.asarray(found.col_ind, dtype=np.intp)
    upper = np.triu_indices(n, 1)
    ways = np.array(list(itertools.permutations(range(n))), dtype=np.intp)
    # With the best scale the mismatch is least where the product is greatest: the norms are those of the same numbers.
    agreement = wanted[ways[:, upper[0]], ways[:, upper[1]]] @ between[upper]
    return np.asarray(ways[np.argmax(agreement > agreement.max() * (1 - 1e-9))], dtype=np.intp)
