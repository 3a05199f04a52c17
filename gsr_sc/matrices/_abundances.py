"""Something like counts out of logarithms of values that are none: corrected, imputed, or divided by lengths of genes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ._unlog import BASES, UnloggedRows, all_same, natural, some_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._rows import Rows

# What is taken for logarithms of abundances: of many variables, some of them not found in a cell, and none that would be
# more than this (natural logarithm). Panels of markers are on scales of their own.
_LEAST_VARIABLES, _LEAST_ZEROS, _HIGHEST = 100, 0.1, 25.0
# This quantile of the values of a cell is taken for one count. Of those between .02 and .3 none is best on all data.
_ONE_COUNT = 0.2


def abundances(
    rows: Rows, *, base: float | None = None, expected: bool = False
) -> tuple[UnloggedRows, NDArray[np.float64]] | None:
    """Logarithms of abundances as if of counts, not whole, and the total of each row; None if they seem to be none.

    Values of different cells are on different scales once these were scaled to one total, and the noise of a value depends on
    how many molecules it stands for. So each cell gets a unit of its own, which makes a fifth of its values less than one.

    Parameters
    ----------
    rows
        Values >= 0.
    base
        Of the logarithm; by default that by which all totals are the same, or else natural.
    expected
        Whether such values are expected, of however few variables.
    """
    tried = some_of(rows)
    if not _plausible(tried, expected=expected):
        return None
    base = _base_of(tried) if base is None else base
    unit, totals = np.ones(rows.shape[0]), np.zeros(rows.shape[0])
    for where, (of_block, totals_of_block) in rows.each(partial(_rough_units, base=base)):
        unit[where], totals[where] = of_block, totals_of_block
    return UnloggedRows(rows, unit, base, whole=False), totals


def _plausible(values: Any, *, expected: bool) -> bool:
    stored = values.data if sparse.issparse(values) else values
    zeros = 1 - np.count_nonzero(stored) / np.prod(values.shape)
    sparse_enough = values.shape[1] >= _LEAST_VARIABLES and zeros >= _LEAST_ZEROS
    return bool((expected or sparse_enough) and stored.max(initial=0) <= _HIGHEST)


def _base_of(values: Any) -> float:
    for base in BASES:
        totals = _scaled(values, base).sum(axis=1)
        totals = totals[totals > 0]
        if len(totals) and all_same(totals):
            return base
    return BASES[0]


def _scaled(values: Any, base: float) -> sparse.csr_array:
    """What the logarithms are of."""
    found = sparse.csr_array(values, dtype=np.float64, copy=True)
    found.data = np.expm1(natural(found.data, base))
    return found


def _rough_units(values: Any, *, base: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
