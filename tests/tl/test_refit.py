"""A stored map can be fitted again, from what is stored alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pytest
from _fits import QUICK, cells, fitted
from _maps import make_map

import gsr_sc
from gsr_sc.slots._stored import StoredMap
from gsr_sc.tl._refit import Refit, checked_options, resampled, stored_options

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

MASK = np.arange(40) % 3 > 0
VARIANTS: dict[str, dict[str, Any]] = {
    "auto": {"smoothness": "auto"},
    "line": {"graph": "line"},
    "adjacency": {"graph": np.ones((5, 5)) - np.eye(5), "hidden": (16, 8), "hidden_decoder": (12,)},
    "mask": {"mask_var": MASK, "transform": None},
    "layer": {"layer": "counts", "batch_key": ["batch", "cluster"]},
    "nb": {"layer": "counts", "likelihood": "nb", "penalty": "rayleigh"},
    "labels": {"labels_key": "label", "unlabelled_category": "b", "activation": "relu"},
    "use_rep": {"use_rep": "X_pca", "init": "pca"},
    "init": {"init": "X_pca", "laplacian": "symmetric"},
    "learned": {"graph": gsr_sc.graphs.learned(9, kernel="knn", n_neighbors=2, memory=None)},
    "heat": {"activation": "heat", "filter_time": 0.5},
}


def _rich_cells() -> AnnData:
    adata = cells()
    rng = np.random.default_rng(0)
    adata.layers["counts"] = rng.poisson(np.exp(adata.X)).astype(np.float32)
    adata.obs["batch"] = rng.choice(["one", "two"], adata.n_obs)
    adata.obs["label"] = rng.choice(["a", "b", "c"], adata.n_obs)
    adata.obsm["X_pca"] = np.linalg.svd(adata.X - adata.X.mean(axis=0))[0][:, :6]
    return adata


@pytest.mark.parametrize("variant", VARIANTS)
def test_same_fit_from_a_file(variant: str, tmp_path: Path) -> None:
    adata = _rich_cells()
    gsr_sc.tl.fit(adata, **{**QUICK, **VARIANTS[variant]})
    adata.write_h5ad(tmp_path / "map.h5ad")
    back = ad.read_h5ad(tmp_path / "map.h5ad")
    refit = Refit.of(back, stored_options(StoredMap(back)), n_jobs=1)
    model = refit.fit(0)
    np.testing.assert_array_equal(refit.place(model), adata.obsm["X_gsr"])
    assert model.fitted.quality["explained_variance"] == adata.uns["gsr"]["quality"]["explained_variance"]


def test_genes_that_were_not_used_are_not_used() -> None:
    adata = cells()
    adata.var["highly_variable"] = MASK
    gsr_sc.tl.fit(adata, **QUICK)
    adata.var["highly_variable"] = ~MASK
    np.testing.assert_array_equal(stored_options(StoredMap(adata))["mask_var"], MASK)
    with pytest.raises(ValueError, match="20 are in this AnnData"):
        stored_options(StoredMap(adata[:, np.flatnonzero(MASK)[:20]].copy()))


def test_map_without_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="does not say how the map was fitted"):
        stored_options(StoredMap(make_map("grid")))


def test_unknown_options_are_named() -> None:
    with pytest.raises(TypeError, match=r"tl.stability.*no option 'epochs'"):
        checked_options({"epochs": 3}, where="stability")
    with pytest.raises(TypeError, match="no option 'graph'"):
        checked_options({"graph": "ring"}, refused=("graph",), where="stability")
    with pytest.raises(TypeError, match="Did you mean 'max_epochs'"):
        checked_options({"max_epoch": 3}, where="stability")
    with pytest.raises(TypeError, match="Did you mean 'graphs'"):
        gsr_sc.tl.scan(cells(), graph="line")
    # One file cannot hold several fits.
    with pytest.raises(TypeError, match="takes no option 'checkpoint'"):
        checked_options({"checkpoint": "fit.ckpt"}, where="stability")
    assert checked_options({"max_epochs": 3}, where="stability") == {"max_epochs": 3}


def test_refit_reads_only_what_it_needs_and_changes_nothing() -> None:
    adata = fitted().copy()
    refit = Refit.of(adata, stored_options(StoredMap(adata)), n_jobs=1)
    assert not refit.data.obsm
    assert not refit.data.uns
    some = refit.take(np.array([0, 0, 5]))
    np.testing.assert_array_equal(np.asarray(some.data.X), np.asarray(adata.X)[[0, 0, 5]])
    assert some.data.obs_names.is_unique
    with pytest.raises(KeyError, match="'nowhere'"):
        Refit.of(adata, {"batch_key": "nowhere"}, n_jobs=1)
    with pytest.raises(KeyError, match="'nowhere'"):
        Refit.of(adata, {"layer": "nowhere"}, n_jobs=1)


def test_draws_of_cells() -> None:
    strata = np.repeat([0, 1, 2], [80, 19, 1])
    rng = np.random.default_rng(0)
    assert resampled(strata, rng, resample=None, share=0.5).tolist() == list(range(100))
    half = resampled(strata, rng, resample="subsample", share=0.5)
    assert np.bincount(strata[half]).tolist() == [40, 10, 1]
    assert len(np.unique(half)) == len(half)
    boot = resampled(strata, rng, resample="bootstrap", share=0.5)
    assert np.bincount(strata[boot]).tolist() == [80, 19, 1]
    assert 50 < len(np.unique(boot)) < 80


def test_strata_are_batches_and_labels_with_missing_ones() -> None:
    adata = _rich_cells()
    adata.obs["label"] = adata.obs["label"].astype("category").cat.add_categories("unused")
    adata.obs.loc[adata.obs_names[:5], "label"] = np.nan
    refit = Refit.of(adata, {"batch_key": "batch", "labels_key": "label"}, n_jobs=1)
    assert set(refit.strata) == set(range(8)) or set(refit.strata) == set(range(7))
    assert (refit.strata >= 0).all()
    assert len(set(refit.strata[5:])) == 6
