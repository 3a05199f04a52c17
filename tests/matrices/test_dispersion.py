"""How much counts vary beyond sampling, on counts of which that is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from gsr_sc.matrices import open_rows
from gsr_sc.matrices._dispersion import Dispersion, dispersion

N_OBS, N_VARS = 2000, 200

overdispersions = st.floats(0.05, 5)


def counts(overdispersion: float, mean: float = 2.0) -> np.ndarray:
    """Negative binomial counts of cells that differ in depth only."""
    rng = np.random.default_rng(0)
    expected = np.outer(rng.lognormal(0, 0.5, N_OBS), rng.lognormal(np.log(mean), 0.5, N_VARS))
    return rng.poisson(expected * rng.gamma(1 / overdispersion, overdispersion, expected.shape)).astype(np.float32)


def measure(x: Any, columns: np.ndarray | None = None) -> Dispersion:
    columns = np.arange(x.shape[1]) if columns is None else columns
    return dispersion(open_rows(x), columns, np.arange(x.shape[0]), np.asarray(x.sum(axis=1), dtype=np.float64).ravel())


@pytest.mark.parametrize("overdispersion", [0.1, 0.5, 2])
def test_overdispersion_is_found(overdispersion: float) -> None:
    x = counts(overdispersion)
    found = measure(x)
    assert found.overdispersion == pytest.approx(overdispersion, rel=0.1)
    assert found.depth == np.median(x.sum(axis=1))
    rescaled = x * (found.depth / x.sum(axis=1, keepdims=True))
    assert found.level == pytest.approx(np.median(rescaled.mean(axis=0)), rel=1e-4)
    np.testing.assert_allclose(measure(sparse.csr_matrix(x)), found, rtol=1e-5)


def test_poisson_counts_are_at_the_lower_bound_and_only_used_variables_count() -> None:
    x = counts(1e-4)
    assert measure(x).overdispersion == 0.05
    x[:, 0], x[:, 1:5] = counts(3)[:, 0], 0
    rest = measure(x, np.arange(1, N_VARS))
    assert rest.level == measure(x, np.arange(5, N_VARS)).level, "silent ones are as if they were not there"
    assert rest.overdispersion == 0.05
    assert measure(x, np.array([0])).overdispersion > 1
    assert measure(x, np.array([], dtype=np.intp)) == (rest.depth, 0.05, 0)


def test_only_panels_have_a_usual_count() -> None:
    """Of whole transcriptomes alpha is that of genes of all kinds."""
    panel = counts(0.5)
    assert measure(panel).level > 1
    assert measure(np.hstack([panel] * 3)).level == 0


@given(alpha=overdispersions, depth=st.floats(1, 1e6), level=st.floats(0, 1e3))
def test_what_logarithms_add_to_counts(alpha: float, depth: float, level: float) -> None:
    added = depth / Dispersion(depth, alpha, level).target
    assert added >= level * (1 - 1e-9), "as much as a usual variable counts"
    assert added >= 1 / (2 * alpha) * (1 - 1e-9)
    assert added == pytest.approx(level) or added == pytest.approx(1 / (2 * alpha))


@given(alphas=st.tuples(overdispersions, overdispersions))
def test_logarithms_weigh_more_the_more_counts_vary(alphas: tuple[float, float]) -> None:
    less, more = (Dispersion(1000, alpha, 1).log_weight for alpha in sorted(alphas))
    assert 0.3 < less <= more < 0.83
    assert Dispersion(1000, 0.25, 1).log_weight == 0.5
