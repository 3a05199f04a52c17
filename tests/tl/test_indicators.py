"""Cluster indicators at several levels, from what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from _fits import fitted
from _maps import KINDS, MapKind, make_map

import gsr_sc

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", KINDS)
def test_levels_are_nested_on_every_graph(kind: MapKind) -> None:
    adata = make_map(kind)
    gsr_sc.tl.indicators(adata, resolution=[4, 0.3, 1])
    group = adata.uns["gsr_indicators"]["group"]
    assert adata.uns["gsr_indicators"]["resolution"].tolist() == [0.3, 1, 4]
    sizes = group.max(axis=0)
    assert (np.diff(sizes) >= 0).all()
    for coarse, fine in zip(group.T[:-1], group.T[1:], strict=True):
        assert all(len(set(coarse[fine == number].tolist())) == 1 for number in np.unique(fine))
    for level in range(3):
        assert adata.obs[f"gsr_confidence_{level}"].between(0, 1).all()


def test_every_parameter_changes_something() -> None:
    adata = make_map("grid")
    gsr_sc.tl.indicators(adata, resolution=1)
    assert "gsr_cluster_1" not in adata.obs
    fine = gsr_sc.tl.indicators(adata, resolution=5, copy=True)
    assert fine is not None
    assert fine.uns["gsr_indicators"]["group"].max() > adata.uns["gsr_indicators"]["group"].max()
    strict = gsr_sc.tl.indicators(adata, resolution=1, min_confidence=1, copy=True)
    assert strict is not None
    assert (strict.obs["gsr_cluster_0"] == "unassigned").sum() > (adata.obs["gsr_cluster_0"] == "unassigned").sum()
    gsr_sc.tl.indicators(adata, key_added="other")
    assert {"other_cluster_2", "other_confidence_2"} <= set(adata.obs)
    second = make_map("grid", key="second")
    gsr_sc.tl.indicators(second, key="second")
    assert "second_cluster_0" in second.obs


def test_surer_observations_have_more_neighbours_in_their_group() -> None:
    adata = fitted(max_epochs=4).copy()
    gsr_sc.tl.indicators(adata, resolution=1, min_confidence=0)
    group = adata.obs["gsr_cluster_0"].to_numpy()
    near = gsr_sc.graphs.nearest_neighbours(np.asarray(adata.X), 5).numbers
    agree = (group[near] == group[:, None]).mean(axis=1)
    confidence = adata.obs["gsr_confidence_0"].to_numpy()
    sure = confidence > np.median(confidence)
    assert agree[sure].mean() > agree[~sure].mean() + 0.05
    assert confidence.mean() <= agree.mean() + 0.05, "on the low side"


def test_results_survive_files_and_work_on_views(tmp_path: Path) -> None:
    adata = fitted().copy()
    adata.write_h5ad(tmp_path / "a.h5ad")
    back = ad.read_h5ad(tmp_path / "a.h5ad")
    gsr_sc.tl.indicators(adata)
    gsr_sc.tl.indicators(back)
    pd.testing.assert_frame_equal(adata.obs, back.obs, check_dtype=False)
    back.write_h5ad(tmp_path / "b.h5ad")
    again = ad.read_h5ad(tmp_path / "b.h5ad")
    np.testing.assert_array_equal(again.uns["gsr_indicators"]["group"], adata.uns["gsr_indicators"]["group"])
    view = fitted()[:50]
    gsr_sc.tl.indicators(view)
    assert "gsr_cluster_0" in view.obs
    assert "gsr_cluster_0" not in fitted().obs


@pytest.mark.parametrize("options", [{"resolution": 0}, {"resolution": []}, {"min_confidence": 2}])
def test_options_are_checked(options: dict[str, float]) -> None:
    adata = make_map("grid")
    with pytest.raises(ValueError, match=next(iter(options))):
        gsr_sc.tl.indicators(adata, **options)  # type: ignore[arg-type]
    assert "gsr_cluster_0" not in adata.obs
