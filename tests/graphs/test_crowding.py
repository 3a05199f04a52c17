"""How crowded positions are, and what that does to their confidence."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from gsr_sc import datasets, graphs
from gsr_sc.graphs._crowding import crowding, step_along

STEP = 1 / 19


def test_evenly_spread_positions_are_not_crowded() -> None:
    found = crowding(np.linspace(0, 1, 2000), np.zeros(2000, dtype=int), step=STEP)
    np.testing.assert_allclose(found[300:-300], 1, atol=0.02)
    np.testing.assert_allclose(found[[0, -1]], 0.5, atol=0.02)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0, 6))
def test_on_a_ring_it_does_not_matter_where_angles_begin(seed: int, turn: float) -> None:
    angle = np.random.default_rng(seed).vonmises(1, 2, 60) % (2 * np.pi)
    one = partial(crowding, piece=np.zeros(60, dtype=int), step=2 * np.pi / 16, period=2 * np.pi)
    np.testing.assert_allclose(one((angle + turn) % (2 * np.pi)), one(angle))


def test_counts_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    order, piece = rng.random(80) ** 2, rng.integers(2, size=80)
    order[:5] = np.nan
    found = crowding(order, piece, step=STEP)
    for cell in range(5, 80):
        others = (piece == piece[cell]) & np.isfinite(order)
        others[cell] = False
        within = (np.abs(order[others] - order[cell]) <= 2 * STEP).sum() + 20 * 4 * STEP
        assert found[cell] == pytest.approx(max(within / (others.sum() + 20) / (4 * STEP), 0.5))
    assert (found[:5] == 1).all()


def test_a_handful_is_no_crowd_and_a_graph_without_steps_has_none() -> None:
    together = np.full(3, 0.5)
    assert crowding(together, np.zeros(3, dtype=int), step=STEP).max() < 1.5
    assert crowding(np.full(3000, 0.5), np.zeros(3000, dtype=int), step=STEP).min() > 4
    assert step_along(graphs.line(3), np.zeros(3)) == np.inf
    assert (crowding(together, np.zeros(3, dtype=int), step=np.inf) == 1).all()
    assert crowding(np.zeros(0), np.zeros(0, dtype=int), step=STEP).shape == (0,)


@pytest.mark.parametrize("graph", [graphs.line(20), graphs.ring(20)], ids=lambda graph: graph.kind)
def test_steps_are_those_of_neighbouring_neurons(graph: graphs.NeuronGraph) -> None:
    course = graphs.course(graph)
    assert course.step == pytest.approx(1 / 19 if graph.kind == "line" else 2 * np.pi / 20)


def test_the_same_activation_is_less_sure_where_there_are_more() -> None:
    graph = graphs.line(40)
    bump = np.exp(-0.5 * ((np.arange(40) - np.repeat([10, 30], [400, 40])[:, None]) / 1.5) ** 2)
    sure = graphs.course(graph).read(bump).confidence
    assert 0 < sure[0] < sure[-1] < 1
    # Whatever else is read: where one neuron is lit, or all are, nothing is left to be weighed.
    sure = graphs.course(graph).read(np.vstack([bump, np.eye(40)[:2], np.ones((1, 40))])).confidence
    assert sure[-3:].tolist() == [1, 1, 0]


@pytest.mark.parametrize("kind", ["wishbone", "tree"])
def test_it_ranks_errors_where_branches_crowd(kind: str) -> None:
    adata = datasets.simulate_wishbone(rng=1) if kind == "wishbone" else datasets.simulate_tree(depth=2, rng=1)
    graph = graphs.wishbone(2, 16) if kind == "wishbone" else graphs.tree(2, 2, n_per_branch=6, n_stem=6)
    z = np.asarray(adata.X, dtype=np.float64)
    left, values, _ = np.linalg.svd((z - z.mean(axis=0)) / z.std(axis=0), full_matrices=False)
    scores = (left * values)[:, :30]
    activations = np.sqrt(graphs.fit_annealed_map(scores, graph).responsibilities(scores))
    time = adata.obs["time"].to_numpy()
    share = activations**2 / (activations**2).sum(axis=1, keepdims=True)
    root = graphs.find_root(graph, share[time < 0.1].sum(axis=0) / share.sum(axis=0), share.sum(axis=0))
    reading = graphs.course(graph, root=root).read(activations)
    error = np.abs(reading.order.argsort().argsort() - time.argsort().argsort())
    by = reading.confidence.argsort()
    # What the spread alone says: .11 and -.01, and fifths that differ by .88 and 1.24.
    assert spearmanr(reading.confidence, -error).statistic > 0.3
    assert error[by[-200:]].mean() < 0.5 * error[by[:200]].mean()
