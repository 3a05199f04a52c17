"""Counts read back: what is stored is count x unit, or log(1 + count x unit), and every cell has a unit of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from ._wrapped import WrappedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ._rows import Index, Rows, T

# Natural logarithms, and those of other bases. Values that are no logarithms have none.
BASES = (float(np.e), 2.0, 10.0)
NO_LOGARITHM = None
# The smallest count of a cell is 1, but for cells of few genes, which are tried up to here, on so many of their values.
_LARGEST_SMALLEST, _N_PROBED = 100, 24
# Single precision: relative error of a value, for each unit of its logarithm. Of what is no count hardly one in a thousand
# values is that near to a whole number.
_ROUNDING = 1e-6
# Where it is more than that of a count, whether the count is whole cannot be told; of so many values it has to be.
_MOST_SLACK, _LEAST_TOLD = 0.1, 0.3
_ABOVE_ONE = 1.5
# Natural logarithm that is beyond any count.
LARGEST = 50.0
# Relative spread of what is the same in all rows, how many it takes to say so, and how many may be multiples of it.
_SAME, _FEWEST_TO_COMPARE, _MOST_MULTIPLES = 0.01, 20, 0.1
# As many rows say which logarithm it is and whether to look on, unless more than a share of them hold other values.
_N_TRIED, _MOST_WRONG_TRIED = 500, 0.1


class Units(NamedTuple):
    """What rows were multiplied by before the logarithm was taken.

    Attributes
    ----------
    unit, totals
        Of each row, and the sum of its counts, (n,).
    wrong
        Which rows hold values that are no multiples of any unit, (n,).
    n_several
        How many values of the other rows are counts above one.
    """

    unit: NDArray[np.float64]
    totals: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    n_several: int


class UnloggedRows(WrappedRows):
    """Counts, read back row by row from their logarithms, or from values that were only scaled.

    Parameters
    ----------
    rows
        The logarithms.
    unit
        What each row was multiplied by, (n_obs,).
    base
        Of the logarithm; None if there is none.
    whole
        Whether counts are whole numbers, so that what is none is due to rounding.
    """

    def __init__(self, rows: Rows, unit: NDArray[np.float64], base: float | None, *, whole: bool = True) -> None:
        super().__init__(rows)
        self.dtype = np.dtype(np.float32)
        self.base = base
        self._unit = unit
        self._how: dict[str, Any] = {"base": base, "whole": whole}

    def raw(self, index: Index) -> Any:
        """Counts as float32, in memory of their own."""
        return _counts(self._rows.raw(index), self._unit[index], **self._how)

    def take(self, index: Index) -> Any:
        """The same."""
        return self.raw(index)

    def each(
        self, work: Callable[..., T], rows: Index | None = None, *along: NDArray[Any] | None
    ) -> Iterator[tuple[slice, T]]:
        """What a function makes of the counts, block by block, worked out where the logarithms are."""
        return self._rows.each(partial(_work_on_counts, work, self._how), rows, self._unit, *along)


def unlogged(
    rows: Rows,
    *,
    bases: tuple[float | None, ...] = (NO_LOGARITHM, *BASES),
    most_wrong: float = 0.005,
    expected: bool = False,
) -> tuple[UnloggedRows, NDArray[np.float64]] | None:
    """Counts that rows are logarithms or multiples of, and the total of each row, (n_obs,); None if they are of none.

    Every count of a row was multiplied by the same number (divided by the total of the cell, and times what all are to have),
    1 was added and the logarithm taken, as by `sc.pp.normalize_total` and `sc.pp.log1p`; or the latter was left out. That is
    undone without loss: the multiplier is the smallest value of the row, or a fraction of it, and all others are multiples of it.

    Parameters
    ----------
    rows
        Values >= 0.
    bases
        Of the logarithms that it may be, None for values that are none.
    most_wrong
        Share of rows that may hold other values, whose counts are then rounded.
    expected
        Whether nothing else than counts is expected, so that values that could be anything, as of a cell in which every
        gene was counted once, are taken for them.
    """
    n_obs = rows.shape[0]
    tried = some_of(rows)
    for base in bases:
        found = units(tried, base=base)
        # Counts of one are multiples of anything.
        told = expected or found.n_several >= len(found.unit) / 2
        if told and found.wrong.mean() <= _MOST_WRONG_TRIED:
            break
    else:
        return None
    unit, totals, n_wrong = np.ones(n_obs), np.zeros(n_obs), 0
    for where, part in rows.each(partial(units, base=base)):
        unit[where], totals[where] = part.unit, part.totals
        n_wrong += int(part.wrong.sum())
    if n_wrong > most_wrong * n_obs or _rounded(unit[totals > 0], totals[totals > 0]):
        return None
    return UnloggedRows(rows, unit, base), totals


def _rounded(unit: NDArray[np.float64], totals: NDArray[np.float64]) -> bool:
    """Whether values are multiples of their unit because they were rounded after they had been scaled.

    Then all cells have the same unit, such as .01, or the same total.
    """
    if len(unit) < _FEWEST_TO_COMPARE:
        return False
    usual = float(np.median(unit))
    # A few hold multiples only.
    others = np.abs(unit - usual) > _SAME * usual
    return all_same(totals) or bool(others.mean() < _MOST_MULTIPLES and abs(usual - 1) > _SAME)


def all_same(values: NDArray[np.float64]) -> bool:
    """Whether positive values are the same but for rounding."""
    return bool(values.std() < _SAME * values.mean())


def some_of(rows: Rows) -> Any:
    """Rows that stand for all when it comes to what values are."""
    return rows.raw(rows.sample(np.arange(rows.shape[0]), _N_TRIED))


def units(values: Any, *, base: float | None) -> Units:
    """What rows of logarithms (without a base, of values), dense or sparse, were multiplied by."""
    matrix = sparse.csr_array(values)
    stored = matrix.data > 0
    n_stored = np.diff(np.append(0, np.cumsum(stored))[matrix.indptr])
    filled = np.flatnonzero(n_stored)
    unit, totals, wrong = np.ones(len(n_stored)), np.zeros(len(n_stored)), np.zeros(len(n_stored), dtype=bool)
    if not len(filled):
        return Units(unit, totals, wrong, 0)
    scaled, rounding = _with_rounding(matrix.data[stored], base)
    n = n_stored[filled]
    cells = _Cells(scaled, rounding, np.cumsum(n) - n, n)
    of_cell = np.minimum.reduceat(cells.scaled, cells.start)
    count = cells.counts(of_cell)
    off = cells.off(count)
    if off.any():
        few, which = cells.some(off), np.flatnonzero(off)
        for smallest in range(2, _LARGEST_SMALLEST + 1):
            still = few.off(few.counts(of_cell[which] / smallest))
            of_cell[which[~still]] /= smallest
            few, which = few.some(still), which[still]
            if not len(which):
                break
        count = cells.counts(of_cell)
        off = cells.off(count)
    unit[filled], wrong[filled] = of_cell, off
    several = np.add.reduceat(count > _ABOVE_ONE, cells.start, dtype=np.intp)
    totals[filled] = np.add.reduceat(np.rint(count, out=count), cells.start)
    return Units(unit, totals, wrong, int(several[~off].sum()))


class _Cells(NamedTuple):
    """Values of some cells, one cell after the other.

    Attributes
    ----------
    scaled, rounding
        The values, and how much of each may be rounding, (n_values,).
    start, n
        Where the values of each cell begin, and how many there are, 1 or more, (n_cells,).
    """

    scaled: NDArray[np.float64]
    rounding: NDArray[np.float64]
    start: NDArray[np.intp]
    n: NDArray[np.intp]

    def some(self, chosen: NDArray[np.bool_]) -> _Cells:
        """The first values of some of the cells."""
        n = np.minimum(self.n[chosen], _N_PROBED)
        start = np.cumsum(n) - n
        at = np.repeat(self.start[chosen] - start, n) + np.arange(n.sum())
        return _Cells(self.scaled[at], self.rounding[at], start, n)

    def counts(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values in units of their cell, (n_values,)."""
        return self.scaled / np.repeat(unit, self.n)

    def off(self, count: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which cells hold values that are no multiples of their unit, or too many of which that cannot be told, (n_cells,)."""
        slack = count * self.rounding
        told = slack < _MOST_SLACK
        off = told & (np.abs(count - np.rint(count)) > slack)
        n_told, n_off = (np.add.reduceat(values, self.start, dtype=np.intp) for values in (told, off))
        return np.asarray((n_off > 0) | (n_told < _LEAST_TOLD * self.n))


def _with_rounding(stored: NDArray[Any], base: float | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What positive values are logarithms of, and how much of it may be rounding, as a share."""
    if base is NO_LOGARITHM:
        return stored.astype(np.float64), np.full(len(stored), _ROUNDING)
    logs = natural(stored, base)
    # What is beyond any count tells nothing.
    return np.exp(logs) - 1, np.where(logs < LARGEST, _ROUNDING * (1 + logs), np.inf)


def _counts(values: Any, unit: NDArray[np.float64], *, base: float | None, whole: bool) -> Any:
    """What logarithms are of."""
    per_row = np.repeat(unit, np.diff(values.indptr)) if sparse.issparse(values) else unit[:, None]
    stored = values.data if sparse.issparse(values) else values
    if base is NO_LOGARITHM:
        scaled = stored.astype(np.float64)
    else:
        # Unlike `expm1` it takes several values at a time; what it loses is far less than one.
        scaled = np.exp(natural(stored, base))
        scaled -= 1
    scaled /= per_row
    counts = (np.rint(scaled, out=scaled) if whole else scaled).astype(np.float32)
    if not sparse.issparse(values):
        return counts
    return type(values)((counts, values.indices, values.indptr), shape=values.shape)


def natural(logs: NDArray[Any], base: float) -> NDArray[np.float64]:
    """Natural logarithms, no larger than any of a count, so that values that are none do not overflow."""
    return np.minimum(logs.astype(np.float64) * np.log(base), LARGEST)


def _work_on_counts(
    work: Callable[..., T], how: dict[str, Any], values: Any, unit: NDArray[np.float64], *along: Any
) -> T:
    return work(_counts(values, unit, **how), *along)
