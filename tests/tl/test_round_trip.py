"""A map survives being written and read, on every graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata
import networkx as nx
import numpy as np
import pytest
from _fits import QUICK, busy_cells
from _hash import changed_slots, hash_adata

import gsr_sc
from gsr_sc.slots._stored import StoredMap

if TYPE_CHECKING:
    from pathlib import Path

GRAPHS: dict[str, Any] = {
    "grid": "grid",
    "torus": "torus",
    "ring": "ring",
    "line": "line",
    "tree": nx.balanced_tree(2, 3),
    "custom": nx.krackhardt_kite_graph(),
}


def write_and_read(adata: anndata.AnnData, path: Path, form: str) -> anndata.AnnData:
    if form == "h5ad":
        adata.write_h5ad(path / "a.h5ad")
        return anndata.read_h5ad(path / "a.h5ad")
    adata.write_zarr(path / "a.zarr")
    return anndata.read_zarr(path / "a.zarr")


@pytest.mark.parametrize("form", ["h5ad", "zarr"])
@pytest.mark.parametrize("kind", GRAPHS)
def test_every_slot_comes_back(kind: str, form: str, tmp_path: Path) -> None:
    adata = busy_cells()
    gsr_sc.tl.fit(adata, graph=GRAPHS[kind], **QUICK)
    back = write_and_read(adata, tmp_path, form)
    differing = changed_slots(hash_adata(adata), hash_adata(back))
    ours = {slot for slot in differing if "gsr" in slot and "gsr_like" not in slot}
    # Numbers and text come back as numpy's and pandas' own types; what they say is compared below.
    assert not {slot for slot in ours if not slot.startswith("uns/gsr")}
    first, second = StoredMap(adata), StoredMap(back)
    assert second.graph.kind == first.graph.kind == kind
    assert second.graph.names == first.graph.names
    assert second.graph.shape == first.graph.shape
    np.testing.assert_array_equal(second.graph.layout, first.graph.layout)
    np.testing.assert_array_equal(second.graph.adjacency.toarray(), first.graph.adjacency.toarray())
    assert second.group.tolist() == first.group.tolist()
    for part in ("params", "quality", "versions"):
        assert set(second.uns[part]) == set(first.uns[part])
        for name, value in first.uns[part].items():
            np.testing.assert_array_equal(second.uns[part][name], value)
    assert set(second.uns["history"]) == set(first.uns["history"])
    for name, values in first.uns["history"].items():
        np.testing.assert_array_equal(second.uns["history"][name], values)
    if form == "h5ad":  # what was read is the same, so one of the two is enough to draw
        figure = gsr_sc.pl.latent_grid(back, groupby="cluster", return_fig=True)
        assert len(figure.axes) >= back.obs["cluster"].nunique()


def test_a_model_can_annotate_what_was_read(tmp_path: Path) -> None:
    adata = busy_cells()
    model = gsr_sc.GSR(**QUICK).fit(adata)
    model.annotate(adata)
    back = write_and_read(adata, tmp_path, "h5ad")
    before = hash_adata(back)
    np.testing.assert_array_equal(model.transform(back), adata.obsm["X_gsr"])
    model.annotate(back)
    assert {slot for slot in changed_slots(before, hash_adata(back)) if not slot.startswith("uns/gsr")} == set()
    again = write_and_read(back, tmp_path, "h5ad")
    np.testing.assert_array_equal(again.obsm["X_gsr"], adata.obsm["X_gsr"])


def test_scanpy_draws_the_map_by_its_name() -> None:
    import matplotlib.pyplot as plt
    import scanpy as sc

    adata = busy_cells()
    gsr_sc.tl.fit(adata, **QUICK)
    ax = sc.pl.embedding(adata, basis="X_gsr_map", color="gsr_cluster", show=False)
    np.testing.assert_allclose(
        np.sort(ax.collections[0].get_offsets()[:, 0]), np.sort(adata.obsm["X_gsr_map"][:, 0]), atol=1e-5
    )
    plt.close("all")
