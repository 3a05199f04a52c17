"""What the measures accept, checked in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

# Rows made float64 at a time: 144 neurons of this many rows take 5 MB.
_BLOCK = 2**12


def as_matrix(values: ArrayLike, name: str) -> NDArray[np.floating[Any]]:
    """Values as a finite matrix of real numbers, shape (n_obs, n), not copied where it is one already.

    Raises
    ------
    ValueError
        If they are none.
    """
    matrix = np.asarray(values)
    if not np.issubdtype(matrix.dtype, np.floating):
        matrix = matrix.astype(np.float64)
    if matrix.ndim != 2 or 0 in matrix.shape:
        msg = f"`{name}` has shape {matrix.shape}; a matrix of (observations, columns) is needed."
        raise ValueError(msg)
    if not np.isfinite(matrix).all():
        row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        msg = f"`{name}` holds NaN or infinite values, first in row {row}."
        raise ValueError(msg)
    return matrix


def as_adjacency(adjacency: ArrayLike | sparse.sparray | sparse.spmatrix, n_neurons: int) -> sparse.csr_array:
    """Weights as a symmetric sparse matrix without self-loops, shape (n_neurons, n_neurons).

    Raises
    ------
    ValueError
        If it is of another size, or has no edges.
    """
    matrix = sparse.csr_array(adjacency, dtype=np.float64, copy=True)
    if matrix.shape != (n_neurons, n_neurons):
        msg = (
            f"`adjacency` has shape {matrix.shape}; activations of {n_neurons} neurons need ({n_neurons}, {n_neurons})."
        )
        raise ValueError(msg)
    matrix = sparse.csr_array((matrix + matrix.T) / 2 - sparse.diags_array(matrix.diagonal()))
    matrix.eliminate_zeros()
    if matrix.nnz == 0:
        msg = "`adjacency` has no edges, so no neurons are neighbours."
        raise ValueError(msg)
    return matrix


def as_codes(labels: ArrayLike | pd.Series[Any], n_obs: int) -> tuple[NDArray[np.intp], list[Any]]:
    """Labels as numbers, -1 where missing, and their names: of categories in their order, else sorted.

    Raises
    ------
    ValueError
        If there are more or fewer labels than observations.
    """
    values = pd.Categorical(labels)
    if len(values) != n_obs:
        msg = f"`labels` has {len(values)} entries for {n_obs} observations."
        raise ValueError(msg)
    values = values.remove_unused_categories()
    return np.asarray(values.codes, dtype=np.intp), list(values.categories)


def paired(
    first: ArrayLike, second: ArrayLike, names: tuple[str, str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two vectors of equal length, without the entries where either is NaN.

    Raises
    ------
    ValueError
        If they are none, or fewer than two entries are known in both.
    """
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        msg = f"`{names[0]}` and `{names[1]}` are two vectors of equal length; got shapes {x.shape} and {y.shape}."
        raise ValueError(msg)
    known = ~(np.isnan(x) | np.isnan(y))
    if known.sum() < 2:
        msg = f"`{names[0]}` and `{names[1]}` are both known for {known.sum()} observations; at least 2 are needed."
        raise ValueError(msg)
    return x[known], y[known]


def row_blocks(matrix: NDArray[np.floating[Any]]) -> Iterator[NDArray[np.float64]]:
    """Rows in float64, a block at a time, so that no second matrix of the full size is made."""
    for start in range(0, len(matrix), _BLOCK):
        yield matrix[start : start + _BLOCK].astype(np.float64)


def label_means(matrix: NDArray[np.floating[Any]], codes: NDArray[np.intp], n_labels: int) -> NDArray[np.float64]:
    """Mean row of each label, rows with code -1 left out, shape (n_labels, n_columns)."""
    rows = np.flatnonzero(codes >= 0)
    count = np.bincount(codes[rows], minlength=n_labels)
    weights = sparse.csr_array((1 / count[codes[rows]], (codes[rows], rows)), shape=(n_labels, len(codes)))
    return np.asarray(weights @ matrix, dtype=np.float64)
