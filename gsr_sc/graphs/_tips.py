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

# Up to so many ends every way of matching them is looked at, and so many of the best ones are returned.
_MAX_TRIED, _MAX_RETURNED = 7, 5


def assign_by_tips(graph: NeuronGraph, data: Unfolded) -> list[NDArray[np.intp]]:
    """Put every observation on the neuron that is as far from all ends of the graph as it is from the tips of the data.

    Distances are counted along the neighbour graph. Tips are found one by one: each as far as can be from
    the tree that those before it span, once as it is and once as those around it are, so that no single
    observation that lies apart, such as a doublet, is a tip. They are matched to the ends of the graph so that
    distances agree; which branches meet first may agree almost as well in several ways, which all are returned.

    Parameters
    ----------
    graph
        A connected graph with at least two ends.
    data
        The observations.

    Returns
    -------
    A neuron for each of the observations kept, shape (n_kept,): the best assignment first, five or fewer for each set of tips.
    """
    at = ends(graph)
    steps = steps_between(graph)
    wanted = steps[np.ix_(at, at)]
    starts = []
    for common in (False, True):
        tips, walk = _tips(data, len(at), common=common)
        between = walk[:, tips]
        for way in _matches(between, wanted):
            matched = at[way]
            target = steps[np.ix_(matched, matched)]
            scale = (between * target).sum() / max((between**2).sum(), 1e-12)
            starts.append(squared_distances(scale * walk.T, steps[:, matched]).argmin(axis=1).astype(np.intp))
    return starts


def _tips(data: Unfolded, n_tips: int, *, common: bool) -> tuple[list[int], NDArray[np.float64]]:
    """Numbers of the tips, and how far each observation is from each, (n_tips, n_kept)."""
    x, numbers = data.coordinates.astype(np.float64), data.neighbours.numbers
    length = np.sqrt(((x[:, None] - x[numbers]) ** 2).sum(axis=2)) + 1e-9
    ways = neighbour_matrix(numbers, length)
    around = np.column_stack([np.arange(len(x)), numbers])

    def farthest(beyond: NDArray[np.float64]) -> int:
        return int((np.median(beyond[around], axis=1) if common else beyond).argmax())

    def walk_from(start: int) -> NDArray[np.float64]:
        walk = np.asarray(csgraph.dijkstra(ways, directed=False, indices=start))
        # Neighbours among those kept may fall apart where those of all did not.
        reached = np.isfinite(walk)
        return np.where(reached, walk, walk[reached].max())

    middle = int(((x - np.median(x, axis=0)) ** 2).sum(axis=1).argmin())
    tips = [farthest(walk_from(middle))]
    walks = [walk_from(tips[0])]
    while len(tips) < n_tips:
        if len(tips) == 1:
            beyond = walks[0]
        else:
            pairs = itertools.combinations(range(len(tips)), 2)
            beyond = np.min([(walks[a] + walks[b] - walks[a][tips[b]]) / 2 for a, b in pairs], axis=0)
        tips.append(farthest(beyond))
        walks.append(walk_from(tips[-1]))
    return tips, np.array(walks)


def _matches(between: NDArray[np.float64], wanted: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """For each tip the end whose distances to the others correlate best, the first of equals, and other ways after it."""
    n = len(between)
    if n > _MAX_TRIED:
        # It draws nothing where it starts from the barycentre, but asks for numpy's global state if it gets no generator.
        options = {"maximize": True, "rng": np.random.default_rng(0)}
        found = quadratic_assignment(between, wanted, method="faq", options=options)
        return [np.asarray(found.col_ind, dtype=np.intp)]
    upper = np.triu_indices(n, 1)
    ways = np.array(list(itertools.permutations(range(n))), dtype=np.intp)
    targets = wanted[ways[:, upper[0]], ways[:, upper[1]]]
    # Of ways that only a symmetry of the graph tells apart, the first.
    first = np.sort(np.unique(targets, axis=0, return_index=True)[1])
    # With the best scale the mismatch is least where the product is greatest: the norms are those of the same numbers.
    agreement = targets[first] @ between[upper]
    # Rounding does not decide between equals.
    best = np.argsort(-np.round(agreement / max(agreement.max(), 1e-12), 9), kind="stable")[:_MAX_RETURNED]
    return list(ways[first[best]])
