"""What the neurons of a trained network stand for, read from the rows that they answer to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..graphs import (
    LearnedGraph,
    indicator_groups,
    nearest_neighbours,
    nested_groups,
    neuron_ties,
    sharpened,
    sharpness,
)
from ..graphs._ties import CALIBRATION, calibration_of
from ._fitted import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..graphs import NeuronGraph
    from ..nn import GraphAutoencoder
    from ..training import Targets
    from ._prepare import Prepared

# So many observations tell which neurons stand for neighbours. More neighbours would reach beyond small clusters.
_TIE_ROWS = 5000
_TIE_NEIGHBOURS = 5
# Levels of groups whose confidence is to be right together: those of `tl.indicators`.
_RESOLUTIONS = (0.5, 1.0, 2.0)
# So many observations tell what neurons stand for and how good the map is.
_MAX_READ = 50_000


@dataclass(frozen=True)
class Neurons:
    """The neurons of a trained network.

    Attributes
    ----------
    graph
        What they sit on; learned by now, if it was to be.
    group
        Indicator group of each, (n_neurons,).
    ties
        How often they stand for observations that are neighbours in the data, (n_neurons, n_neurons).
    sharpness
        Power that sharpens activations, so that a cell belongs where the top of its picture is.
    calibration
        Power that makes what is said of the neighbours of observations right on average.
    rows
        Sorted numbers of the rows that stand for all.
    activations
        Theirs, (n_rows, n_neurons).
    """

    graph: NeuronGraph
    group: NDArray[np.str_]
    ties: NDArray[np.float64]
    sharpness: float
    calibration: float
    rows: NDArray[np.intp]
    activations: NDArray[np.float32]

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Activations of those of the given rows that are among them."""
        return self.activations[_among(self.rows, rows)]


def read_neurons(network: GraphAutoencoder, prepared: Prepared, targets: Targets | None) -> Neurons:
    """Read what neurons stand for.

    Parameters
    ----------
    network
        The trained network.
    prepared
        What it was trained on.
    targets
        The start, whose coordinates tell which observations are neighbours; without one, neurons are tied by the
        observations that they share.
    """
    rows = _rows_to_read(prepared, targets)
    activations = encode(network, prepared.source, None if len(rows) == len(prepared.source) else rows)
    graph = prepared.graph
    if isinstance(graph, LearnedGraph):
        graph = graph.of(sharpened(activations[_among(rows, prepared.training)], prepared.design.coactivation_power))
    useful = activations[_among(rows, prepared.useful)]
    power = sharpness(useful)
    if targets is None:
        ties, calibration = neuron_ties(useful, power=power), CALIBRATION
    else:
        sample = _tie_sample(targets)
        near = nearest_neighbours(targets.coordinates[sample]).numbers
        tied = activations[_among(rows, targets.rows[sample])]
        ties = neuron_ties(tied, near[:, :_TIE_NEIGHBOURS], power=power)
        levels = nested_groups(graph, activations, resolutions=_RESOLUTIONS, ties=ties)
        numbers = [level.astype(np.intp) for level in levels]
        calibration = calibration_of(tied, near, numbers, ties, power=power)
    group = indicator_groups(graph, activations, ties=ties)
    return Neurons(graph, group, ties, power, calibration, rows, activations)


def _rows_to_read(prepared: Prepared, targets: Targets | None) -> NDArray[np.intp]:
    """Sorted numbers of all rows, or of some where there are many."""
    every = np.arange(len(prepared.source))
    if len(every) <= _MAX_READ:
        return every
    wanted = [prepared.source.sample(every, _MAX_READ), prepared.held_out]
    if targets is not None:
        wanted.append(targets.rows[_tie_sample(targets)])
    return np.unique(np.concatenate(wanted))


def _among(rows: NDArray[np.intp], wanted: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where those of the wanted rows that are among sorted `rows` stand there."""
    at = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
    return at[rows[at] == wanted]


def _tie_sample(targets: Targets) -> slice:
    """Which rows of the start tell ties: evenly drawn, at most about as many as are needed."""
    return slice(None, None, -(-len(targets.rows) // _TIE_ROWS))
