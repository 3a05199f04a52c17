"""Ways through a neuron graph: how long its edges are, the shortest way, and where it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from ._branches import BRANCHING, pieces
from ._position import ends, mean_angle, ring_angles, steps_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph

    Array = NDArray[np.float64]

# How much longer an edge becomes at most where no observation is.
_EMPTY = 20.0
# Neurons that say almost the same of where a group is; and what share of the longest way is near an end.
_ALIKE, _NEAR = 0.02, 0.1


def edge_lengths(graph: NeuronGraph, profiles: NDArray[np.floating], use: NDArray[np.floating]) -> sparse.csr_array:
    """How far apart neighbouring neurons are: in what they stand for, and longer where few observations are.

    The length of an edge is the distance between the profiles of its neurons, over the median of all edges, divided by
    how much the two are used (geometric mean, over the mean of all neurons, at least 1/20). A shortest way then
    runs where observations are, and changes little at every step.

    Parameters
    ----------
    graph
        The neuron graph.
    profiles
        What each neuron stands for, such as its gene program, (n_neurons, n_features).
    use
        How much each neuron is used, (n_neurons,).

    Returns
    -------
    Symmetric, (n_neurons, n_neurons).

    Examples
    --------
    >>> import gsr_sc
    >>> graph = gsr_sc.graphs.line(3)
    >>> gsr_sc.graphs.edge_lengths(graph, [[0.0], [1], [2]], [1, 1, 0]).toarray()[1].tolist()
    [0.666..., 0.0, 20.0]
    """
    i, j = graph.edges.T
    profiles = np.asarray(profiles, dtype=np.float64)
    apart = np.linalg.norm(profiles[i] - profiles[j], axis=1)
    typical = float(np.median(apart)) if len(apart) else 0.0
    # An edge of length 0 would be none to scipy.
    apart = np.maximum(apart / typical, 1e-3) if typical > 0 else np.ones(len(apart))
    share = np.asarray(use, dtype=np.float64) / max(float(np.mean(use)), 1e-300)
    length = apart / np.maximum(np.sqrt(share[i] * share[j]), 1 / _EMPTY)
    both = (np.concatenate([length, length]), (np.concatenate([i, j]), np.concatenate([j, i])))
    return sparse.csr_array(both, shape=graph.adjacency.shape)


def route(lengths: sparse.csr_array, root: int, end: int) -> NDArray[np.intp]:
    """Neurons on the shortest way from one neuron to another, both among them.

    Raises
    ------
    ValueError
        If there is no way, or if both are the same neuron.
    """
    if root == end:
        msg = "The path begins and ends on the same neuron; choose a root and an end that lie apart on the map."
        raise ValueError(msg)
    _, before = csgraph.dijkstra(lengths, directed=False, indices=root, return_predecessors=True)
    if before[end] < 0:
        msg = "There is no way from the root to the end: they are on parts of the graph that nothing ties together."
        raise ValueError(msg)
    path = [end]
    while path[-1] != root:
        path.append(int(before[path[-1]]))
    return np.array(path[::-1], dtype=np.intp)


def way_from(lengths: sparse.csr_array, root: int) -> NDArray[np.float64]:
    """Length of the shortest way from the root to each neuron, infinite where there is none, (n_neurons,)."""
    return np.asarray(csgraph.dijkstra(lengths, directed=False, indices=root))


def find_root(
    graph: NeuronGraph,
    value: NDArray[np.floating],
    mass: NDArray[np.floating],
    *,
    lengths: sparse.csr_array | None = None,
) -> int:
    """Neuron near which a value is high: the one from which, going outwards, it falls most steadily.

    Of all neurons that hold at least a tenth of the highest value, the one whose distances to the observations correlate
    most with the value, negatively, as ranks. Of several that do so within 2 %, the one farthest from all observations: from
    the tip of a branch that one group fills, that group comes first, as it does from the middle of the group.
    On rings, where there is no first, the neuron at the mean angle of the value.

    Parameters
    ----------
    graph
        The neuron graph.
    value
        Mean of the value over the observations of each neuron, (n_neurons,), NaN where there are none.
    mass
        How much each neuron is used, (n_neurons,).
    lengths
        Length of each edge, as in :func:`edge_lengths`; by default all are equal.

    Raises
    ------
    ValueError
        If the value is the same everywhere.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.find_root(gsr_sc.graphs.line(5), [0, 0, 0, 0.9, 1], [1, 1, 1, 1, 1])
    4
    """
    level: Array = np.asarray(value, dtype=np.float64)
    amount: Array = np.where(np.isfinite(level), np.asarray(mass, dtype=np.float64), 0.0)
    level = np.nan_to_num(level)
    centred: Array = level - np.average(level, weights=amount) if amount.sum() > 0 else np.zeros(len(level))
    if not (np.abs(centred[amount > 0]) > 1e-12 * np.abs(level).max(initial=0)).any():
        msg = "It is the same on all neurons, so it marks none of them."
        raise ValueError(msg)
    if graph.kind in ("ring", "rings"):
        return _on_ring(graph, level, amount)
    steps = steps_between(graph) if lengths is None else csgraph.dijkstra(lengths, directed=False)
    steps = np.where(np.isfinite(steps), steps, 2 * steps[np.isfinite(steps)].max() + 1)
    high = level.min() + 0.1 * np.ptp(level)
    candidates = np.flatnonzero((level > high) & (amount > 0))
    score = np.array([-_rank_correlation(steps[neuron], centred, amount) for neuron in candidates])
    best = candidates[score >= score.max() - _ALIKE * abs(score.max())]
    return int(best[(steps[best] @ amount).argmax()])


def near_end(graph: NeuronGraph, neuron: int) -> int:
    """The end of a line or branch, if it is within a tenth of the longest way of a neuron on it, else the neuron."""
    if graph.kind not in ("line", "lines") and graph.kind not in BRANCHING:
        return neuron
    steps = steps_between(graph)
    at = ends(graph)
    nearest = int(at[steps[neuron, at].argmin()])
    longest = steps[np.isfinite(steps)].max()
    return nearest if steps[neuron, nearest] <= _NEAR * longest else neuron


def _on_ring(graph: NeuronGraph, value: NDArray[np.float64], mass: NDArray[np.float64]) -> int:
    piece, angle = pieces(graph), ring_angles(graph)
    # The piece that holds most of it, of several.
    total = np.bincount(piece, weights=mass)
    own = np.flatnonzero(piece == (np.bincount(piece, weights=mass * value) / np.maximum(total, 1e-300)).argmax())
    weight = (mass * (value - np.average(value[own], weights=mass[own])))[own]
    centre = mean_angle(weight[None], angle[own])[0]
    return int(own[np.cos(angle[own] - centre).argmax()])


def _rank_correlation(distance: NDArray[np.float64], centred: NDArray[np.float64], mass: NDArray[np.float64]) -> float:
    levels, level = np.unique(distance, return_inverse=True)
    at = np.bincount(level, weights=mass, minlength=len(levels))
    rank = (np.cumsum(at) - at / 2)[level]
    rank = rank - np.average(rank, weights=mass)
    scale = np.sqrt((mass @ rank**2) * (mass @ centred**2))
    return float(mass @ (rank * centred) / scale) if scale > 0 else 0.0
