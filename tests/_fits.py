"""Small data sets and quick fits that several tests share; copy what a test changes."""

from __future__ import annotations

from functools import cache
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

import gsr_sc

# As little training as a fit can do: what is tested with it is not the quality of the map.
QUICK: dict[str, Any] = {"n_jobs": 1, "max_epochs": 1, "smoothness": 0.5}


def cells(n_obs: int = 150, n_vars: int = 40, *, counts: bool = False, rng: int = 0) -> AnnData:
    """Clusters of cells with a dense float32 X and nothing else of interest."""
    adata = gsr_sc.datasets.simulate_clusters(n_obs, n_vars, counts=counts, rng=rng)
    del adata.uns["simulation"]
    if counts:
        adata.X = adata.X.toarray()
    return adata


def busy_cells(n_obs: int = 150, n_vars: int = 40) -> AnnData:
    """Cells with something in every slot of the AnnData."""
    adata = cells(n_obs, n_vars, counts=True)
    counts = sparse.csr_matrix(adata.X)
    adata.raw = AnnData(counts.copy(), obs=adata.obs[[]], var=adata.var[[]])
    adata.layers["counts"] = counts
    adata.layers["dense"] = counts.toarray().astype(np.int32)
    adata.X = counts.log1p().astype(np.float64)
    rng = np.random.default_rng(1)
    adata.obs["cluster"] = (
        adata.obs["cluster"]
        .astype("category")
        .cat.reorder_categories(sorted(adata.obs["cluster"].unique(), reverse=True))
    )
    adata.obs["flag"] = rng.random(n_obs) < 0.5
    adata.uns["cluster_colors"] = [f"#{i:02x}0000" for i in range(adata.obs["cluster"].nunique())]
    adata.uns["gsr_like"] = {"nested": {"array": np.arange(4)}, "text": "kept"}
    adata.obsm["X_pca"] = rng.normal(size=(n_obs, 5)).astype(np.float32)
    adata.obsm["frame"] = pd.DataFrame(rng.normal(size=(n_obs, 3)), index=adata.obs_names, columns=list("abc"))
    adata.varm["PCs"] = rng.normal(size=(n_vars, 5))
    adata.obsp["distances"] = sparse.random(n_obs, n_obs, 0.05, format="csr", rng=rng)
    adata.varp["links"] = sparse.random(n_vars, n_vars, 0.05, format="csr", rng=rng)
    return adata


@cache
def fitted(**options: Any) -> AnnData:
    """Cells with a map, fitted once for the same options; not to be changed."""
    adata = cells()
    gsr_sc.tl.fit(adata, **{**QUICK, **options})
    return adata


def activations(adata: AnnData, **options: Any) -> np.ndarray:
    """Activations after a quick fit of a copy."""
    copied = gsr_sc.tl.fit(adata, copy=True, **{**QUICK, **options})
    assert copied is not None
    return copied.obsm["X_gsr"]


def option_id(value: object) -> str:
    """Name of a case by its options, the same in every process: no addresses, and sets sorted."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={option_id(each)}" for name, each in value.items()) or "defaults"
    if isinstance(value, set):
        return " ".join(sorted(value)) or "none"
    return f"{len(value)} nodes" if isinstance(value, nx.Graph) else str(value)
