"""Whether the order of a map is in the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from _fits import QUICK, cells, fitted
from _hash import hash_adata
from _stopping import interrupt_refit
from anndata import AnnData
from scipy import sparse, stats

import gsr_sc
from gsr_sc import graphs
from gsr_sc.tl._figures import graph_steps, order_kept
from gsr_sc.tl._null import _verdict, p_value
from gsr_sc.tl._permute import depth_strata, permuted
from gsr_sc.tl._refit import Refit

if TYPE_CHECKING:
    from pathlib import Path


def judged(adata: AnnData | None = None, **options: Any) -> AnnData:
    copied = gsr_sc.tl.null(
        fitted() if adata is None else adata,
        **{"n_permutations": 2, "max_epochs": 1, "n_jobs": 1, "copy": True, **options},
    )
    assert copied is not None
    return copied


@pytest.fixture(scope="module")
def usual() -> AnnData:
    return judged()


# -- permutations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_sparse", [True, False])
def test_values_stay_in_their_variable_and_stratum(as_sparse: bool) -> None:
    adata = cells(120, 12, counts=True)
    adata.obs["batch"] = np.repeat(["a", "b"], 60)
    dense = np.asarray(adata.X)
    if as_sparse:
        adata.X = sparse.csr_matrix(dense)
    refit = Refit.of(adata, {"batch_key": "batch"}, n_jobs=1)
    strata = depth_strata(refit, 3)
    assert np.bincount(strata).tolist() == [20] * 6
    for batch in (strata[:60], strata[60:]):
        depth = dense[:60].sum(axis=1) if batch is strata[:60] else None
        assert len(set(batch)) == 3
        assert depth is None or depth[batch == 0].max() <= depth[batch == 2].min()
    other = permuted(refit, strata, np.random.default_rng(0)).data.X
    assert sparse.issparse(other) == as_sparse
    values = other.toarray() if sparse.issparse(other) else other
    for stratum in np.unique(strata):
        np.testing.assert_array_equal(
            np.sort(values[strata == stratum], axis=0), np.sort(dense[strata == stratum], axis=0)
        )
    assert (values != dense).mean() > 0.3
    # Variables go their own ways.
    assert abs(np.corrcoef(values[:, 0] == dense[:, 0], values[:, 1] == dense[:, 1])[0, 1]) < 0.5


def test_strata_of_normalised_values_and_representations() -> None:
    rng = np.random.default_rng(0)
    seen = rng.random((100, 30)) < np.linspace(0.1, 0.9, 100)[:, None]
    adata = AnnData((seen * rng.random((100, 30))).astype(np.float32), obsm={"X_pca": rng.normal(size=(100, 4))})
    strata = depth_strata(Refit.of(adata, {}, n_jobs=1), 5)
    detected = seen.sum(axis=1)
    assert detected[strata == 0].max() <= detected[strata == 4].min()
    assert depth_strata(Refit.of(adata, {}, n_jobs=1), 50).max() == 9, "at least ten cells each"
    represented = Refit.of(adata, {"use_rep": "X_pca"}, n_jobs=1)
    strata = depth_strata(represented, 5)
    assert not strata.any()
    other = permuted(represented, strata, rng).data.obsm["X_pca"]
    assert not np.array_equal(other, adata.obsm["X_pca"])
    np.testing.assert_array_equal(np.sort(other, axis=0), np.sort(adata.obsm["X_pca"], axis=0))


def test_p_value_is_uniform_without_structure_and_small_with() -> None:
    def statistic(refit: Refit) -> float:
        return float(np.linalg.eigvalsh(np.corrcoef(np.asarray(refit.data.X).T))[-1])

    def one(number: int, signal: float) -> float:
        rng = np.random.default_rng(number)
        x = rng.normal(size=(60, 8)) + signal * rng.normal(size=(60, 1))
        refit = Refit(AnnData(x.astype(np.float32)), {})
        strata = depth_strata(refit, 20)
        null = np.array([statistic(permuted(refit, strata, own)) for own in rng.spawn(19)])
        return p_value(statistic(refit), null)

    without = np.array([one(number, 0.0) for number in range(60)])
    counts = np.bincount(np.round(without * 20).astype(int) - 1, minlength=20).reshape(5, 4).sum(axis=1)
    assert stats.chisquare(counts).pvalue > 0.01
    assert np.mean([one(number, 1.0) for number in range(10)]) == 0.05


def test_p_value_counts_the_observed_one() -> None:
    assert p_value(1.0, np.zeros(19)) == 0.05
    assert p_value(0.0, np.zeros(19)) == 1
    assert p_value(0.5, np.array([0, 0, 1.0])) == 0.5


def test_order_is_one_for_neighbours_on_one_neuron_and_none_for_neurons_anywhere() -> None:
    graph = graphs.line(6)
    steps = graph_steps(graph)
    assert order_kept(steps, np.eye(6)) == 1
    assert abs(order_kept(steps, np.ones((6, 6)))) < 1e-12
    near = (steps <= 1).astype(float)
    assert 0 < order_kept(steps, near) < 1
    assert graph_steps(graphs.lines(2, 3)).max() == 3


def test_verdict() -> None:
    kinds = ["observed", *["permuted data"] * 19]
    table = pd.DataFrame({"kind": kinds, "order": [0.5, *np.linspace(0, 0.2, 19)]})
    assert _verdict(table, 0.05, "order").startswith("There is order in the data")
    assert "0.500, maps of 19 permuted data up to 0.200 (p = 0.4)" in _verdict(table, 0.4, "order").replace("by ", "")
    undecided = _verdict(table.iloc[:4], 0.25, "order")
    assert undecided.startswith("Not decided")
    assert "cannot be lower than 0.25; ask for 19 or more" in undecided
    assert _verdict(table.iloc[:4].assign(order=[0.1, 0.2, 0.2, 0.2]), 1.0, "order").startswith("No order")


# -- the function -----------------------------------------------------------------------------------------------------


def test_slots(usual: AnnData) -> None:
    assert set(usual.uns) - set(fitted().uns) == {"gsr_null"}
    assert set(usual.obs) == set(fitted().obs)
    assert set(usual.obsm) == set(fitted().obsm)
    found = usual.uns["gsr_null"]
    assert found["pval"] == found["pvals"]["order"]
    table = gsr_sc.get.null(usual)
    assert table["kind"].value_counts().to_dict() == {
        "observed": 1,
        "no penalty": 1,
        "permuted data": 2,
        "permuted graph": 2,
    }
    assert table["explained_variance"].isna().sum() == 2
    assert "gsr_null" not in fitted().uns
    with pytest.raises(KeyError, match=r"tl.null\(adata\)"):
        gsr_sc.get.null(fitted())


def test_observed_is_fitted_as_the_permuted(usual: AnnData) -> None:
    same = judged(n_permutations=1, smoothness=0)
    table = gsr_sc.get.null(same)
    values = table[["explained_variance", "order", "moran_i"]].to_numpy(dtype=float)[:2]
    np.testing.assert_array_equal(values[0], values[1])
    assert gsr_sc.get.null(usual)["moran_i"].iloc[0] != gsr_sc.get.null(usual)["moran_i"].iloc[1]


def test_every_parameter_changes_something(usual: AnnData) -> None:
    def order(**options: Any) -> np.ndarray:
        return gsr_sc.get.null(judged(**options))["order"].to_numpy()

    base = gsr_sc.get.null(usual)["order"].to_numpy()
    np.testing.assert_array_equal(order(), base)
    assert len(order(n_permutations=1)) == 4
    for options in ({"max_cells": 60}, {"max_epochs": 2}, {"rng": 1}, {"activation": "relu"}):
        assert not np.array_equal(order(**options), base), options
    counted = cells(counts=True)
    gsr_sc.tl.fit(counted, **QUICK)
    by_depth, anywhere = (gsr_sc.get.null(judged(counted, n_permutations=1, n_strata=n)) for n in (20, 1))
    assert by_depth["order"].iloc[0] == anywhere["order"].iloc[0]
    assert by_depth["order"].iloc[2] != anywhere["order"].iloc[2]
    other = judged(n_permutations=1, statistic="moran_i").uns["gsr_null"]
    assert other["pval"] == other["pvals"]["moran_i"]
    assert "Moran" in other["verdict"]


def test_labels_are_not_told_and_coordinates_are_no_start() -> None:
    adata = cells()
    adata.obs["label"] = np.where(np.arange(adata.n_obs) % 2, "a", "b")
    adata.obsm["X_mine"] = np.asarray(adata.X)[:, :2].copy()
    gsr_sc.tl.fit(adata, labels_key="label", init="X_mine", **QUICK)
    plain = cells()
    gsr_sc.tl.fit(plain, **QUICK)
    np.testing.assert_array_equal(gsr_sc.get.null(judged(adata))["order"], gsr_sc.get.null(judged(plain))["order"])


def test_interrupted_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    adata = fitted().copy()
    before = hash_adata(adata)
    interrupt_refit(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        gsr_sc.tl.null(adata, n_permutations=5, max_epochs=1, n_jobs=1)
    assert hash_adata(adata) == before


def test_files_and_views(usual: AnnData, tmp_path: Path) -> None:
    usual.write_h5ad(tmp_path / "null.h5ad")
    usual.write_zarr(tmp_path / "null.zarr")
    for back in (ad.read_h5ad(tmp_path / "null.h5ad"), ad.read_zarr(tmp_path / "null.zarr")):
        pd.testing.assert_frame_equal(gsr_sc.get.null(back), gsr_sc.get.null(usual), check_dtype=False)
        assert dict(back.uns["gsr_null"]["pvals"]) == usual.uns["gsr_null"]["pvals"]
        assert back.uns["gsr_null"]["verdict"] == usual.uns["gsr_null"]["verdict"]
    view = fitted()[:100]
    gsr_sc.tl.null(view, n_permutations=1, max_epochs=1, n_jobs=1)
    assert "gsr_null" in view.uns


@pytest.mark.parametrize("container", ["dask", "sparse dask", "file", "sparse file"])
def test_data_that_are_not_in_memory(container: str, tmp_path: Path) -> None:
    adata = fitted().copy()
    in_memory = judged(adata).uns["gsr_null"]["fits"]
    values = sparse.csr_matrix(adata.X)
    adata.X = values if container.startswith("sparse") else values.toarray()
    if container.endswith("file"):
        adata.write_h5ad(tmp_path / "cells.h5ad")
        adata = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r+")
    else:
        array = pytest.importorskip("dask.array")
        rows = array.from_array(values.toarray(), chunks=(50, -1))
        meta = sparse.csr_matrix((0, 0), dtype=values.dtype)
        adata.X = rows.map_blocks(sparse.csr_matrix, meta=meta) if container.startswith("sparse") else rows
    gsr_sc.tl.null(adata, n_permutations=2, max_epochs=1, n_jobs=1)
    fits = adata.uns["gsr_null"]["fits"]
    assert fits["kind"].tolist() == in_memory["kind"].tolist()
    # Permuted anew from the same seed: data that were permuted wrongly would not come near.
    np.testing.assert_allclose(fits["order"], in_memory["order"], atol=0.1)


@pytest.mark.parametrize(
    "options", [{"n_permutations": 0}, {"statistic": "loss"}, {"n_strata": 0}, {"max_cells": 5}, {"max_epochs": 0}]
)
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        judged(**options)


def structureless(kind: str, number: int) -> np.ndarray:
    rng = np.random.default_rng(1000 + number)
    if kind == "values":
        return rng.normal(size=(80, 15)).astype(np.float32)
    # Depth is no order.
    depth = np.exp(rng.normal(0, 0.5, (120, 1)))
    # No gene is so rare that a data set has none of it.
    return rng.negative_binomial(2, 1 / (1 + depth * (0.3 + rng.gamma(1, 1.5, 20)) / 2)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["values", "counts"])
def test_p_values_of_fits_are_uniform_without_structure(kind: str) -> None:
    # Of the stored map only its options are read, so that one does for all data.
    adata = AnnData(structureless(kind, 0))
    options: dict[str, Any] = {"hidden": (16,), "max_epochs": 1, "smoothness": 0.25, "n_jobs": 1}
    gsr_sc.tl.fit(adata, graph="line", n_neurons=8, **options)
    p = []
    for number in range(60):
        adata.X = structureless(kind, number)
        # With four permutations p takes five values, which are the five classes of the test.
        p.append(judged(adata, n_permutations=4, rng=number).uns["gsr_null"]["pval"])
    counts = np.bincount(np.round(np.array(p) * 5).astype(int) - 1, minlength=5)
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("graph", ["line", "grid"])
def test_order_is_found_where_it_is(graph: str) -> None:
    adata = gsr_sc.datasets.simulate_line(200, 40, noise=0.6)
    gsr_sc.tl.fit(adata, graph=graph, max_epochs=1, smoothness=0.25, n_jobs=1)
    gsr_sc.tl.null(adata, n_permutations=19, n_jobs=1)
    assert adata.uns["gsr_null"]["pval"] == 0.05
    assert adata.uns["gsr_null"]["verdict"].startswith("There is order")
