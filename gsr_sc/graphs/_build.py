"""Building neuron graphs: grid, torus, ring, line, and any graph of the user's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, get_args

import networkx as nx
import numpy as np
from scipy import sparse

from ._graph import NeuronGraph

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

GraphKind = Literal["grid", "torus", "ring", "line"]

# One neuron for about eight cells, up to the size that did best on thousands of cells (see `method.md`).
_CELLS_PER_NEURON = 8
_MAX_SIDE, _MIN_SIDE = 12, 3
_MAX_CHAIN, _MIN_CHAIN = 32, 8


def grid(n_rows: int, n_columns: int | None = None) -> NeuronGraph:
    """Rectangular grid; every neuron is tied to those above, below, left and right of it.

    Neurons are named as the wells of a plate: `A1` at the top left, letters for rows, numbers for columns.

    Parameters
    ----------
    n_rows
        Number of rows.
    n_columns
        Number of columns; as many as rows by default.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.grid(2, 3).names
    ('A1', 'A2', 'A3', 'B1', 'B2', 'B3')
    """
    return _lattice("grid", n_rows, n_columns)


def torus(n_rows: int, n_columns: int | None = None) -> NeuronGraph:
    """Grid whose opposite sides are joined, so that no neuron is at an edge.

    Parameters
    ----------
    n_rows
        Number of rows, at least 3.
    n_columns
        Number of columns, at least 3; as many as rows by default.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.torus(4).n_edges
    32
    """
    return _lattice("torus", n_rows, n_columns)


def ring(n_neurons: int) -> NeuronGraph:
    """Closed chain of neurons, for cyclic processes.

    Parameters
    ----------
    n_neurons
        Number of neurons, at least 3.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.ring(8).n_edges
    8
    """
    _require("ring", n_neurons, 3)
    angle = 2 * np.pi * np.arange(n_neurons) / n_neurons
    index = np.arange(n_neurons)
    adjacency = _symmetric(n_neurons, index, (index + 1) % n_neurons)
    # A radius of n / 2 pi puts neighbours one unit apart, as on a grid.
    layout = n_neurons / (2 * np.pi) * np.column_stack([np.cos(angle), np.sin(angle)])
    return NeuronGraph("ring", adjacency, layout)


def line(n_neurons: int) -> NeuronGraph:
    """Open chain of neurons, for processes with a beginning and an end.

    Parameters
    ----------
    n_neurons
        Number of neurons, at least 2.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.line(5).edges.tolist()
    [[0, 1], [1, 2], [2, 3], [3, 4]]
    """
    _require("line", n_neurons, 2)
    index = np.arange(n_neurons)
    adjacency = _symmetric(n_neurons, index[:-1], index[1:])
    return NeuronGraph("line", adjacency, np.column_stack([index, np.zeros(n_neurons)]))


def from_networkx(graph: nx.Graph[Any]) -> NeuronGraph:
    """Use a networkx graph: one neuron per node, `weight` on edges where given, `pos` on nodes where given.

    Paths, cycles and trees are recognised, so that they are read as a line, a ring and a tree.

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
    coordinates = np.zeros((adjacency.shape[0], 2))
    left = 0.0
    for component in sorted(nx.connected_components(graph), key=lambda nodes: (-len(nodes), min(nodes))):
        nodes = sorted(component)
        part = graph.subgraph(nodes)
        # Steps, not weights: a heavy edge ties firmly, it is not long.
        positions = nx.kamada_kawai_layout(part, weight=None) if len(nodes) > 1 else {nodes[0]: np.zeros(2)}
        xy = np.array([positions[node] for node in nodes])
        if len(nodes) > 1:
            edges = np.array([(nodes.index(a), nodes.index(b)) for a, b in part.edges])
            xy /= np.mean(np.linalg.norm(xy[edges[:, 0]] - xy[edges[:, 1]], axis=1))
        xy[:, 0] += left - xy[:, 0].min()
        coordinates[nodes] = xy
        left = xy[:, 0].max() + 1.5
    return coordinates


