"""A robust start: an annealed soft map of the data onto the neuron graph, before any network.

A randomly started layer folds the map and folds it differently for every seed.
So the cells are first laid onto the graph by a deterministic batch self-organising map in the space of
principal components, whose neighbourhood is the heat kernel of the neuron graph itself, from wide to narrow.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigsh
from scipy.special import softmax
from scipy.stats import rankdata
from sklearn.neighbors import NearestNeighbors

from ._laplacian import HeatKernel
from ._position import ring_angles, steps_between

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._graph import NeuronGraph

SpectralStart = Literal["pca", "spectral"]

_N_SWEEPS = 40
_FINAL_HEAT = 0.15
_SMOOTHING_HEAT = 1.0
_N_NEIGHBOURS = 15


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
    tear
        Mean number of steps on the graph between the neurons of a cell and of its nearest neighbours;
        large where the map is folded, which the quantisation error does not see.
    """

    prototypes: NDArray[np.float64]
    width: float
    heat: NDArray[np.float64]
    quantisation_error: float
    tear: float

    @property
    def score(self) -> float:
        """What the best of several maps has the least of."""
        return self.quantisation_error * self.tear

    def responsibilities(self, coordinates: NDArray[np.floating]) -> NDArray[np.float64]:
        """Share of each neuron in each cell, rows summing to 1, shape (n_obs, n_neurons)."""
        return softmax(-_squared_distances(coordinates, self.prototypes) / self.width, axis=1)

    def targets(self, coordinates: NDArray[np.floating]) -> NDArray[np.float32]:
        """Responsibilities smoothed by a little heat: what the encoder is first trained towards."""
        smooth = self.responsibilities(coordinates) @ self.heat
        return (smooth / smooth.sum(axis=1, keepdims=True)).astype(np.float32)


def fit_annealed_map(
    coordinates: NDArray[np.floating],
    graph: NeuronGraph,
    *,
    candidates: list[NDArray[np.floating]] | None = None,
) -> AnnealedMap:
    """Lay observations onto the graph by a soft self-organising map with a shrinking neighbourhood.

    Deterministic: the same coordinates give the same map.

    Parameters
    ----------
    coordinates
        Principal components, shape (n_obs, n_coordinates), the leading one first.
    graph
        The neuron graph.
    candidates
        First coordinates to start from, each of shape (n_obs, >= 1);
        the start that ends in the lowest error wins. By default `coordinates` alone.

    Returns
    -------
    The fitted map.
    """
    x = np.asarray(coordinates, dtype=np.float64)
    kernel = HeatKernel(graph.adjacency)
    candidates = [x] if candidates is None else candidates
    neighbours = _neighbours(x, _N_NEIGHBOURS)[1]
    steps = np.minimum(steps_between(graph), graph.n_neurons)
    starts = _starts(graph, candidates)
    return min((_anneal(x, graph, kernel, nodes, neighbours, steps) for nodes in starts), key=lambda fit: fit.score)


def _anneal(
    x: NDArray[np.float64],
    graph: NeuronGraph,
    kernel: HeatKernel,
    nodes: NDArray[np.intp],
    neighbours: NDArray[np.intp],
    steps: NDArray[np.float64],
) -> AnnealedMap:
    n_neurons = graph.n_neurons
    share = np.zeros((len(x), n_neurons))
    share[np.arange(len(x)), nodes] = 1.0
    widest = max(1.0 / kernel.slowest, 4 * _FINAL_HEAT)
    for t in np.geomspace(widest, _FINAL_HEAT, _N_SWEEPS):
        heat = kernel(t)
        # A neuron that no heat reaches would have no prototype; the floor lets it share the overall mean.
        mass = heat @ share.sum(axis=0) + 1e-9
        prototypes = (heat @ (share.T @ x) + 1e-9 * x.mean(axis=0)) / mass[:, None]
        distance = _squared_distances(x, prototypes)
        width = _width(distance)
        share = softmax(-distance / width, axis=1)
    winner = distance.argmin(axis=1)
    variance = float(((x - x.mean(axis=0)) ** 2).sum(axis=1).mean())
    return AnnealedMap(
        prototypes,
        width,
        kernel(_SMOOTHING_HEAT),
        quantisation_error=float(distance.min(axis=1).mean()) / max(variance, 1e-12),
        tear=float(steps[winner[:, None], winner[neighbours]].mean()),
    )


