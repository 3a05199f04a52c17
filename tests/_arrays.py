"""Every kind of matrix that an AnnData can hold in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
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
        return self.container is not np.asarray


ARRAY_TYPES = (
    *(ArrayType(np.asarray, dtype) for dtype in ("float32", "float64", "int64", "bool")),
    *(
        ArrayType(container, "float32")
        for container in (sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array)
    ),
    # One of each other type is enough: sparse containers differ from each other in class and order, not in dtype.
    *(ArrayType(sparse.csr_matrix, dtype) for dtype in ("float64", "int64", "bool")),
)


def to_type(x: ArrayLike, array_type: ArrayType) -> Any:
    """Put a dense matrix into another container; values are cast, so integers and booleans round."""
    return array_type.container(np.array(x).astype(array_type.dtype))
