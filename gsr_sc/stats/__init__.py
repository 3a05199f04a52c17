"""Statistics on plain arrays; knows numpy and scipy only."""

from __future__ import annotations

from ._contrasts import Contrasts, column_correlations, weighted_contrasts
from ._linear import LinearEffects, adjusted, linear_effects, n_exchanges, overall_p_value

__all__ = [
    "Contrasts",
    "LinearEffects",
    "adjusted",
    "column_correlations",
    "linear_effects",
    "n_exchanges",
    "overall_p_value",
    "weighted_contrasts",
]
