"""Encoder, a layer of neurons on a graph, decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from ._likelihoods import LikelihoodKind, make_likelihood
from ._linear import linear, perceptron
from ._units import Activation, GraphLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Generator, Tensor

    from ._penalty import HasAdjacency


class Pass(NamedTuple):
    """What one pass through the network gives.

    Attributes
    ----------
    logits
        Drive of each neuron, (batch, n_neurons).
    units
        Activations as the decoder reads them, without noise, (batch, n_neurons).
    reconstruction
        Decoded from the noisy activations in training mode, (batch, n_inputs): what the network's `likelihood` reads,
        such as values, log shares or log odds.
    """

    logits: Tensor
    units: Tensor
    reconstruction: Tensor


class GraphAutoencoder(nn.Module):
    """Autoencoder with a :class:`~gsr_sc.nn.GraphLayer` among its hidden layers, in the middle by default.

    Parameters
    ----------
    n_inputs
        Number of variables.
    n_neurons
        Number of neurons of the structured layer.
    hidden
        Widths of the hidden layers before the structured layer.
    hidden_decoder
        Widths of those behind it; by default `hidden` in reverse, which puts the structured layer in the middle.
        With other widths it can be any hidden layer: `hidden=(128, 10), hidden_decoder=(128,)` puts it behind a
        bottleneck of 10 units, `hidden=(128,), hidden_decoder=(10, 128)` before one.
    activation
        Units of the structured layer.
    graph, filter_time
        Of the units `"heat"` and `"wavelet"`; see :class:`~gsr_sc.nn.GraphLayer`.
    noise
        Noise on it; see :class:`~gsr_sc.nn.GraphLayer`.
    likelihood
        What the output means, and which of the losses of :mod:`gsr_sc.nn` the network keeps as `likelihood`:
        `"gaussian"`, `"nb"`, `"poisson"` or `"bernoulli"`.
    generator
        Source of the initial weights; torch's global one by default.

    Examples
    --------
    >>> import torch, gsr_sc
    >>> network = gsr_sc.nn.GraphAutoencoder(50, 16)
    >>> network(torch.randn(3, 50)).reconstruction.shape
    torch.Size([3, 50])
    """

    def __init__(
        self,
        n_inputs: int,
        n_neurons: int,
        *,
        hidden: Sequence[int] = (128, 128),
        hidden_decoder: Sequence[int] | None = None,
        activation: Activation = "simplex",
        graph: HasAdjacency | None = None,
        filter_time: float = 1.0,
        noise: float | None = None,
        likelihood: LikelihoodKind = "gaussian",
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.likelihood = make_likelihood(likelihood, n_inputs)
        widths = [n_inputs, *hidden]
        widths_back = [n_neurons, *(reversed(hidden) if hidden_decoder is None else hidden_decoder)]
        self.encoder = perceptron(widths, generator)
        self.layer = GraphLayer(
            widths[-1],
            n_neurons,
            activation=activation,
            graph=graph,
            filter_time=filter_time,
            noise=noise,
            generator=generator,
        )
        self.decoder = perceptron(widths_back, generator)
        self.output = linear(widths_back[-1], n_inputs, generator)

    def forward(self, inputs: Tensor, generator: Generator | None = None) -> Pass:
        """Encode, perturb (in training mode) and decode.

        Parameters
        ----------
        inputs
            (batch, n_inputs).
        generator
            Source of the noise; torch's global one by default.
        """
        logits = self.layer.logits(self.encoder(inputs))
        units = self.layer.units(logits)
        return Pass(logits, units, self.output(self.decoder(self.layer.perturb(units, generator))))

    def encode(self, inputs: Tensor) -> Tensor:
        """Activations as users see them: a simplex sums to one, (batch, n_neurons)."""
        activations: Tensor = self.layer.units(self.layer.logits(self.encoder(inputs))) / self.layer.scale
        return activations

    def decode(self, activations: Tensor) -> Tensor:
        """Expected values, shares of all counts, or probabilities, from activations as users see them, (batch, n_inputs)."""
        return self.likelihood.mean(self.output_of(activations))

    def effects(self, activations: Tensor) -> Tensor:
        """What differences are taken of: values, log shares or log odds, (batch, n_inputs)."""
        return self.likelihood.natural(self.output_of(activations))

    def output_of(self, activations: Tensor) -> Tensor:
        """Output of the last layer from activations as users see them, (batch, n_inputs)."""
        output: Tensor = self.output(self.decoder(activations * self.layer.scale))
        return output

    def initialise_output(self, mean: Tensor) -> None:
        """Start the decoder at the mean of what is to be explained, (n_inputs,)."""
        with torch.no_grad():
            self.output.bias.copy_(self.likelihood.output_of(mean))
