"""The neurons of the structured layer: how they answer, and the noise that fixes their scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import nn

from ..graphs import localising_filter
from ._linear import linear
from ._penalty import graph_adjacency

if TYPE_CHECKING:
    import networkx as nx
    from numpy.typing import ArrayLike
    from scipy import sparse
    from torch import Generator, Tensor

    from ._penalty import HasAdjacency

Activation = Literal["simplex", "heat", "wavelet", "relu", "linear"]

# Standard deviation of the noise on activations of about unit variance; see `GraphLayer`.
NOISE: dict[Activation, float] = {"simplex": 0.05, "heat": 0.05, "wavelet": 0.05, "relu": 0.5, "linear": 0.5}


class GraphLayer(nn.Module):
    """A layer of neurons that can sit on a graph, for any network.

    Without a fix for scale a smoothness penalty is met by shrinking the activations.
    Simplex units sum to one; all units receive Gaussian noise before they are read during training,
    so that shrinking costs accuracy.

    Parameters
    ----------
    n_inputs
        Number of inputs.
    n_neurons
        Number of neurons.
    activation
        `"simplex"`: softmax over the neurons, an observation is a distribution over the map, which gives local patches.
        `"heat"`, `"wavelet"`: the simplex passed through a localising filter of the graph, so that every neuron has a
        receptive field of its own form there; see :func:`gsr_sc.graphs.localising_filter`.
        `"relu"`: rectified. `"linear"`: as published, smooth gradients over the whole layer.
    graph
        What `"heat"` and `"wavelet"` spread on, in any form that :class:`~gsr_sc.nn.GraphSpectralPenalty` takes.
    filter_time
        How far they reach: about sqrt(2 t) steps on a grid.
    noise
        Standard deviation of the noise; by default .5 for rectified and linear units, and .05 (on the scale below) for
        simplex units, filtered or not.
    generator
        Source of the initial weights; torch's global one by default.

    Notes
    -----
    The next layer reads sqrt(n_neurons) times the (filtered) simplex, so that its weights see inputs of about unit variance.

    Examples
    --------
    >>> import torch, gsr_sc
    >>> layer = gsr_sc.nn.GraphLayer(16, 9)
    >>> activations = layer(torch.randn(5, 16))
    >>> activations.shape
    torch.Size([5, 9])
    """

    filter: Tensor

    def __init__(
        self,
        n_inputs: int,
        n_neurons: int,
        *,
        activation: Activation = "simplex",
        graph: HasAdjacency | nx.Graph[Any] | ArrayLike | sparse.sparray | None = None,
        filter_time: float = 1.0,
        noise: float | None = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if activation not in get_args(Activation):
            msg = f"`activation` is {activation!r}; units are one of {list(get_args(Activation))}."
            raise ValueError(msg)
        if activation in ("heat", "wavelet"):
            if graph is None:
                msg = f"`activation={activation!r}` filters on a graph; pass it as `graph`."
                raise ValueError(msg)
            matrix = torch.from_numpy(localising_filter(graph_adjacency(graph), activation, time=filter_time)).float()
            if len(matrix) != n_neurons:
                msg = f"`graph` has {len(matrix)} neurons, but `n_neurons` is {n_neurons}."
                raise ValueError(msg)
            # Made from the graph at every start, so not among the weights.
            self.register_buffer("filter", matrix, persistent=False)
        self.activation = activation
        self.noise = NOISE[activation] if noise is None else noise
        self.scale = math.sqrt(n_neurons) if self.competitive else 1.0
        self.linear = linear(n_inputs, n_neurons, generator)

    @property
    def competitive(self) -> bool:
        """Whether the neurons share one softmax."""
        return self.activation in ("simplex", "heat", "wavelet")

    def logits(self, inputs: Tensor) -> Tensor:
        """Drive of each neuron before its unit, (batch, n_neurons)."""
        drive: Tensor = self.linear(inputs)
        return drive

    def units(self, logits: Tensor) -> Tensor:
        """Activations as the next layer reads them without noise, (batch, n_neurons)."""
        if self.competitive:
            simplex = torch.softmax(logits, dim=-1) * self.scale
            return simplex if self.activation == "simplex" else simplex @ self.filter.to(simplex.dtype)
        return torch.relu(logits) if self.activation == "relu" else logits

    def perturb(self, units: Tensor, generator: Generator | None = None) -> Tensor:
        """Add the noise, while the layer is in training mode."""
        if not self.training or self.noise == 0:
            return units
        noise = torch.empty_like(units).normal_(0, self.noise, generator=generator)
        return units + noise

    def forward(self, inputs: Tensor, generator: Generator | None = None) -> Tensor:
        """Return noisy activations in training mode, clean ones otherwise, (batch, n_neurons)."""
        return self.perturb(self.units(self.logits(inputs)), generator)
