"""Principal axes read in blocks against the SVD of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from gsr_sc.matrices import MatrixSource, component_scores, fit_transform, open_rows, principal_axes


def make_source(x: np.ndarray, container: type = np.asarray) -> MatrixSource:  # type: ignore[assignment]
    rows = open_rows(container(x))
    n_obs, n_vars = x.shape
    learnt = fit_transform(
        rows, kind="none", counts=False, columns=np.arange(n_vars), training=np.arange(n_obs), totals=x.sum(axis=1)
    )
    return MatrixSource(rows, learnt)


def low_rank(n_obs: int = 2300, n_vars: int = 50, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    strength = 0.8 ** np.arange(12) * 10
    x = (rng.normal(size=(n_obs, 12)) * strength) @ rng.normal(size=(12, n_vars)) / 7
    return (x + rng.normal(size=x.shape) * 0.1 + rng.normal(size=n_vars)).astype(np.float32)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_axes_are_those_of_the_svd(container: type) -> None:
    x = low_rank()
    source = make_source(x, container)
    axes = principal_axes(source, np.arange(len(x)), 10)
    _, _, right = np.linalg.svd(x.astype(np.float64) - x.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(np.diag(axes.T @ right[:10].T)), 1, atol=1e-4)
    np.testing.assert_allclose(axes.T @ axes, np.eye(10), atol=1e-5)
    largest = np.abs(axes).argmax(axis=0)
    assert (axes[largest, np.arange(10)] > 0).all()
    scores = component_scores(source, axes)
    np.testing.assert_allclose(scores, source.transform(container(x.copy())) @ axes, atol=1e-4)
    np.testing.assert_allclose(component_scores(source, axes, np.arange(0, 2300, 7)), scores[::7], atol=1e-4)


def test_the_same_rows_give_the_same_axes_and_only_those_rows_count() -> None:
    x = low_rank()
    rows = np.arange(0, 2300, 2)
    first = principal_axes(make_source(x), rows, 5)
    np.testing.assert_array_equal(first, principal_axes(make_source(x), rows, 5))
    changed = x.copy()
    changed[1] += 0.5 * x.std()
    assert np.abs(principal_axes(make_source(changed), rows, 5) - first).max() < 1e-2


@pytest.mark.parametrize(("n_obs", "n_vars"), [(2, 8), (3, 8), (40, 1), (40, 2), (5, 5)])
def test_fewer_axes_where_there_is_less(n_obs: int, n_vars: int) -> None:
    x = np.random.default_rng(0).normal(size=(n_obs, n_vars)).astype(np.float32)
    axes = principal_axes(make_source(x), np.arange(n_obs), 30)
    assert axes.shape == (n_vars, min(n_vars, n_obs - 1))
    assert np.isfinite(axes).all()
