"""Moran's I, Dirichlet energy and topographic error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gsr_sc import graphs, metrics

SEEDS = st.integers(0, 2**32 - 1)
MEASURES = (metrics.moran_i, metrics.dirichlet_energy, metrics.topographic_error)


def random_case(seed: int, n_obs: int = 12, n_neurons: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = np.triu(rng.random((n_neurons, n_neurons)) * (rng.random((n_neurons, n_neurons)) < 0.5), 1)
    weights[0, 1] = 1.0
    return rng.random((n_obs, n_neurons)), weights + weights.T


def naive_moran(row: np.ndarray, weights: np.ndarray) -> float:
    n, mean = len(row), row.mean()
    cross = sum(weights[i, j] * (row[i] - mean) * (row[j] - mean) for i in range(n) for j in range(n))
    return n / weights.sum() * cross / sum((value - mean) ** 2 for value in row)


@given(SEEDS)
def test_moran_is_that_of_a_naive_loop(seed: int) -> None:
    z, weights = random_case(seed)
    assert metrics.moran_i(z, weights) == pytest.approx(np.mean([naive_moran(row, weights) for row in z]))


@given(SEEDS)
def test_group_moran_is_that_of_the_mean_pictures(seed: int) -> None:
    z, weights = random_case(seed)
    labels = np.array(["a", "a", "b", "c"] * 3)
    pictures = [z[labels == label].mean(axis=0) - z.mean(axis=0) for label in "abc"]
    expected = np.mean([naive_moran(row, weights) for row in pictures])
    assert metrics.moran_i(z, weights, labels=labels) == pytest.approx(expected)


@given(SEEDS, st.floats(0.01, 100), st.floats(-10, 10))
def test_moran_ignores_scale_and_offset(seed: int, scale: float, offset: float) -> None:
    z, weights = random_case(seed)
    assert metrics.moran_i(scale * z + offset, weights) == pytest.approx(metrics.moran_i(z, weights), abs=1e-9)


@settings(max_examples=10)
@given(SEEDS)
def test_moran_in_random_places_is_minus_one_over_n_minus_one_on_average(seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.random(6)
    graph = graphs.ring(6)
    shuffled = np.array([rng.permutation(picture) for _ in range(4000)])
    assert metrics.moran_i(shuffled, graph.adjacency) == pytest.approx(-1 / 5, abs=0.05)


def test_moran_knows_smooth_from_checkered() -> None:
    graph = graphs.grid(6)
    x, y = graph.layout.T
    smooth, checkered = x + y, (x + y) % 2
    assert metrics.moran_i([smooth], graph.adjacency) > 0.7
    assert metrics.moran_i([checkered], graph.adjacency) == pytest.approx(-1.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_flat_pictures_are_skipped(dtype: str) -> None:
    line = graphs.line(4).adjacency
    flat = np.full(4, 0.1, dtype=dtype)
    flat[1] = np.nextafter(flat[1], 1, dtype=dtype)
    picture = np.array([1, 1, 0, 0], dtype=dtype)
    assert metrics.moran_i(np.array([picture, flat]), line) == pytest.approx(1 / 3)
    assert np.isnan(metrics.moran_i(flat[None], line))


def test_labels_of_equal_mean_have_no_group_moran() -> None:
    z, weights = random_case(0)
    assert np.isnan(metrics.moran_i(np.concatenate([z, z]), weights, labels=["a"] * 12 + ["b"] * 12))


def test_faint_pictures_count_as_much_as_bright_ones() -> None:
    line = graphs.line(4).adjacency
    assert metrics.moran_i([[1e-200, 1e-200, 0, 0]], line) == pytest.approx(1 / 3)


@given(SEEDS)
def test_energy_is_half_the_sum_of_squared_differences(seed: int) -> None:
    z, weights = random_case(seed)
    expected = np.mean([0.5 * (weights * (row[:, None] - row) ** 2).sum() for row in z])
    assert metrics.dirichlet_energy(z, weights) == pytest.approx(expected)
    assert metrics.dirichlet_energy(z + 1e6, weights) == pytest.approx(expected, rel=1e-6)


def test_energy_of_equal_neurons_is_zero() -> None:
    assert metrics.dirichlet_energy(np.full((3, 5), 7.3), graphs.ring(5).adjacency) == pytest.approx(0, abs=1e-12)


@given(SEEDS)
def test_topographic_error_is_that_of_a_naive_count(seed: int) -> None:
    z, weights = random_case(seed)
    best = np.argsort(z, axis=1)[:, -2:]
    assert metrics.topographic_error(z, weights) == pytest.approx(np.mean([weights[i, j] == 0 for i, j in best]))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([1, 0, 0, 0], 2 / 3),  # one winner at the end of a line: one of the three others is its neighbour
        ([0, 1, 0, 0], 1 / 3),
        ([1, 1, 1, 0], 1 / 3),  # three winners: two of their three pairs are neighbours
        ([1, 1, 1, 1], 1 / 2),  # three of six pairs
        ([2, 0, 1, 1], 1.0),
        ([2, 1, 0, 1], 1 / 2),
    ],
)
def test_ties_count_with_what_chance_would_give(row: list[int], expected: float) -> None:
    assert metrics.topographic_error([row], graphs.line(4).adjacency) == pytest.approx(expected)


@given(SEEDS)
@pytest.mark.parametrize("measure", MEASURES)
def test_names_and_order_do_not_matter(measure: Any, seed: int) -> None:
    z, weights = random_case(seed)
    z = np.round(z, 1)
    rng = np.random.default_rng(seed)
    rows, nodes = rng.permutation(len(z)), rng.permutation(z.shape[1])
    assert measure(z[rows][:, nodes], weights[np.ix_(nodes, nodes)]) == pytest.approx(measure(z, weights))


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_adjacencies_and_self_loops_make_no_difference(measure: Any, container: Any) -> None:
    z, weights = random_case(3)
    expected = measure(z, weights)
    assert measure(z, container(weights + 5 * np.eye(len(weights)))) == pytest.approx(expected)


@pytest.mark.parametrize("measure", MEASURES)
def test_more_cells_than_one_block(measure: Any) -> None:
    z, weights = random_case(4, n_obs=7)
    assert measure(np.tile(z, (5000, 1)), weights) == pytest.approx(measure(z, weights))


@pytest.mark.parametrize("measure", MEASURES)
def test_wrong_adjacencies_are_named(measure: Any) -> None:
    with pytest.raises(ValueError, match=r"`adjacency` has shape \(3, 3\); activations of 2 neurons"):
        measure([[0.0, 1.0]], np.ones((3, 3)))
    with pytest.raises(ValueError, match="no edges"):
        measure([[0.0, 1.0]], np.eye(2))
    with pytest.raises(ValueError, match=r"`activations` has shape \(2,\)"):
        measure([0.0, 1.0], np.ones((2, 2)))
