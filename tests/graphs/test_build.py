"""Building neuron graphs, and what is said of graphs that are none."""

from __future__ import annotations

from itertools import combinations
from typing import Any, get_args

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gsr_sc import graphs
from gsr_sc.graphs._named import GraphKind

SIDES = st.integers(1, 7)


def degrees(graph: graphs.NeuronGraph) -> np.ndarray:
    return np.diff(graph.adjacency.indptr)


@given(SIDES, SIDES)
def test_grid_ties_neurons_one_unit_apart(n_rows: int, n_columns: int) -> None:
    if n_rows * n_columns < 2:
        return
    graph = graphs.grid(n_rows, n_columns)
    apart = np.linalg.norm(graph.layout[:, None] - graph.layout[None], axis=2)
    np.testing.assert_array_equal(graph.adjacency.toarray() > 0, np.isclose(apart, 1))
    assert graph.shape == (n_rows, n_columns)
    assert graph.n_edges == n_rows * (n_columns - 1) + (n_rows - 1) * n_columns
    assert nx.is_isomorphic(graph.to_networkx(), nx.grid_2d_graph(n_rows, n_columns))


@given(st.integers(3, 7), st.integers(3, 7))
def test_torus_has_no_edge(n_rows: int, n_columns: int) -> None:
    graph = graphs.torus(n_rows, n_columns)
    assert (degrees(graph) == 4).all()
    assert nx.is_isomorphic(graph.to_networkx(), nx.grid_2d_graph(n_rows, n_columns, periodic=True))


@given(st.integers(3, 40))
def test_ring_and_line_are_chains(n_neurons: int) -> None:
    ring, line = graphs.ring(n_neurons), graphs.line(n_neurons)
    assert nx.is_isomorphic(ring.to_networkx(), nx.cycle_graph(n_neurons))
    assert nx.is_isomorphic(line.to_networkx(), nx.path_graph(n_neurons))
    step = np.linalg.norm(ring.layout[0] - ring.layout[1])
    assert 0.8 < step <= 1
    assert line.layout[:, 0].tolist() == list(range(n_neurons))


def test_names_are_those_of_plate_wells() -> None:
    names = graphs.grid(28, 3).names
    assert names[:4] == ("A1", "A2", "A3", "B1")
    assert names[25 * 3 : 27 * 3 : 3] == ("Z1", "AA1")
    assert names[-1] == "AB3"
    assert graphs.ring(4).names == ("n0", "n1", "n2", "n3")


def test_row_a_is_at_the_top() -> None:
    layout = dict(zip(graphs.grid(2, 3).names, graphs.grid(2, 3).layout.tolist(), strict=True))
    assert layout == {"A1": [0, 1], "A2": [1, 1], "A3": [2, 1], "B1": [0, 0], "B2": [1, 0], "B3": [2, 0]}


@pytest.mark.parametrize(
    ("graph", "kind"),
    [
        (nx.path_graph(2), "line"),
        (nx.path_graph(9), "line"),
        (nx.cycle_graph(3), "ring"),
        (nx.cycle_graph(9), "ring"),
        (nx.star_graph(3), "tree"),
        (nx.balanced_tree(2, 3), "tree"),
        (nx.krackhardt_kite_graph(), "custom"),
        (nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(4)), "rings"),
        (nx.disjoint_union(nx.path_graph(2), nx.path_graph(4)), "lines"),
        (nx.disjoint_union(nx.path_graph(2), nx.empty_graph(1)), "custom"),
        (nx.disjoint_union(nx.complete_graph(4), nx.complete_graph(3)), "groups"),
        (nx.disjoint_union(nx.complete_graph(4), nx.star_graph(3)), "custom"),
        (nx.complete_graph(5), "custom"),
        (nx.disjoint_union(nx.path_graph(3), nx.cycle_graph(3)), "custom"),
        (nx.lollipop_graph(3, 1), "custom"),
    ],
)
@pytest.mark.parametrize("seed", [None, 0])
def test_from_networkx_recognises_what_it_is_under_any_numbering(graph: nx.Graph, kind: str, seed: int | None) -> None:
    if seed is not None:
        nodes = np.random.default_rng(seed).permutation(graph.number_of_nodes()).tolist()
        graph = nx.relabel_nodes(graph, dict(enumerate(nodes)))
    built = graphs.from_networkx(graph)
    assert built.kind == kind
    assert built.names == tuple(str(node) for node in graph)
    assert built.n_edges == graph.number_of_edges()


