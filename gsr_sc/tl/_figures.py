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

# Cells beside an edge, as many as so many neurons stand for on average on either side.
_BESIDE = 2.0
# Share of the neighbours of the observations beside an edge that are across it, below which there is a gap; .5 if both sides
# were mixed. The least over the edges of 32 neurons or more, 300 to 1000 simulated cells: .069 to .165 in 18 fits of lines
# and rings through lines and rings (counts, uneven density, outliers), .000 to .021 in 14 of 16 fits through clusters (the
# other two, .04 and .08, tear the data), .001 to .003 on blood cells. Trees and wishbones, .024 to .134 in 10 fits of which
# one is below the limit, are at times folded.
_ACROSS = 0.03


def figures(model: GSR, activations: NDArray[np.float32]) -> Figures:
    """Held-out explained variance, and how well the map keeps the neighbours of the data, of one fit."""
    state = model.fitted
    graph, quality = state.graph, state.quality
    ties = neuron_ties(activations) if state.ties is None else np.asarray(state.ties, dtype=np.float64)
    steps = graph_steps(graph)
    return {
        "explained_variance": float(quality["explained_variance"]),
        "explained_variance_unregularised": float(quality["explained_variance_unregularised"]),
        "order": order_kept(steps, ties),
        "torn": torn_apart(steps, ties),
        "n_gaps": float((across_edges(graph, ties) < _ACROSS).sum()),
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


def across_edges(graph: NeuronGraph, ties: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the neighbours in the data of the observations beside an edge that are on its other side: up to .5.

    Beside it are the nearest neurons on either side which together stand for enough observations. So a stretch of neurons
    that stand for hardly any is no gap by itself: the observations on its two ends are compared.

    Parameters
    ----------
    graph
        The neuron graph.
    ties
        How often neurons stand for observations that are neighbours in the data; see :func:`gsr_sc.graphs.neuron_ties`.

    Returns
    -------
    One value for each edge (neuron numbers rising); NaN where one side stands for too few observations to tell.
    """
    steps, use = graph_steps(graph), ties.sum(axis=1)
    enough = _BESIDE / len(use) * float(use.sum()) * (1 - 1e-9)
    shares = []
    for one, other in np.argwhere(np.triu(graph.adjacency.toarray() > 0)):
        left, right = _beside(steps[one], steps[other], use, enough), _beside(steps[other], steps[one], use, enough)
        fewer = min(float(use[left].sum()), float(use[right].sum()))
        tied = float(ties[np.ix_(left, right)].sum())
        shares.append(tied / fewer if fewer >= enough else float("nan"))
    return np.array(shares)


def _beside(
    steps: NDArray[np.float64], beyond: NDArray[np.float64], use: NDArray[np.float64], enough: float
) -> NDArray[np.bool_]:
    """Neurons on this side of an edge, up to the distance where they stand for enough observations."""
    own = steps < beyond
    for reach in np.unique(steps[own]):
        near = own & (steps <= reach)
        if use[near].sum() >= enough:
            return np.asarray(near)
    return np.asarray(own)
