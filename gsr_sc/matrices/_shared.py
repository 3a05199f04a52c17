"""Rows that several processes work on, each on its share."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from ._wrapped import WrappedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ._rows import Index, Rows, T

# Blocks that a process works on before it tells the others: no more of what they say is held twice.
_ROUND = 4


class Processes(Protocol):
    """The processes that share the work."""

    def span(self, n_rows: int) -> slice:
        """The consecutive rows of so many that are this process's."""
        ...

    def collect(self, value: Any) -> list[Any]:
        """What each process says, in their order."""
        ...


class SharedRows(WrappedRows):
    """Rows of a matrix that every process has: :meth:`each` shares the work out, and gives all of them all results.

    Every process has to call it, with the same rows and in the same order; all else is each process's own.

    Parameters
    ----------
    rows
        The matrix.
    processes
        Who shares the work.
    """

    def __init__(self, rows: Rows, processes: Processes) -> None:
        super().__init__(rows)
        self._processes = processes

    def each(
        self, work: Callable[..., T], rows: Index | None = None, *along: NDArray[Any] | None
    ) -> Iterator[tuple[slice, T]]:
        """What a function makes of the rows, block by block, in the same order in every process: a round of shares each."""
        first = rows.start if isinstance(rows, slice) else 0
        share = self._processes.span(self.n_of(rows))
        part = (
            slice(first + share.start, first + share.stop) if rows is None or isinstance(rows, slice) else rows[share]
        )
        mine = self._rows.each(work, part, *along)
        while True:
            done = [
                (slice(share.start + at.start, share.start + at.stop), result) for at, result in islice(mine, _ROUND)
            ]
            told = self._processes.collect(done)
            if not any(told):
                return
            for each in told:
                yield from each

    def beside(self, matrix: NDArray[Any]) -> Rows:
        """Rows of another matrix in memory, worked on by the same processes."""
        return SharedRows(self._rows.beside(matrix), self._processes)
