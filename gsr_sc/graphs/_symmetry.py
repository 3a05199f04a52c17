"""Symmetries of neuron graphs, and which of them brings one map onto another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from ._align import best_symmetry
from ._position import distance_from_root, ring_angles
from ._search import MAX_FOUND, TOLERANCE, Ties, search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph


def automorphisms(graph: NeuronGraph) -> NDArray[np.intp]:
    """All ways to rename the neurons of a graph that leave its edges and weights as they are.

    A line has 2, a ring of n neurons 2n, a square grid 8, another grid 4, an n x n torus 8n^2 (384 if n is 4),
    another torus 4 times its number of neurons, a hexagonal lattice 2. Those of other graphs are searched for.

    Parameters
    ----------
    graph
        The neuron graph.

    Returns
    -------
    Permutations of the neurons, the identity first, shape (n_automorphisms, n_neurons);
    `adjacency[p][:, p]` equals `adjacency` for each row `p`.
    Of a graph other than line, ring, grid and torus, the first 5000 found in a search of bounded length:
    stars, bushy trees and several rings have more than could ever be listed.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.automorphisms(gsr_sc.graphs.line(3)).tolist()
    [[0, 1, 2], [2, 1, 0]]
    """
    found = _candidates(graph)
    # The shape alone does not tell the weights; those of a line given by the user may differ.
    weights = graph.adjacency.toarray()
    close = TOLERANCE * weights.max()
    keep = [np.abs(weights[np.ix_(p, p)] - weights).max() <= close for p in found]
    # Sorted rows: the identity is the smallest permutation.
    return np.unique(found[keep], axis=0)


def align(graph: NeuronGraph, reference: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.intp]:
    """Symmetry of the graph that brings one map of the same observations closest to another.

    Parameters
    ----------
    graph
        The neuron graph of both maps.
    reference
        Activations to be matched, shape (n_obs, n_neurons).
    other
        Activations of the other map, rows in the same order.

    Returns
    -------
    The symmetry `p`, as :func:`automorphisms` has them, for which the columns of `other[:, p]`
    correlate most with those of `reference` on average, shape (n_neurons,). Where alike branches, pieces or neurons can
    change places in more ways than could be listed (star, tree, wishbone, rings, lines, groups), it is the best of all.
    Neurons of a learned graph have no place but what they do: any permutation may be taken.

    Raises
    ------
    ValueError
        If the shapes do not fit each other and the graph.

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> graph = gsr_sc.graphs.line(4)
    >>> z = np.random.default_rng(0).random((10, 4))
    >>> gsr_sc.graphs.align(graph, z, z[:, ::-1]).tolist()
    [3, 2, 1, 0]
    """
    first, second = np.asarray(reference), np.asarray(other)
    if first.shape != second.shape or first.ndim != 2 or first.shape[1] != graph.n_neurons:
        msg = (
            f"Two maps on {graph.n_neurons} neurons have shape (n_obs, {graph.n_neurons}) each, "
            f"with the same observations; got {first.shape} and {second.shape}."
        )
        raise ValueError(msg)
    cross = correlations(first, second)
    if graph.kind == "learned":
        return np.asarray(linear_sum_assignment(cross, maximize=True)[1])
    return best_symmetry(graph, cross, automorphisms)


def correlations(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Correlation of every column of one matrix with every column of another; 0 where either is constant."""
    return np.asarray(standardised(first).T @ standardised(second))


def standardised(matrix: NDArray[Any]) -> NDArray[np.float64]:
    """Columns with mean 0 and length 1, so that their products are correlations; 0 where a column is constant."""
    precision = np.finfo(matrix.dtype).eps if np.issubdtype(matrix.dtype, np.floating) else np.finfo(np.float64).eps
    values = np.asarray(matrix, dtype=np.float64)
    centred = values - values.mean(axis=0)
    norm = np.linalg.norm(centred, axis=0)
    # What is left of a constant column is rounding.
    varies = norm > 4 * precision * np.linalg.norm(values, axis=0)
    return np.asarray(np.divide(centred, norm, out=np.zeros_like(centred), where=varies))


def _candidates(graph: NeuronGraph) -> NDArray[np.intp]:
    if graph.kind == "line":
        return _renamed(np.argsort(distance_from_root(graph)), _of_lattice((1, graph.n_neurons)))
    if graph.kind == "ring":
        return _renamed(np.argsort(ring_angles(graph)), _of_ring(graph.n_neurons))
    if graph.kind == "grid" and graph.shape is not None:
        return _of_lattice(graph.shape)
    # A 4 x 4 torus is a four-dimensional cube, and turns in more ways than a torus does.
    if graph.kind == "torus" and graph.shape not in (None, (4, 4)):
        return _of_torus(graph.shape)
    return _searched(graph)


def _renamed(sequence: NDArray[np.intp], permutations: NDArray[np.intp]) -> NDArray[np.intp]:
    """Permutations of places along a sequence of neurons as permutations of the neurons."""
    result = np.empty_like(permutations)
    result[:, sequence] = sequence[permutations]
    return result


def _of_lattice(shape: tuple[int, int]) -> NDArray[np.intp]:
    node = np.arange(shape[0] * shape[1]).reshape(shape)
    turned = [np.rot90(side, quarters) for side in (node, node.T) for quarters in range(4)]
    return np.array([view.ravel() for view in turned if view.shape == shape])


def _of_ring(n: int) -> NDArray[np.intp]:
    forwards = (np.arange(n)[:, None] + np.arange(n)) % n
    return np.concatenate([forwards, forwards[:, ::-1]])


def _of_torus(shape: tuple[int, int]) -> NDArray[np.intp]:
    views = [view.reshape(shape) for view in np.unique(_of_lattice(shape), axis=0)]
    shifts = [(row, column) for row in range(shape[0]) for column in range(shape[1])]
    return np.array([np.roll(view, shift, axis=(0, 1)).ravel() for view in views for shift in shifts])


def _searched(graph: NeuronGraph) -> NDArray[np.intp]:
    """Symmetries of any graph; the identity first, in case the search ends before it is met."""
    ties = Ties(graph)
    neurons = np.arange(graph.n_neurons)
    found = search(ties, ties.sequence, neurons.tolist())
    images = np.empty_like(found)
    images[:, ties.sequence] = found
    others = images[(images != neurons).any(axis=1)]
    return np.concatenate([neurons[None], others])[:MAX_FOUND]
