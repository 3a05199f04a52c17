"""Which genes change along the order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from _arrays import ON_DISK
from _maps import make_map
from anndata import AnnData
from scipy import sparse, stats

import gsr_sc
from gsr_sc import graphs
from gsr_sc.get._values import read_values

if TYPE_CHECKING:
    from pathlib import Path

N_OBS, N_TRUE, N_NULL = 500, 12, 300


def ordered(kind: str = "line", *, depth_follows: bool = True) -> AnnData:
    """Cells along a map, with counts: the first genes peak somewhere, the others follow depth alone."""
    rng = np.random.default_rng(0)
    graph = {"line": graphs.line(12), "ring": graphs.ring(12), "wishbone": graphs.wishbone(2, 6)}[kind]
    small = make_map(graph, n_obs=N_OBS, n_dead=0)
    time = rng.random(N_OBS)
    depth = np.exp(6.5 + 1.5 * time * depth_follows + 0.3 * rng.normal(size=N_OBS))
    peaks = np.exp(-0.5 * ((time[:, None] - np.linspace(0.1, 0.9, N_TRUE)) / 0.15) ** 2)
    share = np.hstack([0.5 + 4 * peaks, np.tile(rng.lognormal(0, 0.5, N_NULL), (N_OBS, 1))])
    counts = rng.poisson(depth[:, None] * share / share.sum(axis=1, keepdims=True))
    genes = [*(f"true{j}" for j in range(N_TRUE)), *(f"null{j}" for j in range(N_NULL))]
    adata = AnnData(sparse.csr_matrix(counts.astype(np.float32)), obs=small.obs.copy(), var=pd.DataFrame(index=genes))
    adata.uns, adata.obsm = small.uns.copy(), small.obsm
    adata.obs["gsr_order"] = time * 2 * np.pi if kind == "ring" else time
    adata.obs["gsr_order_confidence"] = rng.random(N_OBS)
    if kind == "wishbone":
        adata.obs["gsr_branch"] = pd.Categorical(np.where(rng.random(N_OBS) < 0.5, "a", "b"), categories=["a", "b"])
    return adata


@pytest.mark.parametrize("kind", ["line", "ring"])
@pytest.mark.parametrize("log", [False, True])
def test_finds_what_changes_and_not_what_follows_depth(kind: str, log: bool) -> None:
    adata = ordered(kind)
    if log:
        adata.X = sparse.csr_matrix(np.log1p(adata.X.toarray() / adata.X.sum(axis=1) * 1e3))
    gsr_sc.tl.order_genes(adata)
    table = gsr_sc.get.order_genes(adata)
    assert set(table["gene"][:N_TRUE]) == {f"true{j}" for j in range(N_TRUE)}
    null = table[table["gene"].str.startswith("null")]
    assert (null["pval_adj"] < 0.05).mean() < 0.02
    assert stats.kstest(null["pval"], "uniform").statistic < 0.12
    true = table.set_index("gene").loc[[f"true{j}" for j in range(N_TRUE)]]
    assert (true["pval_adj"] < 1e-4).all()
    turn = 2 * np.pi if kind == "ring" else 1
    assert np.abs(true["peak"].to_numpy()[2:-2] / turn - np.linspace(0.1, 0.9, N_TRUE)[2:-2]).max() < 0.12
    assert true["explained"].min() > null["explained"].median() * 3


def test_cells_without_a_position_do_not_count() -> None:
    adata = ordered()
    some = np.arange(N_OBS) % 3 == 0
    subset = adata[~some].copy()
    adata.obs.loc[some, "gsr_order"] = np.nan
    gsr_sc.tl.order_genes(adata)
    gsr_sc.tl.order_genes(subset)
    pd.testing.assert_frame_equal(gsr_sc.get.order_genes(adata), gsr_sc.get.order_genes(subset))


def test_every_option_changes_something() -> None:
    adata = ordered("wishbone")
    adata.layers["shuffled"] = adata.X[np.random.default_rng(1).permutation(N_OBS)]
    adata.obs["total"] = np.asarray(adata.X.sum(axis=1)).ravel() ** 0.5 + np.random.default_rng(2).random(N_OBS)
    gsr_sc.tl.order_genes(adata)
    base = gsr_sc.get.order_genes(adata)
    for options in (
        {"layer": "shuffled"},
        {"depth": "total"},
        {"by_branch": True},
        {"df": 2},
        {"min_cells": N_OBS - 1},
        {"min_confidence": 0.5},
    ):
        other = gsr_sc.tl.order_genes(adata, copy=True, **options)  # type: ignore[arg-type]
        assert other is not None
        table = gsr_sc.get.order_genes(other)
        assert not table["pval"].equals(base["pval"]), options
        if "by_branch" in options:
            assert table["branch"].value_counts().to_dict() == {"a": adata.n_vars, "b": adata.n_vars}
    assert len(gsr_sc.get.order_genes(adata, max_pval_adj=0.05)) < len(base)
    np.testing.assert_allclose(
        base["pval_adj"].dropna(), stats.false_discovery_control(base["pval"].dropna()), rtol=1e-9
    )


def test_the_layer_of_the_fit_is_the_default(tmp_path: Path) -> None:
    adata = ordered()
    adata.layers["counts"] = adata.X.copy()
    adata.X = np.random.default_rng(0).normal(size=adata.shape)
    adata.uns["gsr"] = {**adata.uns["gsr"], "params": {**adata.uns["gsr"]["params"], "layer": "counts"}}
    gsr_sc.tl.order_genes(adata)
    expected = ordered()
    gsr_sc.tl.order_genes(expected)
    pd.testing.assert_frame_equal(gsr_sc.get.order_genes(adata), gsr_sc.get.order_genes(expected))
    assert adata.uns["gsr_order_genes"]["params"]["layer"] == "counts"
    gsr_sc.tl.order_genes(adata, layer="X")
    assert not gsr_sc.get.order_genes(adata)["pval"].equals(gsr_sc.get.order_genes(expected)["pval"])
    gsr_sc.tl.order_genes(adata)
    adata.write_h5ad(tmp_path / "a.h5ad")
    back = ad.read_h5ad(tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(gsr_sc.get.order_genes(back), gsr_sc.get.order_genes(adata), check_dtype=False)
    view = adata[adata.obs["gsr_order"] < 0.8]
    gsr_sc.tl.order_genes(view)
    assert not gsr_sc.get.order_genes(view)["pval"].equals(gsr_sc.get.order_genes(adata)["pval"])


def test_errors() -> None:
    adata = ordered()
    with pytest.raises(KeyError, match="order_genes"):
        gsr_sc.get.order_genes(adata)
    for options, kind, message in (
        ({"df": 0}, ValueError, "`df` is 0"),
        ({"min_cells": -1}, ValueError, "min_cells"),
        ({"min_confidence": 2}, ValueError, "min_confidence"),
        ({"layer": "no"}, KeyError, "`layer`"),
        ({"depth": "no"}, KeyError, "`depth`"),
        ({"by_branch": True}, ValueError, "no branches"),
    ):
        with pytest.raises(kind, match=message):
            gsr_sc.tl.order_genes(adata, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="too few"):
        gsr_sc.tl.order_genes(adata[:20].copy())
    with pytest.raises(KeyError, match="no order of its own"):
        gsr_sc.tl.order_genes(make_map("grid"))
    del adata.obs["gsr_order_confidence"]
    with pytest.raises(KeyError, match="confidence of positions"):
        gsr_sc.tl.order_genes(adata, min_confidence=0.1)
    gsr_sc.tl.order_genes(adata)
    with pytest.raises(ValueError, match="max_pval_adj"):
        gsr_sc.get.order_genes(adata, max_pval_adj=0)


@pytest.mark.parametrize("container", ON_DISK)
def test_the_same_where_the_data_are_not_in_memory(container: Any) -> None:
    adata = ordered()
    adata.obs.loc[adata.obs_names[3:90:7], "gsr_order"] = np.nan
    elsewhere = AnnData(container(adata.X.toarray()), obs=adata.obs.copy(), var=adata.var.copy())
    elsewhere.uns, elsewhere.obsm = adata.uns.copy(), adata.obsm
    for each in (adata, elsewhere):
        gsr_sc.tl.order_genes(each)
    expected, found = (each.uns["gsr_order_genes"] for each in (adata, elsewhere))
    pd.testing.assert_frame_equal(found["table"], expected["table"], rtol=1e-6)
    assert found["params"] == expected["params"]
    np.testing.assert_array_equal(
        *(read_values(each, "true3", layer=None, use_raw=False) for each in (adata, elsewhere))
    )
