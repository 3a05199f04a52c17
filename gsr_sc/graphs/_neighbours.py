"""Nearest neighbours among observations."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_NEIGHBOURS = 15


class Neighbours(NamedTuple):
    """Nearest other observations of each observation, the nearest first.

    Attributes
    ----------
    distances, numbers
        Shape (n_obs, k).
    """

    distances: NDArray[np.float64]
    numbers: NDArray[np.intp]


def nearest_neighbours(x: NDArray[np.floating], n_neighbors: int = N_NEIGHBOURS) -> Neighbours:
    """Nearest other observations of each observation.

    Parameters
    ----------
    x
        Coordinates, shape (n_obs, n_coordinates).
    n_neighbors
        Number of neighbours; fewer come back where there are too few observations.

    Returns
    -------
    Distances and numbers of the neighbours.

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> gsr_sc.graphs.nearest_neighbours(np.array([[0.0], [1.0], [5.0]]), 1).numbers.ravel().tolist()
    [1, 0, 1]
    """
    k = min(n_neighbors, len(x) - 1)
    distance, index = NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x)
    return Neighbours(distance[:, 1:], index[:, 1:])


def neighbour_matrix(numbers: NDArray[np.intp], weights: NDArray[np.floating]) -> sparse.csr_array:
    """Weight of each neighbour, both given as (n_obs, k), as a sparse matrix (n_obs, n_obs)."""
    n_obs, k = numbers.shape
    rows = np.repeat(np.arange(n_obs), k)
    return sparse.csr_array((weights.ravel(), (rows, numbers.ravel())), shape=(n_obs, n_obs))
