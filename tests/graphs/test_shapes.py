"""Graphs with branches, with several pieces, and the hexagonal lattice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gsr_sc import graphs
from gsr_sc.graphs import _position as position
from gsr_sc.graphs._named import GraphKind

if TYPE_CHECKING:
    from gsr_sc.graphs import NeuronGraph

KINDS = get_args(GraphKind)
SIZES = st.integers(1, 6)
every_kind = pytest.mark.parametrize(
    "graph", [graphs.resolve(kind, n_neurons=None, n_obs=200) for kind in KINDS], ids=KINDS
)


def branching(draw: st.DrawFn) -> NeuronGraph:
    kind = draw(st.sampled_from(["star", "tree", "wishbone"]))
    if kind == "star":
        return graphs.star(draw(st.integers(3, 14)), draw(SIZES))
    if kind == "wishbone":
        return graphs.wishbone(draw(st.integers(2, 9)), draw(SIZES), n_stem=draw(st.integers(2, 7)))
    return graphs.tree(
        draw(st.integers(2, 4)), draw(st.integers(1, 3)), n_per_branch=draw(st.integers(1, 4)), n_stem=draw(SIZES)
    )


BRANCHING = st.composite(branching)()


def length_of_edges(graph: NeuronGraph) -> np.ndarray:
    ends = graph.layout[graph.edges]
    return np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)


def between_neurons(graph: NeuronGraph) -> np.ndarray:
    apart = np.linalg.norm(graph.layout[:, None] - graph.layout[None], axis=2)
    return apart[np.triu_indices(graph.n_neurons, 1)]


def n_crossings(graph: NeuronGraph) -> int:
    """Pairs of edges without a common neuron that cross."""
    i, j = np.triu_indices(graph.n_edges, 1)
    one, other = graph.edges[i], graph.edges[j]
    apart = (one[:, :, None] != other[:, None, :]).all(axis=(1, 2))
    (a, b), (c, d) = (graph.layout[pairs[apart]].transpose(1, 0, 2) for pairs in (one, other))

    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        turn = (q[:, 0] - p[:, 0]) * (r[:, 1] - p[:, 1]) - (q[:, 1] - p[:, 1]) * (r[:, 0] - p[:, 0])
        return np.where(np.abs(turn) < 1e-9, 0, np.sign(turn))

    crossed = (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)
    return int(crossed.sum())


@given(SIZES, SIZES)
def test_hexagonal_ties_exactly_those_one_unit_apart(n_rows: int, n_columns: int) -> None:
    if n_rows * n_columns < 2:
        return
    graph = graphs.hexagonal(n_rows, n_columns)
    apart = np.linalg.norm(graph.layout[:, None] - graph.layout[None], axis=2)
    np.testing.assert_array_equal(graph.adjacency.toarray() > 0, np.isclose(apart, 1))
    assert between_neurons(graph).min() > 0.99
    assert graph.names == graphs.grid(n_rows, n_columns).names
    assert graph.shape == (n_rows, n_columns)
    inside = graph.adjacency.toarray().reshape(n_rows, n_columns, -1)[1:-1, 1:-1]
    assert (inside.sum(axis=2) == 6).all()


@settings(max_examples=30)
@given(BRANCHING)
def test_what_branches_is_a_tree_drawn_without_crossings(graph: NeuronGraph) -> None:
    assert nx.is_tree(graph.to_networkx())
    assert n_crossings(graph) == 0
    assert length_of_edges(graph).min() > 0.99
    assert between_neurons(graph).min() > 0.4


@given(st.integers(3, 20), SIZES)
def test_a_star_is_arms_round_a_hub(n_arms: int, n_per_arm: int) -> None:
    graph = graphs.star(n_arms, n_per_arm)
    assert graph.n_neurons == 1 + n_arms * n_per_arm
    assert graph.adjacency[[0]].nnz == n_arms
    assert np.allclose(graph.layout[0], 0)
    assert graphs.branch_names(graph) == ["hub", *(chr(ord("a") + k) for k in range(n_arms))]


@given(st.integers(2, 4), st.integers(1, 3))
def test_a_tree_is_balanced(arity: int, depth: int) -> None:
    graph = graphs.tree(arity, depth)
    assert nx.is_isomorphic(graph.to_networkx(), nx.balanced_tree(arity, depth))
    distance = position.distance_from_root(graph)
    assert (distance == [0 if name == "root" else len(name) for name in graph.names]).all()
    # Neurons as far from the root lie on one circle.
    assert np.allclose(np.linalg.norm(graph.layout, axis=1), np.unique(distance, return_inverse=True)[1] * 1.0) == (
        arity**depth <= 2 * np.pi * depth
    )


@given(st.integers(2, 3), st.integers(1, 3), st.integers(2, 4), SIZES)
def test_a_tree_with_long_branches_has_as_many_branches(arity: int, depth: int, n_per_branch: int, n_stem: int) -> None:
    graph = graphs.tree(arity, depth, n_per_branch=n_per_branch, n_stem=n_stem)
    branch = graphs.branches(graph)
    assert branch is not None
    assert np.bincount(branch).tolist() == [n_stem] + [n_per_branch] * sum(arity**k for k in range(1, depth + 1))


@given(st.integers(2, 8), SIZES, st.integers(2, 8))
def test_a_wishbone_is_a_stem_with_branches(n_branches: int, n_per_branch: int, n_stem: int) -> None:
    graph = graphs.wishbone(n_branches, n_per_branch, n_stem=n_stem)
    branch = graphs.branches(graph)
    assert branch is not None
    assert np.bincount(branch).tolist() == [n_stem] + [n_per_branch] * n_branches
    assert graphs.branch_names(graph) == ["stem", *"abcdefgh"[:n_branches]]
    assert graph.adjacency[[n_stem - 1]].nnz == n_branches + 1
    # Upright, the root at the bottom in the middle.
    assert np.allclose(graph.layout[:n_stem, 0], 0)
    assert (np.diff(graph.layout[:n_stem, 1]) > 0).all()
    assert np.allclose(np.sort(graph.layout[:, 0]), np.sort(-graph.layout[:, 0]))


def test_a_wishbone_is_a_y_with_a_stem_as_long_as_its_branches() -> None:
    graph = graphs.wishbone()
    place = dict(zip(graph.names, graph.layout, strict=True))
    assert graph.n_neurons == 30
    assert length_of_edges(graph) == pytest.approx(1)
    assert place["a10"][0] < place["stem10"][0] < place["b10"][0]
    assert place["a10"][1] == pytest.approx(place["b10"][1])
    assert place["a1"][1] > place["stem10"][1]


@pytest.mark.parametrize(("build", "smallest"), [(graphs.rings, 3), (graphs.lines, 2), (graphs.groups, 2)])
@given(n=st.integers(2, 12), more=st.integers(0, 4))
@settings(max_examples=15)
def test_pieces_are_alike_and_apart(build: Any, smallest: int, n: int, more: int) -> None:
    size = smallest + more
    graph = build(n, size)
    piece = graphs.branches(graph)
    assert np.bincount(piece).tolist() == [size] * n
    apart = np.linalg.norm(graph.layout[:, None] - graph.layout[None], axis=2)
    tied = graph.adjacency.toarray() > 0
    assert not tied[piece[:, None] != piece].any()
    assert apart[piece[:, None] != piece].min() > 1.2 * length_of_edges(graph).min()
    assert np.sort(length_of_edges(graph))[: n * (size - 1)] == pytest.approx(1, abs=0.2)
    alone = {
        graphs.rings: nx.cycle_graph,
        graphs.lines: nx.path_graph,
        graphs.groups: nx.complete_graph,
    }[build](size)
    assert nx.is_isomorphic(graph.to_networkx(), nx.disjoint_union_all([alone] * n))
    assert len(set(graphs.branch_names(graph) or [])) == n


def test_pieces_have_names_and_places_that_can_be_read() -> None:
    rings, lines, groups = graphs.rings(3, 6), graphs.lines(3, 6), graphs.groups(6, 4)
    assert rings.names[6:8] == ("r2.1", "r2.2")
    assert graphs.branch_names(rings) == ["r1", "r2", "r3"]
    assert lines.names[6:8] == ("b1", "b2")
    assert groups.names[-1] == "f4"
    # Lines lie below each other, each from left to right; rings stand side by side; many groups in several rows.
    assert lines.layout[::6, 1].tolist() == sorted(lines.layout[::6, 1], reverse=True)
    assert (np.diff(lines.layout[:6, 0]) > 0).all()
    assert np.ptp(rings.layout[::6, 1]) == pytest.approx(0)
    assert len(np.unique(groups.layout[::4, 1].round(6))) == 2


@pytest.mark.parametrize("kind", KINDS)
@given(n_neurons=st.integers(9, 150))
@settings(max_examples=12)
def test_as_many_neurons_as_asked_for_or_an_error_that_names_the_nearest(kind: str, n_neurons: int) -> None:
    message = ""
    try:
        graph = graphs.resolve(kind, n_neurons=n_neurons, n_obs=10)
    except ValueError as error:
        message = str(error)
    if not message:
        assert graph.n_neurons == n_neurons
        assert graph.kind == kind
        return
    below, above = (int(number) for number in re.findall(r"Take (\d+) or (\d+)", message)[0])
    assert below < n_neurons < above
    for size in (below, above):
        assert graphs.resolve(kind, n_neurons=size, n_obs=10).n_neurons == size
    for size in range(below + 1, above):
        with pytest.raises(ValueError, match="makes no"):
            graphs.resolve(kind, n_neurons=size, n_obs=10)


def test_named_graphs_of_a_size_have_the_shape_that_is_documented() -> None:
    def named(kind: str, n_neurons: int) -> NeuronGraph:
        return graphs.resolve(kind, n_neurons=n_neurons, n_obs=10)

    def branch_sizes(graph: NeuronGraph) -> list[int]:
        branch = graphs.branches(graph)
        assert branch is not None
        return np.bincount(branch).tolist()

    assert branch_sizes(named("star", 41)) == [1, 10, 10, 10, 10]
    assert branch_sizes(named("wishbone", 32)) == [12, 10, 10]
    assert branch_sizes(named("wishbone", 4)) == [2, 1, 1]
    assert branch_sizes(named("tree", 28)) == [4] * 7
    assert branch_sizes(named("tree", 31)) == [1] * 31
    assert branch_sizes(named("rings", 30)) == [10] * 3
    assert branch_sizes(named("lines", 30)) == [10] * 3
    assert branch_sizes(named("groups", 20)) == [4] * 5
    assert named("hex", 20).shape == (4, 5)


@every_kind
@pytest.mark.parametrize("kind", ["unnormalised", "symmetric", "random_walk"])
def test_laplacians_and_heat_of_every_kind(graph: NeuronGraph, kind: Any) -> None:
    laplacian = graph.laplacian(kind).toarray()
    n_pieces = sparse.csgraph.connected_components(graph.adjacency, directed=False)[0]
    values = np.linalg.eigvals(laplacian).real
    assert values.min() > -1e-9
    assert (values < 1e-9).sum() == n_pieces
    heat = graphs.HeatKernel(graph.adjacency)
    assert heat.slowest > 1e-9
    np.testing.assert_allclose(heat(2.0).sum(axis=0), 1)
    assert ((heat(50.0) > 1e-12) == np.isfinite(position.steps_between(graph))).all()


@pytest.mark.parametrize("kind", ["unnormalised", "symmetric", "random_walk"])
def test_a_neuron_without_ties_has_a_row_of_zeros(kind: Any) -> None:
    graph = graphs.from_networkx(nx.disjoint_union(nx.path_graph(3), nx.empty_graph(2)))
    laplacian = graph.laplacian(kind).toarray()
    assert np.isfinite(laplacian).all()
    assert not laplacian[3:].any()
    assert not laplacian[:, 3:].any()
    assert graphs.HeatKernel(graph.adjacency)(3.0)[3:, 3:].tolist() == np.eye(2).tolist()


@every_kind
def test_cells_can_be_laid_onto_every_kind(graph: NeuronGraph) -> None:
    x = np.random.default_rng(0).normal(size=(150, 6))
    found = graphs.fit_annealed_map(x, graph)
    responsibilities = found.responsibilities(x)
    assert np.isfinite(found.prototypes).all()
    assert 0 <= found.quantisation_error < 1
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1)
    # Every piece of the graph is used.
    piece = graphs._branches.pieces(graph)
    used = np.array([responsibilities[:, piece == number].sum() for number in range(piece.max() + 1)])
    assert (used > 1).all()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: graphs.hexagonal(0), "`n_rows` is 0; a hex"),
        (lambda: graphs.star(2, 3), "`n_arms` is 2; a star needs a whole number of at least 3"),
        (lambda: graphs.star(3, 0), "`n_per_arm` is 0"),
        (lambda: graphs.tree(1), "`arity` is 1; a tree needs a whole number of at least 2"),
        (lambda: graphs.tree(2, 0), "`depth` is 0"),
        (lambda: graphs.tree(n_per_branch=0), "`n_per_branch` is 0"),
        (lambda: graphs.tree(n_stem=0), "`n_stem` is 0"),
        (lambda: graphs.wishbone(1), "`n_branches` is 1; a wishbone needs a whole number of at least 2"),
        (lambda: graphs.wishbone(2, 0), "`n_per_branch` is 0; a wishbone"),
        (lambda: graphs.wishbone(n_stem=1), "`n_stem` is 1; a wishbone needs a whole number of at least 2"),
        (lambda: graphs.rings(1, 5), "`n_rings` is 1; a graph of rings needs a whole number of at least 2"),
        (lambda: graphs.rings(2, 2), "`n_per_ring` is 2"),
        (lambda: graphs.lines(2, 1), "`n_per_line` is 1"),
        (lambda: graphs.groups(2, 1), "`n_per_group` is 1"),
        (lambda: graphs.groups(2.0, 3), "`n_groups` is 2.0"),  # type: ignore[arg-type]
    ],
)
def test_impossible_shapes_are_named(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
