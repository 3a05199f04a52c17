"""Building blocks in torch, for anyone's network: the structured layer, its penalty, the autoencoder."""

from __future__ import annotations

from ._activity import ActivityPenalty
from ._autoencoder import GraphAutoencoder
from ._penalty import GraphSpectralPenalty
from ._units import GraphLayer

__all__ = ["ActivityPenalty", "GraphAutoencoder", "GraphLayer", "GraphSpectralPenalty"]