def resolve(graph: Any, *, n_neurons: int | None, n_obs: int) -> NeuronGraph:
    """Turn what a user may pass as `graph` into a :class:`NeuronGraph`.

    Parameters
    ----------
    graph
        A name, a :class:`NeuronGraph`, a networkx graph, or a dense or sparse adjacency.
    n_neurons
        Number of neurons for a named graph; by default chosen by `n_obs`.
    n_obs
        Number of observations the layer will be trained on.

    Raises
    ------
    ValueError
        If the name is unknown, or `n_neurons` contradicts the graph.
    TypeError
        If `graph` is none of the above.
    """
    if isinstance(graph, str):
        if graph not in get_args(GraphKind):
            msg = (
                f"`graph` is {graph!r}; named graphs are {list(get_args(GraphKind))}. "
                "Any other shape can be passed as a networkx graph or an adjacency matrix."
            )
            raise ValueError(msg)
        return _named(graph, default_size(graph, n_obs) if n_neurons is None else n_neurons)
    if isinstance(graph, NeuronGraph):
        built = graph
    elif isinstance(graph, nx.Graph):
        built = from_networkx(graph)
    elif isinstance(graph, np.ndarray | list | tuple) or sparse.issparse(graph):
        built = from_adjacency(graph)
    else:
        msg = (
            f"`graph` is a {type(graph).__name__}; pass one of {list(get_args(GraphKind))}, a `gsr_sc.graphs` object, "
            "a networkx graph, or a dense or sparse adjacency."
        )
        raise TypeError(msg)
    if n_neurons is not None and n_neurons != built.n_neurons:
        msg = f"`n_neurons={n_neurons}`, but the graph passed has {built.n_neurons} neurons; leave `n_neurons` out."
        raise ValueError(msg)
    return built


def default_size(kind: str, n_obs: int) -> int:
    """Number of neurons for a named graph and a number of observations."""
    wanted = n_obs // _CELLS_PER_NEURON
    if kind in ("grid", "torus"):
        return min(max(math.isqrt(wanted), _MIN_SIDE), _MAX_SIDE) ** 2
    return min(max(wanted, _MIN_CHAIN), _MAX_CHAIN)


def _named(kind: str, n_neurons: int) -> NeuronGraph:
    if kind == "ring":
        return ring(n_neurons)
    if kind == "line":
        return line(n_neurons)
    shortest = 3 if kind == "torus" else 2
    _require(kind, n_neurons, shortest**2 if kind == "torus" else 2)
    rows = max(side for side in range(1, math.isqrt(n_neurons) + 1) if n_neurons % side == 0)
    if rows < shortest and n_neurons > 3:
        msg = (
            f"`n_neurons={n_neurons}` makes no {kind}, as it is no product of two sides of at least {shortest}; "
            f"take one such as {math.isqrt(n_neurons) ** 2}, or pass `gsr_sc.graphs.{kind}(rows, columns)`."
        )
        raise ValueError(msg)
    return _lattice(kind, rows, n_neurons // rows)


def _lattice(kind: str, n_rows: int, n_columns: int | None) -> NeuronGraph:
    n_columns = n_rows if n_columns is None else n_columns
    smallest = 3 if kind == "torus" else 1
    _require(kind, n_rows, smallest, "n_rows")
    _require(kind, n_columns, smallest, "n_columns")
    node = np.arange(n_rows * n_columns).reshape(n_rows, n_columns)
    right, down = np.roll(node, -1, axis=1), np.roll(node, -1, axis=0)
    keep_columns, keep_rows = (n_columns, n_rows) if kind == "torus" else (n_columns - 1, n_rows - 1)
    start = np.concatenate([node[:, :keep_columns].ravel(), node[:keep_rows].ravel()])
    stop = np.concatenate([right[:, :keep_columns].ravel(), down[:keep_rows].ravel()])
    row, column = np.divmod(node.ravel(), n_columns)
    # y grows upwards, as in every scatter plot, and row A is at the top, as on a plate.
    layout = np.column_stack([column, n_rows - 1 - row])
    names = tuple(f"{_row_letters(r)}{c + 1}" for r, c in zip(row.tolist(), column.tolist(), strict=True))
    return NeuronGraph(kind, _symmetric(node.size, start, stop), layout, names, shape=(n_rows, n_columns))


def _row_letters(row: int) -> str:
    letters = ""
    row += 1
    while row:
        row, rest = divmod(row - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _symmetric(n: int, start: NDArray[np.intp], stop: NDArray[np.intp]) -> sparse.csr_array:
    half = sparse.coo_array((np.ones(len(start)), (start, stop)), shape=(n, n))
    return sparse.csr_array(half + half.T)


def _recognise(graph: NeuronGraph) -> str:
    degree = np.diff(graph.adjacency.indptr)
    n_components = sparse.csgraph.connected_components(graph.adjacency, directed=False)[0]
    if n_components > 1:
        return "custom"
    if graph.n_edges == graph.n_neurons and (degree == 2).all():
        return "ring"
    if graph.n_edges == graph.n_neurons - 1:
        return "line" if degree.max() <= 2 else "tree"
    return "custom"


def _require(kind: str, value: int, smallest: int, name: str = "n_neurons") -> None:
    if not isinstance(value, int | np.integer) or value < smallest:
        msg = f"`{name}` is {value!r}; a {kind} needs a whole number of at least {smallest}."
        raise ValueError(msg)
