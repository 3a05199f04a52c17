"""First assignments of observations to neurons: by rank along as many coordinates as a graph has directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from ._position import distance_from_root, ring_angles

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._graph import NeuronGraph


def first_assignments(graph: NeuronGraph, candidates: list[NDArray[np.floating]]) -> list[NDArray[np.intp]]:
    match = _matcher(graph)
    starts: list[NDArray[np.intp]] = []
    for coordinates in candidates:
        x = np.asarray(coordinates, dtype=np.float64)
        # Two observations have no diffusion coordinate; they are taken in the order they come in.
        starts.extend(match(x if x.shape[1] else np.zeros((len(x), 1))))
    return starts


def _matcher(graph: NeuronGraph) -> Callable[[NDArray[np.float64]], list[NDArray[np.intp]]]:
    """How cells are first assigned to nodes: by rank along as many coordinates as the graph has directions."""

    def along_line(x: NDArray[np.float64]) -> list[NDArray[np.intp]]:
        nodes = np.argsort(distance_from_root(graph))
        return [nodes[_bins(x[:, axis], graph.n_neurons)] for axis in range(min(2, x.shape[1]))]

    def round_ring(x: NDArray[np.float64]) -> list[NDArray[np.intp]]:
        nodes = np.argsort(ring_angles(graph))
        pairs = [(0, 1), (1, 2), (0, 2)] if x.shape[1] > 2 else [(0, min(1, x.shape[1] - 1))]
        return [nodes[_bins(_angle(x, *pair), graph.n_neurons)] for pair in pairs]

    def on_torus(x: NDArray[np.float64]) -> list[NDArray[np.intp]]:
        assert graph.shape is not None
        rows, columns = graph.shape
        if x.shape[1] < 4:
            return on_plane(x)
        return [_bins(_angle(x, 0, 1), rows) * columns + _bins(_angle(x, 2, 3), columns), *on_plane(x)]

    def on_plane(x: NDArray[np.float64]) -> list[NDArray[np.intp]]:
        plane = x[:, [0, min(1, x.shape[1] - 1)]]
        cells = np.column_stack([rankdata(column) / len(column) for column in plane.T])
        nodes = np.column_stack([rankdata(column) / len(column) for column in graph.layout.T])
        return [np.argmin(squared_distances(cells, nodes), axis=1)]

    return {"line": along_line, "ring": round_ring, "torus": on_torus}.get(graph.kind, on_plane)


def _bins(values: NDArray[np.float64], n_bins: int) -> NDArray[np.intp]:
    rank = rankdata(values, method="ordinal") - 1
    return (rank * n_bins // len(values)).astype(np.intp)


def _angle(x: NDArray[np.float64], first: int, second: int) -> NDArray[np.float64]:
    scaled = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)
    return np.arctan2(scaled[:, second], scaled[:, first])


def squared_distances(x: NDArray[np.floating], prototypes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Squared Euclidean distances between rows, (n_obs, n_prototypes), in the precision of the rows."""
    distance = x @ prototypes.T
    distance *= -2
    distance += (x**2).sum(axis=1)[:, None]
    distance += (prototypes**2).sum(axis=1)
    return np.maximum(distance, 0, out=distance)
