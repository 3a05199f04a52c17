"""The door: from a container to its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ._dask import DaskReader, DaskRows
from ._disk import DiskRows
from ._readers import CsrReader, Reader, SliceReader
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
    reader = None if in_memory else _reader_of(matrix)
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


def _reader_of(matrix: Any) -> Reader | None:
    """What reads a container, or None where it is not known.

    Raises
    ------
    TypeError
        If the container is known, but has no rows that could be read.
    """
    if isinstance(matrix, Reader):
        return matrix
    # By name, because none of these packages is imported for data that are not theirs.
    homes = {kind.__module__.split(".")[0] for kind in type(matrix).__mro__}
    if "dask" in homes and hasattr(matrix, "numblocks"):
        return DaskReader(matrix)
    if "anndata" in homes and hasattr(matrix, "format") and hasattr(matrix, "group"):
        if matrix.format != "csr":
            msg = (
                f"The input is a {matrix.format.upper()} matrix on disk, whose rows cannot be read one by one. "
                "Write it as CSR first, or call `adata.to_memory()`."
            )
            raise TypeError(msg)
        return CsrReader(matrix)
    if homes & {"h5py", "zarr"} and len(getattr(matrix, "shape", ())) == 2:
        return SliceReader(matrix, is_sparse=False, chunk_rows=(matrix.chunks or (1,))[0])
    return None
