"""Rows of any matrix, a mini-batch at a time."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    Index = NDArray[np.intp] | slice

T = TypeVar("T")

logger = logging.getLogger(__name__)

BLOCK_ROWS = 1024
_SEED = 0


class Rows(ABC):
    """A matrix that is read by rows and never made dense as a whole.

    Attributes
    ----------
    dtype
        Of the values as they are stored.
    """

    dtype: np.dtype[Any]

    @property
    @abstractmethod
    def is_sparse(self) -> bool:
        """Whether zeros are left out."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(n_obs, n_vars)."""

    @abstractmethod
    def raw(self, index: Index) -> Any:
        """Rows in their own dtype, for checks; may share memory with the matrix."""

    @abstractmethod
    def shuffled(
        self, rows: NDArray[np.intp], rng: np.random.Generator, most: int, *, n_shares: int = 1, mine: int = 0
    ) -> list[NDArray[np.intp]]:
        """At most so many of the sorted `rows` in random order, dealt to so many takers: what each of them gets.

        They are about as many for each. Those that are `mine` are taken next, in this order; with the same generator it
        is the same for all takers.
        """

    @abstractmethod
    def sample(self, rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
        """At most so many of the sorted `rows`, sorted; the same ones every time."""

    @abstractmethod
    def keeping(self, rows: NDArray[np.intp]) -> AbstractContextManager[None]:
        """Within this context the sorted `rows` are in memory, because they are read many times."""

    def take(self, index: Index) -> Any:
        """Rows as float32: a CSR matrix with data of its own where the matrix is sparse, else a new array."""
        return as_float(self.raw(index))

    def blocks(self, rows: Index | None = None) -> Iterator[Index]:
        """Index of consecutive rows (of all, of a slice of them, or of the sorted `rows`), block by block."""
        for start, stop in _spans(self.n_of(rows)):
            if rows is None or isinstance(rows, slice):
                first = 0 if rows is None else rows.start
                yield slice(first + start, first + stop)
            else:
                yield rows[start:stop]

    def n_of(self, rows: Index | None) -> int:
        """How many rows are meant."""
        if rows is None:
            return self.shape[0]
        return rows.stop - rows.start if isinstance(rows, slice) else len(rows)

    def each(
        self, work: Callable[..., T], rows: Index | None = None, *along: NDArray[Any] | None
    ) -> Iterator[tuple[slice, T]]:
        """What a function makes of all rows (of a slice, or of the sorted `rows`), block by block, worked out where they are.

        Parameters
        ----------
        work
            Called with the values of a block, in their own dtype and not to be changed, and with its part of each of `along`.
            It may have to travel, and so has to be something that can be pickled.
        rows
            Which rows; all by default.
        along
            Arrays of one entry for each row of the matrix, or None.

        Yields
        ------
        Where the block is among the rows asked for, and what the function returned. Every block comes once.
        """
        spans = _spans(self.n_of(rows))
        for (start, stop), block in zip(spans, self.blocks(rows), strict=True):
            yield slice(start, stop), work(self.raw(block), *parts_of(along, block))

    def room(self, n_rows: int, n_columns: int) -> NDArray[np.float32]:
        """An array to be filled with something about so many of the rows, where such arrays belong: in memory."""
        return np.empty((n_rows, n_columns), dtype=np.float32)

    def beside(self, matrix: NDArray[Any]) -> Rows:
        """Rows of another matrix in memory that stand for the same observations, and are worked on by the same processes."""
        return MemoryRows(matrix)


def as_float(rows: Any) -> Any:
    """Rows as float32, in memory of their own: callers change the values of a batch in place."""
    if not sparse.issparse(rows):
        return rows.astype(np.float32, order="C")
    return type(rows)((rows.data.astype(np.float32), rows.indices, rows.indptr), shape=rows.shape)


def parts_of(along: tuple[NDArray[Any] | None, ...], index: Index) -> list[NDArray[Any] | None]:
    """The entries of some rows in arrays that go along with a matrix."""
    return [None if every is None else every[index] for every in along]


def _spans(n_rows: int) -> list[tuple[int, int]]:
    return [(start, min(start + BLOCK_ROWS, n_rows)) for start in range(0, n_rows, BLOCK_ROWS)]


class MemoryRows(Rows):
    """Rows of a matrix in memory.

    Parameters
    ----------
    matrix
        numpy array or matrix, or scipy sparse matrix or array, shape (n_obs, n_vars), of any real or boolean dtype.
        A CSC matrix is copied to CSR once, because its rows cannot be read quickly; the original stays as it is.
    """

    def __init__(self, matrix: Any) -> None:
        if sparse.issparse(matrix):
            if matrix.format != "csr":
                logger.info("converting a %s matrix to CSR on a private copy", matrix.format.upper())
            self._matrix: Any = matrix.tocsr()
            if not self._matrix.has_canonical_format:
                # Entries stored twice add up, which element-wise functions of them do not.
                self._matrix = self._matrix.copy()
                self._matrix.sum_duplicates()
        else:
            self._matrix = np.asarray(matrix)
        self.dtype = self._matrix.dtype

    @property
    def is_sparse(self) -> bool:
        """Whether zeros are left out."""
        return bool(sparse.issparse(self._matrix))

    @property
    def shape(self) -> tuple[int, int]:
        """(n_obs, n_vars)."""
        n_obs, n_vars = self._matrix.shape
        return int(n_obs), int(n_vars)

    def raw(self, index: Index) -> Any:
        """Rows in their own dtype, for checks; may share memory with the matrix."""
        if self.is_sparse or isinstance(index, slice):
            return self._matrix[index]
        # As `matrix[index]`, in half the time.
        return np.take(self._matrix, index, axis=0)

    def shuffled(
        self,
        rows: NDArray[np.intp],
        rng: np.random.Generator,
        most: int,
        *,
        n_shares: int = 1,
        mine: int = 0,  # noqa: ARG002
    ) -> list[NDArray[np.intp]]:
        """At most so many of the sorted `rows` in random order, dealt in turn, so that batches are those of one taker."""
        order = rng.permutation(rows)[:most]
        return [order[share::n_shares] for share in range(n_shares)]

    def sample(self, rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
        """At most so many of the sorted `rows`, sorted; the same ones every time."""
        return rows if len(rows) <= most else np.sort(np.random.default_rng(_SEED).choice(rows, most, replace=False))

    def keeping(self, rows: NDArray[np.intp]) -> AbstractContextManager[None]:  # noqa: ARG002
        """Nothing to do: all rows are in memory."""
        return nullcontext()