def test_from_networkx_keeps_weights_and_positions() -> None:
    graph: nx.Graph[str] = nx.Graph()
    graph.add_node("b", pos=(3, 4))
    graph.add_node("a", pos=(1, 2))
    graph.add_edge("a", "b", weight=2.5)
    built = graphs.from_networkx(graph)
    assert built.layout.tolist() == [[3, 4], [1, 2]]
    assert built.adjacency.toarray().tolist() == [[0, 2.5], [2.5, 0]]
    again = graphs.from_networkx(built.to_networkx())
    assert again.names == built.names
    np.testing.assert_array_equal(again.adjacency.toarray(), built.adjacency.toarray())
    np.testing.assert_array_equal(again.layout, built.layout)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_from_adjacency_takes_any_container_and_leaves_it_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    half = np.triu(rng.random((5, 5)), 1)
    given_weights = half + half.T + np.diag(rng.random(5))
    for container in (np.asarray, sparse.csr_matrix, sparse.csc_array, sparse.coo_array, np.ndarray.tolist):
        matrix = container(given_weights)
        built = graphs.from_adjacency(matrix)
        np.testing.assert_array_equal(built.adjacency.toarray(), half + half.T)
        after = matrix.toarray() if sparse.issparse(matrix) else np.asarray(matrix)
        np.testing.assert_array_equal(after, given_weights)


def test_components_are_laid_out_beside_each_other() -> None:
    graph = graphs.from_networkx(
        nx.disjoint_union(nx.cycle_graph(5), nx.disjoint_union(nx.path_graph(3), nx.empty_graph(1)))
    )
    parts = [graph.layout[:5], graph.layout[5:8], graph.layout[8:]]
    for one, other in combinations(parts, 2):
        apart = [max(a.min() - b.max(), b.min() - a.max()) for a, b in zip(one.T, other.T, strict=True)]
        assert max(apart) > 0.5, "boxes round the components do not touch"


def test_permuted_keeps_the_edges_but_not_the_places() -> None:
    graph = graphs.grid(4)
    null = graph.permuted(0)
    assert nx.is_isomorphic(null.to_networkx(), graph.to_networkx())
    assert (null.adjacency != graph.adjacency).nnz > 0
    assert null.names == graph.names
    np.testing.assert_array_equal(null.layout, graph.layout)
    assert null.kind == "custom"
    assert (null.adjacency != graph.permuted(np.random.default_rng(0)).adjacency).nnz == 0


@settings(max_examples=25)
@given(st.integers(2, 100_000))
def test_default_sizes_are_buildable_and_grow_with_the_data(n_obs: int) -> None:
    for kind in get_args(GraphKind):
        largest = {"grid": 144, "torus": 144, "hex": 144, "ring": 32, "line": 32, "tree": 84}.get(kind, 49)
        size = graphs.default_size(kind, n_obs)
        assert size <= largest
        assert size <= graphs.default_size(kind, 2 * n_obs)
        graph = graphs.resolve(kind, n_neurons=None, n_obs=n_obs)
        assert graph.n_neurons == size
        # A tree has a trunk and four ends whatever its size.
        assert kind != "tree" or (np.diff(graph.adjacency.indptr) == 1).sum() == 5


@pytest.mark.parametrize(("n_neurons", "shape"), [(2, (1, 2)), (12, (3, 4)), (36, (6, 6)), (35, (5, 7))])
def test_named_grids_are_as_square_as_can_be(n_neurons: int, shape: tuple[int, int]) -> None:
    assert graphs.resolve("grid", n_neurons=n_neurons, n_obs=10).shape == shape


