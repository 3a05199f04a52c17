"""The door: from a container to its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ._dask import DaskReader, DaskRows
from ._disk import DiskRows
from ._readers import reader_of
from ._rows import MemoryRows

if TYPE_CHECKING:
    from ._rows import Rows


def open_rows(matrix: Any) -> Rows:
    """Rows of any container that is known.

    Parameters
    ----------
    matrix
        In memory: a numpy array or matrix, or a scipy sparse matrix or array. On disk: what anndata gives for backed
        HDF5 and zarr, dense or CSR. A dask array of dense or CSR chunks. Real numbers or booleans, (n_obs, n_vars).

    Raises
    ------
    TypeError
        If the matrix is of another kind, or holds no real numbers.
    """
    in_memory = isinstance(matrix, np.ndarray) or sparse.issparse(matrix)
    reader = None if in_memory else reader_of(matrix)
    if not in_memory and reader is None:
        msg = (
            f"The input is a {type(matrix).__module__}.{type(matrix).__name__}; known are numpy arrays and scipy sparse "
            "matrices, backed HDF5 and zarr arrays (dense or CSR), and dask arrays of dense or CSR chunks. "
            "Convert it to one of these, or call `adata.to_memory()` first."
        )
        raise TypeError(msg)
    rows: Rows
    if reader is None:
        rows = MemoryRows(matrix)
    else:
        rows = DaskRows(reader) if isinstance(reader, DaskReader) else DiskRows(reader)
    if rows.dtype.kind not in "fiub":
        msg = f"The input has dtype {rows.dtype}; it has to hold real numbers or booleans."
        raise TypeError(msg)
    return rows
