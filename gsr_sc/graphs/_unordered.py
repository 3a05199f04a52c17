"""A start for neurons without a graph: soft clusters of the data, the same for every seed."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster import hierarchy
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from ._match import squared_distances
from ._soft_map import AnnealedMap, quantisation_error, sharing_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

_N_STARTS = 10


def fit_unordered_map(
    coordinates: NDArray[np.floating], n_neurons: int, *, start: NDArray[np.floating] | None = None
) -> AnnealedMap:
    """Lay observations onto neurons that no graph ties yet, by k-means.

    Each observation is shared between the few prototypes near it, so that neurons of the same cluster act together
    from the start. Deterministic: the same coordinates give the same map.

    Parameters
    ----------
    coordinates
        Principal components, shape (n_obs, n_coordinates).
    n_neurons
        Number of neurons.
    start
        Coordinates to cluster the observations in, shape (n_obs, >= 1); by default `coordinates` themselves.

    Returns
    -------
    The fitted map, neurons in the order of the leaves of a tree in which alike prototypes are near each other.

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> start = gsr_sc.graphs.fit_unordered_map(np.linspace(0, 1, 50)[:, None], 5)
    >>> start.responsibilities(np.zeros((1, 1))).shape
    (1, 5)
    """
    x = np.asarray(coordinates, dtype=np.float32)
    n_prototypes = min(n_neurons, len(x))
    with warnings.catch_warnings():
        # Fewer distinct observations than neurons: some prototypes stay without any.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(n_prototypes, n_init=_N_STARTS, random_state=0).fit(x if start is None else start)
    member = np.eye(n_prototypes)[found.labels_]
    member = member[:, member.any(axis=0)]
    prototypes = (member.T @ x) / member.sum(axis=0)[:, None]
    prototypes = prototypes[_sequence(prototypes)]
    # More neurons than distinct observations: the rest share the last prototype.
    prototypes = np.concatenate([prototypes, np.repeat(prototypes[-1:], n_neurons - len(prototypes), axis=0)])
    distance = squared_distances(x, prototypes.astype(np.float32))
    return AnnealedMap(prototypes, sharing_width(distance), np.eye(n_neurons), quantisation_error(x, distance))


def _sequence(prototypes: NDArray[np.float64]) -> NDArray[np.intp]:
    if len(prototypes) < 3:
        return np.arange(len(prototypes))
    leaves = hierarchy.leaves_list(hierarchy.ward(prototypes))
    # The sign of a tree is arbitrary; the end that is lower in the leading coordinate comes first.
    return np.asarray(leaves if prototypes[leaves[0], 0] <= prototypes[leaves[-1], 0] else leaves[::-1])
