"""Symmetries of graphs, and alignment of maps by them."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networkx.algorithms.isomorphism import GraphMatcher, numerical_edge_match

from gsr_sc import graphs

SEEDS = st.integers(0, 2**32 - 1)
KNOWN = {
    "line2": (graphs.line(2), 2),
    "line7": (graphs.line(7), 2),
    "ring3": (graphs.ring(3), 6),
    "ring9": (graphs.ring(9), 18),
    "row": (graphs.grid(1, 5), 2),
    "column": (graphs.grid(5, 1), 2),
    "grid2": (graphs.grid(2), 8),
    "grid4": (graphs.grid(4), 8),
    "grid3x5": (graphs.grid(3, 5), 4),
    "torus3": (graphs.torus(3), 72),
    "torus4": (graphs.torus(4), 384),
    "torus5": (graphs.torus(5), 200),
    "torus3x5": (graphs.torus(3, 5), 60),
    "torus4x6": (graphs.torus(4, 6), 96),
    "permuted-grid": (graphs.grid(5).permuted(0), 8),
    "permuted-torus": (graphs.torus(5).permuted(1), 200),
    "star": (graphs.from_networkx(nx.star_graph(4)), 24),
    "binary-tree": (graphs.from_networkx(nx.balanced_tree(2, 3)), 128),
    "kite": (graphs.from_networkx(nx.krackhardt_kite_graph()), 2),
    "petersen": (graphs.from_networkx(nx.petersen_graph()), 120),
    "two-lines": (graphs.from_networkx(nx.disjoint_union(nx.path_graph(3), nx.path_graph(3))), 8),
}


@pytest.mark.parametrize(("graph", "n_known"), KNOWN.values(), ids=list(KNOWN))
def test_all_symmetries_are_found_once_and_change_no_edge(graph: graphs.NeuronGraph, n_known: int) -> None:
    found = graphs.automorphisms(graph)
    assert found.shape == (n_known, graph.n_neurons)
    assert len(np.unique(found, axis=0)) == n_known
    np.testing.assert_array_equal(found[0], np.arange(graph.n_neurons))
    weights = graph.adjacency.toarray()
    for p in found:
        assert sorted(p) == list(range(graph.n_neurons))
        np.testing.assert_array_equal(weights[np.ix_(p, p)], weights)


@given(seed=SEEDS)
def test_symmetries_of_small_weighted_graphs_are_those_of_networkx(seed: int) -> None:
    rng = np.random.default_rng(seed)
    half = np.triu(rng.integers(0, 3, (6, 6)), 1).astype(float)
    half[0, 1] = 1
    graph = graphs.from_adjacency(half + half.T, layout=np.zeros((6, 2)))
    plain = nx.from_scipy_sparse_array(graph.adjacency)
    matcher = GraphMatcher(plain, plain, edge_match=numerical_edge_match("weight", 1.0))
    expected = {tuple(mapping[node] for node in range(6)) for mapping in matcher.isomorphisms_iter()}
    assert set(map(tuple, graphs.automorphisms(graph).tolist())) == expected


@given(seed=SEEDS)
def test_symmetries_form_a_group(seed: int) -> None:
    found = graphs.automorphisms(graphs.torus(3, 4))
    first, second = found[np.random.default_rng(seed).integers(len(found), size=2)]
    members = set(map(tuple, found.tolist()))
    assert tuple(first[second].tolist()) in members
    assert tuple(np.argsort(first).tolist()) in members


@pytest.mark.parametrize(
    ("weights", "n_known"),
    [
        ([[0, 1, 0], [1, 0, 2], [0, 2, 0]], 1),  # a line that is tied more firmly at one end
        ([[0, 2, 0, 1], [2, 0, 1, 0], [0, 1, 0, 2], [1, 0, 2, 0]], 4),  # a ring of alternating ties
        ([[0, 0.1 + 0.2, 0], [0.1 + 0.2, 0, 0.3], [0, 0.3, 0]], 2),  # equal but for rounding
    ],
)
def test_weights_are_respected(weights: list[list[float]], n_known: int) -> None:
    assert len(graphs.automorphisms(graphs.from_adjacency(weights))) == n_known


@pytest.mark.parametrize(
    "graph",
    [nx.star_graph(12), nx.complete_graph(40), nx.paley_graph(61).to_undirected()],
    ids=["star", "complete", "paley"],
)
def test_the_search_is_bounded(graph: nx.Graph) -> None:
    built = graphs.from_adjacency(nx.to_scipy_sparse_array(graph), layout=np.zeros((len(graph), 2)))
    found = graphs.automorphisms(built)
    assert len(found) <= 5000
    np.testing.assert_array_equal(found[0], np.arange(len(graph)))
    weights = built.adjacency.toarray()
    np.testing.assert_array_equal(weights[np.ix_(found[-1], found[-1])], weights)


@pytest.mark.parametrize("graph", [graph for graph, _ in KNOWN.values()], ids=list(KNOWN))
@settings(max_examples=10)
@given(seed=SEEDS)
def test_align_undoes_a_symmetry(graph: graphs.NeuronGraph, seed: int) -> None:
    rng = np.random.default_rng(seed)
    z = rng.random((60, graph.n_neurons))
    symmetries = graphs.automorphisms(graph)
    moved = z[:, symmetries[rng.integers(len(symmetries))]] + rng.normal(0, 0.01, z.shape)
    np.testing.assert_allclose(moved[:, graphs.align(graph, z, moved)], z, atol=0.1)


def test_align_is_the_best_by_mean_correlation() -> None:
    graph = graphs.grid(3)
    rng = np.random.default_rng(0)
    z = rng.random((40, 9))
    other = 0.4 * z[:, graphs.automorphisms(graph)[3]] + rng.random((40, 9))
    scores = [
        np.mean([np.corrcoef(z[:, i], other[:, p[i]])[0, 1] for i in range(9)]) for p in graphs.automorphisms(graph)
    ]
    np.testing.assert_array_equal(graphs.align(graph, z, other), graphs.automorphisms(graph)[np.argmax(scores)])


def test_maps_without_any_signal_stay_where_they_are() -> None:
    assert graphs.align(graphs.ring(5), np.ones((4, 5)), np.ones((4, 5))).tolist() == [0, 1, 2, 3, 4]


MANY = {
    "rings": graphs.rings(4, 7),
    "lines": graphs.lines(5, 4),
    "star": graphs.star(8, 3),
    "tree": graphs.tree(3, 3),
    "long-tree": graphs.tree(2, 3, n_per_branch=2, n_stem=3),
    "wishbone": graphs.wishbone(6, 4),
    "groups": graphs.groups(6, 5),
    "hex": graphs.hexagonal(4, 5),
    "kites": graphs.from_networkx(nx.disjoint_union(nx.krackhardt_kite_graph(), nx.krackhardt_kite_graph())),
}


@pytest.mark.parametrize("graph", MANY.values(), ids=list(MANY))
@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_align_finds_one_symmetry_among_more_than_can_be_listed(graph: graphs.NeuronGraph, seed: int) -> None:
    rng = np.random.default_rng(seed)
    neurons = np.arange(graph.n_neurons)
    weights = graph.adjacency.toarray()
    z = rng.random((60, graph.n_neurons))
    # The symmetry that gains most in a table of random numbers is a random one.
    random = graphs._align.best_symmetry(graph, rng.normal(size=weights.shape), graphs.automorphisms)
    np.testing.assert_array_equal(np.sort(random), neurons)
    np.testing.assert_array_equal(weights[np.ix_(random, random)], weights)
    found = graphs.align(graph, z, z[:, random])
    np.testing.assert_array_equal(random[found], neurons)


def test_pieces_that_differ_do_not_change_places() -> None:
    graph = graphs.from_networkx(
        nx.disjoint_union(nx.path_graph(3), nx.disjoint_union(nx.path_graph(4), nx.path_graph(4)))
    )
    z = np.random.default_rng(0).random((40, 11))
    moved = [0, 1, 2, 10, 9, 8, 7, 3, 4, 5, 6]
    np.testing.assert_array_equal(z[:, moved][:, graphs.align(graph, z, z[:, moved])], z)
