"""Dask arrays: read chunk by chunk, or worked on where the chunks are."""

from __future__ import annotations

import math
from collections import deque
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

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


# Tasks that are handed out together for each thread of a cluster, while as many are under way: so none has to wait for more.
_PER_THREAD = 4
# Chunks are worked on together until they have so many rows, as long as there are tasks for all threads: a task costs
# milliseconds whatever it does.
_TASK_ROWS = 4096
# Chunks that take no more steps than this to be made, such as reading and a conversion, are made where they are worked on.
_MOST_STEPS = 8


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
    if len(wanted) == 1 and wanted[0] == slice(0, chunk.shape[0]):
        return chunk
    rows = sparse.csr_matrix(chunk) if sparse.issparse(chunk) else chunk
    return below([rows[cut] for cut in wanted])


def beside(parts: Sequence[Any]) -> Any:
    """Columns of the same rows, as one matrix."""
    if len(parts) == 1:
        return parts[0]
    return sparse.hstack(parts, format="csr") if sparse.issparse(parts[0]) else np.hstack(parts)


def below(parts: Sequence[Any]) -> Any:
    """Rows of the same columns, as one matrix."""
    if len(parts) == 1:
        return parts[0]
    return sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.concatenate(parts)


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
        tasks = _together(self._places(rows), min(_TASK_ROWS, self.n_of(rows) // n_together))
        for first in range(0, len(tasks), n_together):
            running += self._submit(client, sent, rows, tasks[first : first + n_together], along)
            while len(running) > n_together:
                yield from _blocks_of(*running.popleft())
        while running:
            yield from _blocks_of(*running.popleft())

    def _places(self, rows: Index | None) -> list[_Place]:
        """Every chunk that has some of the rows, and which of them these are."""
        if isinstance(rows, np.ndarray):
            at = np.searchsorted(rows, self._dask.bounds)
        else:
            at = np.clip(self._dask.bounds - (0 if rows is None else rows.start), 0, self.n_of(rows))
        return [_Place(int(chunk), int(at[chunk]), int(at[chunk + 1])) for chunk in np.flatnonzero(np.diff(at) > 0)]

    def _submit(
        self, client: Any, sent: Any, rows: Index | None, tasks: list[list[_Place]], along: Any
    ) -> Iterator[tuple[int, Any]]:
        """Have some chunks worked on; where the results of each task begin, and what will be them."""
        import dask

        blocks = self._dask.matrix.blocks[[place.chunk for task in tasks for place in task]]
        chunks, made = _delayed(blocks), _unmade(blocks)
        work_on, delayed, at = dask.delayed(_work_on, pure=False), [], 0
        for task in tasks:
            these = slice(at, at := at + len(task))
            index = _numbers(rows, task[0].start, task[-1].stop)
            within = [self._within(rows, place) for place in task]
            delayed.append(work_on(sent, made(these) or chunks()[these], within, parts_of(along, index)))
        # What goes along with the rows is meant to be sent.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
            futures = client.compute(delayed)
        return zip((task[0].start for task in tasks), futures, strict=True)

    def _within(self, rows: Index | None, place: _Place) -> Index | None:
        """Which rows of a chunk are meant; None for all."""
        begins, ends = (int(bound) for bound in self._dask.bounds[place.chunk : place.chunk + 2])
        if place.stop - place.start == ends - begins:
            return None
        index = _numbers(rows, place.start, place.stop)
        return index - begins if isinstance(index, np.ndarray) else slice(index.start - begins, index.stop - begins)


class _Place(NamedTuple):
    """A chunk, and from where to where its rows are among those asked for."""

    chunk: int
    start: int
    stop: int


def _numbers(rows: Index | None, start: int, stop: int) -> Index:
    """Rows of the matrix from one to another of those asked for."""
    if isinstance(rows, np.ndarray):
        return rows[start:stop]
    first = 0 if rows is None else rows.start
    return slice(first + start, first + stop)


def _together(places: list[_Place], least: int) -> list[list[_Place]]:
    """Chunks in turn, together until they have so many rows."""
    tasks: list[list[_Place]] = []
    for place in places:
        if tasks and tasks[-1][-1].stop - tasks[-1][0].start < least:
            tasks[-1].append(place)
        else:
            tasks.append([place])
    return tasks


class _Unmade:
    """Chunks that are made by the task that works on them: one task for all, and nothing to be sent between workers.

    No dataclass, because dask would look into it.
    """

    def __init__(self, graph: dict[Any, Any], keys: list[Any]) -> None:
        self.graph = graph
        self.keys = keys

    def made(self) -> list[list[Any]]:
        """The columns of each."""
        from dask import get

        return [list(columns) for columns in get(self.graph, self.keys)]


def _delayed(blocks: Any) -> Callable[[], list[list[Any]]]:
    """The columns of each chunk, as tasks of their own; worked out if they are wanted."""
    return cache(lambda: [list(columns) for columns in blocks.to_delayed()])


def _unmade(blocks: Any) -> Callable[[slice], _Unmade | None]:
    """From which of some chunks to what makes these; None if that is too much, or there already."""
    import dask
    from dask.core import get_dependencies
    from distributed import futures_of

    if futures_of(blocks):
        return lambda these: None  # noqa: ARG005
    (known,) = dask.optimize(blocks)
    graph, all_keys = dict(known.__dask_graph__()), known.__dask_keys__()

    def part(these: slice) -> _Unmade | None:
        keys = all_keys[these]
        coming = [key for columns in keys for key in columns]
        most, needed = _MOST_STEPS * len(coming), dict[Any, Any]()
        while coming:
            key = coming.pop()
            if key not in needed:
                needed[key] = graph[key]
                coming += get_dependencies(graph, key)
            if len(needed) > most:
                return None
        return _Unmade(needed, keys)

    return part


def _work_on(
    work: Callable[..., T],
    chunks: _Unmade | list[list[Any]],
    within: list[Index | None],
    along: list[NDArray[Any] | None],
) -> list[tuple[slice, T]]:
    """On a worker: what a function makes of some rows of some chunks, block by block."""
    made = chunks.made() if isinstance(chunks, _Unmade) else chunks
    parts = [
        beside(columns) if some is None else beside(columns)[some] for columns, some in zip(made, within, strict=True)
    ]
    return list(MemoryRows(below(parts)).each(work, None, *along))


def _blocks_of(start: int, future: Any) -> Iterator[tuple[slice, Any]]:
    for where, result in future.result():
        yield slice(start + where.start, start + where.stop), result


def _active_client() -> Any:
    """The client of `dask.distributed` that computes dask arrays now, or None if another scheduler does."""
    from dask.base import get_scheduler

    client = getattr(get_scheduler(), "__self__", None)
    return client if hasattr(client, "scatter") else None
