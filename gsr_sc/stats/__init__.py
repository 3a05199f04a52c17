"""Statistics on plain arrays; knows numpy, scipy and scikit-learn only."""

from __future__ import annotations

from ._along import Along, change_along
from ._basis import periodic_basis, spline_basis
from ._company import Company
from ._contrasts import (
    Contrasts,
    ContrastSums,
    column_correlations,
    contrast_sums,
    weighted_contrasts,
)
from ._linear import LinearEffects, adjusted, linear_effects, moderated, n_exchanges, overall_p_value, with_blocks
from ._novelty import MIN_HELD_OUT, Look, Novelty, calibrate, kept_scores, usual_looks, where
from ._shared import Together, common_excess, shared_axes, shift_agreement
from ._transfer import transfer_labels

__all__ = [
    "MIN_HELD_OUT",
    "Along",
    "Company",
    "ContrastSums",
    "Contrasts",
    "LinearEffects",
    "Look",
    "Novelty",
    "Together",
    "adjusted",
    "calibrate",
    "change_along",
    "column_correlations",
    "common_excess",
    "contrast_sums",
    "kept_scores",
    "linear_effects",
    "moderated",
    "n_exchanges",
    "overall_p_value",
    "periodic_basis",
    "shared_axes",
    "shift_agreement",
    "spline_basis",
    "transfer_labels",
    "usual_looks",
    "weighted_contrasts",
    "where",
    "with_blocks",
]
