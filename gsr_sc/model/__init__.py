"""The model: its options, its fit, what is left of it, and what it is good for."""

from __future__ import annotations

from ._fitted import Fitted, results
from ._gsr import GSR, train
from ._query import place_query
from ._serialize import require_folder
from ._use import require_writable

__all__ = [
    "GSR",
    "Fitted",
    "place_query",
    "require_folder",
    "require_writable",
    "results",
    "train",
]
