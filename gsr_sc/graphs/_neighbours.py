"""Nearest neighbours among observations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.neighbors import NearestNeighbors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

N_NEIGHBOURS = 15


def nearest_neighbours(
    x: NDArray[np.floating], n_neighbours: int = N_NEIGHBOURS
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Distances and numbers of the nearest other observations, two arrays (n_obs, k)."""
    k = min(n_neighbours, len(x) - 1)
    distance, index = NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x)
    return distance[:, 1:], index[:, 1:]
