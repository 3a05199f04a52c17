"""Data with known truth: simulators, and a small real set that comes with scanpy."""

from __future__ import annotations

from ._bundled import bundled
from ._images import simulate_rotation
from ._real import pbmc68k
from ._simulate import simulate_clusters, simulate_line, simulate_ring
from ._simulate_branching import simulate_tree, simulate_wishbone

__all__ = [
    "bundled",
    "pbmc68k",
    "simulate_clusters",
    "simulate_line",
    "simulate_ring",
    "simulate_rotation",
    "simulate_tree",
    "simulate_wishbone",
]
