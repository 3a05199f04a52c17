"""How much of the data comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_BLOCK = 2**12


def explained_variance(
    x: ArrayLike | sparse.sparray | sparse.spmatrix, reconstruction: ArrayLike, *, mean: ArrayLike
) -> float:
    """One minus residual over total sum of squares, the total taken about the training mean.

    Parameters
    ----------
    x
        Observations, best ones not trained on, shape (n_obs, n_vars), dense or sparse.
    reconstruction
        What the model makes of them, on the same scale, shape (n_obs, n_vars).
    mean
        Mean of the *training* observations, shape (n_vars,); 0 for data centred on it.

    Returns
    -------
    Share of the variance, at most 1; 0 for reconstructing the mean, negative for worse than that.

    Raises
    ------
    ValueError
        If shapes differ, or every observation equals the mean.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.metrics.explained_variance([[0.0], [2.0]], [[0.5], [1.5]], mean=[1.0])
    0.75
    """
    matrix: Any = sparse.csr_array(x) if sparse.issparse(x) else np.asarray(x)
    estimate = np.asarray(reconstruction)
    if matrix.ndim != 2 or matrix.shape != estimate.shape:
        msg = f"`x` and `reconstruction` are matrices of one shape; got {matrix.shape} and {estimate.shape}."
        raise ValueError(msg)
    centre = np.asarray(mean, dtype=np.float64)
    if centre.shape not in ((), (matrix.shape[1],)):
        msg = f"`mean` has shape {centre.shape}; {matrix.shape[1]} variables need ({matrix.shape[1]},)."
        raise ValueError(msg)
    residual, total = 0.0, 0.0
    for start in range(0, matrix.shape[0], _BLOCK):
        block = matrix[start : start + _BLOCK]
        rows = np.asarray(block.toarray() if sparse.issparse(block) else block, dtype=np.float64)
        residual += float(((rows - estimate[start : start + _BLOCK]) ** 2).sum())
        total += float(((rows - centre) ** 2).sum())
    if total == 0:
        msg = "Every observation of `x` equals `mean`, so there is no variance to explain."
        raise ValueError(msg)
    return 1 - residual / total
