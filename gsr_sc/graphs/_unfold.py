"""Observations unfolded along their nearest-neighbour graph, outlying clusters set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.neighbors import NearestNeighbors

from ._diffusion import affinities, slowest_vectors
from ._neighbours import N_NEIGHBOURS, Neighbours, nearest_neighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

# One neighbour for so many observations: a ring of few views is cut short by neighbours across it.
_OBSERVATIONS_PER_NEIGHBOUR, _FEWEST_NEIGHBOURS = 24, 3
# An outlying cluster: at one end of a slow coordinate, beyond a gap of so much of its range, and so small.
_GAP, _OUTLYING_SHARE = 0.25, 0.2
_SLOWEST_LOOKED_AT, _MAX_ROUNDS = 3, 10
_PLACED_BY = 5


@dataclass(frozen=True)
class Unfolded:
    """Coordinates in which distance is how hard it is to walk from one observation to another.

    Attributes
    ----------
    kept
        Sorted numbers of the observations that hang together, (n_kept,); the others lie in outlying clusters.
    coordinates
        Of those, float32 (n_kept, n_components), the slowest first.
    neighbours
        Nearest neighbours among those.
    """

    kept: NDArray[np.intp]
    coordinates: NDArray[np.float32]
    neighbours: Neighbours
    _known: NearestNeighbors

    def place(self, x: NDArray[np.floating]) -> NDArray[np.float32]:
        """Coordinates of any observations, as of the nearest ones that are known, shape (n_obs, n_components).

        Parameters
        ----------
        x
            What was unfolded, or more of the same, shape (n_obs, n).
        """
        distance, number = self._known.kneighbors(np.asarray(x, dtype=np.float32))
        # Weights that fall off this fast leave known observations where they are.
        weight = 1 / np.maximum(distance, 1e-6 * np.maximum(distance[:, -1:], 1e-12)) ** 2
        weight /= weight.sum(axis=1, keepdims=True)
        return np.einsum("ij,ijk->ik", weight, self.coordinates[number]).astype(np.float32)


def unfold(x: NDArray[np.floating], *, n_components: int = 10, bridges: bool = False) -> Unfolded:
    """Coordinates that follow a bent, noisy process: diffusion distances over all times.

    Diffusion runs along the nearest-neighbour graph. Clusters that hardly hang together with the rest would take
    the slowest coordinates for themselves, whatever the process does: they are set aside one after the other. Where the
    graph falls into pieces of which none holds most observations, as that of few observations with little noise does at
    every wider gap between them, the pieces are tied to their nearest.

    Parameters
    ----------
    x
        Principal components, shape (n_obs, n), at least 30 observations.
    n_components
        Number of coordinates.
    bridges
        Whether a small cluster belongs to the rest that a few neighbours tie to it, as the end of a branch with few
        observations does; only what no neighbour ties is set aside then.

    Returns
    -------
    Coordinates of the observations that hang together.
    """
    x = np.asarray(x, dtype=np.float32)
    n_obs = len(x)
    k = min(max(n_obs // _OBSERVATIONS_PER_NEIGHBOUR, _FEWEST_NEIGHBOURS), N_NEIGHBOURS)
    affinity = affinities(nearest_neighbours(x, k))
    kept = _largest_piece(affinity)
    if n_obs - len(kept) > _OUTLYING_SHARE * n_obs:
        affinity, kept = tied(affinity, x), np.arange(n_obs)
    for rounds_left in reversed(range(_MAX_ROUNDS)):
        hanging = affinity[kept][:, kept]
        values, vectors = slowest_vectors(hanging, n_components)
        most = 0 if bridges or not rounds_left else int(_OUTLYING_SHARE * n_obs) - (n_obs - len(kept))
        found = (_beyond_gap(v, most) for v in vectors.T[:_SLOWEST_LOOKED_AT])
        outlying = next((each for each in found if len(each) and _hang_together_without(hanging, each)), None)
        if outlying is None:
            break
        kept = np.delete(kept, outlying)
    weight = np.clip(values, 0, None) / np.maximum(1 - values, 1e-9)
    coordinates = (vectors * (weight / max(weight[0], 1e-12))).astype(np.float32)
    return _unfolded(x, kept, coordinates, k)


def with_coordinates(x: NDArray[np.float32], coordinates: NDArray[np.float32]) -> Unfolded:
    """Observations that hang together, with coordinates known otherwise, (n_obs, n_components)."""
    return _unfolded(x, np.arange(len(x)), coordinates, _PLACED_BY)


def _unfolded(x: NDArray[np.float32], kept: NDArray[np.intp], coordinates: NDArray[np.float32], k: int) -> Unfolded:
    # Trees are many times slower than a comparison with all, from about ten dimensions on.
    known = NearestNeighbors(n_neighbors=min(_PLACED_BY, len(kept)), algorithm="brute").fit(x[kept])
    return Unfolded(kept, coordinates, nearest_neighbours(x[kept], k), known)


def tied(affinity: sparse.csr_array, x: NDArray[np.float32]) -> sparse.csr_array:
    """The same with one more edge, as strong as between near neighbours, for each way from a piece to the nearest other.

    The shortest ways that make the pieces one, found as minimum spanning trees are (Boruvka 1926).

    Parameters
    ----------
    affinity
        Symmetric weights between neighbours, (n_obs, n_obs).
    x
        Coordinates, (n_obs, n).
    """
    while True:
        n_pieces, piece = csgraph.connected_components(affinity, directed=False)
        if n_pieces == 1:
            return affinity
        ways = {_nearest_way(x, np.flatnonzero(piece == number), piece != number) for number in range(n_pieces)}
        first, second = np.array(sorted(ways)).T
        edge = sparse.csr_array((np.ones(len(first)), (first, second)), shape=affinity.shape)
        affinity = affinity + edge + edge.T


def _nearest_way(x: NDArray[np.float32], inside: NDArray[np.intp], outside: NDArray[np.bool]) -> tuple[int, int]:
    others = np.flatnonzero(outside)
    distance, number = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(x[others]).kneighbors(x[inside])
    at = int(distance[:, 0].argmin())
    first, second = int(inside[at]), int(others[number[at, 0]])
    return min(first, second), max(first, second)


def _hang_together_without(affinity: sparse.csr_array, some: NDArray[np.intp]) -> bool:
    """Whether the rest stays in one piece: what others hang on is no outlying cluster."""
    rest = np.delete(np.arange(affinity.shape[0]), some)
    return int(csgraph.connected_components(affinity[rest][:, rest], directed=False)[0]) == 1


def _largest_piece(affinity: sparse.csr_array) -> NDArray[np.intp]:
    """Sorted numbers of the observations in the largest connected piece."""
    piece = csgraph.connected_components(affinity, directed=False)[1]
    return np.flatnonzero(piece == np.bincount(piece).argmax())


def _beyond_gap(values: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    """Numbers of the at most `most` observations at one end of a coordinate that a wide gap parts from the others."""
    by_value = np.argsort(values, kind="stable")
    gaps = np.diff(values[by_value])
    for end in (by_value, by_value[::-1]):
        ahead = np.abs(gaps[:most] if end is by_value else gaps[::-1][:most])
        if most > 0 and len(ahead) and ahead.max() > _GAP * np.ptp(values):
            return np.asarray(end[: ahead.argmax() + 1], dtype=np.intp)
    return np.empty(0, dtype=np.intp)
