"""Linear layers with rectifiers between them, forward and back by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from ..nn._noise import Noise

# Rows go in so many pieces, each by a thread if there is one, whatever the number of threads, so that this changes no bit.
_PIECES = 2
# Lengths of batches in an epoch.
_LENGTHS = 2


class Chain:
    """Layers of which each reads what the one before gives, rectified; the last one reads it thinned, too.

    Every product is made once, into arrays that are kept from batch to batch and cut beforehand: to cut one takes as long as to
    work on a small one.

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
        self._kept: dict[int, tuple[Part, list[tuple[slice, Part]], Tensor]] = {}

    def begin(
        self, inputs: Tensor, noise: Noise, dropout: float, *, less: Tensor | None = None, factor: float = 1.0
    ) -> tuple[Part, list[Part]]:
        """Start with a batch: all its rows, and the same in pieces.

        Parameters
        ----------
        inputs
            What the first layer reads, (batch, n_inputs).
        noise, dropout
            Of what the last layer reads.
        less
            Taken off the output, (batch, n_outputs), which is written over it.
        factor
            Of the last slope: multiplied with it in products, rather than in a pass over what is as wide as the data.
        """
        n_rows = len(inputs)
        if n_rows not in self._kept:
            while len(self._kept) >= _LENGTHS:
                del self._kept[min(self._kept)]
            widths = [layer.out_features for layer in self.layers]
            arrays = [torch.empty(n_rows, width) for width in [*widths, *widths[:-1]]]
            rows = [slice(*ends) for ends in pairwise(n_rows * at // _PIECES for at in range(_PIECES + 1))]
            pieces = [(each, Part(self.layers, [array[each] for array in arrays])) for each in rows]
            self._kept[n_rows] = Part(self.layers, arrays), pieces, torch.ones(n_rows)
        whole, pieces, self._ones = self._kept[n_rows]
        kept = noise.kept(whole.read[-1], dropout)
        whole.take(inputs, kept, less, factor)
        for part, piece in pieces:
            piece.take(inputs[part], None if kept is None else kept[part], None if less is None else less[part], factor)
        return whole, [piece for _, piece in pieces]

    def learn(self, whole: Part) -> None:
        """Fill the gradients, when all rows are back."""
        for read, slope, factor, (weight, bias) in zip(
            whole.read, whole.slopes, whole.factors, self._gradients, strict=True
        ):
            weight.addmm_(slope.t(), read, beta=0, alpha=factor)
            # In half the time of a sum over rows.
            bias.addmv_(slope.t(), self._ones, beta=0, alpha=factor)


class Part:
    """Rows of a batch on their way through a chain.

    Parameters
    ----------
    layers
        Of the chain.
    arrays
        Memory for the output of each layer, and for the slopes of each but the last.

    Attributes
    ----------
    read
        What each layer reads, (n_rows, n_inputs) each.
    output
        Of the last layer, (n_rows, n_outputs).
    slopes
        How a loss changes with the output of each layer, (n_rows, n_outputs) each. The last one is given, and the others
        follow from it; by default it is the output, such as a residual.
    factors
        Of these slopes.
    """

    def __init__(self, layers: Sequence[nn.Linear], arrays: Sequence[Tensor]) -> None:
        n_layers = len(layers)
        # These share memory with what is trained, and know of no autograd.
        self._weights = [layer.weight.detach() for layer in layers]
        self._transposed = [weight.t() for weight in self._weights]
        self._biases = [layer.bias.detach() for layer in layers]
        self._output, self._slopes = arrays[n_layers - 1], arrays[n_layers:]
        self.read = [self._output, *arrays[: n_layers - 1]]

    def take(self, inputs: Tensor, kept: Tensor | None, less: Tensor | None, factor: float) -> None:
        """Begin with new rows; see :meth:`Chain.begin`."""
        self.read[0], self._thinned, self._less = inputs, kept, less
        self.output = self._output if less is None else less
        self.slopes = [*self._slopes, self.output]
        self.factors = [*(1.0 for _ in self._slopes), factor]

    def forward(self) -> None:
        """Fill `read` and `output`."""
        *steps, (last, weight, bias) = zip(self.read, self._transposed, self._biases, strict=True)
        for (read, to_hidden, shift), after in zip(steps, self.read[1:], strict=True):
            torch.addmm(shift, read, to_hidden, out=after).relu_()
        if self._thinned is not None:
            last.mul_(self._thinned)
        if self._less is None:
            torch.addmm(bias, last, weight, out=self.output)
        else:
            self._less.sub_(bias).addmm_(last, weight, beta=-1)

    def back(self) -> None:
        """Fill `slopes` but for the last."""
        thinned = self._thinned
        for at in range(len(self._slopes), 0, -1):
            slope = self._slopes[at - 1].addmm_(self.slopes[at], self._weights[at], beta=0, alpha=self.factors[at])
            if thinned is not None:
                slope.mul_(thinned)
            thinned = None
            # Nought where the rectifier gave nought, in half the time of asking for each value.
            slope.mul_(self.read[at].sign())

    def to_inputs(self) -> Tensor:
        """How the loss changes with the inputs, when it is back, (n_rows, n_inputs)."""
        return self.slopes[0] @ self._weights[0]
