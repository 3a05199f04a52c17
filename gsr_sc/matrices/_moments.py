"""Means and variances of columns, summed over blocks of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


class Sums(NamedTuple):
    """What a block adds.

    Attributes
    ----------
    n
        Number of its rows.
    total, squares
        Sums over them, (n_columns,).
    weighted
        The same with a weight for each row, where one is given.
    """

    n: int
    total: NDArray[np.float64]
    squares: NDArray[np.float64]
    weighted: NDArray[np.float64] | float = 0.0


def sums_of(values: Any, weights: NDArray[np.float64] | None = None) -> Sums:
    """What a block of rows adds."""
    return Sums(
        values.shape[0],
        _column_sums(values),
        _column_sums(values.power(2) if sparse.issparse(values) else values**2),
        0.0 if weights is None else weights @ values,
    )


def moments(parts: Iterator[tuple[slice, Sums]]) -> tuple[NDArray[np.float64], NDArray[np.float64], Any]:
    """Mean and variance of each column, and the weighted sum, of blocks together; in the order in which they come."""
    n, total, squares, weighted = 0, np.zeros(1), np.zeros(1), np.zeros(1)
    for _, part in parts:
        n, total, squares = n + part.n, total + part.total, squares + part.squares
        weighted = weighted + part.weighted
    mean = np.asarray(total / n)
    return mean, np.clip(squares / n - mean**2, 0, None), weighted


def _column_sums(values: Any) -> NDArray[np.float64]:
    # scipy sums a sparse matrix along its columns in its own precision, whatever `dtype` says.
    sums = np.ones(values.shape[0]) @ values if sparse.issparse(values) else values.sum(axis=0, dtype=np.float64)
    return np.asarray(sums).ravel()
