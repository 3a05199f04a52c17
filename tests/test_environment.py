"""What a fresh install has to be able to do besides the package itself."""

from __future__ import annotations

import numpy as np
import pytest
import scanpy as sc
from anndata import AnnData


@pytest.mark.slow
def test_neighbors_of_many_cells() -> None:
    # From 8193 cells on scanpy uses pynndescent, whose release 0.7.0 breaks it.
    adata = AnnData(np.random.default_rng(0).normal(size=(8300, 5)).astype(np.float32))
    sc.pp.neighbors(adata, n_neighbors=5, use_rep="X")
    # Without the observation itself.
    assert (np.diff(adata.obsp["distances"].indptr) >= 4).all()
