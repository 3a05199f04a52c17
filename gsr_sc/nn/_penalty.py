"""The penalty that ties neighbouring neurons together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

import networkx as nx
import numpy as np
import torch
from scipy import sparse
from torch import nn

from .._checks import require_choice
from ..graphs import NeuronGraph
from ..graphs import laplacian as graph_laplacian

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor

    from ..graphs._laplacian import LaplacianKind

Measure = Literal["dirichlet", "rayleigh"]


@runtime_checkable
class HasAdjacency(Protocol):
    """Anything with an adjacency, such as a :class:`~gsr_sc.graphs.NeuronGraph`."""

    @property
    def adjacency(self) -> sparse.csr_array:
        """Symmetric weights, shape (n_neurons, n_neurons)."""
        ...


def graph_adjacency(graph: Any, *, may_be_empty: bool = False) -> sparse.csr_array:
    """Checked weights of whatever may be passed as a graph."""
    if isinstance(graph, nx.Graph):
        adjacency = nx.to_scipy_sparse_array(graph, dtype=np.float64)
    else:
        adjacency = graph.adjacency if isinstance(graph, HasAdjacency) else sparse.csr_array(graph, dtype=np.float64)
    kind = "learned" if may_be_empty else "custom"
    return NeuronGraph(kind, adjacency, np.zeros((adjacency.shape[0], 2))).adjacency


def _operator(adjacency: sparse.csr_array, laplacian: LaplacianKind) -> Tensor:
    """Symmetric matrix of the quadratic form, its trace 1, or 0 of a graph without edges."""
    matrix = graph_laplacian(adjacency, laplacian).toarray()
    # Only the symmetric part of a matrix enters a quadratic form (the random-walk Laplacian is not symmetric).
    matrix = (matrix + matrix.T) / 2
    trace = np.trace(matrix)
    return torch.from_numpy((matrix / (trace if trace > 0 else 1.0)).astype(np.float32))


class GraphSpectralPenalty(nn.Module):
    """Dirichlet energy of a layer's activations on a graph of its neurons, as a loss term for any network.

    For activations z of one observation and the Laplacian L of the graph the energy is
    z^T L z = 1/2 sum_ij A_ij (z_i - z_j)^2: small when neighbouring neurons are active together
    (Graph Spectral Regularization, Tong et al., arXiv 1810.00424).
    It is divided by the trace of L, so that it is about 1 for unrelated neurons of unit variance on any graph.

    Parameters
    ----------
    graph
        A :class:`~gsr_sc.graphs.NeuronGraph`, a networkx graph, or a dense or sparse adjacency of shape
        (n_neurons, n_neurons).
    laplacian
        `"unnormalised"` (D - A), `"symmetric"` or `"random_walk"`.
    measure
        `"dirichlet"`: the energy itself; something else, such as noise on the layer, has to fix the scale of z,
        or z shrinks. `"rayleigh"`: the energy over z^T z, which does not depend on the scale.
    dim
        Axis of the activations along which the neurons lie.

    Raises
    ------
    ValueError
        If an option is unknown, the graph has no edges or its weights are not symmetric and >= 0,
        or activations do not have one entry per neuron along `dim`.

    Examples
    --------
    >>> import torch, gsr_sc
    >>> penalty = gsr_sc.nn.GraphSpectralPenalty(gsr_sc.graphs.ring(10))
    >>> activations = torch.ones(4, 10)
    >>> float(penalty(activations))
    0.0
    """

    operator: Tensor

    def __init__(
        self,
        graph: HasAdjacency | nx.Graph[Any] | ArrayLike | sparse.sparray,
        *,
        laplacian: LaplacianKind = "unnormalised",
        measure: Measure = "dirichlet",
        dim: int = -1,
    ) -> None:
        super().__init__()
        require_choice("measure", measure, get_args(Measure))
        self.register_buffer("operator", _operator(graph_adjacency(graph), laplacian))
        self.laplacian = laplacian
        self.measure = measure
        self.dim = dim

    def update(self, graph: HasAdjacency | nx.Graph[Any] | ArrayLike | sparse.sparray) -> None:
        """Tie the neurons by another graph from now on.

        Parameters
        ----------
        graph
            Any graph of as many neurons. One without edges, as a learned graph may be, makes the penalty zero.

        Raises
        ------
        ValueError
            If the graph has another number of neurons.
        """
        operator = _operator(graph_adjacency(graph, may_be_empty=True), self.laplacian)
        if operator.shape != self.operator.shape:
            msg = f"The graph has {len(operator)} neurons; the penalty was made for {len(self.operator)}."
            raise ValueError(msg)
        self.operator.copy_(operator)

    def forward(self, activations: Tensor) -> Tensor:
        """Return the mean energy over all observations (and any other axes), a scalar.

        Parameters
        ----------
        activations
            Any shape with one entry per neuron along `dim`, such as (batch, n_neurons).
        """
        z = activations.movedim(self.dim, -1)
        if z.shape[-1] != self.operator.shape[0]:
            msg = (
                f"The activations have shape {tuple(activations.shape)}, {z.shape[-1]} entries along dim {self.dim}; "
                f"the graph has {self.operator.shape[0]} neurons."
            )
            raise ValueError(msg)
        energy = (z @ self.operator.to(z.dtype) * z).sum(dim=-1)
        if self.measure == "rayleigh":
            # The mean square instead of the sum keeps the value independent of the number of neurons.
            energy = energy / z.square().mean(dim=-1).clamp_min(1e-12)
        return energy.mean()

    def extra_repr(self) -> str:
        """Describe the options, for torch's `repr`."""
        return f"n_neurons={self.operator.shape[0]}, laplacian={self.laplacian!r}, measure={self.measure!r}, dim={self.dim}"
