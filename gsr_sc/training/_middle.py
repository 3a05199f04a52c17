"""The structured layer and all that is asked of it, forward and back: the usual units by hand, others by autograd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

from ..nn import GraphSpectralPenalty

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

    from ..nn import GraphAutoencoder
    from ..nn._autoencoder import Hidden
    from ..nn._noise import Noise
    from ._batch import Batch

    Others = Callable[[Batch, Hidden], Sequence[Tensor]]


class Middle(Protocol):
    """What lies between encoder and decoder."""

    parameters: list[Tensor]

    def forward(self, logits: Tensor, batch: Batch, noise: Noise) -> Tensor:
        """What the decoder reads, (batch, n_neurons), from the drive of the neurons, (batch, n_neurons)."""
        ...

    def back(self, slope: Tensor, factors: Sequence[float]) -> tuple[list[float], Tensor, list[Tensor]]:
        """Losses, and gradients of their weighted sum by the drive and by `parameters`.

        Parameters
        ----------
        slope
            Gradient of whatever else there is by what the decoder reads; overwritten.
        factors
            Weights of roughness, start and labels.
        """
        ...


def middle_of(network: GraphAutoencoder, penalty: nn.Module, others: Others, *, held: bool) -> Middle:
    """The fastest way, which is a twelfth of a step: operations this small cost more to call than to do.

    Parameters
    ----------
    network, penalty
        What is trained.
    others
        From a batch and what the layer gives to roughness, start and labels.
    held
        Whether the start may be another loss than the usual one.
    """
    layer = network.layer
    usual = layer.activation == "simplex" and layer.unit_length and network.head is None and not held
    # No class made from it, which may do something else.
    if usual and type(penalty) is GraphSpectralPenalty and (penalty.measure, penalty.dim) == ("dirichlet", -1):
        return Simplex(network, penalty.operator)
    return ByAutograd(network, others)


class ByAutograd:
    """Any units, penalty and losses."""

    def __init__(self, network: GraphAutoencoder, others: Others) -> None:
        self.network, self.others = network, others
        self.parameters = [] if network.head is None else list[torch.Tensor](network.head.parameters())

    def forward(self, logits: Tensor, batch: Batch, noise: Noise) -> Tensor:
        """As of :class:`Middle`."""
        self._hidden = self.network.respond(logits.detach().requires_grad_(), noise)
        self._losses = self.others(batch, self._hidden)
        return self._hidden.noisy.detach()

    def back(self, slope: Tensor, factors: Sequence[float]) -> tuple[list[float], Tensor, list[Tensor]]:
        """As of :class:`Middle`."""
        # A loss without a weight needs no gradient.
        counted = [
            (loss, factor) for loss, factor in zip(self._losses, factors, strict=True) if factor and loss.requires_grad
        ]
        by_logits, *others = torch.autograd.grad(
            [self._hidden.noisy, *(loss for loss, _ in counted)],
            [self._hidden.logits, *self.parameters],
            [slope, *(torch.full_like(loss, factor) for loss, factor in counted)],
            materialize_grads=True,
        )
        return [float(loss.detach()) for loss in self._losses], by_logits, others


class Simplex:
    """Simplex units of unit length, their Dirichlet energy and their cross-entropy to the annealed map."""

    def __init__(self, network: GraphAutoencoder, operator: Tensor) -> None:
        self.layer, self.operator = network.layer, operator
        self.parameters: list[Tensor] = []

    def forward(self, logits: Tensor, batch: Batch, noise: Noise) -> Tensor:
        """As of :class:`Middle`."""
        self._logs, self._targets = torch.log_softmax(logits, dim=-1), batch.targets
        self._units = (self._logs / 2).exp_().mul_(self.layer.scale)
        return self.layer.perturb(self._units, noise)

    def back(self, slope: Tensor, factors: Sequence[float]) -> tuple[list[float], Tensor, list[Tensor]]:
        """As of :class:`Middle`."""
        (roughness, pull, _), targets, n_rows = factors, self._targets, len(slope)
        across = self._units @ self.operator
        losses = [_dot(across, self._units) / n_rows, 0.0, 0.0]
        # By the logarithms of shares, of which units are the exponentials of halves.
        by_logs = slope.add_(across, alpha=2 * roughness / n_rows).mul_(self._units).mul_(0.5)
        if targets is not None:
            losses[1] = -_dot(targets, self._logs) / n_rows
            by_logs.sub_(targets, alpha=pull / n_rows)
        shares = self._logs.exp()
        return losses, by_logs.addcmul_(shares, by_logs.sum(dim=1, keepdim=True), value=-1), []


def _dot(one: Tensor, other: Tensor) -> float:
    return float(one.view(-1) @ other.view(-1))
