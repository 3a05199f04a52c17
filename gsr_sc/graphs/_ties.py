"""Which neurons stand for the same observations: how far to sharpen activations, and ties between neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._neighbours import neighbour_matrix
from ._position import relative_shares, sharpened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# The smooth picture of an observation covers a good part of the layer; its top says where the observation belongs.
_LIT_NEURONS = 3.0
_SAMPLE = 2000
# Neurons share observations, so that ties see every border less sharp than it is: shares are raised to a power that a fit
# finds on its own data, 1.07 to 1.51 on ten sets, eight of them real. What is said of neighbours and what is found among
# them differ by .001 to .047 then, at three levels each; with 1.2 for all, which maps without a power of their own have, by
# .001 to .070.
CALIBRATION = 1.2
_CALIBRATIONS = (0.5, 3.0)
_BLOCK = 2**12


def sharpness(activations: NDArray[np.floating]) -> float:
    """The power that leaves the median observation with three lit neurons.

    How far an observation spreads over the layer depends on the smoothness and the number of neurons, and says little
    about where it belongs. The number of lit neurons is that of equal shares with the same sum of squares.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons); a few thousand observations are looked at.

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> smooth = np.exp(-np.abs(np.arange(20.0)[:, None] - np.arange(20)))
    >>> gsr_sc.graphs.sharpness(smooth) < gsr_sc.graphs.sharpness(smooth**0.5)
    True
    """
    relative = relative_shares(np.asarray(activations)[:: max(len(activations) // _SAMPLE, 1)])
    low, high = -4.0, 8.0
    for _ in range(25):
        middle = (low + high) / 2
        weights = relative**2.0**middle
        lit = weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1)
        low, high = (middle, high) if np.median(lit) > _LIT_NEURONS else (low, middle)
    return float(2.0**high)


def group_shares(activations: NDArray[np.floating], member: NDArray[Any], *, power: float = 1.0) -> NDArray[np.float64]:
    """Share of each group of neurons in each observation, after sharpening.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).
    member
        How much each neuron belongs to each group, shape (n_neurons, n_groups).
    power
        How far activations are sharpened; see :func:`sharpness`.

    Returns
    -------
    Shape (n_obs, n_groups).

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> gsr_sc.graphs.group_shares([[1, 1, 2]], np.array([[1, 0], [1, 0], [0, 1]]), power=2).round(3).tolist()
    [[0.333, 0.667]]
    """
    rows = np.asarray(activations)
    parts = [sharpened(rows[start : start + _BLOCK], power) @ member for start in range(0, len(rows), _BLOCK)]
    return np.concatenate(parts) if parts else np.zeros((0, member.shape[1]))


def neuron_ties(
    activations: NDArray[np.floating], neighbours: NDArray[np.intp] | None = None, *, power: float | None = None
) -> NDArray[np.float64]:
    """How often neurons stand for the same observations, or for observations that are neighbours in the data.

    The map spreads observations evenly, so that the gaps between clusters are not seen in the activations alone;
    the neighbours of an observation in the data tell them.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).
    neighbours
        Numbers of the nearest neighbours of each observation in the data, shape (n_obs, k). Without them, two neurons
        are tied by the observations that light up both.
    power
        How far activations are sharpened; by default as :func:`sharpness` says.

    Returns
    -------
    Symmetric, shape (n_neurons, n_neurons); sums to 1. The diagonal tells how often neighbours share a neuron.

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> lit = np.eye(2)[[0, 0, 0, 1, 1]]
    >>> gsr_sc.graphs.neuron_ties(lit, np.array([[1], [2], [0], [4], [3]]), power=1).tolist()
    [[0.6, 0.0], [0.0, 0.4]]
    """
    power = sharpness(activations) if power is None else power
    n_neurons = np.shape(activations)[1]
    if neighbours is None:
        ties = np.zeros((n_neurons, n_neurons))
        for start in range(0, len(activations), _BLOCK):
            weights = sharpened(activations[start : start + _BLOCK], power)
            ties += weights.T @ weights
        # An observation is no evidence that a neuron is tied to itself.
        np.fill_diagonal(ties, 0)
    else:
        weights = sharpened(activations, power)
        near = neighbour_matrix(neighbours, np.ones(neighbours.shape))
        ties = weights.T @ (near @ weights)
        ties = (ties + ties.T) / 2
    total = ties.sum()
    return ties / total if total > 0 else np.full_like(ties, 1 / ties.size)


def neighbour_shares(
    activations: NDArray[np.floating],
    group: NDArray[np.integer[Any]],
    ties: NDArray[np.floating],
    *,
    power: float,
    calibration: float = CALIBRATION,
) -> NDArray[np.float64]:
    """Share of the nearest neighbours of each observation that lie in each group of neurons, as far as ties tell.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).
    group
        Number of the group of each neuron, (n_neurons,).
    ties
        From :func:`neuron_ties`.
    power
        How far activations are sharpened; see :func:`sharpness`.
    calibration
        Power that the shares are raised to; see :func:`calibration_of`.

    Returns
    -------
    Shape (n_obs, n_groups), rows summing to 1.
    """
    member = np.eye(int(group.max()) + 1)[group]
    mass = ties.sum(axis=1, keepdims=True)
    # Where the neighbours of the observations of a neuron are; one that has none speaks for its own group.
    around = np.divide(ties @ member, mass, out=member.copy(), where=mass > 0)
    return _raised(group_shares(activations, around, power=power), calibration)


def calibration_of(
    activations: NDArray[np.floating],
    neighbours: NDArray[np.intp],
    groups: Sequence[NDArray[np.integer[Any]]],
    ties: NDArray[np.floating],
    *,
    power: float,
) -> float:
    """The power with which observations expect as many neighbours in their own group as they have, on average.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).
    neighbours
        Numbers of the nearest neighbours of each observation in the data, shape (n_obs, k).
    groups
        Number of the group of each neuron, (n_neurons,), at each of the levels that are to be right together.
    ties, power
        As for :func:`neighbour_shares`.
    """
    # One group for all says nothing about borders.
    divided = [group for group in groups if group.max() > 0]
    if not divided:
        return CALIBRATION
    levels = [neighbour_shares(activations, group, ties, power=power, calibration=1) for group in divided]
    own = [shares.argmax(axis=1) for shares in levels]
    found = np.mean([(group[neighbours] == group[:, None]).mean() for group in own])
    low, high = np.log(_CALIBRATIONS)
    for _ in range(20):
        middle = (low + high) / 2
        expected = np.mean([_raised(shares, np.exp(middle)).max(axis=1).mean() for shares in levels])
        low, high = (middle, high) if expected < found else (low, middle)
    return float(np.exp(high))


def _raised(shares: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """Shares raised to a power, rows summing to 1."""
    raised = np.maximum(shares, 0) ** power
    return np.asarray(raised / np.maximum(raised.sum(axis=1, keepdims=True), 1e-300))
