"""Neuron graphs of the user's: from networkx or from an adjacency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
from scipy import sparse

from ._graph import NeuronGraph

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Between components that are drawn side by side; an edge is one unit long.
_GAP = 1.5


def from_networkx(graph: nx.Graph[Any]) -> NeuronGraph:
    """Use a networkx graph: one neuron per node, `weight` on edges where given, `pos` on nodes where given.

    Paths, cycles and trees are recognised, so that they are read as a line, a ring and a tree; so are several paths,
    several cycles, and several groups in which everyone is tied to everyone.

    Parameters
    ----------
    graph
        Undirected graph with at least one edge.

    Raises
    ------
    ValueError
        If the graph is directed, a multigraph, or has no edges.

    Examples
    --------
    >>> import gsr_sc, networkx as nx
    >>> gsr_sc.graphs.from_networkx(nx.krackhardt_kite_graph())
    NeuronGraph: custom of 10 neurons, 18 edges
    """
    if graph.is_directed() or graph.is_multigraph():
        msg = f"A neuron graph is a plain undirected `networkx.Graph`; got {type(graph).__name__}. Convert it first."
        raise ValueError(msg)
    if graph.number_of_nodes() < 2:
        msg = f"A neuron graph needs at least 2 nodes; got {graph.number_of_nodes()}."
        raise ValueError(msg)
    nodes = list(graph.nodes)
    adjacency = sparse.csr_array(nx.to_scipy_sparse_array(graph, nodelist=nodes, dtype=np.float64))
    positions = nx.get_node_attributes(graph, "pos")
    layout = np.array([positions[node] for node in nodes], dtype=float) if len(positions) == len(nodes) else None
    return from_adjacency(adjacency, layout=layout, names=[str(node) for node in nodes])


def from_adjacency(
    adjacency: ArrayLike | sparse.sparray | sparse.spmatrix,
    *,
    layout: ArrayLike | None = None,
    names: list[str] | tuple[str, ...] = (),
) -> NeuronGraph:
    """Use a dense or sparse adjacency of shape (n_neurons, n_neurons).

    Parameters
    ----------
    adjacency
        Symmetric weights >= 0; the diagonal is ignored.
    layout
        Where each neuron is drawn, shape (n_neurons, 2); by default laid out by networkx (Kamada-Kawai).
    names
        One name per neuron; `n0`, `n1`, ... by default.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.from_adjacency([[0, 1, 0], [1, 0, 2], [0, 2, 0]]).kind
    'line'
    """
    matrix = sparse.csr_array(adjacency, dtype=np.float64)
    if layout is None:
        # Checked before it is laid out, so that a wrong matrix is named as such.
        checked = NeuronGraph("custom", matrix, np.zeros((matrix.shape[0], 2)))
        layout = default_layout(checked.adjacency)
    result = NeuronGraph("custom", matrix, np.asarray(layout, dtype=np.float64), tuple(names))
    return NeuronGraph(_recognise(result), result.adjacency, result.layout, result.names)


def default_layout(adjacency: sparse.csr_array) -> NDArray[np.float64]:
    """Coordinates for a graph without any, edges about one unit long, components side by side; shape (n, 2)."""
    graph = nx.from_scipy_sparse_array(adjacency)
    components = sorted(map(sorted, nx.connected_components(graph)), key=lambda nodes: (-len(nodes), nodes[0]))
    parts = [_component_layout(graph.subgraph(nodes), nodes) for nodes in components]
    coordinates = np.zeros((adjacency.shape[0], 2))
    for nodes, xy in zip(components, _packed(parts), strict=True):
        coordinates[nodes] = xy
    return coordinates


def _component_layout(part: nx.Graph[int], nodes: list[int]) -> NDArray[np.float64]:
    if len(nodes) == 1:
        return np.zeros((1, 2))
    # Steps, not weights: a heavy edge ties firmly, it is not long.
    positions = nx.kamada_kawai_layout(part, weight=None)
    xy = np.array([positions[node] for node in nodes])
    edges = np.array([(nodes.index(a), nodes.index(b)) for a, b in part.edges])
    return np.asarray(xy / np.mean(np.linalg.norm(xy[edges[:, 0]] - xy[edges[:, 1]], axis=1)))


def _packed(parts: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Parts side by side in rows, from the top left, in a picture about as wide as high."""
    sizes = [np.ptp(xy, axis=0) + _GAP for xy in parts]
    widest = max(np.sqrt(sum(float(np.prod(size)) for size in sizes)), *(float(size[0]) for size in sizes), 0.0)
    placed: list[NDArray[np.float64]] = []
    left, top, row_height = 0.0, 0.0, 0.0
    for xy, size in zip(parts, sizes, strict=True):
        if left > 0 and left + size[0] > widest * (1 + 1e-9):
            left, top, row_height = 0.0, top - row_height, 0.0
        placed.append(xy - [xy[:, 0].min(), xy[:, 1].max()] + [left, top])
        left, row_height = left + float(size[0]), max(row_height, float(size[1]))
    return placed


def _recognise(graph: NeuronGraph) -> str:
    degree = np.diff(graph.adjacency.indptr)
    n_pieces, piece = sparse.csgraph.connected_components(graph.adjacency, directed=False)
    size, ends = np.bincount(piece), np.bincount(piece, weights=degree)
    without_ring = ends == 2 * (size - 1)
    if (size > 1).all() and without_ring.all() and degree.max() <= 2:
        return "line" if n_pieces == 1 else "lines"
    if (degree == 2).all():
        return "ring" if n_pieces == 1 else "rings"
    if n_pieces == 1 and without_ring.all():
        return "tree"
    if n_pieces > 1 and (size > 1).all() and (ends == size * (size - 1)).all():
        return "groups"
    return "custom"
