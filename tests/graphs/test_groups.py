"""Groups of neurons: which neurons are tied, and where one group ends."""

from __future__ import annotations

import time
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import adjusted_rand_score

from gsr_sc import graphs
from gsr_sc.graphs._groups import merge_steps, merged

GRAPHS = {
    "grid": graphs.grid(6, 6),
    "ring": graphs.ring(36),
    "line": graphs.line(36),
    "tree": graphs.from_networkx(nx.balanced_tree(5, 2)),
    "apart": graphs.from_networkx(nx.disjoint_union(nx.cycle_graph(20), nx.path_graph(16))),
}


def bumps(graph: graphs.NeuronGraph, centre: np.ndarray, *, width: float = 1.0) -> np.ndarray:
    steps = np.minimum(graphs._position.steps_between(graph), 50)
    return np.exp(-0.5 * (steps[centre] / width) ** 2)


def blocks(n_groups: int, n_each: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ties among groups of neurons, strong within and weak between, in random order."""
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.repeat(np.arange(n_groups), n_each))
    ties = np.where(label[:, None] == label, 1.0, 0.02) * rng.uniform(0.5, 1, (len(label), len(label)))
    return ties + ties.T, label


@pytest.mark.parametrize("name", GRAPHS)
def test_observations_that_are_no_neighbours_separate_groups(name: str) -> None:
    """The map shows one smooth continuum; only the neighbours in the data tell that it has two halves."""
    graph = GRAPHS[name]
    rng = np.random.default_rng(0)
    centre = rng.integers(graph.n_neurons, size=600)
    activations = bumps(graph, centre)
    one = np.arange(graph.n_neurons) < graph.n_neurons // 2
    if name == "tree":
        one = np.isin(np.arange(31), [0, 1, 2, *range(6, 16)])  # the root and two of its five branches
    half = one[centre]
    x = 10.0 * half[:, None] + rng.normal(size=(600, 2))
    near = graphs.nearest_neighbours(x, 5).numbers
    ties = graphs.neuron_ties(activations, near)
    group = graphs.indicator_groups(graph, activations, ties=ties)
    assert adjusted_rand_score(one, group) > 0.99
    assert (graphs.indicator_groups(graph, activations) != group).any()


@given(st.integers(2, 6), st.integers(2, 8), st.integers(0, 5))
def test_blocks_are_found_and_named_by_mass(n_groups: int, n_each: int, seed: int) -> None:
    ties, label = blocks(n_groups, n_each, seed=seed)
    graph = graphs.line(len(label))
    group = graphs.indicator_groups(graph, np.ones((2, len(label))), ties=ties)
    assert adjusted_rand_score(label, group) == 1
    mass = [ties[group == name].sum() for name in map(str, range(n_groups))]
    assert mass == sorted(mass, reverse=True)


@pytest.mark.parametrize("seed", range(3))
def test_ties_that_no_gap_interrupts_are_one_group(seed: int) -> None:
    """Neighbours all over the map: modularity alone finds communities in any noise."""
    rng = np.random.default_rng(seed)
    graph = graphs.grid(12, 12)
    lit = rng.integers(144, size=3000)
    near = rng.integers(3000, size=(3000, 5))
    # Two of five are near each other on the map, as a map of noise brings them together.
    near[:, :2] = graphs.nearest_neighbours(graph.layout[lit] + rng.normal(size=(3000, 2)), 2).numbers
    ties = graphs.neuron_ties(np.eye(144)[lit], near, power=1)
    assert len(set(graphs.indicator_groups(graph, np.eye(144), ties=ties).tolist())) == 1
    assert len(set(graphs.indicator_groups(graph, np.eye(144), ties=ties, resolution=2).tolist())) > 1, "if asked for"
    assert merged(ties, 1.0).max() > 0, "tied parts there are"
    near[:] = graphs.nearest_neighbours(graph.layout[lit] + rng.normal(size=(3000, 2)), 5).numbers
    ties = graphs.neuron_ties(np.eye(144)[lit], near, power=1)
    assert len(set(graphs.indicator_groups(graph, np.eye(144), ties=ties).tolist())) > 3, "a continuum is cut in parts"


@given(arrays.arrays(np.float64, (9, 9), elements=st.floats(0.01, 5)), st.floats(0.1, 1.5), st.floats(1, 3))
def test_levels_are_nested(ties: np.ndarray, resolution: float, factor: float) -> None:
    resolutions = [resolution, resolution * factor, resolution * factor**2]
    levels = graphs.nested_groups(graphs.grid(3, 3), np.eye(9), resolutions=resolutions, ties=ties + ties.T)
    for coarse, fine in pairwise(levels):
        assert all(len(set(coarse[fine == name].tolist())) == 1 for name in set(fine.tolist()))


def test_ties_by_overlap_alone_tell_no_gaps() -> None:
    ties = np.ones((6, 6)) + np.kron(np.eye(2), np.ones((3, 3)))
    loose, without = ties.copy(), ties.copy()
    np.fill_diagonal(without, 0)
    line, lit = graphs.line(6), np.eye(6)
    assert len(set(graphs.indicator_groups(line, lit, ties=loose).tolist())) == 1
    assert len(set(graphs.indicator_groups(line, lit, ties=without).tolist())) == 2
    spread = np.ones((2, 6))
    assert len(set(graphs.indicator_groups(line, spread, ties=loose).tolist())) == 2, "as loose as neurons overlap"


def test_more_resolution_gives_more_groups() -> None:
    graph = graphs.line(60)
    activations = bumps(graph, np.arange(60).repeat(3))
    numbers = [
        len(set(graphs.indicator_groups(graph, activations, resolution=r).tolist())) for r in (0.01, 0.5, 1, 3, 12)
    ]
    assert numbers[0] == 1
    assert numbers == sorted(numbers)
    assert numbers[-1] > 2 * numbers[1]


@given(arrays.arrays(np.float64, (9, 9), elements=st.floats(0.01, 5)), st.floats(0.1, 3), st.floats(1, 3))
def test_finer_merges_lie_within_coarser_ones(ties: np.ndarray, resolution: float, factor: float) -> None:
    ties = ties + ties.T
    coarse, fine = merged(ties, resolution), merged(ties, resolution * factor)
    assert all(len(set(coarse[fine == number].tolist())) == 1 for number in set(fine.tolist()))
    steps = merge_steps(ties)
    assert len(steps) == 8
    assert sorted(number for first, second, _ in steps for number in (first, second)) == list(range(16))


@pytest.mark.parametrize("bad", [0, -1, np.inf, np.nan])
def test_resolution_is_checked(bad: float) -> None:
    with pytest.raises(ValueError, match="`resolution` is"):
        graphs.indicator_groups(graphs.line(3), np.eye(3), resolution=bad)


@pytest.mark.parametrize("activations", [np.ones((5, 4)), np.zeros((5, 4)), np.eye(4)[:1], -np.eye(4)], ids=str)
def test_degenerate_activations_give_groups(activations: np.ndarray) -> None:
    group = graphs.indicator_groups(graphs.grid(2, 2), activations)
    assert group.shape == (4,)
    assert "0" in group
    again = graphs.indicator_groups(graphs.grid(2, 2), activations)
    assert (group == again).all()


def test_silent_neurons_go_with_the_neighbours_they_sit_among() -> None:
    activations = np.kron(np.eye(2), np.ones((1, 3))).repeat(5, axis=0)
    activations[:, 1] = 0
    assert graphs.indicator_groups(graphs.line(6), activations).tolist() == ["0", "0", "0", "1", "1", "1"] or (
        graphs.indicator_groups(graphs.line(6), activations).tolist() == ["1", "1", "1", "0", "0", "0"]
    )


def test_sharpness_leaves_three_lit_neurons_however_smooth_the_map_is() -> None:
    graph = graphs.line(60)
    centre = np.arange(20, 40)
    powers = []
    for width in (2.0, 5.0):
        activations = bumps(graph, centre, width=width)
        powers.append(graphs.sharpness(activations))
        weights = graphs.sharpened(activations, powers[-1])
        np.testing.assert_allclose(np.median(1 / (weights**2).sum(axis=1)), 3, atol=0.05)
    assert powers[1] > powers[0]
    power, least = 4.0, 1.0
    assert (graphs.sharpened(activations, power).max(1) > graphs.sharpened(activations, least).max(1)).all()


def test_ties_count_neighbours() -> None:
    lit = np.eye(3)[[0, 0, 1, 2]]
    near = np.array([[1], [0], [0], [2]])
    ties = graphs.neuron_ties(lit, near, power=1)
    np.testing.assert_allclose(ties, np.array([[2, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0]]) / 4)
    soft = np.array([[0.8, 0.2, 0], [0, 0.2, 0.8]])
    assert graphs.neuron_ties(soft, power=1)[0, 2] == 0, "no observation lights up both"
    assert graphs.neuron_ties(soft, power=1)[0, 1] > 0
    assert graphs.neuron_ties(soft, power=1)[0, 1] != graphs.neuron_ties(soft, power=3)[0, 1] * 1.5
    assert graphs.neuron_ties(soft, np.array([[1], [0]]), power=1)[0, 2] > 0, "but those of neighbours do"


def test_group_shares_do_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    activations, member = rng.random((20, 6)), np.eye(3)[[0, 0, 1, 1, 2, 2]]
    whole = graphs.group_shares(activations, member, power=3)
    np.testing.assert_allclose(whole.sum(axis=1), 1)
    monkeypatch.setattr(graphs._ties, "_BLOCK", 7)
    np.testing.assert_allclose(graphs.group_shares(activations, member, power=3), whole)
    assert (whole.max(axis=1) > graphs.group_shares(activations, member).max(axis=1)).mean() > 0.9


def test_grouping_is_quick() -> None:
    rng = np.random.default_rng(0)
    graph = graphs.grid(12, 12)
    activations = bumps(graph, rng.integers(144, size=3000))
    start = time.perf_counter()
    graphs.indicator_groups(graph, activations)
    assert time.perf_counter() - start < 5
