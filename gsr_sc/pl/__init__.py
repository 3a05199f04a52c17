"""Pictures of what is stored in an AnnData; need no model and no torch."""

from __future__ import annotations

from ._difference import difference
from ._difference_genes import difference_genes
from ._history import history
from ._indicators import indicators
from ._latent_grid import latent_grid
from ._neuron_graph import neuron_graph
from ._nuisances import nuisances
from ._order import order
from ._programs import programs
from ._query import query
from ._rank_indicators import rank_indicators
from ._stability import stability
from ._tradeoff import tradeoff

__all__ = [
    "difference",
    "difference_genes",
    "history",
    "indicators",
    "latent_grid",
    "neuron_graph",
    "nuisances",
    "order",
    "programs",
    "query",
    "rank_indicators",
    "stability",
    "tradeoff",
]
