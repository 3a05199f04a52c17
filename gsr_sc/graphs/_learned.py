"""Graphs learned from what neurons do: those that act together are tied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy import sparse

from .._checks import require_choice, require_number
from ._custom import default_layout
from ._graph import NeuronGraph

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

CoactivationKernel = Literal["adaptive", "knn", "gaussian", "correlation"]

# Weaker correlations are none: neighbours in number only, with less than 4 % of their variance in common.
_LEAST_CORRELATION = 0.2
# Weaker ties, as a share of the strongest possible, are none.
_LEAST_TIE = 0.05
# A neuron that varies less than this, as a share of the neuron that varies most, acts with nobody.
_LEAST_VARIANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class LearnedGraph:
    """How a neuron graph is to be learned; made by :func:`~gsr_sc.graphs.learned`.

    Attributes
    ----------
    n_neurons
        Number of neurons; None to choose by the number of observations.
    kernel, n_neighbors
        How co-activation becomes a tie.
    warm_up, refresh_every
        Epochs before the first graph, and from one graph to the next.
    memory
        Epochs over which co-activations are remembered; None for ever.
    """

    n_neurons: int | None = None
    kernel: CoactivationKernel = "adaptive"
    n_neighbors: int | None = None
    warm_up: int | None = None
    refresh_every: int = 1
    memory: float | None = 1.0

    def __post_init__(self) -> None:
        check_kernel(self.kernel, self.n_neighbors)
        if self.n_neurons is not None:
            require_number("n_neurons", self.n_neurons, lowest=2, whole=True)
        if self.warm_up is not None:
            require_number("warm_up", self.warm_up, lowest=0, whole=True)
        require_number("refresh_every", self.refresh_every, lowest=1, whole=True)
        if self.memory is not None:
            require_number("memory", self.memory, above=0, also="None to forget nothing")

    @property
    def params(self) -> dict[str, Any]:
        """The options as they are recorded."""
        names = ("kernel", "n_neighbors", "warm_up", "refresh_every", "memory")
        return {f"graph_{name}": getattr(self, name) for name in names}

    def of(self, activations: NDArray[np.floating]) -> NeuronGraph:
        """Return the graph of some activations, (n_obs, n_neurons)."""
        return coactivation_graph(activations, kernel=self.kernel, n_neighbors=self.n_neighbors)


def learned(
    n_neurons: int | None = None,
    *,
    kernel: CoactivationKernel = "adaptive",
    n_neighbors: int | None = None,
    warm_up: int | None = None,
    refresh_every: int = 1,
    memory: float | None = 1.0,
) -> LearnedGraph:
    """Graph that is learned in the fit: neurons that act together are tied, and so come to act together more.

    Neurons fall into communities, which indicate clusters; a graph that falls apart is a result.
    For `graph=` of :func:`gsr_sc.tl.fit`; `graph="learned"` has the defaults.

    Parameters
    ----------
    n_neurons
        Number of neurons; by default one for eight observations, at most 64.
    kernel
        How the correlation r of two neurons over the observations, of which only those of at least .2
        tie, becomes a weight in (0, 1]. With the squared distance d2 = 2 (1 - r):
        `"adaptive"`: exp(-d2 / (s_i s_j)), with s_i the distance to the neighbour of number `n_neighbors`.
        `"gaussian"`: exp(-d2 / s2), with s2 the median of s_i^2 over neurons.
        `"knn"`: 1 where one is among the `n_neighbors` nearest of the other. `"correlation"`: r itself.
        Weights below .05 are no ties: so the graph can fall apart.
    n_neighbors
        Neighbours that the kernel counts, by default half the square root of the number of neurons;
        `"correlation"` counts none.
    warm_up
        Epochs before the first graph; by default those in which the encoder learns where to start.
    refresh_every
        Epochs from one graph to the next.
    memory
        Epochs over which co-activations are remembered: after so many their weight has fallen to 1/e.
        None forgets nothing.

    Raises
    ------
    ValueError
        If an option is unknown or out of range.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.learned(36, kernel="knn", n_neighbors=3).kernel
    'knn'
    """
    return LearnedGraph(
        n_neurons=n_neurons,
        kernel=kernel,
        n_neighbors=n_neighbors,
        warm_up=warm_up,
        refresh_every=refresh_every,
        memory=memory,
    )


def coactivation_graph(
    activations: ArrayLike, *, kernel: CoactivationKernel = "adaptive", n_neighbors: int | None = None
) -> NeuronGraph:
    """Graph of the neurons by who acts together in a sample of activations.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).
    kernel, n_neighbors
        How co-activation becomes a tie; see :func:`~gsr_sc.graphs.learned`.

    Returns
    -------
    Graph of kind `"learned"`, components side by side. It may have isolated neurons, and no edges at all.

    Raises
    ------
    ValueError
        If the activations are no finite matrix, or an option is unknown or out of range.

    Examples
    --------
    >>> import gsr_sc
    >>> activations = [[1, 1, 0, 0], [1, 0.9, 0, 0], [0, 0, 1, 1], [0, 0, 0.9, 1]]
    >>> gsr_sc.graphs.coactivation_graph(activations, n_neighbors=1).edges.tolist()
    [[0, 1], [2, 3]]
    """
    z = np.asarray(activations, dtype=np.float64)
    if z.ndim != 2 or 0 in z.shape or not np.isfinite(z).all():
        msg = f"`activations` has shape {z.shape}; a finite matrix (n_obs, n_neurons) is needed."
        raise ValueError(msg)
    centred = z - z.mean(axis=0)
    adjacency = coactivation_adjacency(centred.T @ centred / len(z), kernel=kernel, n_neighbors=n_neighbors)
    return NeuronGraph("learned", adjacency, default_layout(adjacency))


def coactivation_adjacency(
    covariance: NDArray[np.floating], *, kernel: CoactivationKernel, n_neighbors: int | None
) -> sparse.csr_array:
    """Ties from the covariance of the activations, (n_neurons, n_neurons)."""
    check_kernel(kernel, n_neighbors)
    r = _correlation(np.asarray(covariance, dtype=np.float64))
    together = r >= _LEAST_CORRELATION
    k = max(round(np.sqrt(len(r)) / 2), 1) if n_neighbors is None else n_neighbors
    weights = _KERNELS[kernel](np.sqrt(np.clip(2 * (1 - r), 0, None)), together, k)
    weights = np.where(together & (weights >= _LEAST_TIE), weights, 0.0)
    return sparse.csr_array((weights + weights.T) / 2)


def check_kernel(kernel: Any, n_neighbors: Any) -> None:
    require_choice("kernel", kernel, get_args(CoactivationKernel))
    if n_neighbors is not None:
        require_number("n_neighbors", n_neighbors, lowest=1, whole=True)


def _correlation(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlations, 0 on the diagonal and where a neuron does not vary."""
    variance = np.diag(covariance)
    varies = variance > _LEAST_VARIANCE * max(variance.max(), 0)
    scale = np.where(varies, np.sqrt(np.where(varies, variance, 1.0)), np.inf)
    r = covariance / np.outer(scale, scale)
    np.fill_diagonal(r, 0)
    # Rounded, so that neurons which are the same but for rounding are the same.
    return np.asarray(np.clip(np.round((r + r.T) / 2, 9), -1, 1))


