"""Logarithms of abundances become something like counts; values on other scales are left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _arrays import ON_DISK
from scipy import sparse

from gsr_sc.matrices import abundances, open_rows

N_OBS, N_VARS = 200, 150


def tpm(base: float = np.e, *, n_vars: int = N_VARS) -> np.ndarray:
    """Logarithms of values that were divided by lengths of genes."""
    rng = np.random.default_rng(0)
    depth = rng.lognormal(0, 0.5, N_OBS)
    counts = rng.poisson(np.outer(depth, rng.lognormal(0, 1.5, n_vars)))
    values = counts / rng.lognormal(0, 0.7, n_vars)
    values[3] = 0
    logs = np.log1p(1e6 * values / np.maximum(values.sum(axis=1, keepdims=True), 1e-9)) / np.log(base)
    return logs.astype(np.float32)


@pytest.mark.parametrize("base", [np.e, 2.0, 10.0])
@pytest.mark.parametrize("container", [np.array, sparse.csr_matrix, *ON_DISK], ids=lambda each: each.__name__)
def test_a_fifth_of_the_values_of_a_cell_is_below_one(container: Any, base: float) -> None:
    logs = tpm(base)
    found = abundances(open_rows(container(logs)))
    assert found is not None
    rows, totals = found
    assert rows.base == base
    values = rows.take(slice(0, N_OBS))
    values = values.toarray() if sparse.issparse(values) else values
    np.testing.assert_allclose(values.sum(axis=1), totals, rtol=1e-5)
    assert totals[3] == 0
    for mine, log in zip(np.delete(values, 3, axis=0), np.delete(logs, 3, axis=0), strict=True):
        assert abs((mine[mine > 0] < 1 - 1e-6).mean() - 0.2) < 0.02
        # As before, but for a factor.
        scaled = np.expm1(log.astype(np.float64) * np.log(base))
        np.testing.assert_allclose(mine / mine.max(), scaled / scaled.max(), rtol=1e-4)


def test_genes_chosen_after_scaling_have_natural_logarithms_unless_told() -> None:
    logs = tpm(2.0)[:, :120]
    found = abundances(open_rows(logs))
    assert found is not None
    assert found[0].base == np.e
    told = abundances(open_rows(logs), bases=(2.0,))
    assert told is not None
    assert told[0].base == 2.0


def test_panels_and_values_that_are_never_zero_or_large_are_left_alone() -> None:
    assert abundances(open_rows(tpm(n_vars=99))) is None
    assert abundances(open_rows(tpm() + 0.5)) is None
    assert abundances(open_rows(10 * tpm())) is None
    assert abundances(open_rows(tpm(n_vars=20)), expected=True) is not None
    assert abundances(open_rows(10 * tpm()), expected=True) is None
