"""Statistics on plain arrays; knows numpy and scipy only."""

from __future__ import annotations

from ._along import Along, change_along
from ._basis import periodic_basis, spline_basis
from ._contrasts import Contrasts, column_correlations, weighted_contrasts
from ._linear import LinearEffects, adjusted, linear_effects, n_exchanges, overall_p_value

__all__ = [
    "Along",
    "Contrasts",
    "LinearEffects",
    "adjusted",
    "change_along",
    "column_correlations",
    "linear_effects",
    "n_exchanges",
    "overall_p_value",
    "periodic_basis",
    "spline_basis",
    "weighted_contrasts",
]
