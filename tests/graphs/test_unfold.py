"""Slender graphs follow a process wherever it bends, however unevenly it is filled, whatever else lies around."""

from __future__ import annotations

import numpy as np
import pytest
from _scores import principal_components
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csgraph
from scipy.spatial.distance import pdist, squareform

from gsr_sc import datasets, graphs, metrics
from gsr_sc.graphs import _unfold, fit_annealed_map, nearest_neighbours, order
from gsr_sc.graphs._diffusion import affinities
from gsr_sc.graphs._unfold import tied, unfold

# The network learns the responsibilities of a start as squares of its activations, hence the roots below.


def coil(n_obs: int, *, power: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Cells along a spiral of one and a half turns, crowded at its beginning where `power` is above 1."""
    rng = np.random.default_rng(seed)
    t = rng.random(n_obs) ** power
    angle = 3 * np.pi * t
    x = np.column_stack([(1 + 2 * t) * np.cos(angle), (1 + 2 * t) * np.sin(angle), rng.normal(size=(n_obs, 3)) * 0.05])
    return x, t


def star_of_three(n_obs: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    arm, t = rng.integers(3, size=n_obs), rng.random(n_obs)
    x = np.eye(3)[arm] * t[:, None]
    return x + rng.normal(size=x.shape) * 0.03, arm, t


def test_a_line_follows_a_spiral_and_not_its_longest_axis() -> None:
    x, t = coil(600)
    graph = graphs.line(24)
    followed = order(graph, np.sqrt(fit_annealed_map(x, graph).responsibilities(x)))
    straight = order(graph, np.sqrt(fit_annealed_map(x, graph, unfolded=False).responsibilities(x)))
    assert metrics.order_agreement(followed, t) > 0.98
    assert metrics.order_agreement(straight, t) < 0.9


def test_outlying_clusters_are_set_aside_and_still_placed() -> None:
    x, t = coil(600)
    away = np.array([20.0, 0, 0, 0, 0]) + np.random.default_rng(1).normal(size=(40, 5)) * 0.05
    further = -np.array([0, 20.0, 0, 0, 0]) + np.random.default_rng(2).normal(size=(20, 5)) * 0.05
    both = np.concatenate([x, away, further])
    np.testing.assert_array_equal(unfold(both).kept, np.arange(600))
    graph = graphs.line(24)
    shares = np.sqrt(fit_annealed_map(both, graph).responsibilities(both))
    assert np.isfinite(shares).all()
    assert metrics.order_agreement(order(graph, shares)[:600], t) > 0.98


@pytest.mark.parametrize("seed", range(3))
def test_neurons_of_a_ring_lie_at_even_distances_where_cells_do_not(seed: int) -> None:
    adata = datasets.simulate_ring(density=8, rng=seed)
    angle, x = adata.obs["angle"], principal_components(adata.X)
    graph = graphs.ring(32)
    even = order(graph, np.sqrt(fit_annealed_map(x, graph).responsibilities(x)))
    by_number = order(graph, np.sqrt(fit_annealed_map(x, graph, unfolded=False).responsibilities(x)))
    concordance = metrics.circular_concordance(even, angle)
    assert concordance > 0.95
    assert metrics.circular_concordance(by_number, angle) < concordance - 0.02


TROUBLES = {
    "density": {"density": 5.0},
    "outliers": {"outliers": 0.05},
    "doublets": {"doublets": 0.05},
    "all": {"density": 5.0, "outliers": 0.05, "doublets": 0.05},
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_the_order_of_a_line_is_recovered_whatever_troubles_it(seed: int, trouble: str) -> None:
    adata = datasets.simulate_line(rng=seed, **TROUBLES[trouble])
    x, graph = principal_components(adata.X), graphs.line(32)
    position = order(graph, np.sqrt(fit_annealed_map(x, graph).responsibilities(x)))
    assert metrics.order_agreement(position, adata.obs["time"]) >= 0.975
    scrambled = np.sqrt(fit_annealed_map(x, graph.permuted(seed)).responsibilities(x))
    assert metrics.order_agreement(order(graph, scrambled), adata.obs["time"]) < 0.925


def curve(n_obs: int, *, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Few observations along a curve of three half-waves in 60 variables, at random and so with gaps."""
    rng = np.random.default_rng(seed)
    t = rng.random(n_obs)
    waves = np.cos(np.pi * np.outer(t, np.arange(1, 4)))
    return principal_components(waves @ rng.normal(size=(3, 60)) + noise * rng.normal(size=(n_obs, 60))), t


@pytest.mark.parametrize("n_obs", [60, 100])
@pytest.mark.parametrize("noise", [0.05, 0.2])
@pytest.mark.parametrize("seed", range(4))
def test_few_clear_observations_hang_together_over_gaps(n_obs: int, noise: float, seed: int) -> None:
    x, t = curve(n_obs, noise=noise, seed=seed)
    assert len(unfold(x).kept) >= 0.8 * n_obs
    graph = graphs.line(16)
    position = order(graph, np.sqrt(fit_annealed_map(x, graph).responsibilities(x)))
    assert metrics.order_agreement(position, t) > 0.95


@given(seed=st.integers(0, 1000), n_obs=st.integers(10, 60))
def test_pieces_are_tied_by_their_shortest_ways(seed: int, n_obs: int) -> None:
    x = np.random.default_rng(seed).normal(size=(n_obs, 2)).astype(np.float32)
    apart = affinities(nearest_neighbours(x, 2))
    one = tied(apart, x)
    assert csgraph.connected_components(one)[0] == 1
    assert abs(one - one.T).max() == 0
    _, piece = csgraph.connected_components(apart)
    first, second = (one - apart).nonzero()
    # As many edges as a tree of the pieces has, in both directions, and those of the tree of least length.
    assert len(first) == 2 * piece.max()
    distance = squareform(pdist(x.astype(np.float64)))
    distance[piece[:, None] != piece] += 100
    least = csgraph.minimum_spanning_tree(distance)
    assert {tuple(sorted(edge)) for edge in zip(first, second, strict=True)} == {
        tuple(sorted(edge)) for edge in zip(*least.nonzero(), strict=True) if piece[edge[0]] != piece[edge[1]]
    }


def test_what_others_hang_on_is_not_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stretch between two gaps has a slow coordinate of its own, and lies at the end of it."""
    x, _ = curve(60, noise=0.05, seed=3)
    assert len(unfold(x).kept) == 60
    monkeypatch.setattr(_unfold, "_hang_together_without", lambda *_: True)
    assert len(unfold(x).kept) < 50


def test_many_outlying_clusters_leave_coordinates_for_what_is_kept() -> None:
    """However many rounds it takes: every round sets one aside, and there are at most ten."""
    x, _ = coil(600)
    rng = np.random.default_rng(1)
    away = [100 * (i + 1) * np.eye(5)[i % 3] + rng.normal(size=(9, 5)) * 0.05 for i in range(13)]
    space = unfold(np.concatenate([x, *away]))
    assert len(space.kept) == len(space.coordinates)
    assert np.isin(np.arange(600), space.kept).all()


@pytest.mark.parametrize("seed", range(3))
def test_arms_of_a_star_come_to_different_arms(seed: int) -> None:
    x, arm, t = star_of_three(600, seed)
    graph = graphs.star(3, 6)
    shares = np.sqrt(fit_annealed_map(x, graph).responsibilities(x))
    assert metrics.order_agreement(order(graph, shares), t) > 0.95
    outer = t > 0.3
    branch = graphs.branches(graph)[shares.argmax(axis=1)]
    table = np.array([[np.sum((branch == b) & (arm == a) & outer) for a in range(3)] for b in np.unique(branch)])
    assert table.max(axis=0).sum() > 0.98 * outer.sum()
    assert len(set(table.argmax(axis=0))) == 3


def test_known_observations_stay_where_they_are_and_others_go_to_their_nearest() -> None:
    x, _ = coil(300)
    space = unfold(x)
    np.testing.assert_allclose(space.place(x[space.kept]), space.coordinates, atol=1e-4)
    beside = space.place(x[:50] + 1e-9)
    np.testing.assert_allclose(beside, space.coordinates[:50], atol=1e-3)


@pytest.mark.parametrize(
    ("graph", "slender"),
    [
        (graphs.line(8), True),
        (graphs.ring(8), True),
        (graphs.star(4, 3), True),
        (graphs.tree(2, 2, n_per_branch=3), True),
        (graphs.wishbone(2, 4), True),
        (graphs.line(8).permuted(0), True),
        (graphs.grid(4), False),
        (graphs.torus(4), False),
        (graphs.lines(2, 5), False),
        (graphs.rings(2, 5), False),
    ],
    ids=str,
)
def test_what_is_slender(graph: graphs.NeuronGraph, slender: bool) -> None:
    assert graphs.is_slender(graph) is slender


@pytest.mark.parametrize(
    "x", [np.zeros((40, 3)), np.repeat(1e3 * np.arange(6.0), 20)[:, None]], ids=["alike", "islands"]
)
@pytest.mark.parametrize("graph", [graphs.line(8), graphs.ring(8), graphs.star(3, 3)], ids=str)
def test_degenerate_cells_give_a_map_all_the_same(x: np.ndarray, graph: graphs.NeuronGraph) -> None:
    fitted = fit_annealed_map(x, graph)
    assert np.isfinite(fitted.responsibilities(x)).all()
    np.testing.assert_array_equal(fitted.prototypes, fit_annealed_map(x, graph).prototypes)
