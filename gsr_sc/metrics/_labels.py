"""Agreement of a representation with known labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from ._arrays import as_codes, as_matrix
from ._auroc import auroc_of_ranks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def indicator_auroc(activations: ArrayLike, labels: ArrayLike | pd.Series[Any]) -> float:
    """How well single neurons indicate labels: mean AUROC of one distinct neuron per label.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).
    labels
        One label per observation, at least two different ones; observations with a missing label are left out.

    Returns
    -------
    Mean over labels, in [0, 1]; 0.5 is chance for a neuron picked blindly.
    See :func:`indicator_auroc_per_label` for how neurons are chosen.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.metrics.indicator_auroc([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], ["a", "a", "b"])
    1.0
    """
    return float(indicator_auroc_per_label(activations, labels)["auroc"].mean())


def indicator_auroc_per_label(activations: ArrayLike, labels: ArrayLike | pd.Series[Any]) -> pd.DataFrame:
    """One distinct neuron for each label, and how well its activation tells that label from all others.

    Neurons are given to labels by the assignment with the highest sum of one-vs-rest AUROC.
    Ties between activations count half. With more labels than neurons,
    the labels that are left without a neuron count as chance, 0.5.

    Parameters
    ----------
    activations
        Shape (n_obs, n_neurons).
    labels
        One label per observation, at least two different ones; observations with a missing label are left out.

    Returns
    -------
    One row per label: `label`, `neuron` (its number, -1 where none was left) and `auroc`.

    Raises
    ------
    ValueError
        If fewer than two labels occur, or shapes do not fit.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.metrics.indicator_auroc_per_label([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], ["a", "a", "b"])
      label  neuron  auroc
    0     a       0    1.0
    1     b       1    1.0
    """
    matrix = as_matrix(activations, "activations")
    codes, names = as_codes(labels, len(matrix))
    if len(names) < 2:
        msg = f"`labels` holds {names} only; at least two different labels are needed."
        raise ValueError(msg)
    auroc = auroc_of_ranks(matrix[codes >= 0], codes[codes >= 0], len(names))
    given, taken = linear_sum_assignment(auroc, maximize=True)
    neuron, chosen = np.full(len(names), -1), np.full(len(names), 0.5)
    neuron[given], chosen[given] = taken, auroc[given, taken]
    return pd.DataFrame({"label": names, "neuron": neuron, "auroc": chosen})


def knn_purity(representation: ArrayLike, labels: ArrayLike | pd.Series[Any], *, n_neighbors: int = 15) -> float:
    """Mean share of the nearest neighbours of an observation that have its label.

    Parameters
    ----------
    representation
        Shape (n_obs, n_dimensions); neighbours are the nearest by Euclidean distance.
    labels
        One label per observation; observations with a missing label are left out, as neighbours too.
    n_neighbors
        Neighbours of each observation, itself not counted.

    Returns
    -------
    Share in [0, 1]; chance is the sum of squared label frequencies.

    Raises
    ------
    ValueError
        If there are not more labelled observations than neighbours.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.metrics.knn_purity([[0.0], [0.1], [5.0], [5.1]], ["a", "a", "b", "b"], n_neighbors=1)
    1.0
    """
    from sklearn.neighbors import NearestNeighbors

    matrix = as_matrix(representation, "representation")
    codes, _ = as_codes(labels, len(matrix))
    matrix, codes = matrix[codes >= 0], codes[codes >= 0]
    if not 1 <= n_neighbors < len(codes):
        msg = (
            f"`n_neighbors` is {n_neighbors}; with {len(codes)} labelled observations it can be 1 to {len(codes) - 1}."
        )
        raise ValueError(msg)
    # Asked without points, scikit-learn leaves out each point itself even where others coincide with it.
    neighbours = NearestNeighbors(n_neighbors=n_neighbors).fit(matrix).kneighbors(return_distance=False)
    return float((codes[neighbours] == codes[:, None]).mean())
