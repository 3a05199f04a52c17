"""Positions from a root of choice, and ways through a graph."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsr_sc import graphs
from gsr_sc.graphs import _route

SEEDS = st.integers(0, 2**32 - 1)
OWN_ORDER = [
    graphs.line(9),
    graphs.lines(2, 6),
    graphs.ring(8),
    graphs.rings(2, 5),
    graphs.star(3, 4),
    graphs.tree(2, 2),
    graphs.wishbone(2, 5),
]


@pytest.mark.parametrize("graph", OWN_ORDER, ids=lambda graph: graph.kind)
def test_without_a_root_it_is_the_order_of_the_fit(graph: graphs.NeuronGraph) -> None:
    z = np.random.default_rng(0).random((30, graph.n_neurons)) ** 6
    reading = graphs.course(graph).read(z)
    np.testing.assert_allclose(reading.order, graphs.order(graph, z))
    branch = graphs.branches(graph)
    if branch is None:
        assert reading.branch is None
    else:
        assert reading.branch is not None
        assert reading.branch.tolist() == branch[z.argmax(axis=1)].tolist()
        assert graphs.course(graph).names == graphs.branch_names(graph)


@settings(max_examples=20)
@given(SEEDS)
def test_on_a_random_tree_the_position_of_a_neuron_is_its_share_of_the_longest_way(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree = nx.from_prufer_sequence(rng.integers(0, 12, 10).tolist())
    graph = graphs.from_adjacency(nx.to_numpy_array(tree, nodelist=range(12)), layout=np.zeros((12, 2)))
    root = int(rng.integers(12))
    steps = nx.single_source_shortest_path_length(tree, root)
    expected = np.array([steps[node] for node in range(12)]) / max(steps.values())
    found = graphs.course(graph, root=root)
    np.testing.assert_allclose(found.read(np.eye(12)).order, expected)
    assert found.read(np.eye(12)).confidence.tolist() == [1.0] * 12
    if found.branch is not None:
        assert found.branch[root] == 0
        assert len(set(found.names)) == len(found.names) == found.branch.max() + 1


def test_branches_keep_their_names_from_every_root() -> None:
    graph = graphs.wishbone(2, 5)
    from_a = graphs.course(graph, root=graph.names.index("a5"))
    assert from_a.names == ["a", "stem", "b"]
    named = np.array(from_a.names)[from_a.branch]
    # The fork belongs to the branch that leads to it.
    assert dict(zip(graph.names, named.tolist(), strict=True)) == {
        **{f"stem{k}": "stem" for k in range(1, 5)},
        "stem5": "a",
        **{f"a{k}": "a" for k in range(1, 6)},
        **{f"b{k}": "b" for k in range(1, 6)},
    }
    middle = graphs.course(graph, root=graph.names.index("stem3"))
    assert set(middle.names) == {"root", "stem", "stem.2", "a", "b"}
    assert graphs.course(graphs.line(5), root=4).branch is None
    assert graphs.course(graphs.line(5), root=2).names == ["0", "1", "2"]


def test_a_ring_is_read_from_its_root_in_either_direction() -> None:
    graph = graphs.ring(8)
    eighth = 2 * np.pi / 8

    def steps(**options: object) -> list[int]:
        angle = graphs.course(graph, **options).read(np.eye(8)).order  # type: ignore[arg-type]
        assert ((angle >= 0) & (angle < 2 * np.pi)).all()
        return np.rint(angle / eighth).astype(int).tolist()

    ahead = steps(root=3)
    assert ahead[3] == 0
    assert steps(root=3, reverse=True) == [-step % 8 for step in ahead]
    assert steps(root=3, end=ahead.index(2)) == ahead
    assert steps(root=3, end=ahead.index(6)) == [-step % 8 for step in ahead]


def test_the_root_of_one_ring_or_line_leaves_the_others_alone() -> None:
    for graph in (graphs.rings(2, 6), graphs.lines(2, 6)):
        own, turned = graphs.course(graph).position, graphs.course(graph, root=5).position
        np.testing.assert_array_equal(own[6:], turned[6:])
        assert turned[5] == 0
        assert not np.allclose(own[:6], turned[:6])


def test_a_line_can_be_reversed() -> None:
    graph = graphs.lines(2, 4)
    np.testing.assert_allclose(graphs.course(graph, reverse=True).position, 1 - graphs.course(graph).position)


def test_a_grid_is_measured_from_its_root_by_the_lengths_of_its_edges() -> None:
    graph = graphs.grid(1, 4)
    with pytest.raises(ValueError, match="no beginning of its own"):
        graphs.course(graph)
    assert graphs.course(graph, root=1).position.tolist() == [0.5, 0, 0.5, 1]
    lengths = graphs.edge_lengths(graph, np.array([[0.0], [1], [3], [4]]), np.ones(4))
    assert graphs.course(graph, root=0, lengths=lengths).position.tolist() == [0, 0.25, 0.75, 1]
    # A neuron that nothing lights says nothing of how far it is to the farthest.
    use = np.array([1, 1, 1, 0])
    assert graphs.course(graph, root=0, lengths=lengths, use=use).position.tolist() == [0, 1 / 3, 1, 1]


def test_what_is_out_of_reach_has_no_position() -> None:
    graph = graphs.groups(2, 3)
    reading = graphs.course(graph, root=0).read(np.eye(6))
    assert np.isnan(reading.order).tolist() == [False] * 3 + [True] * 3
    with pytest.raises(ValueError, match="no way"):
        graphs.course(graph, root=0, end=4)


def test_a_path_goes_where_observations_are() -> None:
    graph = graphs.grid(5, 5)
    use = np.ones(25)
    # Nobody in the middle: the way from left to right leads round it, along the top.
    use[[6, 7, 8, 11, 12, 13, 16, 17, 18]] = 0
    use[20:] = 0.5
    lengths = graphs.edge_lengths(graph, graph.layout, use)
    way = _route.route(lengths, 10, 14)
    assert way.tolist() == [10, 5, 0, 1, 2, 3, 4, 9, 14]
    assert _route.route(graphs.edge_lengths(graph, graph.layout, np.ones(25)), 10, 14).tolist() == [10, 11, 12, 13, 14]


def test_a_path_changes_little_at_every_step() -> None:
    graph = graphs.grid(2, 4)
    profile = np.zeros((8, 1))
    profile[5] = 9
    lengths = graphs.edge_lengths(graph, np.column_stack([graph.layout, profile]), np.ones(8))
    assert 5 not in _route.route(lengths, 4, 7)


def test_off_the_path_there_is_no_position_and_little_confidence() -> None:
    graph = graphs.star(3, 8)
    ends = [graph.names.index(name) for name in ("a8", "b8")]
    found = graphs.course(graph, root=ends[0], end=ends[1])
    reading = found.read(np.eye(graph.n_neurons))
    off = np.array([name in ("c5", "c6", "c7", "c8") for name in graph.names])
    assert np.isnan(reading.order[off]).all()
    assert (reading.confidence[off] == 0).all()
    on = np.array([name[0] in "ab" for name in graph.names])
    np.testing.assert_allclose(np.sort(reading.order[on]), np.delete(np.arange(17), 8) / 16)
    assert graph.names[found.path[0]] == "a8"
    assert len(found.path) == 17
    strict = graphs.course(graph, root=ends[0], end=ends[1], detour=0)
    assert np.isfinite(strict.position).sum() == 17 < np.isfinite(found.position).sum()
    with pytest.raises(ValueError, match="same neuron"):
        graphs.course(graph, root=3, end=3)


@given(st.floats(0.3, 4), st.floats(1.2, 2))
def test_the_wider_an_activation_the_lower_the_confidence(width: float, factor: float) -> None:
    graph = graphs.line(40)
    distance = graph.layout[:, 0] - 20
    z = np.stack([np.exp(-0.5 * (distance / w) ** 2) for w in (width, factor * width)])
    sure, less = graphs.course(graph).read(z).confidence
    assert 0 <= less < sure <= 1


def test_confidence_of_silence_and_of_two_branches() -> None:
    graph = graphs.wishbone(2, 10)
    z = np.zeros((4, 30))
    z[1, graph.names.index("a2")] = z[1, graph.names.index("b2")] = 1
    z[2, graph.names.index("a9")] = z[2, graph.names.index("b9")] = 1
    z[3, graph.names.index("a8")] = z[3, graph.names.index("a10")] = 1
    silent, at_fork, at_tips, on_one = graphs.course(graph).read(z).confidence
    assert silent == 0
    assert on_one > at_fork > at_tips


def test_the_root_of_a_group_at_a_tip_is_the_tip_and_of_one_in_the_middle_its_middle() -> None:
    graph = graphs.line(20)
    tip = (np.arange(20) >= 14).astype(float)
    assert graphs.find_root(graph, tip, np.ones(20)) == 19
    middle = (np.abs(np.arange(20) - 8) <= 2).astype(float)
    assert graphs.find_root(graph, middle, np.ones(20)) == 8
    falling = np.linspace(3, 1, 20)
    assert graphs.find_root(graph, falling, np.ones(20)) == 0
    # Neurons without observations have no value.
    falling[[0, 5]] = np.nan
    assert graphs.find_root(graph, falling, np.ones(20)) == 1
    wishbone = graphs.wishbone(2, 6)
    on_b = np.array([name.startswith("b") for name in wishbone.names]) * 1.0
    assert wishbone.names[graphs.find_root(wishbone, on_b, np.ones(18))] == "b6"
    ring = graphs.ring(12)
    bump = np.exp(-((np.minimum(np.arange(12), 12 - np.arange(12))) ** 2))
    for centre in (0, 5):
        assert graphs.find_root(ring, np.roll(bump, centre), np.ones(12)) == centre
    assert graphs.find_root(graphs.rings(2, 12), np.concatenate([np.zeros(12), np.roll(bump, 3)]), np.ones(24)) == 15
    with pytest.raises(ValueError, match="same on all"):
        graphs.find_root(graph, np.ones(20), np.ones(20))


def test_near_an_end_means_the_end() -> None:
    graph = graphs.line(21)
    assert [_route.near_end(graph, neuron) for neuron in (1, 2, 3, 18, 19)] == [0, 0, 3, 20, 20]
    assert _route.near_end(graphs.grid(5), 1) == 1
