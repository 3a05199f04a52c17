"""Counts read back from logarithms are those that the logarithms were taken of, and nothing else is taken for counts."""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from _arrays import ON_DISK
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gsr_sc.matrices import open_rows, unlogged

BASES = (np.e, 2.0, 10.0)


def counts(n_obs: int = 300, n_vars: int = 80, *, depth: float = 1.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mean = depth * np.outer(rng.lognormal(0, 0.6, n_obs), rng.lognormal(0, 1.5, n_vars))
    return rng.poisson(rng.gamma(2, mean / 2)).astype(np.float32)


def normalised(x: np.ndarray, *, target: float = 1e4, base: float = np.e) -> np.ndarray:
    totals = x.sum(axis=1)
    factor = np.divide(target, totals, out=np.zeros_like(totals), where=totals > 0)
    logs: np.ndarray = np.log1p(x * factor[:, None]) / np.float32(np.log(base))
    return logs


@given(
    depth=st.sampled_from([0.3, 1.0, 60.0]),
    target=st.sampled_from([1.0, 2345.6, 1e4, 1e6]),
    base=st.sampled_from(BASES),
    seed=st.integers(0, 1000),
)
@settings(max_examples=30)
def test_what_was_counted_comes_back(depth: float, target: float, base: float, seed: int) -> None:
    x = counts(depth=depth, seed=seed)
    x[3] = 0
    found = unlogged(open_rows(normalised(x, target=target, base=base)))
    assert found is not None
    rows, totals = found
    # Where all counts of a cell are multiples of two, say, nothing tells them from their halves.
    expected = x / np.maximum(np.gcd.reduce(x.astype(int), axis=1), 1)[:, None]
    np.testing.assert_array_equal(rows.raw(slice(0, len(x))), expected)
    np.testing.assert_array_equal(totals, expected.sum(axis=1))


@pytest.mark.parametrize("target", [None, 1e4])
@pytest.mark.parametrize("container", [np.array, sparse.csr_matrix])
def test_what_scanpy_normalised(container: Any, target: float | None) -> None:
    x = counts()
    adata = ad.AnnData(container(x))
    sc.pp.normalize_total(adata, target_sum=target)
    sc.pp.log1p(adata)
    found = unlogged(open_rows(adata.X))
    assert found is not None
    np.testing.assert_array_equal(sparse.csr_matrix(found[0].raw(slice(0, len(x)))).toarray(), x)


@pytest.mark.parametrize(
    "container",
    [np.array, sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, *ON_DISK],
    ids=lambda each: each.__name__,
)
def test_any_rows_in_any_container(container: Any) -> None:
    x = counts()
    logs = container(normalised(x))
    before = open_rows(logs).take(slice(0, len(x)))
    found = unlogged(open_rows(logs))
    assert found is not None
    rows, totals = found
    assert rows.shape == x.shape
    assert rows.dtype == np.float32
    assert rows.is_sparse == sparse.issparse(before)
    index = np.array([7, 3, 299, 3])
    for read in (rows.raw(index), rows.take(index)):
        np.testing.assert_array_equal(read.toarray() if sparse.issparse(read) else read, x[index])
    summed = np.zeros(len(x))
    for where, part in rows.each(_with_totals, slice(5, 250), totals):
        summed[5:][where] = part
    np.testing.assert_array_equal(summed[5:250], 2 * x.sum(axis=1)[5:250])
    assert (before != open_rows(logs).take(slice(0, len(x)))).sum() == 0


def _with_totals(values: Any, totals: np.ndarray) -> np.ndarray:
    return np.asarray(values.sum(axis=1)).ravel() + totals


def test_genes_chosen_after_normalising() -> None:
    """The smallest count of a cell is no longer one, then."""
    x = counts(depth=5.0)
    x[:, :20] *= 3
    found = unlogged(open_rows(normalised(x)[:, :24]))
    assert found is not None
    kept = x[:, :24]
    smallest = np.min(kept, axis=1, where=kept > 0, initial=np.inf)
    divisor = np.gcd.reduce(kept.astype(int), axis=1)
    assert (smallest > divisor).mean() > 0.3
    np.testing.assert_array_equal(found[0].raw(slice(0, len(x))), kept / divisor[:, None])


@pytest.mark.parametrize(
    "spoil",
    {
        "gene lengths": lambda x, rng: x * rng.lognormal(0, 0.5, x.shape[1]),
        "corrected": lambda x, rng: x * rng.uniform(0.97, 1, x.shape),
        "smoothed": lambda x, _: (x + np.roll(x, 1, axis=0)) / 2 + x.mean(axis=0) / np.pi,
        "intensities": lambda x, rng: rng.lognormal(0, 1, x.shape),
        # The same value in a whole cell tells of no unit.
        "seen or not": lambda x, _: np.minimum(x, 1),
    }.items(),
    ids=lambda item: item[0],
)
def test_what_is_no_count_is_not_taken_for_one(spoil: Any) -> None:
    x = spoil[1](counts(), np.random.default_rng(1)).astype(np.float32)
    assert unlogged(open_rows(normalised(x))) is None


@pytest.mark.parametrize(
    "values", [np.sqrt, np.arcsinh, lambda x: 1.5 * x, lambda x: x / x.max()], ids=["root", "arcsinh", "more", "share"]
)
def test_other_functions_of_counts_are_no_logarithms(values: Any) -> None:
    assert unlogged(open_rows(values(counts()).astype(np.float32))) is None


def test_a_few_cells_with_other_values_do_not_matter() -> None:
    x = counts(1000)
    logs = normalised(x)
    logs[:9] *= 1.01
    logs[9, 0] = 4e3
    found = unlogged(open_rows(logs), most_wrong=0.01)
    assert found is not None
    np.testing.assert_array_equal(found[0].raw(slice(10, 1000)), x[10:])
    assert np.isfinite(found[0].raw(slice(0, 10))).all()
    assert unlogged(open_rows(logs)) is None


def test_cells_of_ones_are_counts_where_counts_are_expected() -> None:
    x = np.minimum(counts(), 1)
    logs = normalised(x)
    assert unlogged(open_rows(logs)) is None
    found = unlogged(open_rows(logs), expected=True)
    assert found is not None
    np.testing.assert_array_equal(found[0].raw(slice(0, len(x))), x)
    assert unlogged(open_rows(np.sqrt(counts() + np.pi)), expected=True) is None


@pytest.mark.parametrize(("decimals", "n_vars"), [(0, 80), (2, 80), (2, 30)])
def test_what_was_rounded_after_scaling_is_no_count(decimals: int, n_vars: int) -> None:
    x = counts() / np.random.default_rng(0).lognormal(0, 0.7, 80)
    scaled = np.round(1e4 * x / x.sum(axis=1, keepdims=True), decimals)[:, :n_vars]
    assert unlogged(open_rows(np.log1p(scaled).astype(np.float32))) is None


def test_counts_that_were_never_scaled() -> None:
    x = counts()
    found = unlogged(open_rows(np.log1p(x)))
    assert found is not None
    np.testing.assert_array_equal(found[0].raw(slice(0, len(x))), x)
