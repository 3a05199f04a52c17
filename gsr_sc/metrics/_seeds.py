"""Whether two fits of the same observations are the same map."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..graphs import align
from ..graphs._position import barycentre
from ..graphs._symmetry import standardised
from ._arrays import as_matrix

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ..graphs import NeuronGraph


class SeedAgreement(NamedTuple):
    """Agreement of two maps, each in [-1, 1]."""

    neurons: float
    """Mean correlation of corresponding neurons over observations."""
    map: float
    """Mean correlation of the map coordinates over observations."""


def seed_agreement(activations_a: ArrayLike, activations_b: ArrayLike, graph: NeuronGraph) -> SeedAgreement:
    """Compare two maps of the same observations on the same graph, after the symmetry that fits best.

    A map may come out mirrored, rotated or shifted as the graph allows; that is no disagreement.

    Parameters
    ----------
    activations_a
        Activations of the first fit, shape (n_obs, n_neurons).
    activations_b
        Activations of the second fit, rows and columns in the same order.
    graph
        The neuron graph of both.

    Returns
    -------
    Two mean correlations. A neuron or coordinate that is constant in both fits is left out,
    one that is constant in one of them counts 0; NaN if all are left out.
    On a torus each coordinate is compared as a point on a circle.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> graph = gsr_sc.graphs.ring(6)
    >>> a = np.random.default_rng(0).random((20, 6))
    >>> round(gsr_sc.metrics.seed_agreement(a, np.roll(a, 2, axis=1), graph).neurons, 6)
    1.0
    """
    first, second = as_matrix(activations_a, "activations_a"), as_matrix(activations_b, "activations_b")
    second = second[:, align(graph, first, second)]
    return SeedAgreement(
        neurons=_mean_correlation(first, second),
        map=_mean_correlation(_coordinates(graph, first), _coordinates(graph, second)),
    )


def _mean_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    x, y = standardised(first), standardised(second)
    varies = x.any(axis=0) | y.any(axis=0)
    return float((x * y).sum(axis=0)[varies].mean()) if varies.any() else float("nan")


def _coordinates(graph: NeuronGraph, activations: NDArray[np.floating]) -> NDArray[np.float64]:
    position = barycentre(graph, activations)
    if graph.kind != "torus" or graph.shape is None:
        return position
    angle = 2 * np.pi * position / np.array(graph.shape[::-1])
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
