"""What makes a map good, measured on plain arrays; knows numpy, scipy, pandas and scikit-learn only."""

from __future__ import annotations

from ._labels import indicator_auroc, indicator_auroc_per_label, knn_purity
from ._order import circular_concordance, order_agreement
from ._reconstruction import explained_variance
from ._seeds import SeedAgreement, seed_agreement
from ._smoothness import dirichlet_energy, moran_i, topographic_error
from ._use import constant_neurons, dead_neurons

__all__ = [
    "SeedAgreement",
    "circular_concordance",
    "constant_neurons",
    "dead_neurons",
    "dirichlet_energy",
    "explained_variance",
    "indicator_auroc",
    "indicator_auroc_per_label",
    "knn_purity",
    "moran_i",
    "order_agreement",
    "seed_agreement",
    "topographic_error",
]
