"""How many other observations are near a position, and so are easily confused with one there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph

# Steps between neurons.
_REACH = 2.0
# Spread evenly and added to those that are there, so that a handful of observations is no crowd.
_EVEN = 20
# So few are near the end of an evenly filled line. Without a limit, an observation that lies alone would be sure of its
# position whatever it lights.
_LEAST = 0.5


def step_along(graph: NeuronGraph, position: NDArray[np.float64], period: float | None = None) -> float:
    """How far apart neighbouring neurons are: the median over edges along which positions change, infinite without any."""
    rows, columns = graph.adjacency.nonzero()
    apart = np.abs(position[rows] - position[columns])
    if period is not None:
        apart = np.minimum(apart, period - apart)
    apart = apart[np.isfinite(apart) & (apart > 1e-9)]
    return float(np.median(apart)) if len(apart) else np.inf


def crowding(
    order: NDArray[np.float64], piece: NDArray[np.intp], *, step: float, period: float | None = None
) -> NDArray[np.float64]:
    """How many times more observations are within two steps of each than if all were spread evenly.

    Parameters
    ----------
    order
        Position of each observation, (n_obs,), in [0, 1] or, with a period, in [0, `period`); NaN where there is none.
    piece
        Number of the piece of the graph that each is on, (n_obs,). Only those on the same piece count.
    step
        From one neuron to the next, see :func:`step_along`.
    period
        Where positions begin anew, if they do.

    Returns
    -------
    Shape (n_obs,), at least 0.5; 1 without a position.
    """
    reach = _REACH * step
    even = min(2 * reach / (1.0 if period is None else period), 1.0)
    found = np.ones(len(order))
    if even == 1:
        return found
    for number in np.unique(piece):
        own = np.flatnonzero((piece == number) & np.isfinite(order))
        place = order[own]
        there = np.sort(place)
        if period is not None:
            there = np.concatenate([there - period, there, there + period])
        # A hair more, or rounding decides about neurons that are exactly two steps away.
        upper = np.searchsorted(there, place + reach * (1 + 1e-9), "right")
        others = upper - np.searchsorted(there, place - reach * (1 + 1e-9), "left") - 1
        found[own] = (others + _EVEN * even) / ((len(own) - 1 + _EVEN) * even)
    return np.maximum(found, _LEAST)
