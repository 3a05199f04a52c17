"""Where on the graph a pattern of activation lies: coordinates and order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from ._branches import BRANCHING, pieces

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


def relative_shares(activations: NDArray[np.floating]) -> NDArray[np.float64]:
    """Shares relative to the largest of each row, so that no power makes a row vanish."""
    weights = shares(activations)
    return np.asarray(weights / weights.max(axis=1, keepdims=True))


def sharpened(activations: NDArray[np.floating], power: float) -> NDArray[np.float64]:
    """Shares of the neurons after raising them to a power, each row summing to 1, shape as given.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).
    power
        See :func:`sharpness`; 1 leaves the shares as they are.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.sharpened([[1, 3], [0, 0]], 2).round(3).tolist()
    [[0.1, 0.9], [0.5, 0.5]]
    """
    weights = relative_shares(np.asarray(activations)) ** power
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def belonging(activations: NDArray[np.floating]) -> NDArray[np.float64]:
    """How much of each observation belongs to each neuron, rows summing to 1, (n_obs, n_neurons)."""
    # Squared, or the many observations that hardly light up a neuron would outweigh the few that do.
    return sharpened(activations, 2)


def barycentre(graph: NeuronGraph, activations: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean position of each row of activations on the layout, in layout units.

    On a torus the mean is circular along both axes, so that a bump across the seam lies on the seam.
    On a graph of several pieces (rings, lines, groups) it is the mean over the piece of the most active neuron,
    as there is nothing between two pieces to lie on.

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
        piece = pieces(graph)
        return (within(weights, same_piece(graph)) if piece.any() else weights) @ graph.layout
    n_rows, n_columns = graph.shape
    coordinates = np.empty((len(weights), 2))
    for axis, period in enumerate((n_columns, n_rows)):
        angle = 2 * np.pi * graph.layout[:, axis] / period
        coordinates[:, axis] = mean_angle(weights, angle) * period / (2 * np.pi)
    return coordinates


def order(graph: NeuronGraph, activations: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """One-dimensional position of each row of activations, for graphs that have one.

    Neurons weigh by the square of their activation: the many that are hardly lit would draw every row to the middle, and
    change the order where the noise in them is larger than the step between two rows.
    Where the graph branches or has several pieces, only the neurons count that lie on a way from the root through the
    most active neuron: activation on another branch says nothing of how far a cell has come on its own.

    Parameters
    ----------
    graph
        The neuron graph.
    activations
        Shape (n_obs, n_neurons).

    Returns
    -------
    On line, lines, star, wishbone and tree the mean distance from the root in [0, 1], 1 being farthest on that line or on
    the whole graph; on a ring and on rings the mean angle in [0, 2 pi) on that ring; shape (n_obs,). None for other graphs.
    The root is the first neuron of a star, wishbone or tree, and an end of a line.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.order(gsr_sc.graphs.line(3), [[0, 0, 1], [0, 0.5, 0.5]]).tolist()
    [1.0, 0.75]
    """
    weights = belonging(activations)
    if graph.kind in ("ring", "rings"):
        return mean_angle(within(weights, same_piece(graph)), ring_angles(graph))
    if graph.kind in ("line", "lines") or graph.kind in BRANCHING:
        distance = distance_from_root(graph)
        return within(weights, on_a_way(graph, distance)) @ share_of_way(graph, distance)
    return None


def neuron_places(graph: NeuronGraph) -> NDArray[np.float64]:
    """Coordinates of neurons whose mean over a pattern of activation is its place, shape (n_neurons, n).

    Steps to each end as shares of the longest way; on a ring the point on a circle half of which is one, as half way round is
    the longest.

    Parameters
    ----------
    graph
        A connected graph with ends, or a ring.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.neuron_places(gsr_sc.graphs.line(3)).round(2).tolist()
    [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    """
    if graph.kind == "ring":
        angle = ring_angles(graph)
        return np.column_stack([np.cos(angle), np.sin(angle)]) / np.pi
    steps = steps_between(graph)[:, ends(graph)]
    return np.asarray(steps / steps.max())


def same_piece(graph: NeuronGraph) -> NDArray[np.bool_]:
    """Whether two neurons are in the same connected piece, shape (n_neurons, n_neurons)."""
    piece = pieces(graph)
    return np.asarray(piece[:, None] == piece)


def on_a_way(graph: NeuronGraph, distance: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether two neurons of a tree lie on one way from its root, given their distances from it, shape (n, n)."""
    # They do if no step between them leads away from the root and back.
    return np.asarray(steps_between(graph) == np.abs(distance[:, None] - distance))


def share_of_way(graph: NeuronGraph, distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances from the roots as shares of the longest one on the same piece, shape (n_neurons,)."""
    piece = pieces(graph)
    longest = np.array([distance[piece == number].max() for number in range(piece.max() + 1)])
    return np.asarray(distance / longest[piece])


def ring_angles(graph: NeuronGraph) -> NDArray[np.float64]:
    """Angle of each neuron along its ring, in [0, 2 pi), shape (n_neurons,)."""
    piece = pieces(graph)
    angles = np.empty(graph.n_neurons)
    for number in range(piece.max() + 1):
        sequence = [int(np.flatnonzero(piece == number)[0])]
        n_neurons = int((piece == number).sum())
        while len(sequence) < n_neurons:
            neighbours = graph.adjacency[[sequence[-1]]].indices
            sequence.append(int(next(node for node in neighbours if node not in sequence[-2:])))
        angles[sequence] = 2 * np.pi * np.arange(n_neurons) / n_neurons
    return angles


def root_neurons(graph: NeuronGraph) -> NDArray[np.intp]:
    """The neurons from which positions are counted: an end of each line, the first neuron of what branches."""
    if graph.kind not in ("line", "lines"):
        return np.zeros(1, dtype=np.intp)
    at = ends(graph)
    return at[np.unique(pieces(graph)[at], return_index=True)[1]]


def ends(graph: NeuronGraph) -> NDArray[np.intp]:
    """Neurons with one edge, in graph order."""
    return np.flatnonzero(np.diff(graph.adjacency.indptr) == 1).astype(np.intp)


def distance_from_root(graph: NeuronGraph, roots: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
    """Number of edges from the nearest root to each neuron, shape (n_neurons,)."""
    roots = root_neurons(graph) if roots is None else roots
    steps = csgraph.shortest_path(graph.adjacency, directed=False, unweighted=True, indices=roots)
    return np.asarray(steps.min(axis=0))


def steps_between(graph: NeuronGraph) -> NDArray[np.float64]:
    """Number of edges on the shortest path between any two neurons, infinite across components, shape (n, n)."""
    return np.asarray(csgraph.shortest_path(sparse.csr_array(graph.adjacency), directed=False, unweighted=True))


def within(weights: NDArray[np.float64], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Shares of those neurons alone that count for the most active one, `counts` being (n_neurons, n_neurons)."""
    return shares(weights * counts[weights.argmax(axis=1)])


def mean_angle(weights: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Circular mean of angles, in [0, 2 pi), one for each row of weights."""
    mean = np.angle(weights @ np.exp(1j * angle)) % (2 * np.pi)
    # A tiny negative angle becomes exactly 2 pi by rounding; the interval is half-open.
    return np.asarray(np.where(mean >= 2 * np.pi, 0.0, mean))
