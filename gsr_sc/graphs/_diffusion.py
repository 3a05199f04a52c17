"""Diffusion coordinates of a nearest-neighbour graph of the observations."""

from __future__ import annotations

import inspect
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from ._neighbours import Neighbours, nearest_neighbours, neighbour_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOLERANCES, _LAST_TOLERANCE = (0, 1e-9), 1e-6


def diffusion_coordinates(
    coordinates: NDArray[np.floating], *, n_components: int = 4, neighbours: Neighbours | None = None
) -> NDArray[np.float64]:
    """Leading diffusion coordinates of a nearest-neighbour graph of the observations.

    Parameters
    ----------
    coordinates
        Principal components, shape (n_obs, n_coordinates).
    n_components
        Number of coordinates wanted, the constant one not counted.
    neighbours
        Nearest neighbours of the observations, if they are known already; 15 of each by default.

    Returns
    -------
    Shape (n_obs, n_components), the slowest first; fewer columns where there are too few observations.

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> along = np.linspace(0, 1, 50)
    >>> first = gsr_sc.graphs.diffusion_coordinates(np.column_stack([np.cos(4 * along), np.sin(4 * along)]))[:, 0]
    >>> gsr_sc.metrics.order_agreement(first, along) > 0.99
    True
    """
    known = nearest_neighbours(coordinates) if neighbours is None else neighbours
    return slowest_vectors(affinities(known), n_components)[1]


def affinities(neighbours: Neighbours) -> sparse.csr_array:
    """Symmetric weights between neighbours, Gaussian in the distance over that to the middle neighbour of each."""
    distance, index = neighbours
    scale = np.maximum(distance[:, [index.shape[1] // 2]], 1e-12)
    # The small floor keeps the graph connected enough for eigenvectors to exist where points coincide.
    weight = np.exp(-((distance / scale) ** 2)) + 1e-6
    affinity = neighbour_matrix(index, weight)
    return affinity + affinity.T


def slowest_vectors(affinity: sparse.csr_array, n_vectors: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slowest modes of diffusion but for the constant one.

    Parameters
    ----------
    affinity
        Symmetric weights >= 0, shape (n_obs, n_obs).
    n_vectors
        Number of modes wanted.

    Returns
    -------
    Eigenvalues, the largest first, and right eigenvectors of mean square 1, shape (n_obs, n_vectors);
    fewer where there are too few observations.
    """
    n_obs = affinity.shape[0]
    # Density-normalised twice over, as diffusion maps with alpha = 1 are.
    for power in (1.0, 0.5):
        density = np.asarray(affinity.sum(axis=1)).ravel() ** -power
        affinity = sparse.diags_array(density) @ affinity @ sparse.diags_array(density)
    n_vectors = min(n_vectors + 1, n_obs - 1)
    values, vectors = _largest(affinity, n_vectors)
    slowest = np.argsort(values)[::-1]
    vectors = vectors[:, slowest] * density[:, None]
    vectors /= np.maximum(np.sqrt((vectors**2).mean(axis=0)), 1e-300)
    return values[slowest][1:], vectors[:, 1:]


def _largest(matrix: sparse.csr_array, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest eigenvalues and their vectors, as exactly as can be had."""
    # Newer releases of scipy draw from a generator where ARPACK has to restart; older ones have a fixed stream inside.
    fixed = {"rng": np.random.default_rng(0)} if "rng" in inspect.signature(eigsh).parameters else {}
    find = partial(eigsh, matrix, k=k, which="LA", v0=np.ones(matrix.shape[0]), **fixed)
    # Of many small clusters that hardly hang together the eigenvalues are too much alike to be told to the last bit.
    for tolerance in _TOLERANCES:
        with suppress(ArpackNoConvergence):
            return find(tol=tolerance)
    return find(tol=_LAST_TOLERANCE)
