"""Data without structure: every variable with its values in other cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from anndata import AnnData
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._refit import Refit

# So few cells leave hardly a permutation.
_FEWEST = 10


def depth_strata(refit: Refit, n_strata: int) -> NDArray[np.intp]:
    """Groups of cells of the same batch and about the same depth, numbered, (n_obs,)."""
    batch = refit.strata
    matrix = _matrix(refit)
    depth = np.zeros(len(batch)) if _name(refit) is not None else _depth(matrix)
    result = np.zeros(len(batch), dtype=np.intp)
    n_found = 0
    for number in np.unique(batch):
        members = np.flatnonzero(batch == number)
        n = max(min(n_strata, len(members) // _FEWEST), 1) if np.ptp(depth[members]) > 0 else 1
        rank = np.empty(len(members), dtype=np.intp)
        rank[np.argsort(depth[members], kind="stable")] = np.arange(len(members))
        result[members] = n_found + rank * n // len(members)
        n_found += n
    return result


def permuted(refit: Refit, strata: NDArray[np.intp], rng: np.random.Generator) -> Refit:
    """The same fit of data in which each variable is permuted within strata, independently of the others."""
    matrix, name = _matrix(refit), _name(refit)
    order = np.argsort(strata, kind="stable")
    parts = []
    for rows in np.split(order, np.flatnonzero(np.diff(strata[order])) + 1):
        block = matrix[rows]
        dense = block.toarray() if sparse.issparse(block) else np.asarray(block)
        shuffled = rng.permuted(dense, axis=0)
        parts.append(sparse.csr_matrix(shuffled) if sparse.issparse(matrix) else shuffled)
    back = np.argsort(order, kind="stable")
    values: Any = sparse.vstack(parts, format="csr")[back] if sparse.issparse(matrix) else np.concatenate(parts)[back]
    data = refit.data
    obsm = {other: data.obsm[other] for other in data.obsm if other != name}
    if name is None:
        return replace(refit, data=AnnData(values, obs=data.obs, var=data.var, obsm=obsm))
    return replace(refit, data=AnnData(obs=data.obs, obsm={**obsm, name: values}))


def _name(refit: Refit) -> str | None:
    """Representation that is fitted; None for X."""
    use_rep = refit.options.get("use_rep")
    return None if use_rep in (None, "X") else use_rep


def _matrix(refit: Refit) -> Any:
    name = _name(refit)
    matrix = refit.data.X if name is None else refit.data.obsm[name]
    # Data frames; sparse matrices in a file; dask arrays of either kind. There are few cells by now.
    for read in ("to_numpy", "to_memory", "compute"):
        if hasattr(matrix, read):
            matrix = getattr(matrix, read)()
    return matrix.tocsr() if sparse.issparse(matrix) else np.asarray(matrix)


def _depth(matrix: Any) -> NDArray[np.float64]:
    values = matrix.data if sparse.issparse(matrix) else matrix
    # Totals of normalised values tell what cells are; how many values are seen tells how deep they were looked into.
    counts = bool(np.equal(values, np.round(values)).all()) and bool((values >= 0).all())
    return np.asarray((matrix if counts else matrix != 0).sum(axis=1), dtype=np.float64).ravel()
