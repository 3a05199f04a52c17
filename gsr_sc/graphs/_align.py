"""The symmetry of a graph that gains most, found piece by piece and branch by branch without listing all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csgraph

from ._branches import pieces
from ._search import MAX_FOUND, TOLERANCE, Ties, search

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._graph import NeuronGraph

    Images = dict[int, int]

_IMPOSSIBLE = -1e12
# What is equally good stays where it is.
_STAYING = 1e-9


def best_symmetry(
    graph: NeuronGraph, gain: NDArray[np.float64], listed: Callable[[NeuronGraph], NDArray[np.intp]]
) -> NDArray[np.intp]:
    """Symmetry `p` for which the sum of `gain[i, p[i]]` is largest.

    Alike pieces change places by the best assignment, and so do alike branches of a fork and neurons that are all tied
    to each other, each pair at what is best within it. Other graphs are those that `listed` knows.

    Parameters
    ----------
    graph
        The neuron graph.
    gain
        What it is worth to bring a neuron (row) onto another (column), shape (n_neurons, n_neurons).
    listed
        Gives the symmetries of a graph of one piece, (n_symmetries, n_neurons).
    """
    gain = gain + _STAYING * np.eye(len(gain))
    piece = pieces(graph)
    parts = [np.flatnonzero(piece == number) for number in range(piece.max() + 1)]
    ties = Ties(graph)
    if len(parts) == 1 and _kind(ties, parts[0]) == "other":
        return _best_listed(graph, ties, gain, listed(graph))
    colours = [sorted(ties.colour[node] for node in part) for part in parts]
    value = np.full((len(parts), len(parts)), _IMPOSSIBLE)
    images: dict[tuple[int, int], Images] = {}
    for i, source in enumerate(parts):
        for j, target in enumerate(parts):
            if colours[i] == colours[j]:
                found = _between(graph, ties, gain, source, target)
                if found is not None:
                    images[i, j] = found
                    value[i, j] = sum(gain[node, image] for node, image in found.items())
    result = np.empty(len(gain), dtype=np.intp)
    for i, j in zip(*linear_sum_assignment(value, maximize=True), strict=True):
        result[list(images[i, j])] = list(images[i, j].values())
    return result


def _kind(ties: Ties, part: NDArray[np.intp]) -> str:
    n_ends = sum(len(ties.of[node]) for node in part)
    if n_ends == 2 * (len(part) - 1):
        return "tree"
    alike = len({tie for node in part for tie in ties.of[node].values()}) == 1
    return "clique" if alike and n_ends == len(part) * (len(part) - 1) else "other"


def _between(
    graph: NeuronGraph, ties: Ties, gain: NDArray[np.float64], source: NDArray[np.intp], target: NDArray[np.intp]
) -> Images | None:
    """Best way to lay one piece onto another; None if there is none."""
    kind = _kind(ties, source)
    if kind == "tree":
        return _between_trees(graph, ties, gain, source, target)
    if kind == "clique":
        rows, columns = linear_sum_assignment(gain[np.ix_(source, target)], maximize=True)
        return dict(zip(source[rows].tolist(), target[columns].tolist(), strict=True))
    members = set(source.tolist())
    sequence = [node for node in ties.sequence if node in members]
    found = search(ties, sequence, target.tolist())
    if not len(found):
        return None
    best = found[gain[sequence, found].sum(axis=1).argmax()]
    return dict(zip(sequence, best.tolist(), strict=True))


def _between_trees(
    graph: NeuronGraph, ties: Ties, gain: NDArray[np.float64], source: NDArray[np.intp], target: NDArray[np.intp]
) -> Images | None:
    """Best way to lay one tree onto another: from the leaves inwards, children assigned to children.

    In trees, neurons of the same colour have the same branches behind them.
    """
    root = _centres(graph, source)[0]
    levels, children = _rooted(graph, root)
    best: tuple[float, Images] | None = None
    for other_root in _centres(graph, target):
        if ties.colour[other_root] != ties.colour[root]:
            continue
        other_levels, other_children = _rooted(graph, other_root)
        worth: dict[tuple[int, int], float] = {}
        chosen: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for level, other_level in zip(levels[::-1], other_levels[::-1], strict=True):
            for node in level:
                for other in other_level:
                    if ties.colour[node] != ties.colour[other]:
                        continue
                    mine, theirs = children[node], other_children[other]
                    value = np.array([[worth.get((a, b), _IMPOSSIBLE) for b in theirs] for a in mine])
                    rows, columns = linear_sum_assignment(value, maximize=True) if mine else ([], [])
                    chosen[node, other] = [(mine[a], theirs[b]) for a, b in zip(rows, columns, strict=True)]
                    worth[node, other] = gain[node, other] + sum(worth[pair] for pair in chosen[node, other])
        if best is None or worth[root, other_root] > best[0]:
            images: Images = {}
            waiting = [(root, other_root)]
            while waiting:
                node, other = waiting.pop()
                images[node] = other
                waiting.extend(chosen[node, other])
            best = worth[root, other_root], images
    return None if best is None else best[1]


def _centres(graph: NeuronGraph, part: NDArray[np.intp]) -> list[int]:
    """The one or two neurons of a tree whose farthest neuron is nearest."""
    steps = csgraph.shortest_path(graph.adjacency, directed=False, unweighted=True, indices=part)[:, part].max(axis=1)
    return [int(node) for node in part[steps == steps.min()]]


def _rooted(graph: NeuronGraph, root: int) -> tuple[list[list[int]], dict[int, list[int]]]:
    """Neurons by their distance from the root, and those behind each."""
    visited, parent = csgraph.breadth_first_order(graph.adjacency, root, directed=False)
    depth = {root: 0}
    levels: list[list[int]] = [[root]]
    children: dict[int, list[int]] = {root: []}
    for node in visited[1:].tolist():
        before = int(parent[node])
        depth[node] = depth[before] + 1
        children[node] = []
        children[before].append(node)
        if depth[node] == len(levels):
            levels.append([])
        levels[depth[node]].append(node)
    return levels, children


def _best_listed(
    graph: NeuronGraph, ties: Ties, gain: NDArray[np.float64], symmetries: NDArray[np.intp]
) -> NDArray[np.intp]:
    neurons = np.arange(len(gain))
    best = symmetries[gain[neurons, symmetries].sum(axis=1).argmax()]
    if len(symmetries) < MAX_FOUND:
        return np.asarray(best)
    # More than could be listed: the best assignment of all may happen to be one of those left out.
    colour = np.array(ties.colour)
    assigned = linear_sum_assignment(np.where(colour[:, None] == colour, gain, _IMPOSSIBLE), maximize=True)[1]
    weights = graph.adjacency.toarray()
    kept = np.abs(weights[np.ix_(assigned, assigned)] - weights).max() <= TOLERANCE * weights.max()
    better = gain[neurons, assigned].sum() > gain[neurons, best].sum()
    return np.asarray(assigned if kept and better else best)
