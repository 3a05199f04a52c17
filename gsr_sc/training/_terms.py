"""What a batch costs beside reconstruction and roughness: distance from the annealed map or places on it, and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from ..nn import GraphAutoencoder
    from ..nn._autoencoder import Hidden, Pass
    from ._batch import Batch


def start_loss(network: GraphAutoencoder, passed: Pass | Hidden, batch: Batch) -> Tensor:
    """Distance of the layer from the annealed map, a scalar; zero where it is not asked for."""
    if batch.targets is None:
        return torch.zeros((), device=passed.units.device)
    target = batch.targets.to(passed.units.device)
    if network.layer.competitive:
        return functional.cross_entropy(passed.logits, target)
    # Scaled to unit mean square, which is what the noise on these units is set for.
    aim = target / target.square().mean().sqrt().clamp_min(1e-6)
    return functional.mse_loss(passed.units, aim)


class Hold:
    """Holds rows where the annealed map places them.

    A picture can grow wider, narrower or lopsided and stay at its place. What else cells do can be told by that, and need not be
    told by moving them along the order.

    Parameters
    ----------
    places
        Coordinates of the neurons, (n_neurons, n), whose mean over a picture is its place.
    circular
        Whether the direction of the mean alone is the place: its length tells how wide the picture is.
    """

    def __init__(self, places: Tensor, *, circular: bool) -> None:
        self.places = places
        self.circular = circular

    def __call__(self, passed: Pass | Hidden, batch: Batch) -> Tensor:
        """Mean squared distance from those places, a scalar; zero where there is no annealed map."""
        if batch.targets is None:
            return torch.zeros((), device=passed.units.device)
        places = self.places.to(passed.logits)
        is_at = torch.softmax(passed.logits, dim=-1) @ places
        belongs = batch.targets.to(places) @ places
        if self.circular:
            length = belongs.norm(dim=1, keepdim=True)
            is_at = is_at * (length / is_at.norm(dim=1, keepdim=True).clamp_min(1e-6))
        return (is_at - belongs).square().sum(dim=1).mean()


def label_loss(passed: Pass | Hidden, batch: Batch) -> Tensor:
    """Cross-entropy of the labels of the rows that have one, a scalar; zero where none has."""
    if batch.labels is None or passed.label_logits is None or not (batch.labels >= 0).any():
        return torch.zeros((), device=passed.units.device)
    return functional.cross_entropy(passed.label_logits, batch.labels.to(passed.units.device), ignore_index=-1)
