"""What a fit is judged by, when fits are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..graphs import neuron_ties
from ..graphs._position import steps_between
from ..metrics import dead_neurons, moran_i, topographic_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..graphs import NeuronGraph
    from ..model import GSR

Figures = dict[str, float]


def figures(model: GSR, activations: NDArray[np.float32]) -> Figures:
    """Held-out explained variance, and how well the map keeps the neighbours of the data, of one fit."""
    state = model.fitted
    graph, quality = state.graph, state.quality
    ties = neuron_ties(activations) if state.ties is None else np.asarray(state.ties, dtype=np.float64)
    return {
        "explained_variance": float(quality["explained_variance"]),
        "explained_variance_unregularised": float(quality["explained_variance_unregularised"]),
        "order": order_kept(graph_steps(graph), ties),
        "torn": torn_apart(graph_steps(graph), ties),
        "moran_i": moran_i(activations, graph.adjacency) if graph.n_edges else float("nan"),
        "topographic_error": topographic_error(activations, graph.adjacency) if graph.n_edges else float("nan"),
        "n_dead": float(dead_neurons(activations).sum()),
    }


def graph_steps(graph: NeuronGraph) -> NDArray[np.float64]:
    """Steps between neurons; pieces are farther from each other than any two neurons of one piece."""
    steps = steps_between(graph)
    reachable = steps[np.isfinite(steps)]
    return np.where(np.isfinite(steps), steps, reachable.max() + 1)


def order_kept(steps: NDArray[np.float64], ties: NDArray[np.float64]) -> float:
    """How near on the graph the neurons of neighbours in the data are: 1 for the same neuron, 0 for any two neurons.

    Parameters
    ----------
    steps
        Steps between neurons on the graph.
    ties
        How often neurons stand for observations that are neighbours in the data; see :func:`gsr_sc.graphs.neuron_ties`.
    """
    use = ties.sum(axis=1)
    expected = float(use @ steps @ use) / float(use.sum())
    return 1 - float((ties * steps).sum()) / expected if expected > 0 else 0.0


def torn_apart(steps: NDArray[np.float64], ties: NDArray[np.float64]) -> float:
    """Share of neighbours in the data that are on neurons farther apart than half of all observations: 0 none, .5 chance.

    Unlike :func:`order_kept` it can be compared between graphs of any dimension.
    """
    use = ties.sum(axis=1)
    torn = 0.0
    for neuron, row in enumerate(steps):
        nearest = np.argsort(row, kind="stable")
        half = np.searchsorted(np.cumsum(use[nearest]), 0.5 * use.sum() * (1 - 1e-9))
        torn += float(ties[neuron, row > row[nearest[min(half, len(row) - 1)]]].sum())
    return torn / float(use.sum())
