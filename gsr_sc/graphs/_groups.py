"""Groups of neurons that act together: the cluster indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._communities import communities
from ._position import shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph

# The map is smooth, so every neuron shares observations with its neighbours; what tells groups apart is
# where the strongest neurons change. Powers from 4 to 8 agreed best with known labels.
_SHARPNESS = 8


def indicator_groups(
    graph: NeuronGraph, activations: NDArray[np.floating], *, resolution: float = 1.0
) -> NDArray[np.str_]:
    """Group neurons by the observations they share.

    Neurons are tied by the observations that light up both, each observation counting by its strongest neurons,
    and divided into communities by modularity (Louvain; the same activations give the same groups).

    Parameters
    ----------
    graph
        The neuron graph.
    activations
        Shape (n_obs, n_neurons).
    resolution
        Larger values give more and smaller groups.

    Returns
    -------
    Name of the group of each neuron, (n_neurons,): `"0"` is the group with the most activation, then `"1"`, ...

    Examples
    --------
    >>> import gsr_sc
    >>> activations = [[0.6, 0.4, 0, 0], [0.4, 0.6, 0, 0], [0, 0, 0.5, 0.5]]
    >>> gsr_sc.graphs.indicator_groups(gsr_sc.graphs.line(4), activations).tolist()
    ['0', '0', '1', '1']
    """
    weights = shares(shares(activations) ** _SHARPNESS)
    mass = weights.sum(axis=0)
    # A learned graph holds who acts with whom already.
    affinity = graph.adjacency.toarray() if graph.kind == "learned" else weights.T @ weights
    np.fill_diagonal(affinity, 0)
    # Neurons that no observation uses belong with the neighbours they sit among.
    silent = mass < 1e-3 * mass.mean()
    if graph.kind == "learned":
        affinity += _with_the_nearest(np.asarray(activations, dtype=np.float64), silent & ~affinity.any(axis=1))
    else:
        affinity += np.where(silent[:, None] | silent, 1e-3 * mass.mean() * graph.adjacency.toarray(), 0)
    parts = communities(affinity, resolution=resolution)
    parts.sort(key=lambda nodes: (-mass[nodes].sum(), nodes[0]))
    group = np.empty(graph.n_neurons, dtype=object)
    for number, nodes in enumerate(parts):
        group[nodes] = str(number)
    return group.astype(np.str_)


def _with_the_nearest(activations: NDArray[np.float64], loose: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Ties of loose neurons to the one that is active with them the most."""
    together = activations[:, loose].T @ activations
    together[:, loose] = -1.0
    ties = np.zeros((len(loose), len(loose)))
    if not loose.all():
        # Weak, so that they move no one else.
        ties[np.flatnonzero(loose), together.argmax(axis=1)] = 1e-3
    return ties + ties.T
