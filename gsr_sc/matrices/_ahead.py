"""Which rows are read together, and reading the next ones while these are used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    Read = tuple[Any, NDArray[np.intp] | None]

# A gap of so many rows is read as well, rather than to begin anew behind it.
_GAP = 16
_FIRST_SHARE = 1 / 8


class Ahead:
    """Rows in a fixed order, pool after pool; once they are asked for, the next pool is read by another thread.

    Parameters
    ----------
    read
        From row numbers to rows as they were read, and which of these are meant, in order; None for all as they are.
    pools
        Row numbers of each pool, in the order in which they will be asked for.

    Attributes
    ----------
    order
        Numbers of all rows to come.
    """

    def __init__(self, read: Callable[[NDArray[np.intp]], Read], pools: Sequence[NDArray[np.intp]]) -> None:
        self.order = np.concatenate([*pools, np.empty(0, dtype=np.intp)]).astype(np.intp)
        self._read = read
        self._pools = list(pools)
        self._ends = np.cumsum([len(pool) for pool in pools])
        self._position = 0
        self._current = -1
        self._read_rows: Read | None = None
        self._thread = ThreadPoolExecutor(1, "gsr_sc-disk")
        # Nothing before it is asked for: rows that are held elsewhere never are.
        self._coming: Future[Read] | None = None

    def is_next(self, index: NDArray[np.intp]) -> bool:
        """Whether these are the rows to come."""
        return np.array_equal(self.order[self._position : self._position + len(index)], index) and len(index) > 0

    def has(self, start: int, stop: int) -> bool:
        """The same for consecutive row numbers."""
        end = self._position + stop - start
        return end <= len(self.order) and start < stop and bool(self.order[self._position] == start)

    def take(self, n_rows: int) -> Any:
        """The next rows."""
        parts = []
        while n_rows:
            if self._current < 0 or self._position == self._ends[self._current]:
                self._advance()
            begins = self._ends[self._current] - len(self._pools[self._current])
            stop = min(self._position + n_rows, int(self._ends[self._current]))
            parts.append(self._part(slice(self._position - begins, stop - begins)))
            n_rows -= stop - self._position
            self._position = stop
        if self._position == len(self.order):
            self.close()
        if len(parts) == 1:
            return parts[0]
        return sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.concatenate(parts)

    def _part(self, taken: slice) -> Any:
        assert self._read_rows is not None
        rows, at = self._read_rows
        # Put in order batch by batch: a whole pool would be there twice.
        return rows[taken] if at is None else rows[at[taken]]

    def close(self) -> None:
        """Read no more, and let go of what was read."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._read_rows, self._coming, self._position = None, None, len(self.order)

    def _advance(self) -> None:
        self._current += 1
        # Let go first: no more than two pools are held.
        self._read_rows = None
        coming = self._coming or self._thread.submit(self._read, self._pools[self._current])
        self._read_rows, self._coming = coming.result(), None
        if self._current + 1 < len(self._pools):
            self._coming = self._thread.submit(self._read, self._pools[self._current + 1])


def shuffled_runs(
    rows: NDArray[np.intp], rng: np.random.Generator, most: int, *, run_rows: int, pool_rows: int, n_shares: int = 1
) -> list[list[NDArray[np.intp]]]:
    """Runs of rows in random order, those of one pool dealt out, and each share of it mixed row by row.

    Parameters
    ----------
    rows
        Sorted row numbers.
    rng
        Draws the order.
    most
        How many rows at most.
    run_rows, pool_rows
        How many rows a run and a pool have.
    n_shares
        Among how many takers each pool is dealt.

    Returns
    -------
    Row numbers of each share of each pool.
    """
    # Runs begin elsewhere every time, so that no two rows always come together.
    first = int(rng.integers(run_rows)) or run_rows
    runs = np.split(rows, np.arange(first, len(rows), run_rows))
    runs = [runs[number] for number in rng.permutation(len(runs))]
    n_runs, at, pools = max(pool_rows // run_rows, 1), 0, list[list[NDArray[np.intp]]]()
    # Smaller at first, so that there is something to begin with while more is read.
    share = _FIRST_SHARE
    while at < len(runs) and most > 0:
        taken = max(round(n_runs * share), 1)
        pool = np.concatenate(runs[at : at + taken])
        n_taken = min(len(pool), most)
        sizes = [len(part) for part in np.array_split(pool[:n_taken], n_shares)]
        parts = np.array_split(pool, n_shares)
        pools.append([rng.permutation(part)[:size] for part, size in zip(parts, sizes, strict=True)])
        most -= n_taken
        at, share = at + taken, min(2 * share, 1.0)
    return pools


def runs_of(rows: NDArray[np.intp]) -> list[tuple[int, int]]:
    """[start, stop) spans that cover sorted row numbers, small gaps included."""
    if len(rows) == 0:
        return []
    breaks = np.flatnonzero(np.diff(rows) > _GAP) + 1
    starts, stops = rows[np.concatenate([[0], breaks])], rows[np.concatenate([breaks - 1, [-1]])] + 1
    return [(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True)]
