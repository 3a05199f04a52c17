"""Rows of any in-memory matrix, a mini-batch at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Index = NDArray[np.intp] | slice

logger = logging.getLogger(__name__)

BLOCK_ROWS = 1024
_SEED = 0


class Rows:
    """A matrix that is read by rows and never made dense as a whole.

    Parameters
    ----------
    matrix
        numpy array or matrix, or scipy CSR/CSC matrix or array, shape (n_obs, n_vars), of any real or boolean dtype.
        A CSC matrix is copied to CSR once, because its rows cannot be read quickly; the original stays as it is.

    Raises
    ------
    TypeError
        If the matrix is of another kind, or holds no real numbers.
    """

    def __init__(self, matrix: Any) -> None:
        if sparse.issparse(matrix):
            if matrix.format != "csr":
                logger.info("converting a %s matrix to CSR on a private copy", matrix.format.upper())
            self._sparse: Any = matrix.tocsr()
            if not self._sparse.has_canonical_format:
                # Entries stored twice add up, which element-wise functions of them do not.
                self._sparse = self._sparse.copy()
                self._sparse.sum_duplicates()
            self._dense: Any = None
        elif isinstance(matrix, np.ndarray):
            self._sparse, self._dense = None, np.asarray(matrix)
        else:
            msg = (
                f"The input is a {type(matrix).__module__}.{type(matrix).__name__}; numpy arrays and scipy CSR or CSC "
                "matrices in memory are supported. For backed or lazy data call `adata.to_memory()` first."
            )
            raise TypeError(msg)
        dtype = (self._sparse if self.is_sparse else self._dense).dtype
        if dtype.kind not in "fiub":
            msg = f"The input has dtype {dtype}; it has to hold real numbers or booleans."
            raise TypeError(msg)
        self.dtype = dtype

    @property
    def is_sparse(self) -> bool:
        """Whether zeros are left out."""
        return self._sparse is not None

    @property
    def shape(self) -> tuple[int, int]:
        """(n_obs, n_vars)."""
        n_obs, n_vars = (self._sparse if self.is_sparse else self._dense).shape
        return int(n_obs), int(n_vars)

    def take(self, index: Index) -> Any:
        """Rows as float32: a CSR matrix with data of its own where the matrix is sparse, else a new array."""
        if self.is_sparse:
            rows = self._sparse[index]
            # Always a copy: callers change the values of a batch in place.
            return type(rows)((rows.data.astype(np.float32), rows.indices, rows.indptr), shape=rows.shape)
        return self._dense[index].astype(np.float32)

    def raw(self, index: Index) -> Any:
        """Rows in their own dtype, for checks; may share memory with the matrix."""
        return self._sparse[index] if self.is_sparse else self._dense[index]

    def shuffled(self, rows: NDArray[np.intp], rng: np.random.Generator, most: int) -> NDArray[np.intp]:
        """At most so many of the sorted `rows` in random order."""
        return rng.permutation(rows)[:most]

    def sample(self, rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
        """At most so many of the sorted `rows`, sorted; the same ones every time."""
        return rows if len(rows) <= most else np.sort(np.random.default_rng(_SEED).choice(rows, most, replace=False))

    def blocks(self, rows: NDArray[np.intp] | None = None) -> Iterator[Index]:
        """Index of consecutive rows (of all, or of the sorted `rows`), block by block."""
        n_rows = self.shape[0] if rows is None else len(rows)
        for start in range(0, n_rows, BLOCK_ROWS):
            block = slice(start, min(start + BLOCK_ROWS, n_rows))
            yield block if rows is None else rows[block]
