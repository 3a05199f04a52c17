"""Room for one result of each row where rows are on disk: on disk as well, so that memory does not grow with them."""

from __future__ import annotations

import logging
import mmap
import os
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# Bytes. Smaller arrays are no burden.
_LEAST = 2**26


def room_on_disk(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """An array to be filled, float32, that lies in a temporary file without a name.

    It is an array like any other; what is not in use need not be in memory. The file goes with the array, or with the
    process however that ends. It has all its space from the beginning, so that a disk that gets full does not matter.
    In memory are small arrays, and all where there is no space for a file or no way to ask for it (not on Linux).
    """
    n_bytes = 4 * int(np.prod(shape))
    if n_bytes < _LEAST or not hasattr(os, "posix_fallocate"):
        return np.empty(shape, dtype=np.float32)
    try:
        with tempfile.TemporaryFile() as file:
            os.posix_fallocate(file.fileno(), 0, n_bytes)
            mapped = mmap.mmap(file.fileno(), n_bytes)
    except OSError as error:
        logger.info(
            "%d MB of results stay in memory: no room in %s (%s)", n_bytes // 10**6, tempfile.gettempdir(), error
        )
        return np.empty(shape, dtype=np.float32)
    return np.frombuffer(mapped, dtype=np.float32).reshape(shape)


def release(array: NDArray[Any]) -> None:
    """Take an array out of memory for now if it lies in a file; for after each block of what goes through all of it."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)
