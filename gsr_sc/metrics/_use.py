"""Which neurons of a layer are used at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._arrays import as_matrix

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_DEAD_SHARE = 0.01
_CONSTANT_SHARE = 0.01


def dead_neurons(activations: ArrayLike) -> NDArray[np.bool_]:
    """Neurons that no observation uses: never the winner, and a mean activation below 1 % of the average neuron's.

    A smooth layer hides them, because a constant has no Dirichlet energy.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).

    Returns
    -------
    Boolean, (n_neurons,).

    Raises
    ------
    ValueError
        If activations are no finite matrix.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.metrics.dead_neurons([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]).tolist()
    [False, False, True]
    """
    matrix = as_matrix(activations, "activations")
    wins = np.bincount(matrix.argmax(axis=1), minlength=matrix.shape[1])
    magnitude = np.abs(matrix).mean(axis=0)
    return (wins == 0) & (magnitude <= _DEAD_SHARE * magnitude.mean())


def constant_neurons(activations: ArrayLike) -> NDArray[np.bool_]:
    """Neurons that are active and yet tell nothing: a spread below 1 % of the average neuron's, dead ones left out.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons); of a single observation nothing can be said.

    Returns
    -------
    Boolean, (n_neurons,).

    Raises
    ------
    ValueError
        If activations are no finite matrix.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.metrics.constant_neurons([[0.7, 0.1, 0.2], [0.1, 0.7, 0.2]]).tolist()
    [False, False, True]
    """
    matrix = as_matrix(activations, "activations")
    if len(matrix) < 2:
        return np.zeros(matrix.shape[1], dtype=bool)
    spread = matrix.std(axis=0, dtype=np.float64)
    return np.asarray((spread <= _CONSTANT_SHARE * spread.mean()) & ~dead_neurons(matrix))
