"""A map along branches, read from all variables: each follows the branches as smoothly as its own noise asks.

Principal components mix variables that follow the process with those that do not, and weigh both by how much they vary. With a
curve for each variable and the noise about it, a variable that says nothing has a flat curve and no say, and one that says
little of most of a branch may say all of its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.extmath import randomized_svd

from ._smoothing import cross_validated
from ._soft_map import smoothed, soft_assignment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph

    Array = NDArray[np.float64]

_N_SWEEPS = 4
# Strengths of smoothing, in cells of a usual neuron, from next to none to straight lines; flat curves come beside them.
_STRENGTHS = np.geomspace(0.1, 1e4, 11)
# No variable is taken to be less noisy than this share of its standard deviation, or one would say where an observation is.
_LEAST_NOISE = 0.3
# Processes that variables share beside the branches, such as the cell cycle: so many directions are weighed by what they vary.
_N_SHARED = 5
_SEED = 0
# What all variables say together is divided by one of these.
_TEMPERATURES = 2.0 ** np.arange(0, 5, 0.5)


@dataclass(frozen=True)
class CurveMap:
    """How likely observations are at each neuron, from all variables.

    Attributes
    ----------
    weights
        What each variable says for each neuron, (n_vars, n_neurons).
    bias
        (n_neurons,).
    heat
        Kernel that smooths the targets over the graph, (n_neurons, n_neurons).
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    heat: Array

    def evidence(self, x: NDArray[np.floating]) -> NDArray[np.float32]:
        """What observations (n_obs, n_vars) say for each neuron, logarithms of likelihoods, (n_obs, n_neurons)."""
        return np.asarray(x.astype(np.float32, copy=False) @ self.weights + self.bias)

    def responsibilities(self, x: NDArray[np.floating]) -> NDArray[np.float32]:
        """Share of each neuron in each observation, rows summing to 1, (n_obs, n_neurons)."""
        return soft_assignment(-self.evidence(x), 1.0)

    def targets_of(self, evidence: NDArray[np.float32]) -> NDArray[np.float32]:
        """From evidence to responsibilities smoothed by a little heat: what the encoder is first trained towards."""
        return smoothed(soft_assignment(-evidence, 1.0), self.heat)


def curve_map(x: NDArray[np.float32], graph: NeuronGraph, *, share: NDArray[np.floating], heat: Array) -> CurveMap:
    """Follow each variable along a slender graph, and see anew where each observation is, a few times.

    A generative map with a smoothing spline for each variable, its strength by generalised cross-validation, and noise
    of its own; of what is left over, the few directions that vary most count by how much they do.

    Parameters
    ----------
    x
        Observations, (n_obs, n_vars).
    graph
        A slender graph.
    share
        Of each neuron in each observation, from a first map, (n_obs, n_neurons).
    heat
        Kernel for the targets of the map, (n_neurons, n_neurons).

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> line, time = gsr_sc.graphs.line(5), np.linspace(0, 1, 100)
    >>> noise = np.random.default_rng(0).normal(size=(100, 40))
    >>> x = np.outer(time, np.ones(40)) + 0.1 * noise
    >>> first = np.eye(5)[np.arange(100) // 20]
    >>> found = gsr_sc.graphs.curve_map(x.astype(np.float32), line, share=first, heat=np.eye(5)).responsibilities(x)
    >>> bool(np.corrcoef(found @ np.arange(5), time)[0, 1] > 0.95)
    True
    """
    centre = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    x = x - centre
    squares = np.einsum("ij,ij->j", x, x, dtype=np.float64)
    bends = _bends(graph)
    share = share.astype(np.float32)
    for _ in range(_N_SWEEPS):
        curves = _curves(share, x, squares, bends)
        weights, bias = _likelihood(x, x - share @ curves.astype(np.float32), curves)
        share = soft_assignment(-(x @ weights + bias.sum(axis=0)), 1.0)
    return CurveMap(weights, bias.sum(axis=0) - centre @ weights, heat)


