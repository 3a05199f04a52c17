"""Maps along branches that are read from curves of all variables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsr_sc import datasets, graphs, metrics
from gsr_sc.graphs import _curve_map as module
from gsr_sc.graphs import curve_map
from gsr_sc.graphs._smoothing import COST

GRAPH = graphs.wishbone(2, 8)
N_OBS = 600


def cells(noise: float = 0.4, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised expression, its time, and the shares of neurons as one would guess them from time alone, with errors."""
    adata = datasets.simulate_wishbone(N_OBS, 120, noise=noise, rng=seed)
    x = np.asarray(adata.X, dtype=np.float32)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    time = adata.obs["time"].to_numpy()
    guess = time + np.random.default_rng(seed).normal(0, 0.1, N_OBS)
    branch = adata.obs["branch"].astype(str).to_numpy()
    own = {"stem": "stem", "branch1": "a", "branch2": "b"}
    depth = np.array([depth_of(name) for name in GRAPH.names])
    allowed = np.array([[name.startswith(own[which]) for name in GRAPH.names] for which in branch])
    far = np.where(allowed, np.abs(depth / depth.max() - guess[:, None]), np.inf)
    return x, time, np.eye(GRAPH.n_neurons)[far.argmin(axis=1)]


def depth_of(name: str) -> int:
    """Steps from the beginning of the stem."""
    number = int(name.lstrip("stemab"))
    return number if name.startswith("stem") else number + 8


def fitted(x: np.ndarray, share: np.ndarray) -> np.ndarray:
    return curve_map(x, GRAPH, share=share, heat=np.eye(GRAPH.n_neurons)).responsibilities(x)


def places(share: np.ndarray) -> np.ndarray:
    return share @ np.array([depth_of(name) for name in GRAPH.names])


def test_rough_places_become_good_ones() -> None:
    x, time, share = cells()
    before, after = (metrics.order_agreement(places(found), time) for found in (share, fitted(x, share)))
    assert before < 0.95
    assert after > 0.98


def test_variables_that_say_nothing_have_next_to_no_say() -> None:
    x, time, share = cells()
    noise = np.random.default_rng(1).normal(size=(N_OBS, 300)).astype(np.float32)
    alone, among = (fitted(values, share) for values in (x, np.hstack([x, noise])))
    assert metrics.order_agreement(places(among), time) > metrics.order_agreement(places(alone), time) - 0.002
    weights = curve_map(np.hstack([x, noise]), GRAPH, share=share, heat=np.eye(GRAPH.n_neurons)).weights
    says = np.ptp(weights, axis=1)
    assert np.median(says[120:]) < 0.1 * np.quantile(says[:120], 0.75)


@given(seed=st.integers(0, 100))
def test_units_and_origins_of_variables_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, _, share = cells()
    unit, origin = rng.lognormal(0, 1, x.shape[1]), rng.normal(size=x.shape[1])
    other = (x * unit + origin).astype(np.float32)
    np.testing.assert_allclose(fitted(other, share), fitted(x, share), atol=5e-3)


def test_shares_sum_to_one_and_targets_are_smooth() -> None:
    x, _, share = cells()
    heat = graphs.HeatKernel(GRAPH.adjacency)(0.7)
    found = curve_map(x, GRAPH, share=share, heat=heat)
    targets = found.targets_of(found.evidence(x[:50]))
    for values in (found.responsibilities(x[:50]), targets):
        assert values.dtype == np.float32
        np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(targets, found.responsibilities(x[:50]) @ heat, atol=1e-5)
    np.testing.assert_array_equal(curve_map(x, GRAPH, share=share, heat=heat).weights, found.weights)


def test_curves_are_those_of_penalised_least_squares() -> None:
    """Solved as written down, for every strength, with the strength that cross-validation prefers."""
    x, _, share = cells()
    x = x.astype(np.float64)
    x -= x.mean(axis=0)
    x[:, 0] = np.random.default_rng(7).normal(size=N_OBS)
    x[:, 0] -= x[:, 0].mean()
    share = share.astype(np.float64)
    bends, mass = module._bends(GRAPH), share.sum(axis=0)
    best, expected = np.full(x.shape[1], np.inf), np.zeros((GRAPH.n_neurons, x.shape[1]))
    for strength in [*module._STRENGTHS, np.inf]:
        if np.isinf(strength):
            curves, used = np.zeros_like(expected), 1.0
        else:
            weights = np.diag(mass + 1e-3 * mass.mean()) + strength * mass.mean() * bends
            curves, used = np.linalg.solve(weights, share.T @ x), np.trace(np.linalg.solve(weights, np.diag(mass)))
        left = ((x - share @ curves) ** 2).sum(axis=0)
        score = N_OBS * left / (N_OBS - COST * used) ** 2
        expected[:, score < best] = curves[:, score < best]
        best = np.minimum(best, score)
    found = module._curves(share.astype(np.float32), x.astype(np.float32), (x**2).sum(axis=0), bends)
    same = np.abs(found - expected).max(axis=0) < 0.02
    assert same.mean() > 0.95, "but where two strengths are as good"
    assert np.ptp(found[:, 0]) < 0.2 * np.ptp(found, axis=0).max()


@pytest.mark.parametrize(
    "graph", [graphs.line(7), GRAPH, graphs.star(4, 3), graphs.tree(2, 2, n_per_branch=3, n_stem=3)]
)
def test_straight_ways_through_forks_are_not_charged(graph: graphs.NeuronGraph) -> None:
    bends = module._bends(graph)
    np.testing.assert_allclose(bends, bends.T)
    assert np.linalg.eigvalsh(bends).min() > -1e-9
    np.testing.assert_allclose(bends @ np.ones(graph.n_neurons), 0, atol=1e-12)
    if graph.kind == "line":
        np.testing.assert_allclose(bends @ np.arange(7), 0, atol=1e-12)
        kink = np.abs(np.arange(7) - 3.0)
        assert kink @ bends @ kink == pytest.approx(4), "one second difference of two"


def test_evidence_that_is_said_several_times_counts_once() -> None:
    """Copies of a variable tell no more than it does; the halves of them agree, whatever they say, so some noise is added."""
    x, _, share = cells()
    rng = np.random.default_rng(2)
    shared = rng.normal(size=(N_OBS, 40))
    # Many processes beside the branches, each heard by many variables.
    loud = np.hstack([x, x, x, x]) + (shared @ rng.normal(size=(40, 480))).astype(np.float32) / np.sqrt(10)
    sure = {
        name: fitted(values.astype(np.float32), share).max(axis=1).mean() for name, values in (("x", x), ("loud", loud))
    }
    assert sure["loud"] < sure["x"] + 0.1


def test_which_graphs_branch() -> None:
    assert graphs.is_branching(GRAPH)
    assert graphs.is_branching(graphs.star(3, 2))
    assert not graphs.is_branching(graphs.line(5))
    assert not graphs.is_branching(graphs.ring(5))
