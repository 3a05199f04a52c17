"""Rows through a transform: held, or made anew every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from gsr_sc.matrices import MatrixSource, _source, fit_transform, open_rows


def source(kind: Any, *, dense: bool = False, **options: Any) -> MatrixSource:
    counts = np.random.default_rng(0).poisson(1.0, (1500, 20)).astype(np.float32)
    totals = counts.sum(axis=1, dtype=np.float64)
    rows = open_rows(counts if dense else sparse.csr_matrix(counts))
    options_of = {"kind": kind, "counts": kind != "none", "columns": np.arange(20), "training": np.arange(0, 1500, 2)}
    return MatrixSource(rows, fit_transform(rows, totals=totals, **options_of), totals, **options)


@pytest.mark.parametrize("kind", ["zscore", "pearson", "combined", "none"])
@pytest.mark.parametrize("dense", [False, True])
def test_held_rows_are_those_made_anew_to_the_bit(kind: Any, dense: bool) -> None:
    anew, held = source(kind, dense=dense), source(kind, dense=dense, hold=True)
    assert held._held is not None
    for index in (np.array([7, 1200, 3]), slice(10, 40)):
        np.testing.assert_array_equal(held.batch(index), anew.batch(index))
        np.testing.assert_array_equal(held.observed(index), anew.observed(index))
    rows = np.arange(3, 1500, 7)
    np.testing.assert_array_equal(np.concatenate(list(held.blocks(rows))), np.concatenate(list(anew.blocks(rows))))


@pytest.mark.parametrize("kind", ["zscore", "pearson", "combined", "none"])
@pytest.mark.parametrize(
    "made", [sparse.csr_matrix, np.ascontiguousarray, np.asfortranarray], ids=["CSR", "C", "Fortran"]
)
@pytest.mark.parametrize("hold", [True, False])
def test_batches_lie_row_by_row_and_may_be_written_over(kind: Any, made: Any, hold: bool) -> None:
    counts = np.random.default_rng(0).poisson(1.0, (300, 20)).astype(np.float32)
    counts[:, 4] = 0
    totals = counts.sum(axis=1, dtype=np.float64)
    rows = open_rows(made(counts))
    columns = np.flatnonzero(counts.any(axis=0))
    options = {"kind": kind, "counts": kind != "none", "columns": columns, "training": np.arange(300)}
    source = MatrixSource(rows, fit_transform(rows, totals=totals, **options), totals, hold=hold)
    index = np.array([7, 200, 3])
    batch = source.batch(index)
    before = batch.copy()
    assert batch.flags.c_contiguous
    assert batch.shape == (3, 19)
    batch[:] = np.nan
    np.testing.assert_array_equal(source.batch(index), before)


def test_more_than_a_little_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_source, "_MOST_HELD", 4 * 1500 * 20 - 1)
    assert source("zscore", hold=True)._held is None
