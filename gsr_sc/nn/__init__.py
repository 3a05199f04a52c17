"""Building blocks in torch, for anyone's network: the structured layer, its penalty, losses, the autoencoder."""

from __future__ import annotations

from ._activity import ActivityPenalty
from ._autoencoder import GraphAutoencoder
from ._learned import LearnedGraphPenalty
from ._likelihoods import BernoulliLoss, GaussianLoss, NegativeBinomialLoss, PoissonLoss
from ._penalty import GraphSpectralPenalty
from ._units import GraphLayer

__all__ = [
    "ActivityPenalty",
    "BernoulliLoss",
    "GaussianLoss",
    "GraphAutoencoder",
    "GraphLayer",
    "GraphSpectralPenalty",
    "LearnedGraphPenalty",
    "NegativeBinomialLoss",
    "PoissonLoss",
]
