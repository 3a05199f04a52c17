"""The neurons of the structured layer: how they answer, and the noise that fixes their scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import nn

from .._checks import require_choice
from ..graphs import localising_filter
from ._linear import linear
from ._noise import as_noise
from ._penalty import graph_adjacency

if TYPE_CHECKING:
    import networkx as nx
    from numpy.typing import ArrayLike
    from scipy import sparse
    from torch import Generator, Tensor

    from ._noise import Noise
    from ._penalty import HasAdjacency

Activation = Literal["simplex", "heat", "wavelet", "relu", "linear"]

# Standard deviation of the noise on activations of about unit variance; see `GraphLayer`.
NOISE: dict[Activation, float] = {"simplex": 0.015, "heat": 0.015, "wavelet": 0.05, "relu": 0.5, "linear": 0.5}
# Below it a filtered share counts as this: a root has no gradient at zero.
_LEAST_SHARE = 1e-12


class GraphLayer(nn.Module):
    """A layer of neurons that can sit on a graph, for any network.

    Without a fix for scale a smoothness penalty is met by shrinking the activations.
    The squares of simplex units sum to one, so that the activations of every observation have the same length; all units
    receive Gaussian noise before they are read during training, so that shrinking costs accuracy.

    Parameters
    ----------
    n_inputs
        Number of inputs.
    n_neurons
        Number of neurons.
    activation
        `"simplex"`: roots of a softmax over the neurons; an observation is a distribution over the map, its squared
        activations, which gives local patches.
        `"heat"`, `"wavelet"`: the simplex passed through a localising filter of the graph, so that every neuron has a
        receptive field of its own form there; see :func:`gsr_sc.graphs.localising_filter`.
        `"relu"`: rectified. `"linear"`: as published, smooth gradients over the whole layer.
    graph
        What `"heat"` and `"wavelet"` spread on, in any form that :class:`~gsr_sc.nn.GraphSpectralPenalty` takes.
    filter_time
        How far they reach: about sqrt(2 t) steps on a grid.
    unit_length
        Whether `"simplex"` and `"heat"` units have unit length instead of unit sum. Their Dirichlet energy is then
        their Rayleigh quotient, and a weakly lit neuron tells the next layer more.
    noise
        Standard deviation of the noise (on the scale below); by default .5 for rectified and linear units, .015 for units
        of fixed length and .05 for a simplex of fixed sum.
    generator
        Source of the initial weights; torch's global one by default.

    Notes
    -----
    The next layer reads sqrt(n_neurons) times the simplex, so that its weights see inputs of about unit variance.

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
        unit_length: bool = True,
        noise: float | None = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        require_choice("activation", activation, get_args(Activation))
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
        # A wavelet has a negative surround.
        self.unit_length = unit_length and activation in ("simplex", "heat")
        usual = NOISE["wavelet"] if self.competitive and not self.unit_length else NOISE[activation]
        self.noise = usual if noise is None else noise
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
        if not self.competitive:
            return torch.relu(logits) if self.activation == "relu" else logits
        if self.unit_length and self.activation == "simplex":
            # A softmax is the square of another at half the drive; this one has a gradient where it underflows.
            return torch.exp(torch.log_softmax(logits, dim=-1) / 2) * self.scale
        shares = torch.softmax(logits, dim=-1)
        if self.activation != "simplex":
            shares = shares @ self.filter.to(shares.dtype)
        return (shares.clamp_min(_LEAST_SHARE).sqrt() if self.unit_length else shares) * self.scale

    def to_units(self, activations: Tensor) -> Tensor:
        """Activations as the next layer reads them, from activations as users see them, (batch, n_neurons)."""
        if self.unit_length:
            activations = activations / activations.norm(dim=-1, keepdim=True).clamp_min(_LEAST_SHARE)
        return activations * self.scale

    def to_activations(self, units: Tensor) -> Tensor:
        """Activations as users see them, whatever the number of neurons, from activations as the next layer reads them."""
        return units / self.scale

    def perturb(self, units: Tensor, generator: Generator | Noise | None = None) -> Tensor:
        """Add the noise, while the layer is in training mode."""
        if not self.training or self.noise == 0:
            return units
        return torch.add(units, as_noise(generator).normal(units), alpha=self.noise)

    def forward(self, inputs: Tensor, generator: Generator | Noise | None = None) -> Tensor:
        """Return noisy activations in training mode, clean ones otherwise, (batch, n_neurons)."""
        return self.perturb(self.units(self.logits(inputs)), generator)
