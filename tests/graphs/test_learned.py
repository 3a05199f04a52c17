"""Graphs learned from co-activation: the kernels, what falls apart, the start, and the layout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csgraph

from gsr_sc import graphs, metrics
from gsr_sc.graphs._learned import coactivation_adjacency

KERNELS = ("adaptive", "knn", "gaussian", "correlation")

each_kernel = pytest.mark.parametrize("kernel", KERNELS)
samples = st.tuples(st.integers(0, 2**16), st.integers(2, 30), st.integers(2, 9), st.integers(0, 2))


def sample(seed: int, n_obs: int, n_neurons: int, n_silent: int) -> np.ndarray:
    """Activations with some neurons in common groups, some never active."""
    rng = np.random.default_rng(seed)
    z = rng.random((n_obs, 3)) @ rng.random((3, n_neurons)) + 0.2 * rng.random((n_obs, n_neurons))
    z[:, : min(n_silent, n_neurons)] = 0
    return z


def blocks(n_obs: int = 200, sizes: tuple[int, ...] = (4, 3, 2), noise: float = 0.05, rng: int = 0) -> np.ndarray:
    """Groups of neurons, each group active in its own observations."""
    generator = np.random.default_rng(rng)
    group = np.repeat(np.arange(len(sizes)), sizes)
    on = generator.integers(len(sizes), size=n_obs)[:, None] == group
    return on * generator.uniform(0.8, 1.2, on.shape) + noise * generator.random(on.shape)


def ties(z: np.ndarray, kernel: Any, k: int = 4) -> np.ndarray:
    """Adjacency without the layout, which takes longer."""
    return coactivation_adjacency(np.cov(z.T, bias=True), kernel=kernel, n_neighbors=k).toarray()


def components(graph: graphs.NeuronGraph) -> list[list[int]]:
    labels = csgraph.connected_components(graph.adjacency, directed=False)[1]
    return [np.flatnonzero(labels == label).tolist() for label in range(labels.max() + 1)]


@given(drawn=samples, kernel=st.sampled_from(KERNELS), k=st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_weights_are_symmetric_and_between_zero_and_one(drawn: Any, kernel: Any, k: int) -> None:
    adjacency = ties(sample(*drawn), kernel, k)
    assert np.array_equal(adjacency, adjacency.T)
    assert (adjacency >= 0).all()
    assert (adjacency <= 1 + 1e-12).all()
    assert not adjacency.diagonal().any()
    silent = ~sample(*drawn).any(axis=0)
    assert not adjacency[silent].any(), "who is never active acts with nobody"


@given(drawn=samples, kernel=st.sampled_from(KERNELS), k=st.integers(1, 6), order=st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_renaming_the_neurons_renames_the_graph(drawn: Any, kernel: Any, k: int, order: Any) -> None:
    z = sample(*drawn)
    p = np.array(order.sample(range(z.shape[1]), z.shape[1]))
    np.testing.assert_allclose(ties(z[:, p], kernel, k), ties(z, kernel, k)[np.ix_(p, p)], atol=1e-6)


@given(drawn=samples, kernel=st.sampled_from(KERNELS), scale=st.floats(0.1, 10), shift=st.floats(-3, 3))
@settings(max_examples=40, deadline=None)
def test_units_of_the_activations_do_not_matter(drawn: Any, kernel: Any, scale: float, shift: float) -> None:
    z = sample(*drawn[:3], 0)
    np.testing.assert_allclose(ties(scale * z + shift, kernel), ties(z, kernel), atol=1e-5)


@each_kernel
def test_falls_apart_where_groups_have_nothing_in_common(kernel: Any) -> None:
    graph = graphs.coactivation_graph(blocks(), kernel=kernel, n_neighbors=3)
    assert components(graph) == [[0, 1, 2, 3], [4, 5, 6], [7, 8]]
    assert graphs.communities(graph.adjacency) == components(graph)
    assert graph.kind == "learned"


def test_kernels_differ_as_described() -> None:
    z = blocks(noise=0.6)
    r = np.corrcoef(z.T)
    by_name = {
        kernel: graphs.coactivation_graph(z, kernel=kernel, n_neighbors=1).adjacency.toarray() for kernel in KERNELS
    }  # type: ignore[arg-type]
    close = r >= 0.2
    np.fill_diagonal(close, val=False)
    np.testing.assert_allclose(by_name["correlation"][close], r[close])
    assert not by_name["correlation"][~close].any()
    nearest = np.where(close, r, -1).argmax(axis=1)
    expected = np.zeros_like(r)
    expected[np.arange(9), nearest] = 1
    np.testing.assert_array_equal(by_name["knn"], np.maximum(expected, expected.T))
    d2 = 2 * (1 - r)
    s2 = np.take_along_axis(d2, nearest[:, None], axis=1).ravel()
    tied = by_name["adaptive"] > 0
    np.testing.assert_allclose(by_name["adaptive"][tied], np.exp(-d2 / np.sqrt(np.outer(s2, s2)))[tied])
    tied = by_name["gaussian"] > 0
    np.testing.assert_allclose(by_name["gaussian"][tied], np.exp(-d2 / np.median(s2))[tied])
    assert tied.sum() > 0


@pytest.mark.parametrize("kernel", ["adaptive", "knn", "gaussian"])
def test_more_neighbours_tie_more(kernel: Any) -> None:
    z = blocks(sizes=(9, 3), noise=0.8)
    totals = [graphs.coactivation_graph(z, kernel=kernel, n_neighbors=k).total_degree for k in (1, 3, 6)]
    assert totals[0] < totals[1] < totals[2]


def test_no_ties_at_all_is_a_graph() -> None:
    graph = graphs.coactivation_graph(np.eye(5))
    assert graph.n_edges == 0
    assert np.isfinite(graph.layout).all()
    assert len(np.unique(graph.layout, axis=0)) == 5
    assert graph.to_networkx().number_of_nodes() == 5
    with pytest.raises(ValueError, match="no edges"):
        graphs.resolve(graph, n_neurons=None, n_obs=10)


def test_layout_packs_components_apart_and_compactly() -> None:
    graph = graphs.coactivation_graph(blocks(n_obs=2000, sizes=(3,) * 9, noise=0))
    place = graph.layout
    assert np.array_equal(place, graphs.coactivation_graph(blocks(n_obs=2000, sizes=(3,) * 9, noise=0)).layout)
    distance = np.linalg.norm(place[:, None] - place, axis=-1)
    tied = graph.adjacency.toarray() > 0
    label = csgraph.connected_components(graph.adjacency, directed=False)[1]
    assert label.max() == 8
    assert distance[label[:, None] != label].min() > 1.2
    assert distance[tied].mean() == pytest.approx(1, abs=1e-6)
    width, height = np.ptp(place, axis=0)
    assert 0.5 < width / height < 2, "side by side in rows, not in one"


def test_wrong_options_are_named() -> None:
    with pytest.raises(ValueError, match=r"`kernel` is 'rbf'.*adaptive"):
        graphs.learned(kernel="rbf")  # type: ignore[arg-type]
    for option, value in {"n_neighbors": 0, "n_neurons": 1, "warm_up": -1, "refresh_every": 0, "memory": 0.0}.items():
        with pytest.raises(ValueError, match=option):
            graphs.learned(**{option: value})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`activations`"):
        graphs.coactivation_graph([[np.nan, 1.0]])


def test_resolved_with_a_size() -> None:
    assert graphs.resolve("learned", n_neurons=None, n_obs=10_000).n_neurons == 64
    assert graphs.resolve("learned", n_neurons=None, n_obs=200).n_neurons == 25
    assert graphs.resolve("learned", n_neurons=10, n_obs=200).n_neurons == 10
    wanted = graphs.learned(kernel="knn")
    resolved = graphs.resolve(wanted, n_neurons=12, n_obs=200)
    assert (resolved.n_neurons, resolved.kernel) == (12, "knn")  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="n_neurons=12"):
        graphs.resolve(graphs.learned(9), n_neurons=12, n_obs=200)


def test_maps_on_learned_graphs_correspond_by_what_neurons_do() -> None:
    z = blocks(noise=0.3)
    p = np.random.default_rng(0).permutation(9)
    graph = graphs.coactivation_graph(z)
    assert np.array_equal(p[graphs.align(graph, z, z[:, p])], np.arange(9))
    assert metrics.seed_agreement(z, z[:, p], graph).neurons == pytest.approx(1)


def test_groups_are_the_communities_and_take_in_the_silent() -> None:
    z = blocks()
    z = np.column_stack([z, np.zeros(len(z)), 1e-6 * z[:, 0]])
    graph = graphs.coactivation_graph(z[:, :9])
    adjacency = np.zeros((11, 11))
    adjacency[:9, :9] = graph.adjacency.toarray()
    whole = graphs.NeuronGraph("learned", adjacency, np.zeros((11, 2)))  # type: ignore[arg-type]
    group = graphs.indicator_groups(whole, z)
    assert len(set(group.tolist())) == 3
    assert len(set(group[:4].tolist())) == 1
    assert group[10] == group[0], "what little it does, it does with these"
    # Neighbours in the data may tell apart what the graph ties, and take in the silent as well.
    one = np.array([0, 0, 1, 1, *[2] * 5])
    of_neighbours = np.zeros((11, 11))
    of_neighbours[:9, :9] = np.where(one[:, None] == one, 1.0, 0.01)
    told = graphs.indicator_groups(whole, z, ties=of_neighbours)
    assert len(set(told.tolist())) == 3
    assert (told[:2] == told[0]).all()
    assert (told[2:4] == told[2]).all()
    assert told[0] != told[2]
    assert told[10] == told[0], "silent in the data too"


def test_start_is_clusters_shared_between_near_prototypes() -> None:
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(3, 5)) * 20
    label = rng.integers(3, size=300)
    x = centre[label] + rng.normal(size=(300, 5))
    start = graphs.fit_unordered_map(x, 12)
    share = start.responsibilities(x)
    assert np.array_equal(share, graphs.fit_unordered_map(x, 12).responsibilities(x))
    of_neuron = label[share.argmax(axis=0)]
    assert (np.diff(of_neuron) != 0).sum() == 2, "neurons of a cluster stand side by side"
    assert (share[:, :, None] * (of_neuron[:, None] == np.arange(3))).sum(axis=1)[np.arange(300), label].min() > 0.99
    assert (share > 0.05).sum(axis=1).mean() > 1.5


def test_start_with_fewer_observations_than_neurons() -> None:
    x = np.array([[0.0], [0.0], [1.0]])
    start = graphs.fit_unordered_map(x, 5)
    assert start.prototypes.shape == (5, 1)
    np.testing.assert_allclose(start.targets(x).sum(axis=1), 1, rtol=1e-6)


def test_start_may_be_given() -> None:
    x = np.random.default_rng(0).normal(size=(100, 2))
    along_second = graphs.fit_unordered_map(x, 2, start=x[:, [1]])
    along_first = graphs.fit_unordered_map(x, 2, start=x[:, [0]])
    assert abs(np.diff(along_second.prototypes, axis=0)[0]).argmax() == 1
    assert abs(np.diff(along_first.prototypes, axis=0)[0]).argmax() == 0
