"""Laplacians of neuron graphs, and the heat that flows on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from scipy import linalg, sparse

from .._checks import require_choice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LaplacianKind = Literal["unnormalised", "symmetric", "random_walk"]


def laplacian(adjacency: ArrayLike | sparse.sparray, kind: LaplacianKind = "unnormalised") -> sparse.csr_array:
    """Graph Laplacian of an adjacency.

    Parameters
    ----------
    adjacency
        Symmetric weights >= 0, shape (n, n).
    kind
        `"unnormalised"`: L = D - A, whose quadratic form is the Dirichlet energy 1/2 sum_ij A_ij (z_i - z_j)^2.
        `"symmetric"`: D^-1/2 L D^-1/2. `"random_walk"`: D^-1 L.
        Neurons without edges get a row of zeros.

    Returns
    -------
    Sparse Laplacian, shape (n, n).

    Raises
    ------
    ValueError
        If `kind` is unknown.

    Examples
    --------
    >>> import gsr_sc
    >>> L = gsr_sc.graphs.laplacian([[0, 1], [1, 0]])
    >>> L.toarray().tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    require_choice("kind", kind, get_args(LaplacianKind))
    matrix = sparse.csr_array(adjacency, dtype=np.float64)
    degree = np.asarray(matrix.sum(axis=1)).ravel()
    unnormalised = sparse.csr_array(sparse.diags_array(degree) - matrix)
    if kind == "unnormalised":
        return unnormalised
    inverse = np.divide(1.0, degree, out=np.zeros_like(degree), where=degree > 0)
    if kind == "random_walk":
        return sparse.csr_array(sparse.diags_array(inverse) @ unnormalised)
    root = sparse.diags_array(np.sqrt(inverse))
    return sparse.csr_array(root @ unnormalised @ root)


class HeatKernel:
    """exp(-t L) of one graph for any t, from one eigendecomposition.

    Parameters
    ----------
    adjacency
        Symmetric weights >= 0, shape (n, n).

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> heat = gsr_sc.graphs.HeatKernel(gsr_sc.graphs.line(5).adjacency)
    >>> bool(np.allclose(heat(0.7).sum(axis=0), 1))
    True
    """

    def __init__(self, adjacency: ArrayLike | sparse.sparray) -> None:
        values, vectors = linalg.eigh(laplacian(adjacency).toarray())
        self.eigenvalues: NDArray[np.float64] = np.clip(values, 0, None)
        self.eigenvectors: NDArray[np.float64] = vectors

    @property
    def slowest(self) -> float:
        """Smallest eigenvalue above zero: heat levels out over the graph in a time of about 1 / slowest."""
        return float(self.eigenvalues[self.eigenvalues > 1e-9 * self.eigenvalues[-1]][0])

    def __call__(self, t: float) -> NDArray[np.float64]:
        """Return exp(-t L): symmetric, non-negative, columns summing to 1, shape (n, n)."""
        kernel = (self.eigenvectors * np.exp(-t * self.eigenvalues)) @ self.eigenvectors.T
        return np.clip(kernel, 0, None)
