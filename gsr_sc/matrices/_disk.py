"""Rows that are not in memory: read in runs, a little ahead, and never all at once."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ._ahead import Ahead, runs_of, shuffled_runs
from ._rows import BLOCK_ROWS, Rows
from ._spill import room_on_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ._ahead import Read
    from ._readers import Reader
    from ._rows import Index

# Rows that are held in memory at a time, and once more those that are read ahead: shuffled together, or read in order, where
# more would gain nothing.
_POOL_ROWS, _ROWS_IN_ORDER = 16_384, 4096
# Short, so that those that stand for all are from many places.
_SAMPLE_RUN = 32
_SEED = 0


class DiskRows(Rows):
    """Rows of a matrix that is not in memory.

    Every row can be asked for, but those asked for in order, or in the order of :meth:`shuffled`, come from memory: they
    are read a few thousand at a time, the next while these are used.

    Parameters
    ----------
    reader
        Reads runs of rows.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kept: list[tuple[NDArray[np.intp], Any]] = []
        self._shuffled: Ahead | None = None
        self._in_order: Ahead | None = None
        self._last: tuple[Any, Any] = (None, None)
        self.dtype = reader.dtype
        self._pool_rows = max(_POOL_ROWS // reader.run_rows, 2) * reader.run_rows

    @property
    def is_sparse(self) -> bool:
        """Whether zeros are left out."""
        return self._reader.is_sparse

    @property
    def shape(self) -> tuple[int, int]:
        """(n_obs, n_vars)."""
        return self._reader.shape

    def raw(self, index: Index) -> Any:
        """Rows in their own dtype; not to be changed."""
        # The same rows are asked for twice where a likelihood is about other values than the encoder sees.
        if index is not self._last[0]:
            self._last = (index, self._read_slice(index) if isinstance(index, slice) else self._read_rows(index))
        return self._last[1]

    def shuffled(
        self, rows: NDArray[np.intp], rng: np.random.Generator, most: int, *, n_shares: int = 1, mine: int = 0
    ) -> list[NDArray[np.intp]]:
        """At most so many of the sorted `rows`: runs in random order, thousands of rows from many runs mixed.

        Whole runs are dealt, so that each taker reads its own alone.
        """
        if self._shuffled is not None:
            self._shuffled.close()
        options = {"run_rows": self._reader.run_rows, "pool_rows": self._pool_rows * n_shares, "n_shares": n_shares}
        pools = shuffled_runs(rows, rng, most, **options)
        self._shuffled = Ahead(self._read_runs, [pool[mine] for pool in pools])
        none = np.empty(0, dtype=np.intp)
        return [np.concatenate([*(pool[share] for pool in pools), none]) for share in range(n_shares)]

    def sample(self, rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
        """At most so many of the sorted `rows`, sorted, in short runs; the same ones every time."""
        if len(rows) <= most:
            return rows
        starts = np.arange(0, len(rows), _SAMPLE_RUN)
        chosen = np.random.default_rng(_SEED).choice(starts, min(most // _SAMPLE_RUN + 1, len(starts)), replace=False)
        numbers = (np.sort(chosen)[:, None] + np.arange(_SAMPLE_RUN)).ravel()
        return rows[numbers[numbers < len(rows)][:most]]

    def room(self, n_rows: int, n_columns: int) -> NDArray[np.float32]:
        """An array to be filled with something about so many of the rows: as large ones as these are not in memory."""
        return room_on_disk((n_rows, n_columns))

    @contextmanager
    def keeping(self, rows: NDArray[np.intp]) -> Iterator[None]:
        """Hold these sorted rows in memory, because they are read many times."""
        kept = (rows, self._read_any(rows))
        self._kept.append(kept)
        try:
            yield
        finally:
            self._kept = [other for other in self._kept if other is not kept]

    def _read_slice(self, index: slice) -> Any:
        start, stop, _ = index.indices(self.shape[0])
        if self._in_order is None or not self._in_order.has(start, stop):
            if self._in_order is not None:
                self._in_order.close()
            # Only what is read block by block goes on, so that a single slice reads nothing more.
            going_on = stop - start >= min(BLOCK_ROWS, self.shape[0])
            if not going_on:
                return self._reader.read([(start, stop)])
            bounds = [*range(start, self.shape[0], max(_ROWS_IN_ORDER, self._reader.run_rows)), self.shape[0]]
            pools = [np.arange(a, b) for a, b in pairwise(bounds)]
            self._in_order = Ahead(self._read_runs, pools)
        return self._in_order.take(stop - start)

    def _read_rows(self, index: NDArray[np.intp]) -> Any:
        if self._shuffled is not None and self._shuffled.is_next(index):
            return self._shuffled.take(len(index))
        for rows, kept in self._kept:
            at = np.searchsorted(rows, index)
            if len(index) and at.max() < len(rows) and np.array_equal(rows[at], index):
                return kept[at]
        return self._read_any(index)

    def _read_any(self, index: NDArray[np.intp]) -> Any:
        """Rows by number, in any order and repeated."""
        read, at = self._read_runs(index)
        return read if at is None else read[at]

    def _read_runs(self, index: NDArray[np.intp]) -> Read:
        """Runs that hold rows by number, small gaps read as well, and which of their rows these are; None for all in order."""
        rows, back = np.unique(np.asarray(index) % self.shape[0] if len(index) else index, return_inverse=True)
        spans = runs_of(rows)
        read = self._reader.read(spans)
        lengths = np.array([stop - start for start, stop in spans], dtype=np.intp)
        offsets = np.concatenate([[0], np.cumsum(lengths)])[:-1]
        span = np.searchsorted([start for start, _ in spans], rows, side="right") - 1
        at = (offsets[span] + rows - np.array([start for start, _ in spans], dtype=np.intp)[span])[back.ravel()]
        whole = len(at) == read.shape[0] and bool((np.diff(at) == 1).all())
        return read, None if whole else at
