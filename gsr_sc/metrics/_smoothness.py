"""How smooth activations are on the neuron graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import as_adjacency, as_codes, as_matrix, label_means, row_blocks

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray
    from scipy import sparse


def moran_i(
    activations: ArrayLike,
    adjacency: ArrayLike | sparse.sparray | sparse.spmatrix,
    *,
    labels: ArrayLike | pd.Series[Any] | None = None,
) -> float:
    """Moran's I of the activations on the neuron graph: how alike neighbouring neurons are.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).
    adjacency
        Weights between neurons, shape (n_neurons, n_neurons), dense or sparse.
    labels
        By default each observation's own picture is measured (the *cell* variant).
        With one label per observation, the mean picture of each label minus the mean over all labelled
        observations is measured instead (the *group* variant).

    Returns
    -------
    Mean over observations or labels. 1 is smooth, -1 / (n_neurons - 1) is expected of neurons in random places.
    Pictures in which all neurons are equal have no Moran's I and are skipped; NaN if all are.

    Raises
    ------
    ValueError
        If shapes do not fit or there are no edges.

    Examples
    --------
    >>> import gsr_sc
    >>> line = gsr_sc.graphs.line(4).adjacency
    >>> round(gsr_sc.metrics.moran_i([[1, 1, 0, 0]], line), 4)
    0.3333
    >>> gsr_sc.metrics.moran_i([[1, 0, 1, 0]], line)
    -1.0
    """
    matrix = as_matrix(activations, "activations")
    weights = as_adjacency(adjacency, matrix.shape[1])
    if labels is not None:
        codes, names = as_codes(labels, len(matrix))
        known = matrix[codes >= 0]
        # Rounding of the mean would otherwise turn a flat picture into noise with a Moran's I of its own.
        tolerance = float(np.finfo(np.float64).eps * len(known) * np.abs(known).max(initial=0))
        matrix = label_means(matrix, codes, len(names)) - known.mean(axis=0, dtype=np.float64)
    else:
        tolerance = 0.0
    epsilon = np.finfo(matrix.dtype).eps
    total, counted = 0.0, 0
    for rows in row_blocks(matrix):
        spread = rows.max(axis=1) - rows.min(axis=1)
        rows = rows[spread > np.maximum(4 * epsilon * np.abs(rows).max(axis=1), tolerance)]
        # Scaled first, so that the squares of tiny activations do not vanish.
        rows = rows / np.abs(rows).max(axis=1, keepdims=True, initial=0)
        rows = rows - rows.mean(axis=1, keepdims=True)
        total += float(((rows @ weights) * rows).sum(axis=1) @ (1 / (rows**2).sum(axis=1)))
        counted += len(rows)
    return total / counted * matrix.shape[1] / float(weights.sum()) if counted else float("nan")


def dirichlet_energy(activations: ArrayLike, adjacency: ArrayLike | sparse.sparray | sparse.spmatrix) -> float:
    """Mean over observations of z^T L z = 1/2 sum_ij A_ij (z_i - z_j)^2, with L the unnormalised Laplacian.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).
    adjacency
        Weights between neurons, shape (n_neurons, n_neurons), dense or sparse.

    Returns
    -------
    Energy in squared units of the activations; 0 for equal activations of all neurons.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.metrics.dirichlet_energy([[0, 1, 3]], gsr_sc.graphs.line(3).adjacency)
    5.0
    """
    matrix = as_matrix(activations, "activations")
    weights = as_adjacency(adjacency, matrix.shape[1])
    degree = np.asarray(weights.sum(axis=1)).ravel()
    total = 0.0
    for rows in row_blocks(matrix):
        # A shift changes no difference, and keeps a common offset from drowning them in rounding.
        centred = rows - rows.mean(axis=1, keepdims=True)
        total += float((centred**2 @ degree).sum() - (centred * (centred @ weights)).sum())
    return max(total, 0.0) / len(matrix)


def topographic_error(activations: ArrayLike, adjacency: ArrayLike | sparse.sparray | sparse.spmatrix) -> float:
    """Share of observations whose two most active neurons are not neighbours.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons), at least two neurons.
    adjacency
        Weights between neurons, shape (n_neurons, n_neurons), dense or sparse.

    Returns
    -------
    Share in [0, 1]. Where equal activations leave open which two are the most active,
    the observation counts with the share expected if ties were broken at random.

    Examples
    --------
    >>> import gsr_sc
    >>> line = gsr_sc.graphs.line(3).adjacency
    >>> gsr_sc.metrics.topographic_error([[0.5, 0.4, 0.1], [0.5, 0.1, 0.4]], line)
    0.5
    """
    matrix = as_matrix(activations, "activations")
    adjacent = (as_adjacency(adjacency, matrix.shape[1]) != 0).toarray().astype(np.float64)
    total = sum(float(_torn(rows, adjacent).sum()) for rows in row_blocks(matrix))
    return total / len(matrix)


def _torn(rows: NDArray[np.float64], adjacent: NDArray[np.float64]) -> NDArray[np.float64]:
    second, first = np.partition(rows, (-2, -1), axis=1)[:, -2:].T
    winners = (rows == first[:, None]).astype(np.float64)
    runners = (rows == second[:, None]).astype(np.float64)
    n_winners = winners.sum(axis=1)
    # One winner: any of the runners-up. Several: any two of them, and each pair is seen from both ends.
    pairs = np.where(n_winners > 1, n_winners * (n_winners - 1), runners.sum(axis=1))
    together = ((winners @ adjacent) * runners).sum(axis=1)
    return np.asarray(1 - together / pairs)
