"""Laws of the Laplacians and of heat."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.linalg import expm
from scipy.sparse import csgraph

from gsr_sc import graphs

SEEDS = st.integers(0, 2**32 - 1)


def random_weights(seed: int, n: int = 7) -> np.ndarray:
    rng = np.random.default_rng(seed)
    half = np.triu(rng.random((n, n)) * (rng.random((n, n)) < 0.4), 1)
    half[0, 1] = 0.5
    return half + half.T


@given(SEEDS)
def test_rows_sum_to_zero_and_no_energy_is_negative(seed: int) -> None:
    laplacian = graphs.laplacian(random_weights(seed)).toarray()
    np.testing.assert_allclose(laplacian.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(laplacian, laplacian.T)
    assert np.linalg.eigvalsh(laplacian).min() > -1e-10


@given(SEEDS)
def test_quadratic_form_is_the_dirichlet_energy(seed: int) -> None:
    weights = random_weights(seed)
    z = np.random.default_rng(seed).normal(size=len(weights))
    expected = 0.5 * (weights * (z[:, None] - z) ** 2).sum()
    assert z @ graphs.laplacian(weights) @ z == pytest.approx(expected)


@given(SEEDS)
def test_normalised_kinds_agree_with_each_other_and_with_scipy(seed: int) -> None:
    weights = random_weights(seed)
    degree = weights.sum(axis=1)
    unnormalised, symmetric, walk = (
        graphs.laplacian(weights, kind).toarray() for kind in ("unnormalised", "symmetric", "random_walk")
    )
    np.testing.assert_allclose(symmetric, csgraph.laplacian(weights, normed=True), atol=1e-12)
    np.testing.assert_allclose(np.diag(degree) @ walk, unnormalised, atol=1e-12)
    root = np.sqrt(degree)
    np.testing.assert_allclose(root[:, None] * symmetric * root, unnormalised, atol=1e-12)
    values = np.linalg.eigvalsh(symmetric)
    assert values.min() > -1e-10
    assert values.max() < 2 + 1e-10


def test_neurons_without_edges_have_rows_of_zeros() -> None:
    weights = np.zeros((3, 3))
    weights[0, 1] = weights[1, 0] = 2
    for kind in ("unnormalised", "symmetric", "random_walk"):
        laplacian = graphs.laplacian(weights, kind).toarray()
        assert np.isfinite(laplacian).all()
        assert not laplacian[2].any()


def test_container_makes_no_difference() -> None:
    weights = random_weights(0)
    expected = graphs.laplacian(weights).toarray()
    np.testing.assert_array_equal(graphs.laplacian(sparse.coo_matrix(weights)).toarray(), expected)
    graph = graphs.from_adjacency(weights)
    np.testing.assert_array_equal(graph.laplacian().toarray(), expected)
    assert graph.total_degree == pytest.approx(np.trace(expected))


def test_unknown_kinds_are_named() -> None:
    with pytest.raises(ValueError, match="`kind` is 'signless'; it is one of"):
        graphs.laplacian([[0, 1], [1, 0]], "signless")  # type: ignore[arg-type]


@given(SEEDS, st.floats(0.01, 20), st.floats(0.01, 20))
def test_heat_keeps_its_mass_stays_positive_and_adds_up(seed: int, first: float, second: float) -> None:
    heat = graphs.HeatKernel(random_weights(seed))
    kernel = heat(first)
    assert (kernel >= 0).all()
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-12)
    np.testing.assert_allclose(kernel.sum(axis=0), 1)
    np.testing.assert_allclose(kernel @ heat(second), heat(first + second), atol=1e-10)


@given(SEEDS, st.floats(0, 5))
def test_heat_is_the_exponential_of_the_laplacian(seed: int, t: float) -> None:
    weights = random_weights(seed)
    expected = expm(-t * graphs.laplacian(weights).toarray())
    np.testing.assert_allclose(graphs.HeatKernel(weights)(t), expected, atol=1e-10)


def test_slowest_mode_is_that_of_the_line_and_of_the_slower_component() -> None:
    n = 9
    expected = 2 - 2 * np.cos(np.pi / n)
    assert graphs.HeatKernel(graphs.line(n).adjacency).slowest == pytest.approx(expected)
    both = sparse.block_diag([graphs.line(n).adjacency, graphs.line(3).adjacency])
    assert graphs.HeatKernel(both).slowest == pytest.approx(expected)
