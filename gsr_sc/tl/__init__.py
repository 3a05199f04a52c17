"""Analysis on AnnData, in scanpy's conventions."""

from __future__ import annotations

from ._compare import compare
from ._fit import fit
from ._indicators import indicators
from ._map_query import map_query
from ._nuisances import nuisances
from ._null import null
from ._order import order
from ._order_genes import order_genes
from ._programs import programs
from ._rank_indicators import rank_indicators
from ._scan import scan
from ._stability import stability

__all__ = [
    "compare",
    "fit",
    "indicators",
    "map_query",
    "nuisances",
    "null",
    "order",
    "order_genes",
    "programs",
    "rank_indicators",
    "scan",
    "stability",
]
