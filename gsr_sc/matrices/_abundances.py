"""Something like counts out of values (or logarithms of such) that are none: corrected, imputed, or per length of a gene."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ._unlog import BASES, NO_LOGARITHM, UnloggedRows, all_same, natural, some_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._rows import Rows

# What is taken for logarithms of abundances: of many variables, some of them not found in a cell, and none that would be
# more than this (natural logarithm). Panels of markers are on scales of their own.
_MANY_VARIABLES, _LEAST_ZEROS, _HIGHEST = 100, 0.1, 25.0
# Values are no logarithms if they are beyond that, or if the totals of the cells would then differ so much (standard deviation
# of their logarithm: up to 1 of logarithms, above 4 of counts).
_MOST_UNEVEN = 2.0
# Of abundances high values of a usual cell are many times its median (6 to 100 times; 2 to 3 of pictures and logarithms).
# In panels many are zero or so are those of a usual variable (11 to 36 times; up to 5 of measurements on scales of their own).
_LEAST_TAIL, _LEAST_TAIL_OF_VARIABLE, _MANY_ZEROS, _FEWEST_VARIABLES = 4.0, 8.0, 0.3, 8
_HIGH = 0.99
# This quantile of the values of a cell is taken for one count. Of those between .02 and .3 none is best on all data.
_ONE_COUNT = 0.2


def abundances(
    rows: Rows, *, bases: tuple[float | None, ...] = (NO_LOGARITHM, *BASES), expected: bool = False
) -> tuple[UnloggedRows, NDArray[np.float64]] | None:
    """Abundances, or logarithms of such, as if counts, not whole, and the total of each row; None if they seem to be none.

    Values of different cells are on different scales once these were scaled to one total, and the noise of a value depends on
    how many molecules it stands for. So each cell gets a unit of its own, which makes a fifth of its values less than one.

    Parameters
    ----------
    rows
        Values >= 0.
    bases
        Of the logarithms that it may be, None for values that are none. Of several that is taken by which all totals are the
        same, or else the first.
    expected
        Whether such values are expected, of however few variables and without zeros.
    """
    tried = some_of(rows)
    if len(bases) > 1:
        bases = _plausible(tried, bases, expected=expected)
    elif bases[0] is not NO_LOGARITHM and _highest(tried) > _HIGHEST:
        bases = ()
    if not bases:
        return None
    base = _base_of(tried, bases)
    unit, totals = np.ones(rows.shape[0]), np.zeros(rows.shape[0])
    for where, (of_block, totals_of_block) in rows.each(partial(_rough_units, base=base)):
        unit[where], totals[where] = of_block, totals_of_block
    return UnloggedRows(rows, unit, base, whole=False), totals


def _plausible(values: Any, bases: tuple[float | None, ...], *, expected: bool) -> tuple[float | None, ...]:
    """Those bases of which values may be logarithms, or None if they may be abundances themselves."""
    stored = values.data if sparse.issparse(values) else values
    zeros = 1 - np.count_nonzero(stored) / np.prod(values.shape)
    usual = expected or (values.shape[1] >= _MANY_VARIABLES and zeros >= _LEAST_ZEROS)
    logarithms = tuple(base for base in bases if base is not NO_LOGARITHM)
    if _highest(values) <= _HIGHEST and min(_unevenness(values, base) for base in logarithms) <= _MOST_UNEVEN:
        return logarithms if usual else ()
    if not usual:
        skewed = zeros >= _MANY_ZEROS or _tail(values.T) >= _LEAST_TAIL_OF_VARIABLE
        usual = values.shape[1] >= _FEWEST_VARIABLES and skewed
    return (NO_LOGARITHM,) if usual and _tail(values) >= _LEAST_TAIL else ()


def _highest(values: Any) -> float:
    return float((values.data if sparse.issparse(values) else values).max(initial=0))


def _unevenness(values: Any, base: float) -> float:
    """Standard deviation of the logarithm of the totals of what the logarithms are of."""
    totals = _scaled(values, base).sum(axis=1)
    return float(np.log(totals[totals > 0]).std()) if (totals > 0).any() else 0.0


def _tail(values: Any) -> float:
    """How many times its median a high value of a usual row is, zeros aside."""
    rows = sparse.csr_array(values)
    rows.eliminate_zeros()
    each = (rows.data[start:end] for start, end in itertools.pairwise(rows.indptr))
    ratios = [np.quantile(row, _HIGH) / np.median(row) for row in each if len(row)]
    return float(np.median(ratios)) if ratios else 0.0


def _base_of(values: Any, bases: tuple[float | None, ...]) -> float | None:
    for base in bases if len(bases) > 1 else ():
        totals = _scaled(values, base).sum(axis=1)
        totals = totals[totals > 0]
        if len(totals) and all_same(totals):
            return base
    return bases[0]


def _scaled(values: Any, base: float | None) -> sparse.csr_array:
    """What the logarithms are of."""
    found = sparse.csr_array(values, dtype=np.float64, copy=True)
    if base is not NO_LOGARITHM:
        found.data = np.expm1(natural(found.data, base))
    return found


def _rough_units(values: Any, *, base: float | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What stands for one count in each row, and the total of the row in these."""
    scaled = _scaled(values, base)
    scaled.eliminate_zeros()
    row = np.repeat(np.arange(scaled.shape[0]), np.diff(scaled.indptr))
    ordered = scaled.data[np.lexsort((scaled.data, row))]
    n = np.diff(scaled.indptr)
    filled = n > 0
    unit = np.ones(len(n))
    unit[filled] = ordered[scaled.indptr[:-1][filled] + (_ONE_COUNT * (n[filled] - 1)).astype(np.intp)]
    return unit, np.asarray(scaled.sum(axis=1)).ravel() / unit
