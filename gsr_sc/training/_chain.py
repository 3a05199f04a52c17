"""Linear layers with rectifiers between them, forward and back by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from ..nn._products import affine, residual

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from ..nn._noise import Noise

# Rows go in so many pieces, each by a thread if there is one, whatever the number of threads, so that this changes no bit.
_PIECES = 2


class Chain:
    """Layers of which each reads what the one before gives, rectified; the last one reads it thinned, too.

    Parameters
    ----------
    layers
        Two or more. Their weights are read anew for each batch, in the memory where they are now.
    gradients
        Where those of their weights and biases are written to, by the `id` of each.
    """

    def __init__(self, layers: Sequence[nn.Linear], gradients: Mapping[int, Tensor]) -> None:
        self.layers = layers
        self._gradients = [(gradients[id(layer.weight)], gradients[id(layer.bias)]) for layer in layers]

    def begin(self, inputs: Tensor, noise: Noise, dropout: float, *, less: Tensor | None = None) -> list[Part]:
        """Start with a batch, in pieces.

        Parameters
        ----------
        inputs
            What the first layer reads, (batch, n_inputs).
        noise, dropout
            Of what the last layer reads.
        less
            Taken off the output, (batch, n_outputs); may be written over.
        """
        n_rows = len(inputs)
        kept = noise.kept(inputs.new_empty(1).expand(n_rows, self.layers[-1].in_features), dropout)
        return [
            Part(self.layers, inputs[part], None if kept is None else kept[part], None if less is None else less[part])
            for part in pieces(n_rows)
        ]

    def learn(self, parts: Sequence[Part], factor: float = 1.0) -> None:
        """Fill the gradients, times a factor, when all rows are back."""
        first, *others = parts
        for at, (weight, bias) in enumerate(self._gradients):
            torch.mul(affine(first.slopes[at].t(), first.read[at].t()), factor, out=weight)
            torch.mul(first.slopes[at].sum(dim=0), factor, out=bias)
            for part in others:
                weight.add_(affine(part.slopes[at].t(), part.read[at].t()), alpha=factor)
                bias.add_(part.slopes[at].sum(dim=0), alpha=factor)


def pieces(n_rows: int) -> list[slice]:
    """Which rows of a batch go together."""
    n_pieces = min(n_rows, _PIECES)
    return [slice(*ends) for ends in pairwise(n_rows * at // n_pieces for at in range(n_pieces + 1))]


class Part:
    """Rows of a batch on their way through a chain.

    Parameters
    ----------
    layers
        Of the chain.
    inputs, kept, less
        What the first layer reads, factors of what the last one reads, and what is taken off the output; of these rows.

    Attributes
    ----------
    read
        What each layer reads, (n_rows, n_inputs) each.
    output
        Of the last layer, (n_rows, n_outputs).
    slopes
        How a loss changes with the output of each layer, (n_rows, n_outputs) each.
    """

    def __init__(self, layers: Sequence[nn.Linear], inputs: Tensor, kept: Tensor | None, less: Tensor | None) -> None:
        # These share memory with what is trained, and know of no autograd.
        self._weights = [layer.weight.detach() for layer in layers]
        self._biases = [layer.bias.detach() for layer in layers]
        self._thinned, self._less = kept, less
        self.read = [inputs]

    def forward(self) -> None:
        """Fill `read` and `output`."""
        *steps, (weight, bias) = zip(self._weights, self._biases, strict=True)
        for to_hidden, shift in steps:
            self.read.append(affine(self.read[-1], to_hidden, shift, rectified=True))
        if self._thinned is not None:
            self.read[-1].mul_(self._thinned)
        last = self.read[-1]
        self.output = affine(last, weight, bias) if self._less is None else residual(last, weight, bias, self._less)

    def back(self, slope: Tensor) -> None:
        """Fill `slopes`, of which the last is given."""
        self.slopes, thinned = [slope], self._thinned
        for weight, read in zip(self._weights[:0:-1], self.read[:0:-1], strict=True):
            slope = affine(slope, weight.t())
            if thinned is not None:
                slope.mul_(thinned)
            thinned = None
            # Nought where the rectifier gave nought, in half the time of asking for each value.
            slope.mul_(read.sign())
            self.slopes.insert(0, slope)

    def to_inputs(self) -> Tensor:
        """How the loss changes with the inputs, when it is back, (n_rows, n_inputs)."""
        return affine(self.slopes[0], self._weights[0].t())
