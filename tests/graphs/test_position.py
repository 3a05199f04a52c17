"""Coordinates, order and branches of activations."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsr_sc import graphs
from gsr_sc.graphs import _position as position

SEEDS = st.integers(0, 2**32 - 1)


def bump(distance: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * distance**2)


@given(SEEDS)
def test_shares_sum_to_one_and_ignore_scale(seed: int) -> None:
    z = np.random.default_rng(seed).random((6, 5))
    shares = position.shares(z)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(position.shares(7 * z), shares)
    assert (position.shares(z - 0.5) >= 0).all()


def test_shares_of_silence_are_uniform() -> None:
    assert position.shares(np.zeros((1, 4))).tolist() == [[0.25] * 4]
    assert position.shares(np.full((1, 4), -3.0)).tolist() == [[0.25] * 4]


@given(SEEDS)
def test_barycentre_lies_within_the_layout_and_follows_one_neuron(seed: int) -> None:
    graph = graphs.grid(4, 5)
    xy = position.barycentre(graph, np.random.default_rng(seed).random((10, 20)))
    assert (xy >= 0).all()
    assert (xy <= [4, 3]).all()
    np.testing.assert_allclose(position.barycentre(graph, np.eye(20)), graph.layout)


@given(st.floats(4, 15))
def test_barycentre_of_a_bump_on_a_line_is_its_centre(centre: float) -> None:
    graph = graphs.line(20)
    z = bump(graph.layout[:, 0] - centre)[None]
    assert position.barycentre(graph, z)[0] == pytest.approx((centre, 0), abs=0.02)
    assert position.order(graph, z) == pytest.approx(centre / 19, abs=0.002)


@given(st.floats(0, 8, exclude_max=True), st.floats(0, 6, exclude_max=True))
def test_barycentre_of_a_bump_on_a_torus_is_its_centre_across_the_seam(x: float, y: float) -> None:
    graph = graphs.torus(6, 8)
    period = np.array([8, 6])
    gap = (graph.layout - [x, y] + period / 2) % period - period / 2
    found = position.barycentre(graph, bump(np.linalg.norm(gap, axis=1))[None])[0]
    assert (found >= 0).all()
    assert (found < period).all()
    error = (found - [x, y] + period / 2) % period - period / 2
    np.testing.assert_allclose(error, 0, atol=0.05)


@given(SEEDS, st.integers(0, 11))
def test_rotating_a_ring_adds_to_the_angle(seed: int, k: int) -> None:
    graph = graphs.ring(12)
    z = np.random.default_rng(seed).random((20, 12))
    before, after = position.order(graph, z), position.order(graph, np.roll(z, k, axis=1))
    assert before is not None
    assert after is not None
    assert ((before >= 0) & (before < 2 * np.pi)).all()
    np.testing.assert_allclose(np.exp(1j * after), np.exp(1j * (before + 2 * np.pi * k / 12)), atol=1e-9)


def test_angles_go_once_round_a_ring_under_any_numbering() -> None:
    nodes = np.random.default_rng(1).permutation(9)
    graph = graphs.from_networkx(nx.relabel_nodes(nx.cycle_graph(9), dict(enumerate(nodes.tolist()))))
    angles = position.ring_angles(graph)
    assert sorted(angles) == pytest.approx(2 * np.pi * np.arange(9) / 9)
    for i, j in graph.edges:
        assert np.cos(angles[i] - angles[j]) == pytest.approx(np.cos(2 * np.pi / 9))


@pytest.mark.parametrize("seed", range(3))
def test_a_line_is_read_from_an_end_under_any_numbering(seed: int) -> None:
    nodes = np.random.default_rng(seed).permutation(7)
    graph = graphs.from_networkx(nx.relabel_nodes(nx.path_graph(7), dict(enumerate(nodes.tolist()))))
    order = position.order(graph, np.eye(7))
    assert order is not None
    assert sorted(order) == pytest.approx(np.arange(7) / 6)
    for i, j in graph.edges:
        assert abs(order[i] - order[j]) == pytest.approx(1 / 6)


def test_distance_counts_steps_and_not_weights() -> None:
    graph = graphs.from_adjacency([[0, 5, 0], [5, 0, 0.1], [0, 0.1, 0]])
    assert position.distance_from_root(graph).tolist() == [0, 1, 2]
    assert position.steps_between(graph)[0].tolist() == [0, 1, 2]


def test_steps_between_components_are_infinite() -> None:
    graph = graphs.from_networkx(nx.disjoint_union(nx.path_graph(2), nx.path_graph(2)))
    assert np.isinf(position.steps_between(graph)[0, 2])


def test_branches_of_a_fork() -> None:
    # 0 - 1 - 2 and from there 3 - 4 and 5 - 6: the fork belongs to the trunk.
    graph = graphs.from_networkx(nx.Graph([(0, 1), (1, 2), (2, 3), (3, 4), (2, 5), (5, 6)]))
    assert graph.kind == "tree"
    assert graphs.branches(graph).tolist() == [0, 0, 0, 1, 1, 2, 2]  # type: ignore[union-attr]
    assert position.order(graph, np.eye(7)) == pytest.approx(np.array([0, 1, 2, 3, 4, 3, 4]) / 4)


def test_branches_of_a_star_and_of_a_binary_tree() -> None:
    star = graphs.from_networkx(nx.Graph([(0, 1), (1, 2), (0, 3), (0, 4), (4, 5)]))
    assert graphs.branches(star).tolist() == [0, 1, 1, 2, 3, 3]  # type: ignore[union-attr]
    binary = graphs.branches(graphs.from_networkx(nx.balanced_tree(2, 3)))
    assert binary is not None
    # Every node but the leaves forks, so every node is a branch of its own.
    assert sorted(binary) == list(range(15))


@settings(max_examples=20)
@given(SEEDS)
def test_every_branch_of_a_random_tree_is_an_unforked_path(seed: int) -> None:
    tree = nx.from_prufer_sequence(np.random.default_rng(seed).integers(0, 12, 10).tolist())
    graph = graphs.from_networkx(nx.relabel_nodes(tree, str))
    branch = graphs.branches(graph)
    if branch is None:
        assert graph.kind == "line"
        return
    assert set(branch) == set(range(branch.max() + 1))
    for number in range(branch.max() + 1):
        part = graphs_part(graph, np.flatnonzero(branch == number))
        assert nx.is_connected(part)
        assert max(dict(part.degree).values(), default=0) <= 2


def graphs_part(graph: graphs.NeuronGraph, nodes: np.ndarray) -> nx.Graph:
    return nx.from_scipy_sparse_array(graph.adjacency).subgraph(nodes.tolist())


@pytest.mark.parametrize("graph", [graphs.grid(3), graphs.torus(3), graphs.from_networkx(nx.complete_graph(4))])
def test_graphs_without_an_order_have_none(graph: graphs.NeuronGraph) -> None:
    assert position.order(graph, np.eye(graph.n_neurons)) is None
    assert graphs.branches(graph) is None


def test_a_wavelet_lies_where_its_bump_is() -> None:
    line = graphs.line(21)
    wavelets = graphs.localising_filter(line.adjacency, "wavelet", time=1.0)
    inner = np.arange(4, 17)
    np.testing.assert_allclose(position.order(line, wavelets.T)[inner] * 20, inner, atol=0.05)