def _bends(graph: NeuronGraph) -> Array:
    """What curves are charged for: squared second differences along the lines, which ends do not have, (n_neurons, n_neurons)."""
    adjacency = (graph.adjacency.toarray() > 0).astype(np.float64)
    charge = np.zeros_like(adjacency)
    for neuron, row in enumerate(adjacency):
        near = np.flatnonzero(row)
        for i, first in enumerate(near):
            for second in near[:i]:
                bend = np.zeros(len(adjacency))
                bend[[first, second, neuron]] = 1, 1, -2
                # A fork has a pair for each way through it.
                charge += np.outer(bend, bend) / (len(near) - 1)
    return charge


def _curves(share: NDArray[np.float32], x: NDArray[np.float32], squares: Array, bends: Array) -> Array:
    """Mean of every variable along the graph, (n_neurons, n_vars), as smooth as it is best predicted by.

    In the basis in which both the cells of the neurons and the charge for bends are diagonal, each strength of smoothing
    is a column of factors.
    """
    mass = share.sum(axis=0, dtype=np.float64)
    filled = np.sqrt(mass + 1e-3 * mass.mean())
    values, basis = np.linalg.eigh(bends / np.outer(filled, filled))
    basis /= filled[:, None]
    along = basis.T @ (share.T @ x).astype(np.float64)
    kept = 1 / (1 + np.maximum(values, 0) * mass.mean() * _STRENGTHS[:, None])
    left = squares - (2 * kept - kept**2) @ along**2
    n_obs = len(x)
    score = cross_validated(left, kept.sum(axis=1, keepdims=True), n_obs)
    best = score.argmin(axis=0)
    curves = basis @ (kept[best].T * along)
    # Flat at zero, the mean.
    curves[:, score.min(axis=0) >= cross_validated(squares, 1, n_obs)] = 0
    return np.asarray(curves)


def _likelihood(
    x: NDArray[np.float32], left: NDArray[np.float32], curves: Array
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What each variable says for each neuron, and what is added beside it, both (n_vars, n_neurons)."""
    noise = np.sqrt(np.mean(left**2, axis=0, dtype=np.float64))
    noise = np.maximum(noise, np.maximum(_LEAST_NOISE * x.std(axis=0, dtype=np.float64), 1e-9))
    scaled = (curves / noise).T
    n_shared = min(_N_SHARED, len(x) // 3, left.shape[1] - 1)
    _, values, directions = randomized_svd(left / noise.astype(np.float32), n_shared, random_state=_SEED)
    variance = values.astype(np.float64) ** 2 / len(x)
    total = float((left.astype(np.float64) ** 2 / noise**2).sum()) / len(x)
    rest = max((total - variance.sum()) / (left.shape[1] - n_shared), 1e-3)
    less = np.minimum(rest / np.maximum(variance, 1e-12), 1) - 1
    weights = (scaled + directions.T @ (less[:, None] * (directions @ scaled))) / rest
    bias = (-0.5 * scaled * weights).astype(np.float32)
    weights = (weights / noise[:, None]).astype(np.float32)
    temperature = _temperature(*(x[:, half::2] @ weights[half::2] + bias[half::2].sum(axis=0) for half in (0, 1)))
    return weights / temperature, bias / temperature


def _temperature(one: NDArray[np.float32], other: NDArray[np.float32]) -> np.float32:
    """What to divide evidence by, so that either half of the variables is as sure as the other bears out.

    Variables that go together beside the branches say the same several times over. The likelihood of both halves being of
    the same place is highest where neither says more than it knows.
    """
    found = []
    for temperature in _TEMPERATURES.astype(np.float32):
        first, second = (soft_assignment(-evidence, float(temperature)) for evidence in (one, other))
        usual = (first.mean(axis=0) + second.mean(axis=0)) / 2
        same = (first * second / np.maximum(usual, 1e-9)).sum(axis=1)
        found.append(np.log(np.maximum(same, 1e-30)).mean())
    return np.float32(_TEMPERATURES[int(np.argmax(found))])
