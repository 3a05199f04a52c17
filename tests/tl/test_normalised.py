"""Counts and their normalised values, logarithms or not, give the same map, and find their places on each other's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from _fits import QUICK

import gsr_sc
from gsr_sc import GSR
from gsr_sc.slots import StoredMap
from gsr_sc.tl._refit import Refit, stored_options

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


@pytest.fixture
def logs() -> AnnData:
    """Log-normalised, with the counts in a layer."""
    adata = gsr_sc.datasets.simulate_clusters(200, 40, counts=True)
    adata.layers["counts"] = adata.X.copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    return adata


@pytest.mark.parametrize("options", [{}, {"transform": "pearson"}, {"likelihood": "nb"}, {"mask_var": "some"}], ids=str)
def test_the_map_is_the_same(logs: AnnData, options: dict[str, Any]) -> None:
    logs.var["some"] = np.arange(40) % 2 == 0
    before = logs.X.copy()
    gsr_sc.tl.fit(logs, **QUICK, **options)
    gsr_sc.tl.fit(logs, **QUICK, **options, layer="counts", key_added="of_counts")
    assert (before != logs.X).nnz == 0
    np.testing.assert_array_equal(logs.obsm["X_gsr"], logs.obsm["of_counts"])
    np.testing.assert_array_equal(logs.obsm["X_gsr_map"], logs.obsm["X_of_counts_map"])
    assert (logs.obs["gsr_cluster"] == logs.obs["of_counts_cluster"]).all()
    np.testing.assert_array_equal(logs.varm["gsr_programs"], logs.varm["of_counts_programs"])
    mine, other = (logs.uns[key]["params"] for key in ("gsr", "of_counts"))
    assert (mine["unlogged"], other["unlogged"]) == ("exactly", "no")
    assert mine["transform"] == other["transform"]


@pytest.mark.parametrize("target", [1.0, 1e4])
def test_the_map_is_the_same_where_the_logarithm_was_left_out(target: float) -> None:
    adata = gsr_sc.datasets.simulate_clusters(200, 120, counts=True)
    expected = gsr_sc.tl.fit(adata, **QUICK, copy=True)
    sc.pp.normalize_total(adata, target_sum=target)
    model = GSR(**QUICK).fit(adata)
    assert (model.fitted.params["unlogged"], model.fitted.params["log_base"]) == ("exactly", None)
    np.testing.assert_array_equal(model.transform(adata), expected.obsm["X_gsr"])


@pytest.mark.parametrize("transform", ["zscore", "combined", None])
def test_by_its_name_a_transform_takes_logarithms_as_they_are(logs: AnnData, transform: Any) -> None:
    gsr_sc.tl.fit(logs, **QUICK, transform=transform)
    assert logs.uns["gsr"]["params"]["unlogged"] == "no"
    assert not logs.uns["gsr"]["params"]["counts"]


def corrected(logs: AnnData, n_copies: int = 3) -> AnnData:
    """Values that are no logarithms of counts, of 120 variables."""
    rng = np.random.default_rng(0)
    x = np.hstack([logs.X.toarray() * rng.uniform(0.9, 1, logs.shape) for _ in range(n_copies)])
    return ad.AnnData(x.astype(np.float32), obs=logs.obs[[]].copy())


def test_what_was_corrected_is_scaled_to_something_like_counts(logs: AnnData, tmp_path: Path) -> None:
    other = corrected(logs)
    model = GSR(**QUICK).fit(other)
    assert model.fitted.params["unlogged"] == "roughly"
    assert model.fitted.params["log_base"] == np.e
    expected = model.transform(other)
    model.save(tmp_path / "m")
    for each in (model, GSR.load(tmp_path / "m")):
        # Each cell is scaled by itself, and so comes to where it was whatever others come along.
        np.testing.assert_allclose(each.transform(other[17:19].copy()), expected[17:19], atol=1e-5)
    # Those that are not logarithms, such as values of a panel, stay as they are.
    assert GSR(**QUICK).fit(other[:, :90].copy()).fitted.params["unlogged"] == "no"
    assert GSR(**QUICK, transform="combined").fit(other).fitted.params["unlogged"] == "no"
    again = Refit.of(gsr_sc.tl.fit(other, copy=True, **QUICK), {}, n_jobs=1)
    assert again.of_counts() is again


def soup_removed(n_vars: int, depth: float = 1.0) -> AnnData:
    """Counts less a part of each, as of what was in the droplet, and the counts in a layer."""
    rng = np.random.default_rng(0)
    mean = 10 * depth * np.outer(rng.lognormal(0, 0.5, 200), rng.lognormal(0, 1.5, n_vars))
    counts = rng.poisson(mean * rng.gamma(0.5, 2, mean.shape)).astype(np.float32)
    counts[:3] += 1
    x = (counts * rng.uniform(0.6, 1, counts.shape)).astype(np.float32)
    return ad.AnnData(x, layers={"counts": counts})


@pytest.mark.parametrize("n_vars", [20, 120])
@pytest.mark.parametrize("depth", [0.1, 1.0])
def test_corrected_counts_are_taken_for_counts(n_vars: int, depth: float, tmp_path: Path) -> None:
    adata = soup_removed(n_vars, depth)
    model = GSR(**QUICK).fit(adata)
    params = model.fitted.params
    assert (params["unlogged"], params["log_base"], params["transform"]) == ("roughly", None, "combined")
    model.save(tmp_path / "m")
    expected = model.transform(adata)
    # A cell of few counts alone could be anything.
    few = np.argsort(adata.X.sum(axis=1))[:2]
    for each in (model, GSR.load(tmp_path / "m")):
        np.testing.assert_allclose(each.transform(adata[few].copy()), expected[few], atol=1e-5)


def test_measurements_on_scales_of_their_own_are_no_abundances() -> None:
    """As of a table in which one column is in thousands: high values of a row, but not of a column."""
    rng = np.random.default_rng(0)
    x = rng.lognormal(0, 0.4, (150, 30)) * 10 ** rng.uniform(-2, 3, 30)
    for values in (x, 255 * rng.uniform(0, 1, (150, 256)) * (rng.uniform(size=(150, 256)) < 0.7)):
        params = GSR(**QUICK).fit(ad.AnnData(values.astype(np.float32))).fitted.params
        assert (params["unlogged"], params["counts"]) == ("no", False)


def test_shares_of_few_kinds_are_no_counts() -> None:
    """As of the neighbours of a cell, of which there are more or fewer."""
    rng = np.random.default_rng(0)
    neighbours = rng.multinomial(rng.integers(5, 40, 150), np.full(8, 1 / 8))
    shares = neighbours / neighbours.sum(axis=1, keepdims=True)
    params = GSR(**QUICK).fit(ad.AnnData(shares.astype(np.float32))).fitted.params
    assert (params["unlogged"], params["transform"]) == ("no", "none")


def test_pictures_are_no_logarithms() -> None:
    """Brightness between 0 and 1 of many pixels, a third of them dark."""
    rng = np.random.default_rng(0)
    x = np.clip(rng.normal(0.3, 0.5, (150, 256)), 0, 1).astype(np.float32)
    assert (x == 0).mean() > 0.2
    params = GSR(**QUICK).fit(ad.AnnData(x)).fitted.params
    assert (params["unlogged"], params["transform"]) == ("no", "none")


def test_shares_of_a_total_are_still_read_back(logs: AnnData) -> None:
    """Logarithms of counts over their total are below 1, too."""
    sc.pp.normalize_total(logs, target_sum=1, layer="counts")
    logs.X = np.log1p(logs.layers["counts"])
    assert logs.X.max() < 1
    assert GSR(**QUICK).fit(logs).fitted.params["unlogged"] == "exactly"


def test_a_model_of_counts_takes_what_was_corrected_for_abundances(logs: AnnData) -> None:
    other = corrected(logs, 1)
    other.var_names = logs.var_names
    model = GSR(**QUICK).fit(logs)
    with pytest.warns(UserWarning, match="nor logarithms .* taken for logarithms of abundances"):
        placed = model.transform(other)
    exact = model.transform(logs)
    assert np.linalg.norm(placed - exact, axis=1).mean() < 0.3 * np.linalg.norm(exact - exact[::-1], axis=1).mean()
    other.X *= 100
    with pytest.raises(ValueError, match="neither whole numbers >= 0 nor logarithms"):
        model.transform(other)
    other.X = logs.layers["counts"].toarray() * np.random.default_rng(0).uniform(0.8, 1, logs.shape).astype(np.float32)
    with pytest.warns(UserWarning, match="They are taken for abundances"):
        placed = model.transform(other)
    assert np.linalg.norm(placed - exact, axis=1).mean() < 0.3 * np.linalg.norm(exact - exact[::-1], axis=1).mean()


@pytest.mark.parametrize("saved", [False, True])
def test_cells_find_their_places_either_way(logs: AnnData, tmp_path: Path, *, saved: bool) -> None:
    other = logs[:90, ::-1].copy()
    # Normalised by someone else.
    other.X = other.layers["counts"].copy()
    sc.pp.normalize_total(other)
    sc.pp.log1p(other)
    for layer in (None, "counts"):
        model = GSR(**QUICK, layer=layer).fit(logs)
        if saved:
            model.save(tmp_path / str(layer))
            model = GSR.load(tmp_path / str(layer))
        expected = model.transform(logs)[:90]
        for mine in (None, "counts"):
            mapped = gsr_sc.tl.map_query(other, model, layer=mine, copy=True)
            np.testing.assert_allclose(mapped.obsm["X_gsr"], expected, atol=1e-5)
    some = logs[:90, :30].copy()
    mapped = gsr_sc.tl.map_query(some, model, layer="X", copy=True)
    again = gsr_sc.tl.map_query(some, model, copy=True)
    np.testing.assert_allclose(mapped.obsm["X_gsr"], again.obsm["X_gsr"], atol=1e-5)


def test_in_a_file_and_annotated_anew(logs: AnnData, tmp_path: Path) -> None:
    logs.write_h5ad(tmp_path / "cells.h5ad")
    backed = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    model = GSR(**QUICK).fit(backed)
    assert model.fitted.params["unlogged"] == "exactly"
    expected = model.transform(logs)
    model.annotate(backed)
    np.testing.assert_allclose(backed.obsm["X_gsr"], expected, atol=1e-5)
    backed.file.close()


def test_fitted_again_as_it_was(logs: AnnData) -> None:
    gsr_sc.tl.fit(logs, **QUICK)
    options = stored_options(StoredMap(logs))
    assert options["transform"] == "auto"
    refit = Refit.of(logs, options, n_jobs=1)
    again = refit.fit(0)
    assert again.fitted.params["unlogged"] == "exactly"
    # Values that are moved from cell to cell are counts.
    counted = refit.of_counts()
    assert (logs.layers["counts"] != counted.data.X).nnz == 0
    np.testing.assert_array_equal(counted.place(counted.fit(0)), refit.place(again))
    assert counted.of_counts() is counted
    assert Refit.of(logs, {**options, "transform": "combined"}, n_jobs=1).of_counts().data.X is not counted.data.X
