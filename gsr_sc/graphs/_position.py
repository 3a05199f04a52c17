"""Where on the graph a pattern of activation lies: coordinates, order, branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph


def shares(activations: NDArray[np.floating]) -> NDArray[np.float64]:
    """Activations as shares of a whole: non-negative, each row summing to 1, shape as given.

    Rows without any activation become uniform.
    Negative activations (of linear units, and around the bump of a wavelet) count as none; a row without a positive
    one counts from its smallest.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.shares([[1, 3], [0, 0], [-1, 1], [-2, -1]]).tolist()
    [[0.25, 0.75], [0.5, 0.5], [0.0, 1.0], [0.0, 1.0]]
    """
    weights = np.asarray(activations, dtype=np.float64)
    # Counted from the smallest, the flat surround of a bump would outweigh the bump itself.
    all_negative = weights.max(axis=1, keepdims=True) <= 0
    weights = np.where(all_negative, weights - weights.min(axis=1, keepdims=True), np.maximum(weights, 0))
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, total, out=np.full_like(weights, 1 / weights.shape[1]), where=total > 0)


def barycentre(graph: NeuronGraph, activations: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean position of each row of activations on the layout, in layout units.

    On a torus the mean is circular along both axes, so that a bump across the seam lies on the seam.

    Parameters
    ----------
    graph
        The neuron graph.
    activations
        Shape (n_obs, n_neurons).

    Returns
    -------
    Shape (n_obs, 2).

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.barycentre(gsr_sc.graphs.line(3), [[0, 0, 1], [0, 0.5, 0.5]]).tolist()
    [[2.0, 0.0], [1.5, 0.0]]
    """
    weights = shares(activations)
    if graph.kind != "torus" or graph.shape is None:
        return weights @ graph.layout
    n_rows, n_columns = graph.shape
    coordinates = np.empty((len(weights), 2))
    for axis, period in enumerate((n_columns, n_rows)):
        angle = 2 * np.pi * graph.layout[:, axis] / period
        coordinates[:, axis] = _mean_angle(weights, angle) * period / (2 * np.pi)
    return coordinates


def order(graph: NeuronGraph, activations: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """One-dimensional position of each row of activations, for graphs that have one.

    Parameters
    ----------
    graph
        The neuron graph.
    activations
        Shape (n_obs, n_neurons).

    Returns
    -------
    On a line or tree the mean distance from the root in [0, 1], on a ring the mean angle in [0, 2 pi),
    shape (n_obs,); None for other graphs. The root is the first neuron of a line and of a tree.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.order(gsr_sc.graphs.line(3), [[0, 0, 1], [0, 0.5, 0.5]]).tolist()
    [1.0, 0.75]
    """
    if graph.kind == "ring":
        return _mean_angle(shares(activations), ring_angles(graph))
    if graph.kind in ("line", "tree"):
        distance = distance_from_root(graph)
        return shares(activations) @ (distance / distance.max())
    return None


def ring_angles(graph: NeuronGraph) -> NDArray[np.float64]:
    """Angle of each neuron along a ring, in [0, 2 pi), shape (n_neurons,)."""
    sequence = [0]
    while len(sequence) < graph.n_neurons:
        neighbours = graph.adjacency[[sequence[-1]]].indices
        sequence.append(int(next(node for node in neighbours if node not in sequence[-2:])))
    angles = np.empty(graph.n_neurons)
    angles[sequence] = 2 * np.pi * np.arange(graph.n_neurons) / graph.n_neurons
    return angles


def root_neuron(graph: NeuronGraph) -> int:
    """The neuron from which positions are counted: an end of a line, the first neuron of a tree."""
    degree = np.diff(graph.adjacency.indptr)
    return int(np.flatnonzero(degree == 1)[0]) if graph.kind == "line" else 0


def distance_from_root(graph: NeuronGraph) -> NDArray[np.float64]:
    """Number of edges from the root to each neuron, shape (n_neurons,)."""
    return np.asarray(
        csgraph.shortest_path(graph.adjacency, directed=False, unweighted=True, indices=root_neuron(graph))
    )


def branches(graph: NeuronGraph) -> NDArray[np.intp] | None:
    """Branch of each neuron of a tree: stretches between root, forks and leaves, numbered from the root outwards.

    Parameters
    ----------
    graph
        The neuron graph.

    Returns
    -------
    Shape (n_neurons,); None for graphs that are not trees. A fork belongs to the branch that leads to it.

    Examples
    --------
    >>> import gsr_sc, networkx as nx
    >>> tree = nx.Graph([("stem", "fork"), ("fork", "left"), ("fork", "right"), ("right", "tip")])
    >>> gsr_sc.graphs.branches(gsr_sc.graphs.from_networkx(tree)).tolist()
    [0, 0, 1, 2, 2]
    """
    if graph.kind != "tree":
        return None
    degree = np.diff(graph.adjacency.indptr)
    root = root_neuron(graph)
    visited, parent = csgraph.breadth_first_order(graph.adjacency, root, directed=False)
    branch = np.zeros(graph.n_neurons, dtype=np.intp)
    n_branches = 1
    for node in visited[1:]:
        before = parent[node]
        forks = degree[before] > 2 or (before == root and degree[root] > 1)
        if forks:
            branch[node], n_branches = n_branches, n_branches + 1
        else:
            branch[node] = branch[before]
    return branch


def steps_between(graph: NeuronGraph) -> NDArray[np.float64]:
    """Number of edges on the shortest path between any two neurons, infinite across components, shape (n, n)."""
    return np.asarray(csgraph.shortest_path(sparse.csr_array(graph.adjacency), directed=False, unweighted=True))


def _mean_angle(weights: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    mean = np.angle(weights @ np.exp(1j * angle)) % (2 * np.pi)
    # A tiny negative angle becomes exactly 2 pi by rounding; the interval is half-open.
    return np.asarray(np.where(mean >= 2 * np.pi, 0.0, mean))
