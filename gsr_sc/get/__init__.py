"""Stored results as tidy pandas and networkx objects."""

from __future__ import annotations

from ._compare import compare
from ._frames import activations, history, quality
from ._neurons import graph, neurons
from ._order import order, order_genes
from ._programs import gene_sets, programs
from ._query import query
from ._reading import indicators, nuisances, rank_indicators
from ._trust import null, scan, stability

__all__ = [
    "activations",
    "compare",
    "gene_sets",
    "graph",
    "history",
    "indicators",
    "neurons",
    "nuisances",
    "null",
    "order",
    "order_genes",
    "programs",
    "quality",
    "query",
    "rank_indicators",
    "scan",
    "stability",
]