def test_resolve_takes_whatever_is_a_graph() -> None:
    ring = graphs.ring(5)
    assert graphs.resolve(ring, n_neurons=None, n_obs=10) is ring
    for other in (ring.to_networkx(), ring.adjacency, ring.adjacency.toarray(), ring.adjacency.toarray().tolist()):
        assert graphs.resolve(other, n_neurons=5, n_obs=10).kind == "ring"


@pytest.mark.parametrize(
    ("graph", "n_neurons", "error", "message"),
    [
        ("gird", None, ValueError, r"`graph` is 'gird'; named graphs are \['grid', 'torus', 'hex', 'ring', 'rings',"),
        (
            "grid",
            13,
            ValueError,
            r"`n_neurons=13` makes no grid: .* Take 12 or 14, or pass `gsr_sc.graphs.grid\(n_rows",
        ),
        ("hex", 37, ValueError, r"makes no hex: .* Take 36 or 38, or pass `gsr_sc.graphs.hexagonal\("),
        ("torus", 10, ValueError, "`n_neurons=10` makes no torus: .* at least 3. Take 9 or 12"),
        ("rings", 31, ValueError, "makes no rings: there are 3 rings of the same size. Take 30 or 33"),
        ("lines", 7, ValueError, "Take 6 or 9"),
        ("star", 32, ValueError, "makes no star: there are 4 arms of the same length and a hub. Take 29 or 33"),
        ("tree", 32, ValueError, "Take 31 or 35"),
        ("groups", 10, ValueError, "makes no groups: there are groups of 4. Take 8 or 12"),
        ("lines", 2, ValueError, "`n_neurons` is 2; lines need a whole number of at least 6"),
        ("wishbone", 3, ValueError, "`n_neurons` is 3; a wishbone needs a whole number of at least 4"),
        ("rings", 8, ValueError, "at least 9"),
        ("torus", 4, ValueError, "`n_neurons` is 4; a torus needs a whole number of at least 9"),
        ("grid", 12.0, ValueError, "`n_neurons` is 12.0; a grid needs a whole number of at least 2"),
        ("grid", 0, ValueError, "`n_neurons` is 0"),
        ("ring", 2, ValueError, "`n_neurons` is 2; a ring needs a whole number of at least 3"),
        (graphs.ring(5), 6, ValueError, "`n_neurons=6`, but the graph passed has 5"),
        (5, None, TypeError, "`graph` is a int"),
        (nx.DiGraph([(0, 1)]), None, ValueError, "got DiGraph"),
        (nx.MultiGraph([(0, 1)]), None, ValueError, "got MultiGraph"),
        (nx.empty_graph(1), None, ValueError, "at least 2 nodes; got 1"),
        (nx.empty_graph(4), None, ValueError, "no edges"),
        (np.ones((2, 3)), None, ValueError, r"got shape \(2, 3\)"),
        (np.ones(4), None, ValueError, "square"),
        (np.array([[0, 1], [2, 0]]), None, ValueError, "symmetric"),
        (np.array([[0, -1], [-1, 0]]), None, ValueError, "negative"),
        (np.array([[0, np.nan], [np.nan, 0]]), None, ValueError, "NaN"),
    ],
)
def test_what_is_no_neuron_graph_is_said(graph: Any, n_neurons: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        graphs.resolve(graph, n_neurons=n_neurons, n_obs=100)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: graphs.grid(0, 3), "`n_rows` is 0; a grid"),
        (lambda: graphs.torus(3, 2), "`n_columns` is 2; a torus needs a whole number of at least 3"),
        (lambda: graphs.line(1), "`n_neurons` is 1; a line"),
        (lambda: graphs.ring(3.0), "`n_neurons` is 3.0"),  # type: ignore[arg-type]
        (lambda: graphs.from_adjacency(np.ones((2, 2)), names=["a", "a"]), "2, 1 different"),
        (lambda: graphs.from_adjacency(np.ones((2, 2)), layout=np.zeros((2, 3))), r"`layout` has shape \(2, 3\)"),
        (lambda: graphs.from_adjacency(np.ones((2, 2)), layout=np.full((2, 2), np.nan)), "`layout` holds NaN"),
    ],
)
def test_wrong_sizes_and_names_are_said(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
