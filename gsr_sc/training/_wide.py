"""Gradients for squared error on a CPU: the layers before and behind the structured one by hand, nine tenths of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ._chain import Chain, Part, pieces
from ._threads import in_pieces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from ..nn import GraphAutoencoder
    from ..nn._noise import Noise
    from ._batch import Batch
    from ._middle import Middle


class WideLayers:
    """A pass over a batch and back, for squared error on a CPU.

    Parameters
    ----------
    network
        Its weights are read anew at each step.
    middle
        What is between its encoder and its decoder.
    parameters, gradients
        What to differentiate by, and where the gradient of each is written to.
    """

    def __init__(
        self, network: GraphAutoencoder, middle: Middle, parameters: Sequence[Tensor], gradients: Sequence[Tensor]
    ) -> None:
        self.network, self._middle = network, middle
        into = {id(each): gradient for each, gradient in zip(parameters, gradients, strict=True)}
        self._before = Chain(_linear([*network.encoder, network.layer.linear]), into)
        self._behind = Chain(_linear([*network.decoder, network.output]), into)
        self._others = [into[id(each)] for each in middle.parameters]
        self._offset = None if network.offset is None else (network.offset.detach(), into[id(network.offset)])

    @staticmethod
    def suits(network: GraphAutoencoder, device: torch.device) -> bool:
        """Whether a network can be trained in this way; if not, autograd does the whole."""
        deep = len(network.encoder) > 0 and len(network.decoder) > 0
        return deep and network.likelihood.kind == "gaussian" and device.type == "cpu"

    def learn(
        self, batch: Batch, noise: Noise, factors: NDArray[np.float64], pool: ThreadPoolExecutor | None = None
    ) -> NDArray[np.float64]:
        """Fill the gradients of a weighted sum of losses, and return the losses, (4,).

        Parameters
        ----------
        batch
            What is learnt from. Where the encoder sees something else, the residual is written over its `inputs`.
        noise
            Of the hidden units and the activations.
        factors
            Weights of squared error, roughness, start and labels, (4,).
        pool
            A second thread, or None.
        """
        network, middle = self.network, self._middle
        seen, observed = (batch.inputs, batch.inputs.clone()) if batch.seen is None else (batch.seen, batch.inputs)
        if self._offset is not None:
            observed.addmm_(network.conditions_of(observed, batch.conditions), self._offset[0], alpha=-1)
        before = self._before.begin(network.told(seen, batch.conditions), noise, network.dropout)
        in_pieces(pool, Part.forward, before)
        noisy = middle.forward(torch.cat([part.output for part in before]), batch, noise)
        factor = 2 * float(factors[0]) / observed.numel()
        behind = self._behind.begin(network.told(noisy, batch.conditions), noise, network.dropout, less=observed)
        errors, slopes = zip(*in_pieces(pool, _there_and_back, behind), strict=True)

        def learn_before() -> list[float]:
            slope = torch.cat(slopes)[:, : noisy.shape[1]].mul_(factor)
            losses, slope, others = middle.back(slope, factors[1:].tolist())
            for into, gradient in zip(self._others, others, strict=True):
                into.copy_(gradient)
            for part, rows in zip(before, pieces(len(seen)), strict=True):
                part.back(slope[rows])
            self._before.learn(before)
            return losses

        def learn_behind() -> list[float]:
            self._behind.learn(behind, factor)
            if self._offset is not None:
                conditions = network.conditions_of(observed, batch.conditions)
                torch.mul(conditions.t() @ torch.cat([part.output for part in behind]), factor, out=self._offset[1])
            return [sum(errors) / observed.numel()]

        others, error = in_pieces(pool, lambda work: work(), [learn_before, learn_behind])
        return np.array(error + others)


def _there_and_back(part: Part) -> tuple[float, Tensor]:
    """Squared error of some rows, and how half of it changes with what the decoder reads."""
    part.forward()
    part.back(part.output)
    residuals = part.output.view(-1)
    return float(residuals @ residuals), part.to_inputs()


def _linear(modules: Sequence[nn.Module]) -> list[nn.Linear]:
    return [module for module in modules if isinstance(module, torch.nn.Linear)]
