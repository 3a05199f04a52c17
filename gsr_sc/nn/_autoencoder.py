"""Encoder, a layer of neurons on a graph, decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from ._likelihoods import LikelihoodKind, make_likelihood
from ._linear import linear, perceptron
from ._noise import as_noise, thinned
from ._units import Activation, GraphLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Generator, Tensor

    from ._noise import Noise
    from ._penalty import HasAdjacency


class Hidden(NamedTuple):
    """What the structured layer gives.

    Attributes
    ----------
    logits, units, label_logits
        As of a :class:`Pass`.
    noisy
        What the decoder reads, (batch, n_neurons).
    """

    logits: Tensor
    units: Tensor
    noisy: Tensor
    label_logits: Tensor | None


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
    label_logits
        Evidence for each label, (batch, n_labels), or None where there are no labels.
    """

    logits: Tensor
    units: Tensor
    reconstruction: Tensor
    label_logits: Tensor | None = None


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
    unit_length, noise
        How its units are read; see :class:`~gsr_sc.nn.GraphLayer`.
    likelihood
        What the output means, and which of the losses of :mod:`gsr_sc.nn` the network keeps as `likelihood`:
        `"gaussian"`, `"nb"`, `"poisson"` or `"bernoulli"`.
    n_conditions
        Number of known properties of an observation, such as batches one-hot encoded, that encoder and decoder are told
        beside the inputs and beside the activations, so that the structured layer need not hold them.
    n_labels
        Number of labels that are read from the structured layer beside the reconstruction.
    dropout
        Share of the units of the last layer before and behind the structured one that are off in a training step.
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
        unit_length: bool = True,
        noise: float | None = None,
        likelihood: LikelihoodKind = "gaussian",
        n_conditions: int = 0,
        n_labels: int = 0,
        dropout: float = 0.0,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.likelihood = make_likelihood(likelihood, n_inputs)
        widths = [n_inputs + n_conditions, *hidden]
        widths_back = [n_neurons + n_conditions, *(reversed(hidden) if hidden_decoder is None else hidden_decoder)]
        self.encoder = perceptron(widths, generator)
        self.layer = GraphLayer(
            widths[-1],
            n_neurons,
            activation=activation,
            graph=graph,
            filter_time=filter_time,
            unit_length=unit_length,
            noise=noise,
            generator=generator,
        )
        self.decoder = perceptron(widths_back, generator)
        self.output = linear(widths_back[-1], n_inputs, generator)
        self.offset = nn.Parameter(torch.zeros(n_conditions, n_inputs)) if n_conditions else None
        self.usual: Tensor | None
        self.register_buffer("usual", torch.zeros(n_conditions) if n_conditions else None)
        self.head = linear(n_neurons, n_labels, generator) if n_labels else None

    def forward(
        self, inputs: Tensor, generator: Generator | Noise | None = None, conditions: Tensor | None = None
    ) -> Pass:
        """Encode, perturb (in training mode) and decode.

        Parameters
        ----------
        inputs
            (batch, n_inputs).
        generator
            Source of the noise; torch's global one by default.
        conditions
            (batch, n_conditions); by default the usual ones, see :meth:`initialise_conditions`.
        """
        noise = as_noise(generator)
        read = self._thinned(self.encoder(self.told(inputs, conditions)), noise)
        hidden = self.respond(self.layer.logits(read), noise)
        output = self._offset(self.output(self._decoded(hidden.noisy, conditions, noise)), conditions)
        return Pass(hidden.logits, hidden.units, output, hidden.label_logits)

    def respond(self, logits: Tensor, noise: Noise) -> Hidden:
        """All that lies between the encoder and the decoder.

        Parameters
        ----------
        logits
            Drive of each neuron, (batch, n_neurons).
        noise
            Added to the activations in training mode.
        """
        units = self.layer.units(logits)
        noisy = self.layer.perturb(units, noise)
        return Hidden(logits, units, noisy, None if self.head is None else self.head(noisy))

    def encode(self, inputs: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Activations as users see them: simplex units have unit length, (batch, n_neurons)."""
        logits = self.layer.logits(self.encoder(self.told(inputs, conditions)))
        return self.layer.to_activations(self.layer.units(logits))

    def label_logits(self, activations: Tensor) -> Tensor:
        """Evidence for each label from activations as users see them, (batch, n_labels).

        Raises
        ------
        ValueError
            If the network was made without labels.
        """
        if self.head is None:
            msg = "This network has no labels; make it with `n_labels`."
            raise ValueError(msg)
        logits: Tensor = self.head(self.layer.to_units(activations))
        return logits

    def decode(self, activations: Tensor) -> Tensor:
        """Expected values, shares of all counts, or probabilities, from activations as users see them, (batch, n_inputs)."""
        return self.likelihood.mean(self.output_of(activations))

    def effects(self, activations: Tensor) -> Tensor:
        """What differences are taken of: values, log shares or log odds, (batch, n_inputs)."""
        return self.likelihood.natural(self.output_of(activations))

    def output_of(self, activations: Tensor) -> Tensor:
        """Output of the last layer from activations as users see them, under the usual conditions, (batch, n_inputs)."""
        return self._offset(self.output(self._decoded(self.layer.to_units(activations), None)), None)

    def initialise_output(self, mean: Tensor) -> None:
        """Start the decoder at the mean of what is to be explained, (n_inputs,)."""
        with torch.no_grad():
            self.output.bias.copy_(self.likelihood.output_of(mean))

    def initialise_conditions(self, usual: Tensor, offset: Tensor) -> None:
        """Set what holds where no conditions are given, (n_conditions,), and start their effects, (n_conditions, n_inputs).

        Raises
        ------
        ValueError
            If the network was made without conditions.
        """
        if self.offset is None or self.usual is None:
            msg = "This network knows no conditions; make it with `n_conditions`."
            raise ValueError(msg)
        with torch.no_grad():
            self.usual.copy_(usual)
            self.offset.copy_(offset)

    def told(self, values: Tensor, conditions: Tensor | None) -> Tensor:
        """Values with the conditions beside them, as the first layers of encoder and decoder read them."""
        return values if self.usual is None else torch.cat([values, self.conditions_of(values, conditions)], dim=1)

    def conditions_of(self, values: Tensor, conditions: Tensor | None) -> Tensor:
        """The given conditions, or the usual ones for each row of some values, (batch, n_conditions)."""
        if conditions is not None:
            return conditions
        return values.new_zeros(len(values), 0) if self.usual is None else self.usual.expand(len(values), -1)

    def _decoded(self, units: Tensor, conditions: Tensor | None, noise: Noise | None = None) -> Tensor:
        return self._thinned(self.decoder(self.told(units, conditions)), noise)

    def _offset(self, output: Tensor, conditions: Tensor | None) -> Tensor:
        return output if self.offset is None else output + self.conditions_of(output, conditions) @ self.offset

    def _thinned(self, hidden: Tensor, noise: Noise | None) -> Tensor:
        return thinned(hidden, self.dropout, noise) if self.training else hidden
