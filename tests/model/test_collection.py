"""A collection of many files, read by annbatch."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from _fits import QUICK

import gsr_sc

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

annbatch = pytest.importorskip("annbatch", reason="for Python 3.12 or newer: extra `scale`")


@pytest.fixture(scope="module")
def cells() -> AnnData:
    adata = gsr_sc.datasets.simulate_clusters(1200, 20, counts=True)
    adata.X = adata.X.astype(np.float32)
    return adata


@pytest.fixture(params=["csr", "dense"])
def collection(cells: AnnData, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    paths = []
    with warnings.catch_warnings():
        # Those of annbatch and zarr are theirs.
        warnings.simplefilter("ignore")
        for number, rows in enumerate((slice(0, 500), slice(500, 1200))):
            paths.append(tmp_path / f"part{number}.h5ad")
            part = cells[rows].copy()
            part.X = part.X.toarray() if request.param == "dense" else part.X
            part.write_h5ad(paths[-1])
        collection = annbatch.DatasetCollection(tmp_path / "cells.zarr")
        return collection.add_adatas(paths, dataset_size=400, shuffle_chunk_size=50, rng=np.random.default_rng(0))


def test_fit_on_many_files_gives_rows_in_the_order_of_the_files(cells: AnnData, collection: Any) -> None:
    mapped = gsr_sc.tl.fit(collection, n_neurons=9, **QUICK)
    assert mapped is not None
    assert mapped.shape == cells.shape
    assert list(mapped.obs_names) == list(collection.obs().index)
    assert list(mapped.obs_names) != list(cells.obs_names), "annbatch has shuffled them"
    model = gsr_sc.GSR(n_neurons=9, **QUICK).fit(cells)
    np.testing.assert_allclose(
        model.transform(collection), model.transform(cells[list(mapped.obs_names)].copy()), atol=1e-5
    )
    expected = gsr_sc.tl.fit(cells, n_neurons=9, copy=True, **QUICK)
    found = mapped.obsm["X_gsr"]
    order = cells.obs_names.get_indexer(mapped.obs_names)
    assert np.corrcoef(found.ravel(), expected.obsm["X_gsr"][order].ravel())[0, 1] > 0.98


def test_a_collection_has_no_place_for_results(cells: AnnData, collection: Any) -> None:
    with pytest.raises(TypeError, match="no place for results"):
        gsr_sc.GSR(n_neurons=9, **QUICK).fit(cells).annotate(collection)
