"""Weighted means against the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from gsr_sc.stats import Contrasts, column_correlations, contrast_sums, weighted_contrasts


def contrast(blocks: list[Any], weights: np.ndarray) -> Contrasts:
    rows = np.cumsum([block.shape[0] for block in blocks])[:-1]
    return weighted_contrasts(map(contrast_sums, blocks, np.split(weights, rows)), weights)


@given(st.integers(0, 10_000), st.booleans(), st.integers(1, 30))
def test_hard_weights_give_plain_means(seed: int, is_sparse: bool, rows: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.poisson(1.0, (40, 6)).astype(np.float32)
    label = rng.permutation(np.arange(40) % 3)
    blocks = [x[i : i + rows] for i in range(0, 40, rows)]
    result = contrast([sparse.csr_matrix(b) for b in blocks] if is_sparse else blocks, np.eye(3)[label])
    for k in range(3):
        expected = x[label == k].mean(axis=0) - x[label != k].mean(axis=0)
        np.testing.assert_allclose(result.difference[:, k], expected, atol=1e-5)
    np.testing.assert_allclose(result.n_effective, np.bincount(label, minlength=3))
    np.testing.assert_allclose(result.sd, x.std(axis=0), atol=1e-5)


def test_standardised_differences_vary_as_said_and_are_shrunk_to_nothing_without_an_effect() -> None:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(5, 0.3), 400) * [1, 1, 1, 0.1, 0.02]
    result = contrast([rng.normal(size=(400, 3000)).astype(np.float32)], weights)
    np.testing.assert_allclose((result.standardised**2).mean(axis=0), result.variance, rtol=0.08)
    assert (result.shrinkage < 0.1).all()


def test_few_cells_are_shrunk_more_than_many() -> None:
    rng = np.random.default_rng(0)
    weights = np.zeros((1000, 2))
    weights[:4, 0], weights[4:404, 1] = 1, 1
    effect = rng.normal(0, 0.5, (2, 500))
    x = rng.normal(size=(1000, 500)) + weights @ effect
    result = contrast([x], weights)
    few, many = result.shrinkage
    assert 0.3 < few < 0.8
    assert many > 0.95
    # What is left is nearer to the truth than what was measured.
    true = effect[0] / result.sd
    assert (
        np.square(result.standardised[:, 0] * few - true).mean()
        < 0.7 * np.square(result.standardised[:, 0] - true).mean()
    )


def test_nothing_and_everything_have_no_contrast() -> None:
    x = np.arange(12.0).reshape(6, 2)
    x[:, 1] = 3
    result = contrast([x], np.column_stack([np.zeros(6), np.ones(6)]))
    assert not result.difference.any()
    assert result.sd[1] == 0
    assert np.isfinite(result.standardised).all()
    with pytest.raises(ValueError, match="no rows"):
        weighted_contrasts([], np.zeros((0, 2)))


def test_correlation_of_columns() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 30, 3))
    a[:, 2] = 1
    b[0] = np.nan
    found = column_correlations(a, b)
    np.testing.assert_allclose(found[:2], [np.corrcoef(a[1:, k], b[1:, k])[0, 1] for k in range(2)])
    assert np.isnan(found[2])
    assert np.isnan(column_correlations(a[:3], b[:3])).all()
