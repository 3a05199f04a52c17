"""Data that are not in memory: the same maps, results in the order of the input, errors that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata
import numpy as np
import pytest
from _arrays import ON_DISK
from _fits import QUICK
from anndata import AnnData
from scipy import sparse

import gsr_sc

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def cells() -> AnnData:
    adata = gsr_sc.datasets.simulate_clusters(1500, 20, counts=True)
    adata.X = adata.X.astype(np.float32)
    return adata


@pytest.fixture(scope="module")
def in_memory(cells: AnnData) -> gsr_sc.GSR:
    return gsr_sc.GSR(n_neurons=9, **QUICK).fit(cells)


def elsewhere(cells: AnnData, container: Any) -> AnnData:
    return AnnData(container(cells.X.toarray()), obs=cells.obs.copy(), var=cells.var.copy())


@pytest.mark.parametrize("container", ON_DISK)
def test_same_map_and_rows_in_the_order_of_the_input(cells: AnnData, in_memory: gsr_sc.GSR, container: Any) -> None:
    stored = elsewhere(cells, container)
    expected = in_memory.transform(cells)
    np.testing.assert_allclose(in_memory.transform(stored), expected, atol=1e-5)
    gsr_sc.tl.fit(stored, n_neurons=9, **QUICK)
    # Rows are shuffled in another way, so that no two weights are the same.
    found = stored.obsm["X_gsr"]
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.98
    assert type(stored.X).__name__ == type(elsewhere(cells, container).X).__name__, "X is left where it is"


@pytest.mark.parametrize("likelihood", ["gaussian", "nb"])
def test_a_fit_is_the_same_twice(cells: AnnData, likelihood: Any) -> None:
    first, second = (
        gsr_sc.GSR(n_neurons=9, likelihood=likelihood, **QUICK).fit(elsewhere(cells, ON_DISK[1])).transform(cells)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_backed_h5ad(cells: AnnData, in_memory: gsr_sc.GSR, tmp_path: Path) -> None:
    cells.write_h5ad(tmp_path / "cells.h5ad")
    before = (tmp_path / "cells.h5ad").read_bytes()
    backed = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    gsr_sc.tl.fit(backed, n_neurons=9, **QUICK)
    assert backed.isbacked
    assert backed.obsm["X_gsr"].shape == (1500, 9)
    # A view is read into memory, which is right where nothing is written.
    np.testing.assert_allclose(in_memory.transform(backed[7:90]), in_memory.transform(cells)[7:90], atol=1e-5)
    for what, options in ((backed[7:90], {}), (backed, {"copy": True})):
        with pytest.raises(ValueError, match=r"to_memory\(\)"):
            gsr_sc.tl.fit(what, **QUICK, **options)
    with pytest.raises(ValueError, match="view of backed data"):
        in_memory.annotate(backed[7:90])
    backed.file.close()
    assert (tmp_path / "cells.h5ad").read_bytes() == before


def test_lazy_annotation_is_refused_with_the_way_out(cells: AnnData, tmp_path: Path) -> None:
    pytest.importorskip("dask")
    pytest.importorskip("xarray")
    cells.write_h5ad(tmp_path / "cells.h5ad")
    lazy = anndata.experimental.read_lazy(tmp_path / "cells.h5ad")
    with pytest.raises(TypeError, match=r"obs\.to_memory\(\)"):
        gsr_sc.tl.fit(lazy)


def test_columns_on_disk_are_refused_with_the_way_out(cells: AnnData, tmp_path: Path) -> None:
    csc = cells.copy()
    csc.X = sparse.csc_matrix(csc.X)
    csc.write_h5ad(tmp_path / "cells.h5ad")
    backed = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    with pytest.raises(TypeError, match=r"CSC matrix on disk.*CSR"):
        gsr_sc.tl.fit(backed)
    backed.file.close()


def test_chunks_of_unknown_size_are_refused_with_the_way_out() -> None:
    array = pytest.importorskip("dask.array")
    from gsr_sc.matrices import open_rows

    x = array.ones((30, 4), chunks=10)
    with pytest.raises(TypeError, match="compute_chunk_sizes"):
        open_rows(x[x[:, 0] > 0])


def test_many_rows_are_read_in_parts(cells: AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    from gsr_sc.matrices import _learn_transform
    from gsr_sc.model import _neurons, _results

    whole = gsr_sc.tl.fit(cells, n_neurons=9, copy=True, **QUICK)
    monkeypatch.setattr(_results, "_BLOCK", 64)
    blocks = gsr_sc.tl.fit(cells, n_neurons=9, copy=True, **QUICK)
    assert (whole.obs["gsr_cluster"] == blocks.obs["gsr_cluster"]).all()
    np.testing.assert_allclose(whole.obsm["X_gsr_map"], blocks.obsm["X_gsr_map"], atol=1e-5)
    monkeypatch.setattr(_neurons, "_MAX_READ", 700)
    monkeypatch.setattr(_learn_transform, "_MAX_ROWS", 900)
    some = gsr_sc.tl.fit(cells, n_neurons=9, copy=True, **QUICK)
    assert some.uns["gsr"]["quality"]["moran_i"] == pytest.approx(whole.uns["gsr"]["quality"]["moran_i"], abs=0.05)
    assert not np.array_equal(some.obsm["X_gsr"], whole.obsm["X_gsr"]), "other means of genes"
    assert np.corrcoef(some.obsm["X_gsr"].ravel(), whole.obsm["X_gsr"].ravel())[0, 1] > 0.98
