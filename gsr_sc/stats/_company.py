"""Whether cells of a query are among cells of the reference or among their own kind, as a type is that the reference lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.neighbors import NearestNeighbors

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The third nearest cell of the reference bounds what is near: one or two may be there by chance, or under a wrong name.
_BOUND = 3
# So many cells of the reference say how many of the query are usual thereabouts.
_AROUND = 30
# As many cells of the query are counted beside those that are there, so that a few more or less do not say much.
_UNSEEN = 4
# Nearer than this share of the bound, a cell is the same one.
_ITSELF = 1e-3
_BLOCK_ROWS = 256


@dataclass(frozen=True)
class Company:
    """Cells of a query and of the reference that others can be among.

    Many cells of the query to few of the reference are no sign of a new type by themselves: the query may just have more of a
    type. Its cells are then among those of the reference all the same, so that these too see many of the query around
    themselves, while the nearest cells to a new type keep the company of their own.

    Attributes
    ----------
    query, known
        Where the cells are, (n_query, n_dims) and (n_known, n_dims).
    usual
        Logarithm of how many cells of the query there are to one of the reference around each of the latter, (n_known,).
    """

    query: NDArray[np.float32]
    known: NDArray[np.float32]
    usual: NDArray[np.float64]

    @classmethod
    def of(cls, query: NDArray[np.float32], known: NDArray[np.float32]) -> Company:
        """Look at who is around the cells of the reference."""
        bound = _nearest(known, known, _BOUND + 1)[0][:, -1]
        usual = _log_odds(known, query, bound)
        # That the query lacks a type is no sign that it has more of those beside it.
        return cls(query, known, np.maximum(usual, np.median(usual)))

    def __call__(self, points: NDArray[np.float32]) -> NDArray[np.float64]:
        """How many times more cells of the query there are around cells than around known ones nearby, as a logarithm, (n,)."""
        distances, near = _nearest(points, self.known, _AROUND)
        bound = distances[:, min(_BOUND, distances.shape[1]) - 1]
        return np.asarray(_log_odds(points, self.query, bound) - self.usual[near].mean(axis=1))


def _nearest(
    points: NDArray[np.float32], others: NDArray[np.float32], n: int
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    search = NearestNeighbors(n_neighbors=min(n, len(others)), algorithm="brute").fit(others)
    distances, near = search.kneighbors(points)
    return distances.astype(np.float64, copy=False), near


def _log_odds(
    points: NDArray[np.float32], query: NDArray[np.float32], bound: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Logarithm of how many cells of the query are nearer than the bound, (n,), to one of those that it was drawn by."""
    n_near = np.empty(len(points))
    others = query.astype(np.float64)
    squares = (others**2).sum(axis=1)
    for start in range(0, len(points), _BLOCK_ROWS):
        part = slice(start, start + _BLOCK_ROWS)
        mine = points[part].astype(np.float64)
        distances = (mine**2).sum(axis=1)[:, None] + squares - 2 * (mine @ others.T)
        limit = bound[part, None] ** 2
        n_near[part] = ((distances < limit) & (distances > _ITSELF**2 * limit)).sum(axis=1)
    return np.asarray(np.log((n_near + _UNSEEN) / _BOUND))
