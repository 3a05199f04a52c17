"""Which of the processes that `torchrun` started this is; all from the environment, without torch."""

from __future__ import annotations

import os


def n_processes() -> int:
    """Number of processes that train together: 1 unless `torchrun`, or something that speaks like it, started this one."""
    environment = os.environ
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= environment.keys():
        return 1
    return int(environment["WORLD_SIZE"])


def rank() -> int:
    """Number of this process among them, counted from 0. The first one alone writes files and tells how it goes."""
    return int(os.environ["RANK"]) if n_processes() > 1 else 0


def local_rank() -> int:
    """Number of this process among those on its machine: the GPU that it takes."""
    return int(os.environ.get("LOCAL_RANK", "0")) if n_processes() > 1 else 0


def n_local() -> int:
    """Number of processes that share this machine."""
    return max(int(os.environ.get("LOCAL_WORLD_SIZE", "1")), 1) if n_processes() > 1 else 1
