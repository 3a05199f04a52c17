"""Mini-batches for training and inference: rows of a matrix through a transform."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ._rows import as_float, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from ._rows import Index, Rows, T
    from ._transform import Transform

# Bytes: a transform costs as much as a step on the rows, and a few thousand cells are seen twenty times. The rest of a fit
# on 20 000 cells takes 230 MB above the loaded data, and 300 MB are what it should keep to.
_MOST_HELD = 72_000_000


@dataclass(frozen=True)
class Block:
    """Some rows in all the forms in which a source gives them; each is made when it is asked for.

    Attributes
    ----------
    values
        In their own dtype and not to be changed, dense or CSR, (n, n_vars).
    totals, conditions
        Total count of each, (n,), and what is told beside them, (n, n_conditions); None where there are none.
    held
        What the network reads, where it is held already.
    reading, transform
        From raw rows and their totals to what the network reads, and to the transformed variables that are there.
    """

    values: Any
    totals: NDArray[np.float64] | None
    conditions: NDArray[np.float32] | None
    held: NDArray[np.float32] | None
    reading: Callable[..., NDArray[np.float32]]
    transform: Transform

    def parts(self, n_rows: int) -> Iterator[Block]:
        """So many rows at a time."""
        for start in range(0, self.values.shape[0], n_rows):
            at = slice(start, start + n_rows)
            totals, conditions, held = parts_of((self.totals, self.conditions, self.held), at)
            yield Block(self.values[at], totals, conditions, held, self.reading, self.transform)

    @property
    def inputs(self) -> NDArray[np.float32]:
        """What the network reads, (n, n_inputs)."""
        return self.reading(as_float(self.values), self.totals) if self.held is None else self.held

    @property
    def seen(self) -> NDArray[np.float32]:
        """The variables that are there, transformed, (n, n_found)."""
        return self.transform(as_float(self.values), self.totals)

    @property
    def observed(self) -> NDArray[np.float32]:
        """The variables that are there, as they stand in the matrix, (n, n_found)."""
        return self.transform.as_given(as_float(self.values))


class MatrixSource:
    """Transformed rows of a matrix by number, as float32; what the training reads.

    Parameters
    ----------
    rows
        The matrix.
    transform
        What the network sees of a row.
    totals
        Total count of each row, (n_obs,); needed where the matrix holds counts.
    conditions
        What encoder and decoder are told beside the row, such as its batch, (n_obs, n_conditions).
    hold
        Whether to transform all rows at once and hold them, if they take no more than 72 MB: for whoever reads them many
        times.
    """

    def __init__(
        self,
        rows: Rows,
        transform: Transform,
        totals: NDArray[np.float64] | None = None,
        *,
        conditions: NDArray[np.float32] | None = None,
        hold: bool = False,
    ) -> None:
        self.conditions = conditions
        self._rows = rows
        self._transform = transform
        # From raw float32 rows and their totals to what the network reads.
        self._reading: Callable[..., NDArray[np.float32]] = transform
        self._totals = totals
        self._held: Rows | None = None
        self._held_values: NDArray[np.float32] | None = None
        if hold and 4 * len(self) * self.n_inputs <= _MOST_HELD:
            held = np.empty((len(self), self.n_inputs), dtype=np.float32)
            for block in rows.blocks():
                held[block] = self.batch(block)
            self._held, self._held_values = rows.beside(held), held

    def __len__(self) -> int:
        return self._rows.shape[0]

    @property
    def n_inputs(self) -> int:
        """Number of variables of a batch."""
        return self._transform.n_inputs

    @property
    def baseline(self) -> NDArray[np.float32]:
        """Mean of the transformed training cells, (n_inputs,)."""
        return self._transform.baseline

    @property
    def transform(self) -> Transform:
        """What is done to the rows."""
        return self._transform

    @property
    def totals(self) -> NDArray[np.float64] | None:
        """Total count of each row, (n_obs,)."""
        return self._totals

    def batch(self, index: Index) -> NDArray[np.float32]:
        """Rows as a dense float32 array, (batch, n_inputs), row by row in memory; of its own, unless a slice of rows is held."""
        if self._held is not None:
            return self._held.raw(index)
        totals = None if self._totals is None else self._totals[index]
        return self._reading(self._rows.take(index), totals)

    def observed(self, index: Index) -> NDArray[np.float32]:
        """The same variables of the rows as they stand in the matrix, (batch, n_inputs): what a count model explains."""
        return self._transform.as_given(self._rows.take(index))

    def shuffled(
        self, rows: NDArray[np.intp], rng: np.random.Generator, most: int, *, n_shares: int = 1, mine: int = 0
    ) -> list[NDArray[np.intp]]:
        """At most so many of the sorted `rows` in random order, dealt to so many takers; `mine` are asked for next."""
        return self._rows.shuffled(rows, rng, most, n_shares=n_shares, mine=mine)

    def sample(self, rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
        """At most so many of the sorted `rows`, sorted; the same ones every time."""
        return self._rows.sample(rows, most)

    def keeping(self, rows: NDArray[np.intp]) -> AbstractContextManager[None]:
        """Within this context the sorted `rows` are in memory, because they are read many times."""
        return self._rows.keeping(rows)

    def room(self, n_rows: int, n_columns: int) -> NDArray[np.float32]:
        """An array to be filled with something about so many of the rows: in a file where they are, see :func:`release`."""
        return self._rows.room(n_rows, n_columns)

    def blocks(self, rows: NDArray[np.intp] | None = None) -> Iterator[NDArray[np.float32]]:
        """All rows (or the sorted `rows`) in order, block by block."""
        for block in self._rows.blocks(rows):
            yield self.batch(block)

    def each(self, work: Callable[..., T], rows: NDArray[np.intp] | None = None) -> Iterator[tuple[slice, T]]:
        """What a function makes of all rows (or the sorted `rows`), block by block, worked out where they are.

        Parameters
        ----------
        work
            Called with a dense block, (n, n_inputs), and what is told beside it, (n, n_conditions) or None. It may have to
            travel, and so has to be something that can be pickled.
        rows
            Sorted numbers; all by default.

        Yields
        ------
        Where the block is among the rows asked for, and what the function returned. Every block comes once.
        """
        if self._held is not None:
            return self._held.each(work, rows, self.conditions)
        return self._rows.each(partial(_read, work, self._reading), rows, self._totals, self.conditions)

    def each_block(self, work: Callable[[Block], T], rows: NDArray[np.intp] | None = None) -> Iterator[tuple[slice, T]]:
        """The same for a function that is called with a :class:`Block`."""
        make = partial(_work_on_block, work, (self._reading, self._transform))
        return self._rows.each(make, rows, self._totals, self.conditions, self._held_values)


def _read(work: Callable[..., T], reading: Callable[..., Any], values: Any, totals: Any, conditions: Any) -> T:
    return work(reading(as_float(values), totals), conditions)


def _work_on_block(work: Callable[[Block], T], forms: tuple[Any, Any], values: Any, *along: Any) -> T:
    totals, conditions, held = along
    return work(Block(values, totals, conditions, held, *forms))
