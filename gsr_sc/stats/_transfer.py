"""Labels carried from the cells of a reference to others that light the same neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.neighbors import NearestNeighbors

if TYPE_CHECKING:
    from numpy.typing import NDArray

# So many reference cells are asked, and so many of them tell how often their neighbours are right.
_MAX_REFERENCE = 50_000
_MAX_JUDGED = 5_000
_SEED = 0


class Labelled(NamedTuple):
    """What a transfer gives.

    Attributes
    ----------
    codes
        Number of the label of each observation, (n_obs,).
    confidence
        Share of reference cells with so many neighbours of one mind whose label is right, (n_obs,).
    """

    codes: NDArray[np.intp]
    confidence: NDArray[np.float64]


def transfer_labels(
    reference: NDArray[np.float32],
    labels: NDArray[np.intp],
    query: NDArray[np.float32],
    *,
    n_neighbors: int,
) -> Labelled:
    """Give observations the most frequent label of their nearest neighbours in the reference.

    Distances are between activations: for simplex units, the roots of shares, those of Hellinger. How far a majority can
    be trusted is learnt from the reference, each of whose cells is labelled by the others.

    Parameters
    ----------
    reference, labels
        Activations (n_reference, n_neurons) and the number of the label of each reference cell, (n_reference,).
    query
        Activations of the observations, (n_obs, n_neurons).
    n_neighbors
        Number of neighbours asked.
    """
    rng = np.random.default_rng(_SEED)
    if len(reference) > _MAX_REFERENCE:
        kept = np.sort(rng.choice(len(reference), _MAX_REFERENCE, replace=False))
        reference, labels = reference[kept], labels[kept]
    n_neighbors = min(n_neighbors, len(reference) - 1)
    index = NearestNeighbors(n_neighbors=n_neighbors).fit(reference)
    judged = np.arange(len(reference))
    if len(reference) > _MAX_JUDGED:
        judged = np.sort(rng.choice(len(reference), _MAX_JUDGED, replace=False))
    near = index.kneighbors(reference[judged], n_neighbors + 1, return_distance=False)
    # Among equals, the cell itself need not be the first.
    own = near == judged[:, None]
    own[~own.any(axis=1), -1] = True
    codes, share = _majority(labels[near[~own].reshape(len(judged), n_neighbors)], labels.max() + 1)
    right = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(share, codes == labels[judged])
    codes, share = _majority(labels[index.kneighbors(query, return_distance=False)], labels.max() + 1)
    return Labelled(codes, np.asarray(right.predict(share), dtype=np.float64))


def _majority(labels: NDArray[np.intp], n_labels: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Most frequent label of each row and its share; the smaller number among equals."""
    counts = np.zeros((len(labels), n_labels))
    np.add.at(counts, (np.arange(len(labels))[:, None], labels), 1)
    return counts.argmax(axis=1), counts.max(axis=1) / labels.shape[1]
