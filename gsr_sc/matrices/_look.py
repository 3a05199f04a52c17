"""What values are like, for checks and choices: one look at a block of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from ._transform import row_totals

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BlockFacts(NamedTuple):
    """What a block of rows is like.

    Attributes
    ----------
    totals, silent
        Sum of each row, and whether all of it is zero, (n,).
    seen
        Which columns hold anything else, (n_vars,).
    lowest, highest, whole
        Of the stored values, and whether all are whole numbers.
    not_finite
        Row and column of the first value that is NaN or infinite, and how many there are; the rest is not to be used then.
    """

    totals: NDArray[np.float64]
    silent: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    lowest: float = np.inf
    highest: float = -np.inf
    whole: bool = True
    not_finite: tuple[int, int, int] | None = None


def look(values: Any) -> BlockFacts:
    """Look at every value of a block, dense or sparse."""
    stored = values.data if sparse.issparse(values) else values
    nonzero, real = values != 0, stored.dtype.kind == "f"
    silent, seen = np.asarray(nonzero.sum(axis=1)).ravel() == 0, np.asarray(nonzero.sum(axis=0)).ravel() > 0
    if real and not np.isfinite(stored).all():
        return BlockFacts(np.full(len(silent), np.nan), silent, seen, not_finite=_first_not_finite(values))
    return BlockFacts(
        totals=row_totals(values),
        silent=silent,
        seen=seen,
        lowest=float(stored.min()) if stored.size else np.inf,
        highest=float(stored.max()) if stored.size else -np.inf,
        whole=not real or bool((stored == np.round(stored)).all()),
    )


def _first_not_finite(values: Any) -> tuple[int, int, int]:
    """Row and column of a value that is none, and how many there are."""
    if sparse.issparse(values):
        coordinates = values.tocoo()
        bad = ~np.isfinite(coordinates.data)
        rows, columns = coordinates.row[bad], coordinates.col[bad]
    else:
        rows, columns = np.nonzero(~np.isfinite(values))
    return int(rows[0]), int(columns[0]), len(rows)
