"""How many threads a fit may use; everything is put back afterwards."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Iterator


def available_threads() -> int:
    """Number of processors this process may run on: containers and shared nodes allow fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def limited_threads(n_jobs: int | None) -> Iterator[int]:
    """Limit torch and the linear algebra under numpy to `n_jobs` threads in all, and restore both on the way out.

    One of several threads is left to prepare batches. So two threads are one for the network and one for its batches,
    which took as long on an idle machine as two for the network, and not ten times as long on a busy one: the layers
    are small, threads that share them meet thousands of times a second, and OpenMP has them spin while they wait.

    Parameters
    ----------
    n_jobs
        Number of threads; None or -1 for as many processors as the process may use.

    Yields
    ------
    The number of threads.
    """
    n_threads = available_threads() if n_jobs in (None, -1) else int(n_jobs)
    before = torch.get_num_threads()
    torch.set_num_threads(max(n_threads - 1, 1))
    try:
        with threadpool_limits(max(n_threads - 1, 1)):
            yield n_threads
    finally:
        torch.set_num_threads(before)
