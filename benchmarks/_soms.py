"""Self-organising maps: MiniSom and FlowSOM.

Both get 50 principal components of log-normalised values, or a small panel's values as they are. A map gives a prototype
per unit and a unit per cell and no more, so it is read in the ways that a user might: the negative distances to the
prototypes, soft memberships (the softmax of squared distances over the median distance between the nearest and the
fourth nearest, as in the start of our own maps), and, for neighbours, the winner's prototype or its place on the grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from _result import Result

if TYPE_CHECKING:
    from _sets import DataSet


def minisom(data: DataSet, *, seed: int, **_: Any) -> Result:
    """MiniSom at its default rate and width, from its principal-component start, ten passes over the cells."""
    from minisom import MiniSom

    x = data.components()
    # As many units as our own grid has: one for four cells, within limits.
    side = int(np.clip(np.sqrt(len(x) / 4), 4, 12))
    som = MiniSom(side, side, x.shape[1], random_seed=seed)
    som.pca_weights_init(x)
    som.train(x, 10, random_order=True, use_epochs=True)
    prototypes = som.get_weights().reshape(side * side, -1)
    result = readings(x, prototypes, np.indices((side, side)).reshape(2, -1).T)
    result.notes = {"units": side * side}
    return result


def flowsom(data: DataSet, *, seed: int, **_: Any) -> Result:
    """FlowSOM at its defaults (10 x 10 units, consensus metaclusters), cut into every number of metaclusters."""
    from flowsom.models import ConsensusCluster, SOMEstimator

    x = data.components()
    som = SOMEstimator(seed=seed)
    winner = np.asarray(som.fit_predict(x)).astype(int)
    result = readings(x, np.asarray(som.codes, dtype=np.float64), np.indices((10, 10)).reshape(2, -1).T)
    for k in range(2, 41):
        metacluster = ConsensusCluster(n_clusters=k).fit_predict(som.codes)
        result.clusters_by_k[k] = metacluster[winner]
    if data.label is not None:
        result.clusters = result.clusters_by_k[int(np.clip(len(set(data.labels)), 2, 40))]
    result.notes = {"units": 100}
    return result


def readings(x: np.ndarray, prototypes: np.ndarray, places: np.ndarray) -> Result:
    """All ways to read a map of prototypes."""
    distances = np.square(x).sum(axis=1)[:, None] - 2 * x @ prototypes.T + np.square(prototypes).sum(axis=1)
    distances = np.maximum(distances, 0)
    lowest = np.sort(distances, axis=1)[:, :4]
    width = max(float(np.median(lowest[:, 3] - lowest[:, 0])), 1e-12)
    soft = np.exp((lowest[:, :1] - distances) / width)
    soft /= soft.sum(axis=1, keepdims=True)
    winner = distances.argmin(axis=1)
    far = np.sqrt(distances)
    return Result(
        spaces={"distances": far, "memberships": soft, "prototype": prototypes[winner], "place": places[winner] * 1.0},
        indicators={"distances": -far, "memberships": soft},
    )
