"""What a fitted network says about observations: position, winning neuron, cluster, gene programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..graphs import barycentre, branch_names, branches, group_shares, order
from ..graphs._position import belonging
from ..matrices import release
from ..slots import UNASSIGNED, group_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from ..graphs import NeuronGraph

# A cell whose best group has less than a quarter more activation than the next lies between the two.
_LEAST_LEAD = 1.25
# Double precision of so many rows at a time: 5 MB for each array of 144 neurons.
_BLOCK = 2**12


def read_activations(
    graph: NeuronGraph,
    group: NDArray[np.str_],
    activations: NDArray[np.float32],
    silent: NDArray[np.bool_],
    *,
    power: float = 1.0,
) -> dict[str, Any]:
    """Everything that follows from the activations of some observations.

    Parameters
    ----------
    graph
        The neuron graph.
    group
        Indicator group of each neuron, (n_neurons,).
    activations
        (n_obs, n_neurons).
    silent
        Observations that carry nothing, (n_obs,): they belong to no cluster, with confidence 0.
    power
        How far activations are sharpened to tell the cluster; see :func:`gsr_sc.graphs.sharpness`.

    Returns
    -------
    Fields of :class:`~gsr_sc.slots.MapResults`.
    """
    names = np.array(group_names(group))
    member = group[:, None] == names[None, :]
    found: dict[str, Any] = {}
    for start in range(0, len(activations), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = _read_block(graph, member, activations[rows], silent[rows], power=power)
        for name, values in block.items():
            if start == 0:
                # Filled block by block: blocks to be joined in the end would be there twice.
                found[name] = None if values is None else np.empty((len(activations), *values.shape[1:]), values.dtype)
            if values is not None:
                found[name][rows] = values
        release(activations)
    of_neuron, called = branches(graph), branch_names(graph)
    return found | {
        "activations": activations,
        "branch": None if of_neuron is None else np.array(called)[of_neuron[found["neuron"]]],
        "cluster": np.append(names, UNASSIGNED)[found["cluster"]],
    }


def _read_block(
    graph: NeuronGraph,
    member: NDArray[np.bool_],
    activations: NDArray[np.float32],
    silent: NDArray[np.bool_],
    *,
    power: float,
) -> dict[str, Any]:
    """The same for some observations, clusters by number: double precision for a block at a time only."""
    by_group = group_shares(activations, member, power=power)
    # Rectified units can all be off; `shares` then calls every neuron equal, which is no group.
    nothing = silent | ~activations.any(axis=1)
    highest = by_group.max(axis=1)
    runner_up = np.sort(by_group, axis=1)[:, -2] if member.shape[1] > 1 else np.zeros(len(by_group))
    clear = (highest >= _LEAST_LEAD * runner_up) & ~nothing
    return {
        "map": barycentre(graph, activations).astype(np.float32),
        "order": order(graph, activations),
        "neuron": activations.argmax(axis=1),
        "cluster": np.where(clear, by_group.argmax(axis=1), member.shape[1]),
        "confidence": np.where(nothing, 0.0, np.clip(highest, 0, 1)),
        "indicators": (activations @ member).astype(np.float32),
    }


def gene_programs(
    activations: NDArray[np.float32], decode: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Signed effect of each neuron on each variable, through the decoder.

    The decoder is asked about pictures that the data contain, not about a single lit neuron that no cell shows:
    the mean picture of the cells that light up a neuron, weighted by how much they do, against the mean picture of all.

    Parameters
    ----------
    activations
        Of the training observations, (n_obs, n_neurons).
    decode
        Maps activations (n, n_neurons) to variables (n, n_inputs).

    Returns
    -------
    (n_inputs, n_neurons), in the units of the network's input (standard deviations for z-scored genes).
    """
    n_neurons = activations.shape[1]
    mass, pictures = np.zeros((n_neurons, 1)), np.zeros((n_neurons, n_neurons))
    # Block by block, as the weights of all observations would be several times the activations.
    for start in range(0, len(activations), _BLOCK):
        block = activations[start : start + _BLOCK]
        weights = belonging(block)
        mass += weights.sum(axis=0)[:, None]
        pictures += weights.T @ block
    mean = activations.mean(axis=0, keepdims=True)
    pictures = (pictures + 1e-6 * mean) / (mass + 1e-6)
    return (decode(pictures.astype(np.float32)) - decode(mean.astype(np.float32))).T.astype(np.float32)
