"""Rings through few observations: a tour that goes straight on where opposite views look alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _scores import principal_components
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from gsr_sc import datasets, graphs, metrics
from gsr_sc.graphs import _slender, _tour, fit_annealed_map
from gsr_sc.graphs._position import mean_angle, ring_angles
from gsr_sc.graphs._smoothing import COST

RING = graphs.ring(16)


def folded(n_obs: int, *, alike: float = 0.15, noise: float = 0.02, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Views of an object whose opposite sides look alike, and their angles: mostly waves of twice round."""
    rng = np.random.default_rng(seed)
    angle = rng.permutation(np.arange(n_obs) * 2 * np.pi / n_obs)
    waves = [np.cos(2 * angle), np.sin(2 * angle), np.cos(4 * angle), np.sin(4 * angle)]
    own = [alike * np.cos(angle), alike * np.sin(angle), alike * np.cos(3 * angle), alike * np.sin(3 * angle)]
    x = np.column_stack([*waves, *own]) @ rng.normal(size=(8, 60)) + noise * rng.normal(size=(n_obs, 60))
    return principal_components(x), angle


def found_angle(x: np.ndarray, graph: graphs.NeuronGraph = RING, **options: Any) -> np.ndarray:
    return mean_angle(fit_annealed_map(x, graph, **options).responsibilities(x), ring_angles(graph))


def is_round(order: np.ndarray, truth: np.ndarray) -> bool:
    """Whether a tour passes the observations in the order of their angles, from anywhere, either way."""
    rank = np.empty(len(truth), dtype=int)
    rank[np.argsort(truth)] = np.arange(len(truth))
    steps = np.diff(rank[order]) % len(truth)
    return bool((steps == 1).all() or (steps == len(truth) - 1).all())


@pytest.mark.parametrize("seed", range(5))
def test_views_that_look_like_those_opposite_find_their_angle(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    x, angle = folded(72, seed=seed)
    assert metrics.circular_concordance(found_angle(x), angle) > 0.98
    # A map of neighbours folds the ring: without the tour the test above would fail.
    monkeypatch.setattr(_slender, "fit_tour_map", lambda *_: None)
    assert metrics.circular_concordance(found_angle(x), angle) < 0.5


def test_views_that_were_not_seen_are_placed_between_those_that_were() -> None:
    x, angle = folded(72, alike=0.2)
    fitted = fit_annealed_map(x[:60], RING)
    placed = mean_angle(fitted.responsibilities(x), ring_angles(RING))
    assert metrics.circular_concordance(placed[60:], angle[60:]) > 0.95


@pytest.mark.parametrize(
    "x",
    [
        np.random.default_rng(0).normal(size=(60, 4)),
        np.random.default_rng(1).normal(size=(100, 30)) * np.linspace(2, 1, 30),
        principal_components(datasets.simulate_ring(80, 200, rng=0).X),
        principal_components(datasets.simulate_clusters(120, 50, rng=0).X),
    ],
    ids=["noise of few components", "noise", "noisy ring", "clusters"],
)
def test_noise_through_which_any_tour_finds_a_way_is_left_to_the_map(
    monkeypatch: pytest.MonkeyPatch, x: np.ndarray
) -> None:
    x = x.astype(np.float32)
    usual = fit_annealed_map(x, RING)
    monkeypatch.setattr(_slender, "fit_tour_map", lambda *_: None)
    np.testing.assert_array_equal(usual.prototypes, fit_annealed_map(x, RING).prototypes)


@pytest.mark.parametrize(
    ("x", "graph", "options"),
    [
        (folded(260)[0], RING, {}),
        (folded(72)[0][:, :3], RING, {}),
        (folded(72)[0], graphs.line(16), {}),
        (folded(72)[0], RING, {"candidates": [folded(72)[0]]}),
    ],
    ids=["many", "few components", "line", "own coordinates"],
)
def test_there_is_no_tour(monkeypatch: pytest.MonkeyPatch, x: np.ndarray, graph: Any, options: dict[str, Any]) -> None:
    monkeypatch.setattr(_tour, "closed_tour", None)
    fit_annealed_map(x, graph, **options)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_the_tour_is_the_same_in_any_order_of_the_observations(seed: int) -> None:
    x, angle = folded(40, alike=0.3, noise=0)
    rows = np.random.default_rng(seed).permutation(len(x))
    assert is_round(_tour.closed_tour(x[rows]), angle[rows])


@given(seed=st.integers(0, 1000), n_obs=st.integers(8, 20))
def test_what_a_reversal_gains_is_what_it_changes(seed: int, n_obs: int) -> None:
    rng = np.random.default_rng(seed)
    distance = squareform(pdist(rng.normal(size=(n_obs, 3))))
    moves, order = _tour._Reversals(distance), rng.permutation(n_obs)

    def length(order: np.ndarray) -> float:
        return float(distance[order, np.roll(order, -1)].sum())

    def bend(order: np.ndarray) -> float:
        before, after = np.roll(order, 1), np.roll(order, -1)
        squares = distance**2
        return float((2 * squares[before, order] + 2 * squares[order, after] - squares[before, after]).sum())

    np.testing.assert_allclose(moves.bend(order), bend(order))
    start, stop = moves.stretches(order)
    assume(len(start))
    which = rng.integers(len(start))
    other, at = order.copy(), slice(start[which] + 1, stop[which] + 1)
    other[at] = other[at][::-1]
    np.testing.assert_allclose(moves.shorter(order, start, stop)[which], length(order) - length(other), atol=1e-9)
    np.testing.assert_allclose(moves.straighter(order, start, stop)[which], bend(order) - bend(other), atol=1e-9)


@pytest.mark.parametrize("n_obs", [20, 21])
def test_what_curves_leave_over_is_that_of_penalised_least_squares(n_obs: int) -> None:
    """As written down, with the matrix of second differences round the ring."""
    rng = np.random.default_rng(n_obs)
    turn = np.arange(n_obs) * 2 * np.pi / n_obs
    x = np.column_stack([np.cos(turn), np.sin(2 * turn)]) + 0.3 * rng.normal(size=(n_obs, 2))
    bends = np.roll(np.eye(n_obs), 1, axis=0) - 2 * np.eye(n_obs) + np.roll(np.eye(n_obs), -1, axis=0)
    scores = []
    for strength in _tour._STRENGTHS:
        smooth = np.linalg.inv(np.eye(n_obs) + strength * bends.T @ bends)
        left = ((x - smooth @ x) ** 2).sum()
        scores.append(n_obs * left / max(n_obs - COST * np.trace(smooth), 1) ** 2)
    np.testing.assert_allclose(_tour._unexplained(x), min(scores), rtol=1e-6)
