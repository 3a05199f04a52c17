"""Stored results as tidy pandas and networkx objects."""

from __future__ import annotations

from ._frames import activations, history, programs, quality
from ._neurons import graph, neurons
from ._trust import stability

__all__ = ["activations", "graph", "history", "neurons", "programs", "quality", "stability"]
