"""Dask arrays: read chunk by chunk, or worked on where the chunks are."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ._disk import DiskRows
from ._readers import Reader
from ._rows import MemoryRows, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from ._readers import Span
    from ._rows import Index, T


# Chunks that are handed out together for each thread of a cluster, while as many are under way: so none has to wait for more.
_PER_THREAD = 4


class DaskReader(Reader):
    """A dask array of dense or CSR chunks, computed by the scheduler that the user has set.

    Of a chunk no more than the rows asked for comes back, so that those that are read together may be of many large chunks.

    Parameters
    ----------
    matrix
        The array.

    Attributes
    ----------
    bounds
        Where each chunk begins, and where the last one ends, (n_chunks + 1,).
    """

    def __init__(self, matrix: Any) -> None:
        from dask.array.utils import meta_from_array

        if any(math.isnan(size) for size in matrix.shape):
            msg = (
                "The dask array does not know how many rows its chunks have; call `compute_chunk_sizes()` on it first."
            )
            raise TypeError(msg)
        self._empty = meta_from_array(matrix)
        super().__init__(matrix, is_sparse=sparse.issparse(self._empty), chunk_rows=max(matrix.chunks[0]))
        self.bounds = np.concatenate([[0], np.cumsum(matrix.chunks[0])])

    def _parts(self, spans: Sequence[Span]) -> list[Any]:
        import dask

        # Each chunk once, however many runs of rows are taken from it.
        cuts: dict[int, list[slice]] = {}
        order, taken = [], dict[int, int]()
        for start, stop in spans:
            first, last = np.searchsorted(self.bounds, [start, stop - 1], side="right") - 1
            for chunk in range(first, last + 1):
                begins, ends = (int(bound) for bound in self.bounds[chunk : chunk + 2])
                cut = slice(max(start, begins) - begins, min(stop, ends) - begins)
                at = taken.get(chunk, 0)
                taken[chunk] = at + cut.stop - cut.start
                cuts.setdefault(chunk, []).append(cut)
                order.append((chunk, slice(at, taken[chunk])))
        columns = range(self.matrix.numblocks[1])
        found = iter(
            dask.compute(
                *(
                    self.matrix.blocks[chunk, column].map_blocks(_cut, wanted, meta=self._empty)
                    for chunk, wanted in cuts.items()
                    for column in columns
                )
            )
        )
        known = {chunk: beside([next(found) for _ in columns]) for chunk in cuts}
        return [known[chunk][part] for chunk, part in order]


def _cut(chunk: Any, wanted: list[slice]) -> Any:
    """Some rows of a chunk, which then can be let go of."""
    if sparse.issparse(chunk):
        rows = sparse.csr_matrix(chunk)
        return sparse.vstack([rows[cut] for cut in wanted], format="csr")
    if len(wanted) == 1 and wanted[0] == slice(0, len(chunk)):
        return chunk
    return np.concatenate([chunk[cut] for cut in wanted])


def beside(parts: Sequence[Any]) -> Any:
    """Columns of the same rows, as one matrix."""
    if len(parts) == 1:
        return parts[0]
    return sparse.hstack(parts, format="csr") if sparse.issparse(parts[0]) else np.hstack(parts)


class DaskRows(DiskRows):
    """Rows of a dask array.

    What is to be done with all of them is done on the workers of a `dask.distributed` cluster, if one is active: what is
    done is sent there once, and results come back. Else chunks are read a few at a time and worked on here.

    Parameters
    ----------
    reader
        Knows the chunks.
    """

    def __init__(self, reader: DaskReader) -> None:
        super().__init__(reader)
        self._dask = reader

    def each(
        self, work: Callable[..., T], rows: Index | None = None, *along: NDArray[Any] | None
    ) -> Iterator[tuple[slice, T]]:
        """What a function makes of the rows, block by block, in order; on the workers, if there are any."""
        client = _active_client()
        if client is None:
            yield from super().each(work, rows, *along)
            return
        client.wait_for_workers(1)
        sent = client.scatter(work, broadcast=True, hash=False)
        n_together = _PER_THREAD * max(sum(client.nthreads().values()), 1)
        running: deque[tuple[int, Any]] = deque()
        places = self._places(rows)
        for first in range(0, len(places), n_together):
            running += self._submit(client, sent, rows, places[first : first + n_together], along)
            while len(running) > n_together:
                yield from _blocks_of(*running.popleft())
        while running:
            yield from _blocks_of(*running.popleft())

    def _places(self, rows: Index | None) -> list[tuple[int, int, int]]:
        """Every chunk that has some of the rows, and which of them these are: from one number to another."""
        if isinstance(rows, np.ndarray):
            at = np.searchsorted(rows, self._dask.bounds)
        else:
            at = np.clip(self._dask.bounds - (0 if rows is None else rows.start), 0, self.n_of(rows))
        return [(int(chunk), int(at[chunk]), int(at[chunk + 1])) for chunk in np.flatnonzero(np.diff(at) > 0)]

    def _submit(
        self, client: Any, sent: Any, rows: Index | None, places: list[tuple[int, int, int]], along: Any
    ) -> Iterator[tuple[int, Any]]:
        """Have some chunks worked on; where the results of each begin, and what will be them."""
        import dask

        chunks = self._dask.matrix.blocks[[chunk for chunk, *_ in places]].to_delayed()
        work_on, tasks = dask.delayed(_work_on, pure=False), []
        for parts, (chunk, start, stop) in zip(chunks, places, strict=True):
            if isinstance(rows, np.ndarray):
                index: Index = rows[start:stop]
            else:
                first = 0 if rows is None else rows.start
                index = slice(first + start, first + stop)
            begins = int(self._dask.bounds[chunk])
            within = (
                index - begins if isinstance(index, np.ndarray) else slice(index.start - begins, index.stop - begins)
            )
            tasks.append(work_on(sent, list(parts), within, parts_of(along, index)))
        # What goes along with the rows is meant to be sent.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
            futures = client.compute(tasks)
        return zip((start for _, start, _ in places), futures, strict=True)


def _work_on(
    work: Callable[..., T], parts: list[Any], within: Index, along: list[NDArray[Any] | None]
) -> list[tuple[slice, T]]:
    """On a worker: what a function makes of some rows of a chunk, block by block."""
    rows = beside(parts)
    whole = isinstance(within, slice) and within == slice(0, rows.shape[0])
    return list(MemoryRows(rows if whole else rows[within]).each(work, None, *along))


def _blocks_of(start: int, future: Any) -> Iterator[tuple[slice, Any]]:
    for where, result in future.result():
        yield slice(start + where.start, start + where.stop), result


def _active_client() -> Any:
    """The client of `dask.distributed` that computes dask arrays now, or None if another scheduler does."""
    from dask.base import get_scheduler

    client = getattr(get_scheduler(), "__self__", None)
    return client if hasattr(client, "scatter") else None
