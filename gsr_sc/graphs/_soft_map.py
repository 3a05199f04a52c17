"""A soft map: prototypes of neurons that share each observation, and the sweeps that lay them out on a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._match import squared_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._laplacian import HeatKernel
    from ._unfold import Unfolded

_WIDTH_SAMPLE = 2000
_SMOOTHING_HEAT = 0.3
# Weight of a neuron's cells where they need not count by number: a neuron with a twentieth of its share counts half.
_LEAST_FILLED = 0.05


@dataclass(frozen=True)
class AnnealedMap:
    """Prototypes of the neurons in the space of the coordinates they were fitted in.

    Attributes
    ----------
    prototypes
        Shape (n_neurons, n_coordinates).
    width
        Squared distance over which a cell is shared between neurons.
    heat
        Kernel that smooths the targets over the graph, shape (n_neurons, n_neurons).
    quantisation_error
        Mean squared distance of a cell to its nearest prototype, as a share of the variance.
    unfolded
        The space that the prototypes lie in, if it is not that of the coordinates.
    metric
        What coordinates are multiplied by, (n_coordinates, n_coordinates), if distances are not those between them.
    """

    prototypes: NDArray[np.float64]
    width: float
    heat: NDArray[np.float64]
    quantisation_error: float
    unfolded: Unfolded | None = None
    metric: NDArray[np.float64] | None = None

    def place(self, coordinates: NDArray[np.floating]) -> NDArray[np.floating]:
        """Bring coordinates into the space of the prototypes, shape (n_obs, n)."""
        if self.metric is not None:
            return np.asarray(coordinates, dtype=np.float64) @ self.metric
        return coordinates if self.unfolded is None else self.unfolded.place(coordinates)

    def responsibilities(self, coordinates: NDArray[np.floating]) -> NDArray[np.float64]:
        """Share of each neuron in each cell, rows summing to 1, shape (n_obs, n_neurons).

        Parameters
        ----------
        coordinates
            Shape (n_obs, n_coordinates).
        """
        distance = squared_distances(np.asarray(self.place(coordinates), dtype=np.float64), self.prototypes)
        return soft_assignment(distance, self.width)

    def targets(self, coordinates: NDArray[np.floating]) -> NDArray[np.float32]:
        """Responsibilities smoothed by a little heat: what the encoder is first trained towards."""
        return smoothed(self.responsibilities(coordinates), self.heat)


def smoothed(share: NDArray[np.floating], heat: NDArray[np.float64]) -> NDArray[np.float32]:
    """Responsibilities after a little heat, rows summing to 1."""
    smooth = share @ heat
    return (smooth / smooth.sum(axis=1, keepdims=True)).astype(np.float32)


class Sweeps(NamedTuple):
    """What the sweeps over the observations end in.

    Attributes
    ----------
    prototypes
        Shape (n_neurons, n_coordinates).
    width
        Squared distance over which a cell is shared between neurons.
    distance
        Squared distances of the observations to the prototypes, (n_obs, n_neurons).
    """

    prototypes: NDArray[np.float64]
    width: float
    distance: NDArray[np.float32]


def anneal(
    x: NDArray[np.float32],
    kernel: HeatKernel,
    nodes: NDArray[np.intp],
    heats: NDArray[np.float64],
    *,
    power: float,
) -> Sweeps:
    """Sweep over the observations from their first neurons on, with one heat after the other."""
    share = np.zeros((len(x), len(kernel.eigenvalues)), dtype=np.float32)
    share[np.arange(len(x)), nodes] = 1.0
    # The width is a median, for which a few thousand observations will do.
    sample = slice(None, None, max(len(x) // _WIDTH_SAMPLE, 1))
    for t in heats:
        prototypes = gathered(x, share, kernel(t), power)
        distance = squared_distances(x, prototypes.astype(np.float32))
        width = sharing_width(distance[sample])
        share = soft_assignment(distance, width)
    return Sweeps(prototypes, width, distance)


def as_map(found: Sweeps, x: NDArray[np.float32], kernel: HeatKernel) -> AnnealedMap:
    """What sweeps over some observations ended in, as a map of any."""
    error = quantisation_error(x, found.distance)
    return AnnealedMap(found.prototypes, found.width, kernel(_SMOOTHING_HEAT), error)


def gathered(
    x: NDArray[np.floating], share: NDArray[np.floating], heat: NDArray[np.float64], power: float
) -> NDArray[np.float64]:
    """Prototypes: mean observation of each neuron and of those around it, (n_neurons, n_coordinates).

    A neuron weighs on those around it by a power of the number of its cells. With a power of 1 every cell counts the
    same, and neurons gather where cells do; with 0 every filled neuron does, and they come to lie at even distances.
    """
    mass = share.sum(axis=0, dtype=np.float64)
    weight = (mass / mass.mean() + _LEAST_FILLED) ** (power - 1)
    # A neuron that no heat reaches would have no prototype; the floor lets it share the overall mean.
    prototypes = heat @ (weight[:, None] * (share.T @ x)) + 1e-9 * x.mean(axis=0, dtype=np.float64)
    return np.asarray(prototypes / (heat @ (weight * mass) + 1e-9)[:, None])


def soft_assignment(distance: NDArray[Any], width: float) -> NDArray[Any]:
    """Softmax over neurons of minus the squared distances over a width, rows summing to 1."""
    share = distance - distance.min(axis=1, keepdims=True)
    share *= share.dtype.type(-1 / width)
    np.exp(share, out=share)
    share /= share.sum(axis=1, keepdims=True)
    return share


def sharing_width(distance: NDArray[np.floating]) -> float:
    """Squared distance over which an observation is shared: from the nearest prototype to the fourth, as a rule."""
    rank = min(3, distance.shape[1] - 1)
    lowest = np.partition(distance, rank, axis=1)
    return max(float(np.median(lowest[:, rank] - lowest[:, 0])), 1e-12)


def quantisation_error(x: NDArray[np.floating], distance: NDArray[np.floating]) -> float:
    """Mean of the lowest squared distance to a prototype, as a share of the variance."""
    variance = float(((x - x.mean(axis=0)) ** 2).sum(axis=1).mean())
    return float(distance.min(axis=1).mean()) / max(variance, 1e-12)
