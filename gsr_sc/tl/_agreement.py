"""How far several maps of the same cells agree, neuron by neuron and cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ..graphs import align, barycentre, shares
from ..graphs._symmetry import standardised
from ..metrics import seed_agreement
from ._figures import graph_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..graphs import NeuronGraph

# So many places stand for where a cell could be by chance.
_N_CHANCE = 200
_BLOCK = 512


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Several fits compared with a stored map.

    Attributes
    ----------
    neurons
        Correlation of each neuron over cells with the same neuron of the refits, mean over refits, (n_neurons,); NaN for
        neurons that are constant in all of them.
    cells
        1 where a cell is where it was in every refit, 0 where it is as far away as any cell, (n_obs,).
    between_neurons, between_maps
        Agreement of every two fits, the stored map first, (n_fits + 1, n_fits + 1).
    consensus
        Map coordinates of the mean over all fits, (n_obs, 2) float32.
    edges
        Share of the weight of edges that the stored graph has in common with that of each refit, (n_fits,); 1 where the
        graph is given.
    """

    neurons: NDArray[np.float64]
    cells: NDArray[np.float64]
    between_neurons: NDArray[np.float64]
    between_maps: NDArray[np.float64]
    consensus: NDArray[np.float32]
    edges: NDArray[np.float64]


def agreement(
    graph: NeuronGraph,
    stored: NDArray[np.float32],
    refits: list[NDArray[np.float32]],
    refit_graphs: list[NeuronGraph],
    *,
    rng: np.random.Generator,
) -> Agreement:
    """Compare a stored map with refits of the same cells, each after the symmetry of the graph that fits best."""
    order = [align(graph, stored, other) for other in refits]
    aligned = [other[:, p] for other, p in zip(refits, order, strict=True)]
    fits = [stored, *aligned]
    between_neurons, between_maps = np.eye(len(fits)), np.eye(len(fits))
    for i, j in combinations(range(len(fits)), 2):
        pair = seed_agreement(fits[i], fits[j], graph)
        between_neurons[i, j] = between_neurons[j, i] = pair.neurons
        between_maps[i, j] = between_maps[j, i] = pair.map
    mean = np.mean([np.asarray(fit, dtype=np.float64) for fit in fits], axis=0)
    return Agreement(
        neurons=neuron_reproducibility(stored, aligned),
        cells=cell_reproducibility(graph, stored, aligned, rng=rng),
        between_neurons=between_neurons,
        between_maps=between_maps,
        consensus=barycentre(graph, mean).astype(np.float32),
        edges=np.array([_shared_edges(graph, other, p) for other, p in zip(refit_graphs, order, strict=True)]),
    )


def neuron_reproducibility(stored: NDArray[np.floating], aligned: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Mean correlation over cells of each neuron with its counterparts, (n_neurons,)."""
    reference = standardised(stored)
    rows, varies = [], np.zeros(reference.shape[1], dtype=bool)
    for other in aligned:
        values = standardised(other)
        rows.append((reference * values).sum(axis=0))
        varies |= reference.any(axis=0) | values.any(axis=0)
    return np.where(varies, np.mean(rows, axis=0), np.nan)


def cell_reproducibility(
    graph: NeuronGraph,
    stored: NDArray[np.floating],
    aligned: list[NDArray[np.float32]],
    *,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """How near each cell is in the refits to where it was, relative to chance, in [0, 1]; (n_obs,).

    Places are compared by the number of steps between them on the graph. Of a cell that lights several neurons this is
    the largest difference, over neurons, of its mean number of steps to that neuron: for cells that light one neuron
    each it is the number of steps itself, and there is no seam on rings and tori.
    """
    steps = graph_steps(graph)
    places = shares(stored) @ steps
    others = [shares(other) @ steps for other in aligned]
    distance = np.mean([np.abs(places - other).max(axis=1) for other in others], axis=0)
    drawn = rng.integers(len(places), size=_N_CHANCE)
    anywhere = np.stack([others[i % len(others)][row] for i, row in enumerate(drawn)])
    chance = np.empty(len(places))
    for start in range(0, len(places), _BLOCK):
        block = places[start : start + _BLOCK]
        chance[start : start + _BLOCK] = np.mean([np.abs(block - place).max(axis=1) for place in anywhere], axis=0)
    moved = np.divide(distance, chance, out=np.ones_like(distance), where=chance > 0)
    # Where all cells share one place, none can be anywhere else.
    moved = np.where((chance <= 0) & (distance <= 0), 0.0, moved)
    return np.asarray(np.clip(1 - moved, 0, 1))


def _shared_edges(graph: NeuronGraph, other: NeuronGraph, order: NDArray[np.intp]) -> float:
    mine, theirs = graph.adjacency.toarray(), other.adjacency.toarray()[np.ix_(order, order)]
    union = np.maximum(mine, theirs).sum()
    return float(np.minimum(mine, theirs).sum() / union) if union > 0 else 1.0
