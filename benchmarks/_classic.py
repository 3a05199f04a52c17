"""What one would do without a network: principal components, leiden, diffusion pseudotime, Palantir."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scanpy as sc
from _measures import signed
from _result import Result

if TYPE_CHECKING:
    from _sets import DataSet


def pca(data: DataSet, **_: Any) -> Result:
    """scanpy's principal components; as an order the first of them, on a ring the angle of the first two."""
    z = data.components()
    result = Result(spaces={"components": z}, indicators={"components": signed(z)})
    if data.truth is not None:
        flat = z if z.shape[1] > 2 and data.adata.n_vars > 50 else sc.pp.pca(z, n_comps=2)
        result.order = np.arctan2(flat[:, 1], flat[:, 0]) if data.truth.graph == "ring" else flat[:, 0]
    return result


def leiden(data: DataSet, *, seed: int, **_: Any) -> Result:
    """scanpy's neighbours of principal components, and leiden at resolution 1 on them."""
    adata = _neighbours(data)
    sc.tl.leiden(adata, flavor="igraph", n_iterations=2, directed=False, random_state=seed)
    return Result(clusters=adata.obs["leiden"].to_numpy(dtype=str))


def diffusion_pseudotime(data: DataSet, **_: Any) -> Result:
    """scanpy's diffusion pseudotime from the first cell; cells that it cannot reach come last."""
    adata = _neighbours(data)
    adata.uns["iroot"] = data.first_cell()
    sc.tl.diffmap(adata)
    sc.tl.dpt(adata)
    time = adata.obs["dpt_pseudotime"].to_numpy(dtype=float)
    return Result(order=np.where(np.isfinite(time), time, np.nanmax(time[np.isfinite(time)]) + 1))


def palantir(data: DataSet, *, seed: int, **_: Any) -> Result:
    """Palantir's pseudotime from the first cell, at its defaults."""
    import palantir as package

    names = data.adata.obs_names
    components = pd.DataFrame(data.components(), index=names)
    kernel = package.utils.run_diffusion_maps(components, seed=seed)
    space = package.utils.determine_multiscale_space(kernel)
    found = package.core.run_palantir(
        space, names[data.first_cell()], use_early_cell_as_start=True, n_jobs=1, seed=seed
    )
    return Result(order=found.pseudotime.reindex(names).to_numpy(dtype=float))


def _neighbours(data: DataSet) -> Any:
    adata = data.log()
    if adata.n_vars > 50:
        adata.obsm["X_pca"] = data.components()
    sc.pp.neighbors(adata)
    return adata
