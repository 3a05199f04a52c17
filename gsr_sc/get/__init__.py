"""Stored results as tidy pandas and networkx objects."""

from __future__ import annotations

from ._frames import activations, history, programs, quality
from ._neurons import graph, neurons
from ._reading import indicators, nuisances, rank_indicators
from ._trust import stability

__all__ = [
    "activations",
    "graph",
    "history",
    "indicators",
    "neurons",
    "nuisances",
    "programs",
    "quality",
    "rank_indicators",
    "stability",
]
