"""Every kind of matrix that an AnnData can hold, in memory or not."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import anndata
import h5py
import numpy as np
import zarr
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class ArrayType:
    """A container and the type of what it holds."""

    container: Callable[[Any], Any]
    dtype: str

    def __str__(self) -> str:
        name = "numpy" if self.container is np.asarray else self.container.__name__
        return f"{name}-{self.dtype}"

    @property
    def is_sparse(self) -> bool:
        return "cs" in self.container.__name__

    @property
    def is_on_disk(self) -> bool:
        return self.container in ON_DISK


def h5_dense(x: np.ndarray) -> Any:
    file = h5py.File(uuid4().hex, "w", driver="core", backing_store=False)
    return file.create_dataset("X", data=x, chunks=(7, x.shape[1]))


def h5_csr(x: np.ndarray) -> Any:
    file = h5py.File(uuid4().hex, "w", driver="core", backing_store=False)
    anndata.io.write_elem(file, "X", sparse.csr_matrix(x))
    return anndata.io.sparse_dataset(file["X"])


def zarr_dense(x: np.ndarray) -> Any:
    return zarr.create_array({}, data=x, chunks=(50, x.shape[1]))


def zarr_csr(x: np.ndarray) -> Any:
    group = zarr.open_group({}, mode="w", zarr_format=2)
    anndata.io.write_elem(group, "X", sparse.csr_matrix(x))
    return anndata.io.sparse_dataset(group["X"])


def dask_dense(x: np.ndarray) -> Any:
    """With chunks across as well."""
    import dask.array

    return dask.array.from_array(x, chunks=(20, -(-x.shape[1] // 2)))


def dask_csr(x: np.ndarray) -> Any:
    import dask.array

    return dask.array.from_array(x, chunks=(20, -1)).map_blocks(sparse.csr_matrix)


ON_DISK = (h5_dense, h5_csr, zarr_dense, zarr_csr, *((dask_dense, dask_csr) if find_spec("dask") else ()))


IN_MEMORY = (
    *(ArrayType(np.asarray, dtype) for dtype in ("float32", "float64", "int64", "bool")),
    *(
        ArrayType(container, "float32")
        for container in (sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array)
    ),
    # One of each other type is enough: sparse containers differ from each other in class and order, not in dtype.
    *(ArrayType(sparse.csr_matrix, dtype) for dtype in ("float64", "int64", "bool")),
)
ARRAY_TYPES = (*IN_MEMORY, *(ArrayType(container, "float32") for container in ON_DISK))


def to_type(x: ArrayLike, array_type: ArrayType) -> Any:
    """Put a dense matrix into another container; values are cast, so integers and booleans round."""
    return array_type.container(np.array(x).astype(array_type.dtype))
