"""The model: its options, its fit, what is left of it, and what it is good for."""

from __future__ import annotations

from ._fitted import Fitted, results
from ._gsr import GSR
from ._query import place_query
from ._serialize import refuse_existing
from ._use import require_writable

__all__ = [
    "GSR",
    "Fitted",
    "place_query",
    "refuse_existing",
    "require_writable",
    "results",
]
