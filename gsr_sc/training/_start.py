"""Where training begins: the annealed map of the training rows, and how much of it each row should light up."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..graphs import (
    LearnedGraph,
    curve_map,
    diffusion_coordinates,
    fit_annealed_map,
    fit_unordered_map,
    is_branching,
    is_slender,
    nearest_neighbours,
)
from ..matrices import component_scores, fit_integration, principal_axes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..graphs import AnnealedMap, CurveMap, NeuronGraph
    from ..matrices import Blocks, Integration

    Reading = Callable[[NDArray[np.intp], NDArray[np.float32]], NDArray[np.float32]]

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
# Values that curves of all variables are drawn through, 80 MB: rows are left out where there are more.
_MAX_VALUES = 20_000_000


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
    by_curves
        Whether responsibilities are read from curves of all variables, as well as they can be.
    """

    of: Reading
    rows: NDArray[np.intp]
    coordinates: NDArray[np.floating]
    by_curves: bool = False

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
    raw = scores = component_scores(source, axes, None if few else rows)
    among = rows if few else slice(None)
    integrate: Integration | None = None
    if conditions is not None:
        integrate = fit_integration(raw[among], conditions[rows])
        scores = integrate(raw, conditions if few else conditions[rows])
    seen = scores[among]
    first = seen if coordinates is None else coordinates[rows]
    neighbours = None
    if init == "spectral" and coordinates is None:
        neighbours = nearest_neighbours(seen)
        first = diffusion_coordinates(seen, neighbours=neighbours)
    laid_out = slender and init == "auto" and coordinates is None
    start: AnnealedMap
    if isinstance(graph, LearnedGraph):
        start = fit_unordered_map(seen, graph.n_neurons, start=first)
    elif laid_out:
        start = fit_annealed_map(seen, graph)
    else:
        # Principal components asked for by name are not to be unfolded.
        unfolded = init != "pca" or coordinates is not None
        start = fit_annealed_map(seen, graph, candidates=[first], neighbours=neighbours, unfolded=unfolded)
    logger.debug("annealed start: quantisation error %.3f", start.quantisation_error)
    space = _Space(source.baseline, axes, integrate, conditions)
    # Of fewer variables the components are the variables.
    if laid_out and not isinstance(graph, LearnedGraph) and is_branching(graph) and source.n_inputs > _N_COMPONENTS:
        curves = _curves(source, space, graph, start, rows)
        if few:
            every = curves.targets_of(_evidence(source, space, curves, scores - raw))
            return Targets(lambda index, _: every[index], rows, seen, by_curves=True)

        def read(index: NDArray[np.intp], inputs: NDArray[np.float32]) -> NDArray[np.float32]:
            return curves.targets_of(curves.evidence(space.inputs(index, inputs)))

        return Targets(read, rows, seen, by_curves=True)
    if few:
        blocks = range(0, len(scores), _BLOCK_ROWS)
        held = np.concatenate([start.targets(scores[at : at + _BLOCK_ROWS]) for at in blocks])
        return Targets(lambda index, _: held[index], rows, seen)
    return Targets(lambda index, inputs: start.targets(space.scores(index, inputs)), rows, seen)


@dataclass(frozen=True)
class _Space:
    """Rows without what batches shift, as principal components and as variables.

    Attributes
    ----------
    baseline, axes
        Mean of every variable, (n_inputs,), and the principal axes, (n_inputs, n_components).
    integrate, conditions
        What takes the shifts off, and the batches of all observations, (n_obs, n_batches); None without batches.
    """

    baseline: NDArray[np.float32]
    axes: NDArray[np.float32]
    integrate: Integration | None
    conditions: NDArray[np.floating] | None

    def scores(self, index: NDArray[np.intp], inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Principal components of some rows, (n, n_components)."""
        found = self._projected(inputs)
        if self.integrate is None or self.conditions is None:
            return found
        return self.integrate(found, self.conditions[index])

    def inputs(self, index: NDArray[np.intp], inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The variables of some rows, less what their components are shifted by, (n, n_inputs)."""
        if self.integrate is None or self.conditions is None:
            return inputs
        raw = self._projected(inputs)
        shift = self.integrate(raw, self.conditions[index]) - raw
        return np.asarray(inputs + shift @ self.axes.T, dtype=np.float32)

    def _projected(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray((inputs - self.baseline) @ self.axes, dtype=np.float32)


def _curves(source: Blocks, space: _Space, graph: NeuronGraph, start: AnnealedMap, rows: NDArray[np.intp]) -> CurveMap:
    """The start read from curves of all variables, instead of the components that it was laid through."""
    rows = source.sample(rows, max(_MAX_VALUES // source.n_inputs, 1))
    x = np.concatenate(list(source.blocks(rows)))
    share = start.responsibilities(space.scores(rows, x))
    return curve_map(space.inputs(rows, x), graph, share=share, heat=start.heat)


def _evidence(source: Blocks, space: _Space, curves: CurveMap, shift: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each neuron in all rows, worked out where they are; it is linear in the variables, as what batches shift is."""
    along = component_scores(source, curves.weights) + shift @ (space.axes.T @ curves.weights)
    return np.asarray(along + curves.evidence(space.baseline), dtype=np.float32)
