"""The penalty on a graph that is learned from the activations it is put on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..graphs._learned import check_kernel, coactivation_adjacency
from ._penalty import GraphSpectralPenalty

if TYPE_CHECKING:
    from scipy import sparse
    from torch import Tensor

    from ..graphs._laplacian import LaplacianKind
    from ..graphs._learned import CoactivationKernel
    from ._penalty import Measure


class LearnedGraphPenalty(GraphSpectralPenalty):
    """Dirichlet energy on a graph that ties those neurons that act together, for any network.

    Every activation that the penalty is asked about in training mode enters a running memory of co-activations
    (means and covariances, older observations forgotten exponentially). :meth:`refresh` makes the graph from the memory;
    until it is called for the first time there are no ties and the penalty is zero.

    Parameters
    ----------
    n_neurons
        Number of neurons.
    kernel, n_neighbors
        How co-activation becomes a tie; see :func:`gsr_sc.graphs.learned`.
    power
        What activations are raised to before they are compared: 2 for activations of unit length, which are roots of
        shares, and have longer tails.
    memory
        Number of observations after which the weight of an older one has fallen to 1/e; None forgets nothing.
    laplacian, measure, dim
        As of :class:`~gsr_sc.nn.GraphSpectralPenalty`.

    Raises
    ------
    ValueError
        If an option is unknown or out of range.

    Examples
    --------
    >>> import torch, gsr_sc
    >>> penalty = gsr_sc.nn.LearnedGraphPenalty(4, n_neighbors=1)
    >>> activations = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    >>> float(penalty(activations))
    0.0
    >>> penalty.refresh().toarray().tolist()
    [[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]]
    """

    adjacency: Tensor
    mass: Tensor
    mean: Tensor
    covariance: Tensor

    def __init__(
        self,
        n_neurons: int,
        *,
        kernel: CoactivationKernel = "adaptive",
        n_neighbors: int | None = None,
        power: float = 1.0,
        memory: float | None = None,
        laplacian: LaplacianKind = "unnormalised",
        measure: Measure = "dirichlet",
        dim: int = -1,
    ) -> None:
        check_kernel(kernel, n_neighbors)
        if memory is not None and not memory > 0:
            msg = f"`memory` is {memory!r}; it is a number of observations above 0, or None to forget nothing."
            raise ValueError(msg)
        super().__init__(np.ones((n_neurons, n_neurons)), laplacian=laplacian, measure=measure, dim=dim)
        self.operator.zero_()
        self.kernel = kernel
        self.n_neighbors = n_neighbors
        self.power = power
        self.memory = memory
        self.register_buffer("adjacency", torch.zeros(n_neurons, n_neurons))
        self.register_buffer("mass", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(n_neurons))
        self.register_buffer("covariance", torch.zeros(n_neurons, n_neurons))

    @torch.no_grad()
    def observe(self, activations: Tensor) -> None:
        """Remember activations, of any shape with one entry per neuron along `dim`."""
        z = activations.detach().movedim(self.dim, -1).reshape(-1, len(self.mean))
        z = z.to(self.mean.dtype)
        z = z if self.power == 1 else z.clamp_min(0) ** self.power
        mean = z.mean(dim=0)
        centred = z - mean
        kept = self.mass if self.memory is None else self.mass * math.exp(-len(z) / self.memory)
        total = kept + len(z)
        apart = mean - self.mean
        # Centred at every step: differences of large squares would be lost in single precision.
        among = centred.T @ centred / len(z) + kept / total * torch.outer(apart, apart)
        self.covariance.lerp_(among, len(z) / total)
        self.mean.lerp_(mean, len(z) / total)
        self.mass.copy_(total)

    def refresh(self) -> sparse.csr_array:
        """Make the graph anew from what is remembered, and return its adjacency, (n_neurons, n_neurons)."""
        adjacency = coactivation_adjacency(
            self.covariance.cpu().numpy(), kernel=self.kernel, n_neighbors=self.n_neighbors
        )
        self.update(adjacency)
        self.adjacency.copy_(torch.from_numpy(adjacency.toarray()))
        return adjacency

    def forward(self, activations: Tensor) -> Tensor:
        """Return the mean energy on the graph of the last refresh, a scalar; in training mode, remember too.

        Parameters
        ----------
        activations
            Any shape with one entry per neuron along `dim`, such as (batch, n_neurons).
        """
        energy = super().forward(activations)
        if self.training:
            self.observe(activations)
        return energy

    def extra_repr(self) -> str:
        """Describe the options, for torch's `repr`."""
        return f"{super().extra_repr()}, kernel={self.kernel!r}, n_neighbors={self.n_neighbors}, memory={self.memory}"
