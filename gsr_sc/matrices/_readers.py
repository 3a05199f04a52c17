"""Runs of rows from containers that are not in memory: backed HDF5 and zarr, dask arrays, annbatch collections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    Span = tuple[int, int]

# Rows read at one go: they cost little more than one row, and are as good as random where the run is short beside all that
# is shuffled together. Compressed chunks are read as a whole, so that runs follow them, within bounds.
_RUN_ROWS, _LONGEST_RUN = 128, 1024


class Reader(ABC):
    """Reads consecutive rows of a matrix that is not in memory.

    Parameters
    ----------
    matrix
        Anything with a shape and a dtype.
    is_sparse
        Whether rows come as CSR.
    chunk_rows
        How many consecutive rows its storage keeps together.

    Attributes
    ----------
    run_rows
        How many consecutive rows are best read together.
    """

    def __init__(self, matrix: Any, *, is_sparse: bool, chunk_rows: float = 1) -> None:
        self.matrix = matrix
        self.shape = (int(matrix.shape[0]), int(matrix.shape[1]))
        self.dtype = np.dtype(matrix.dtype)
        self.is_sparse = is_sparse
        self.run_rows = int(min(max(chunk_rows, _RUN_ROWS), _LONGEST_RUN))

    def read(self, spans: Sequence[Span]) -> Any:
        """Rows of [start, stop) spans, one below the other: an array or a CSR matrix of its own."""
        parts = [part for part in self._parts([span for span in spans if span[0] < span[1]]) if part.shape[0]]
        if not self.is_sparse:
            dense = [part.toarray() if sparse.issparse(part) else np.asarray(part) for part in parts]
            return np.concatenate(dense) if dense else np.empty((0, self.shape[1]), self.dtype)
        if not parts:
            return sparse.csr_matrix((0, self.shape[1]), dtype=self.dtype)
        rows = sparse.csr_matrix(sparse.vstack(parts, format="csr") if len(parts) > 1 else parts[0])
        # Entries stored twice add up, which element-wise functions of them do not.
        rows.sum_duplicates()
        return rows

    @abstractmethod
    def _parts(self, spans: Sequence[Span]) -> list[Any]:
        """Matrices that make up the spans, in order."""


class CsrReader(Reader):
    """A CSR matrix in an HDF5 or zarr group, as anndata writes it.

    Its three arrays are read as they are: a slice of anndata's own matrix looks up the version of scipy every time, which takes
    longer than a hundred rows.

    Parameters
    ----------
    matrix
        anndata's sparse matrix on disk.
    """

    def __init__(self, matrix: Any) -> None:
        group = matrix.group
        self._data, self._indices = group["data"], group["indices"]
        self._starts = np.asarray(group["indptr"][:], dtype=np.int64)
        per_row = max(self._data.shape[0] / max(matrix.shape[0], 1), 1)
        super().__init__(matrix, is_sparse=True, chunk_rows=(self._data.chunks or (1,))[0] / per_row)

    def _parts(self, spans: Sequence[Span]) -> list[Any]:
        if not spans:
            return []
        bounds = [(int(self._starts[start]), int(self._starts[stop])) for start, stop in spans]
        n_values = sum(stop - start for start, stop in bounds)
        # Of the width of the column numbers, or scipy would copy these.
        wide = max(n_values, self.shape[1]) > np.iinfo(np.int32).max
        data = np.empty(n_values, dtype=self.dtype)
        indices = np.empty(n_values, dtype=np.int64 if wide else np.int32)
        at = 0
        for start, stop in bounds:
            for kept, stored in ((data, self._data), (indices, self._indices)):
                kept[at : at + stop - start] = stored[start:stop]
            at += stop - start
        lengths = np.concatenate([np.diff(self._starts[start : stop + 1]) for start, stop in spans])
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(indices.dtype)
        return [sparse.csr_matrix((data, indices, starts), shape=(len(lengths), self.shape[1]))]


class SliceReader(Reader):
    """Whatever gives rows in memory for a slice: HDF5 and zarr arrays."""

    def _parts(self, spans: Sequence[Span]) -> list[Any]:
        return [self.matrix[start:stop] for start, stop in spans]