def _width(distance: NDArray[np.float64]) -> float:
    rank = min(3, distance.shape[1] - 1)
    lowest = np.partition(distance, rank, axis=1)
    return max(float(np.median(lowest[:, rank] - lowest[:, 0])), 1e-12)


def _squared_distances(x: NDArray[np.floating], prototypes: NDArray[np.float64]) -> NDArray[np.float64]:
    cross = np.asarray(x, dtype=np.float64) @ prototypes.T
    distance = (np.asarray(x, dtype=np.float64) ** 2).sum(axis=1)[:, None] - 2 * cross + (prototypes**2).sum(axis=1)
    return np.clip(distance, 0, None)


def _starts(graph: NeuronGraph, candidates: list[NDArray[np.floating]]) -> list[NDArray[np.intp]]:
    match = _matcher(graph)
    starts: list[NDArray[np.intp]] = []
    for coordinates in candidates:
        starts.extend(match(np.asarray(coordinates, dtype=np.float64)))
    return starts


def _matcher(graph: NeuronGraph) -> Callable[[NDArray[np.float64]], list[NDArray[np.intp]]]:
    """How cells are first assigned to nodes: by rank along as many coordinates as the graph has directions."""

    def along_line(x: NDArray[np.float64]) -> list[NDArray[np.intp]]:
        nodes = np.argsort(graph.layout[:, 0], kind="stable") if graph.kind == "line" else np.arange(graph.n_neurons)
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
        return [np.argmin(_squared_distances(cells, nodes), axis=1)]

    return {"line": along_line, "ring": round_ring, "torus": on_torus}.get(graph.kind, on_plane)


def _bins(values: NDArray[np.float64], n_bins: int) -> NDArray[np.intp]:
    rank = rankdata(values, method="ordinal") - 1
    return (rank * n_bins // len(values)).astype(np.intp)


def _angle(x: NDArray[np.float64], first: int, second: int) -> NDArray[np.float64]:
    scaled = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)
    return np.arctan2(scaled[:, second], scaled[:, first])


def diffusion_coordinates(
    coordinates: NDArray[np.floating], n_components: int = 4, n_neighbours: int = _N_NEIGHBOURS
) -> NDArray[np.float64]:
    """Leading diffusion coordinates of a nearest-neighbour graph of the observations.

    Parameters
    ----------
    coordinates
        Principal components, shape (n_obs, n_coordinates).
    n_components
        Number of coordinates wanted, the constant one not counted.
    n_neighbours
        Neighbours of each observation.

    Returns
    -------
    Shape (n_obs, n_components), the slowest first; fewer columns where there are too few observations.
    """
    n_obs = len(coordinates)
    distance, index = _neighbours(coordinates, n_neighbours)
    k = index.shape[1]
    scale = np.maximum(distance[:, [k // 2]], 1e-12)
    # The small floor keeps the graph connected enough for eigenvectors to exist where points coincide.
    weight = np.exp(-((distance / scale) ** 2)) + 1e-6
    affinity = sparse.csr_array((weight.ravel(), (np.repeat(np.arange(n_obs), k), index.ravel())), shape=(n_obs, n_obs))
    affinity = affinity + affinity.T
    # Density-normalised twice over, as diffusion maps with alpha = 1 are.
    for power in (1.0, 0.5):
        density = np.asarray(affinity.sum(axis=1)).ravel() ** -power
        affinity = sparse.diags_array(density) @ affinity @ sparse.diags_array(density)
    n_vectors = min(n_components + 1, n_obs - 1)
    # Newer releases of scipy draw from a generator where ARPACK has to restart; older ones have a fixed stream inside.
    fixed = {"rng": np.random.default_rng(0)} if "rng" in inspect.signature(eigsh).parameters else {}
    values, vectors = eigsh(affinity, k=n_vectors, which="LA", v0=np.ones(n_obs), **fixed)
    leading = np.argsort(values)[::-1]
    vectors = vectors[:, leading] * density[:, None] if n_vectors > 1 else vectors
    return np.asarray(vectors[:, 1:])


def _neighbours(x: NDArray[np.floating], n_neighbours: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Distances and numbers of the nearest other observations, two arrays (n_obs, k)."""
    k = min(n_neighbours, len(x) - 1)
    distance, index = NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x)
    return distance[:, 1:], index[:, 1:]
