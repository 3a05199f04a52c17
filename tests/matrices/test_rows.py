"""Rows of every container: the right values, as float32 of their own, never the whole at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _arrays import ArrayType, to_type
from scipy import sparse

from gsr_sc.matrices import open_rows


@pytest.fixture
def counts() -> np.ndarray:
    return np.random.default_rng(0).poisson(0.7, (57, 11))


def dense(rows: Any) -> np.ndarray:
    return rows.toarray() if sparse.issparse(rows) else rows


@pytest.mark.parametrize(
    "index", [slice(0, 57), slice(3, 9), np.array([5, 0, 5, 56]), np.array([], dtype=np.intp)], ids=str
)
def test_rows_by_number(counts: np.ndarray, array_type: ArrayType, index: Any) -> None:
    matrix = to_type(counts, array_type)
    rows = open_rows(matrix)
    taken = rows.take(index)
    assert rows.shape == (57, 11)
    assert rows.is_sparse == array_type.is_sparse
    assert taken.dtype == np.float32
    np.testing.assert_array_equal(dense(taken), counts.astype(array_type.dtype)[index].astype(np.float32))
    np.testing.assert_array_equal(dense(rows.raw(index)), counts.astype(array_type.dtype)[index])


def test_what_is_taken_may_be_changed(counts: np.ndarray, array_type: ArrayType) -> None:
    matrix = to_type(counts, array_type)
    rows = open_rows(matrix)
    for index in (slice(0, 57), slice(None), np.arange(57)):
        taken = rows.take(index)
        (taken.data if sparse.issparse(taken) else taken)[...] = -1
        np.testing.assert_array_equal(dense(open_rows(matrix).raw(slice(0, 57))), counts.astype(array_type.dtype))
        np.testing.assert_array_equal(dense(rows.raw(slice(0, 57))), counts.astype(array_type.dtype))


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint64", "float16", ">f4"])
def test_other_number_types(counts: np.ndarray, dtype: str) -> None:
    np.testing.assert_array_equal(open_rows(counts.astype(dtype)).take(slice(0, 5)), counts[:5])
    if dtype not in ("float16", ">f4"):
        np.testing.assert_array_equal(
            open_rows(sparse.csr_matrix(counts.astype(dtype))).take(slice(0, 5)).toarray(), counts[:5]
        )


def test_fortran_order_strides_and_read_only_memory(counts: np.ndarray) -> None:
    frozen = counts.astype(np.float32)
    frozen.flags.writeable = False
    for matrix in (np.asfortranarray(counts), np.repeat(counts, 2, axis=1)[:, ::2], counts[::-1][::-1], frozen):
        taken = open_rows(matrix).take(np.array([4, 2]))
        taken += 1
        np.testing.assert_array_equal(taken, counts[[4, 2]] + 1)
    np.testing.assert_array_equal(frozen, counts)


def test_entries_stored_twice_or_in_any_order_or_as_zero_count_once(counts: np.ndarray) -> None:
    plain = sparse.csr_matrix(counts.astype(np.float32))
    halves = sparse.csr_matrix(
        (np.repeat(plain.data / 2, 2), np.repeat(plain.indices, 2), plain.indptr * 2), plain.shape
    )
    n_stored = halves.nnz
    np.testing.assert_array_equal(open_rows(halves).take(slice(0, 57)).power(2).toarray(), counts**2)
    assert halves.nnz == n_stored, "the matrix of the caller was changed"
    full = sparse.csr_matrix(np.ones_like(counts, dtype=np.float32))
    full.data[:] = counts.ravel()
    np.testing.assert_array_equal(open_rows(full).take(slice(0, 57)).toarray(), counts)


def test_csc_is_converted_on_a_copy(counts: np.ndarray) -> None:
    matrix = sparse.csc_array(counts)
    rows = open_rows(matrix)
    assert matrix.format == "csc"
    assert rows.raw(slice(0, 2)).format == "csr"


@pytest.mark.parametrize("n_obs", [0, 1, 1023, 1024, 1025, 3000])
def test_blocks_cover_every_row_once_and_are_small(n_obs: int) -> None:
    rows = open_rows(np.zeros((n_obs, 2)))
    blocks = list(rows.blocks())
    assert np.concatenate([np.arange(n_obs)[block] for block in blocks] or [np.arange(0)]).tolist() == list(
        range(n_obs)
    )
    assert all(block.stop - block.start <= 1024 for block in blocks)
    chosen = np.arange(0, n_obs, 2)
    parts = list(rows.blocks(chosen))
    assert np.concatenate(parts or [chosen]).tolist() == chosen.tolist()
    assert all(len(part) <= 1024 for part in parts)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1.0]], "builtins.list"),
        (sparse.csr_matrix(np.eye(2, dtype=complex)), "complex128"),
        (np.array([["a"]]), "<U1"),
        (np.array([[None]]), "object"),
    ],
    ids=["list", "complex", "text", "objects"],
)
def test_what_cannot_be_read_is_named(matrix: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        open_rows(matrix)
