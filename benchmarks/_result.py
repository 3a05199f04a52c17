"""What a method gives back, whatever it is: the table's measures need no more than this."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np


@dataclass
class Result:
    """Outcome of one run of one method.

    A peer may be read in several ways (a self-organising map by its distances or by soft memberships, say).
    All of them are given, and each measure counts the one that is best for the peer.
    """

    spaces: dict[str, np.ndarray] = field(default_factory=dict)
    """Readings for nearest neighbours, each (n_obs, any)."""
    indicators: dict[str, np.ndarray] = field(default_factory=dict)
    """Readings of which single columns may indicate a label, each (n_obs, any)."""
    clusters: np.ndarray | None = None
    clusters_by_k: dict[int, np.ndarray] = field(default_factory=dict)
    """Clusterings of methods that take a number of clusters, by that number."""
    order: np.ndarray | None = None
    branch: np.ndarray | None = None
    figures: dict[str, float] = field(default_factory=dict)
    """Figures that only this method has."""
    notes: dict[str, Any] = field(default_factory=dict)
    """How it was run: epochs, epochs of the default, limits."""


class Clock:
    """Seconds on the wall and of the processor."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def clock() -> Iterator[Clock]:
    """Measure the seconds of a block."""
    spent, wall, cpu = Clock(), time.perf_counter(), time.process_time()
    yield spent
    spent.wall, spent.cpu = time.perf_counter() - wall, time.process_time() - cpu
