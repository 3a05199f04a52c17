"""How many threads a fit may use; everything is put back afterwards."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from threadpoolctl import threadpool_limits

from .._processes import n_local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import ThreadPoolExecutor

P = TypeVar("P")
T = TypeVar("T")

# "200000 100000" for the time of two processors, "max 100000" for no limit (control groups of Linux, version 2).
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_threads() -> int:
    """Number of processors this process may use: the affinity and quota of containers and shared nodes allow fewer."""
    # Python 3.13 and later ask the system and the user's PYTHON_CPU_COUNT; older ones know the processors of the machine.
    count = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    if hasattr(os, "sched_getaffinity"):
        count = min(count, len(os.sched_getaffinity(0)))
    return max(min(count, _quota()), 1)


def _quota() -> int:
    """Whole processors of time that the container gets; more than any machine has where it has no limit."""
    try:
        limit, period = _QUOTA.read_text().split()
        return int(limit) // int(period)
    except (OSError, ValueError):
        return sys.maxsize


def in_pieces(pool: ThreadPoolExecutor | None, work: Callable[[P], T], pieces: Sequence[P]) -> list[T]:
    """Do all pieces of some work: the first here, the others by a pool if there is one."""
    if pool is None:
        return [work(piece) for piece in pieces]
    coming = [pool.submit(work, piece) for piece in pieces[1:]]
    return [work(pieces[0]), *(each.result() for each in coming)]


@contextmanager
def limited_threads(n_jobs: int | None) -> Iterator[int]:
    """Limit a fit to `n_jobs` threads in all, and restore torch and the linear algebra under numpy on the way out.

    The two halves of a batch, or of the layers that are as wide as the data, are worked on by a thread each, and each of these
    gets half of the threads for its operations. So two threads meet a few times a step. Threads that share the operations of a
    network this small meet a hundred times, and OpenMP has them spin while they wait: that gained a fifth on an idle machine,
    and took ten times as long on a busy one.

    Parameters
    ----------
    n_jobs
        Number of threads; None or -1 for as many processors as the process may use, shared with
        the other processes of `torchrun`.

    Yields
    ------
    The number of threads.
    """
    n_threads = max(available_threads() // n_local(), 1) if n_jobs in (None, -1) else int(n_jobs)
    shared = max(n_threads // 2, 1)
    before = torch.get_num_threads()
    torch.set_num_threads(shared)
    try:
        with threadpool_limits(shared):
            yield n_threads
    finally:
        torch.set_num_threads(before)