def _neighbour_distances(
    distance: NDArray[np.float64], together: NDArray[np.bool_], n_neighbors: int
) -> NDArray[np.float64]:
    """Distance to the neighbour of a number among those that a neuron acts with, to the last where there are fewer."""
    ascending = np.sort(np.where(together, distance, np.inf), axis=1)
    last = np.minimum(n_neighbors, together.sum(axis=1)) - 1
    found = ascending[np.arange(len(distance)), np.maximum(last, 0)]
    # Neurons without any neighbour have no ties to scale; two that are the same are at distance 0.
    return np.asarray(np.clip(np.where(last >= 0, found, 1.0), 1e-3, None))


def _adaptive(d: NDArray[np.float64], together: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    width = _neighbour_distances(d, together, k)
    return np.asarray(np.exp(-(d**2) / np.outer(width, width)))


def _gaussian(d: NDArray[np.float64], together: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    width = _neighbour_distances(d, together, k)[together.any(axis=1)]
    return np.asarray(np.exp(-(d**2) / np.median(width**2))) if len(width) else np.zeros_like(d)


def _knn(d: NDArray[np.float64], together: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    near = np.where(together, d, np.inf) <= _neighbour_distances(d, together, k)[:, None]
    return np.asarray((near | near.T).astype(np.float64))


def _correlated(d: NDArray[np.float64], *_: Any) -> NDArray[np.float64]:
    return np.asarray(1 - d**2 / 2)


_KERNELS = {"adaptive": _adaptive, "gaussian": _gaussian, "knn": _knn, "correlation": _correlated}
