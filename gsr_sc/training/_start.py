"""Where training begins: the annealed map of the training rows, and how much of it each row should light up."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..graphs import (
    LearnedGraph,
    diffusion_coordinates,
    fit_annealed_map,
    fit_unordered_map,
    is_slender,
    nearest_neighbours,
)
from ..matrices import component_scores, fit_integration, principal_axes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..graphs import AnnealedMap, NeuronGraph
    from ..matrices import Blocks


logger = logging.getLogger(__name__)

Init = Literal["auto", "pca", "spectral", "random"]

_N_COMPONENTS = 30
# The map is fitted on so many rows at most; the encoder carries it to the rest.
_MAX_ROWS = 20_000
# A line has few neurons, and more rows make neighbours no more telling.
_MAX_ROWS_SLENDER = 5_000
# Responsibilities that are worked out once and held, 20 MB of them: each row is asked for many times. Of more data, which
# are not seen that often, each row's when it is asked for.
_MOST_HELD = 5_000_000
_BLOCK_ROWS = 4096


@dataclass(frozen=True)
class Targets:
    """What the encoder should first learn, and the coordinates that this was found in.

    Attributes
    ----------
    of
        From rows, by number and as the source gives them, to responsibilities (n_rows, n_neurons).
    rows
        Sorted numbers of the rows that the start was fitted on.
    coordinates
        Their principal components, (n_rows, n_components).
    """

    of: Callable[[NDArray[np.intp], NDArray[np.float32]], NDArray[np.float32]]
    rows: NDArray[np.intp]
    coordinates: NDArray[np.floating]

    def __call__(self, index: NDArray[np.intp], inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Responsibilities of some rows."""
        return self.of(index, inputs)


def annealed_targets(
    source: Blocks,
    graph: NeuronGraph | LearnedGraph,
    *,
    training: NDArray[np.intp],
    init: Init,
    coordinates: NDArray[np.floating] | None = None,
    conditions: NDArray[np.floating] | None = None,
) -> Targets | None:
    """Lay the training rows onto the graph and return what the encoder should first learn.

    Parameters
    ----------
    source
        Rows, read in blocks.
    graph
        The neuron graph. To neurons whose graph is yet to be learned, the rows are given by k-means.
    training
        Sorted numbers of the training rows.
    init
        `"pca"`: start from principal components. `"spectral"`: from diffusion coordinates.
        `"auto"`: slender graphs are laid along the data unfolded by diffusion, all others start from principal
        components. `"random"`: no start at all.
    coordinates
        Start from these instead, shape (n_obs, >= 1).
    conditions
        One column of zeros and ones for every batch, (n_obs, n_batches): what the batches shift is taken off first.

    Returns
    -------
    What gives responsibilities (n_rows, n_neurons) of rows, or None for a random start.
    """
    if init == "random" and coordinates is None:
        return None
    slender = not isinstance(graph, LearnedGraph) and is_slender(graph)
    rows = source.sample(training, _MAX_ROWS_SLENDER if slender else _MAX_ROWS)
    axes = principal_axes(source, rows, _N_COMPONENTS)
    assert graph.n_neurons is not None
    few = len(source) * graph.n_neurons <= _MOST_HELD
    scores = component_scores(source, axes, None if few else rows)
    among = rows if few else slice(None)
    integrate = None
    if conditions is not None:
        integrate = fit_integration(scores[among], conditions[rows])
        scores = integrate(scores, conditions if few else conditions[rows])
    seen = scores[among]
    first = seen if coordinates is None else coordinates[rows]
    neighbours = None
    if init == "spectral" and coordinates is None:
        neighbours = nearest_neighbours(seen)
        first = diffusion_coordinates(seen, neighbours=neighbours)
    start: AnnealedMap
    if isinstance(graph, LearnedGraph):
        start = fit_unordered_map(seen, graph.n_neurons, start=first)
    elif slender and init == "auto" and coordinates is None:
        start = fit_annealed_map(seen, graph)
    else:
        # Principal components asked for by name are not to be unfolded.
        unfolded = init != "pca" or coordinates is not None
        start = fit_annealed_map(seen, graph, candidates=[first], neighbours=neighbours, unfolded=unfolded)
    logger.debug("annealed start: quantisation error %.3f", start.quantisation_error)
    if few:
        blocks = range(0, len(scores), _BLOCK_ROWS)
        held = np.concatenate([start.targets(scores[at : at + _BLOCK_ROWS]) for at in blocks])
        return Targets(lambda index, _: held[index], rows, seen)

    def of(index: NDArray[np.intp], inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.floating] = (inputs - source.baseline) @ axes
        if integrate is not None and conditions is not None:
            found = integrate(found, conditions[index])
        return start.targets(found)

    return Targets(of, rows, seen)
