"""Cluster indicators at several levels, from what is stored."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from _fits import fitted
from _maps import KINDS, MapKind, make_map

import gsr_sc
from gsr_sc.tl._palette import nested_colors

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


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
    second = make_map("grid", key="second")
    gsr_sc.tl.indicators(second, key="second")
    assert "second_cluster_0" in second.obs


def _agreement(adata: AnnData, level: int, coordinates: np.ndarray) -> np.ndarray:
    """Share of the 15 nearest neighbours of each observation that are in its group."""
    group = adata.obs[f"gsr_cluster_{level}"].to_numpy()
    near = gsr_sc.graphs.nearest_neighbours(coordinates, 15).numbers
    return (group[near] == group[:, None]).mean(axis=1)


def test_surer_observations_have_more_neighbours_in_their_group() -> None:
    adata = fitted(max_epochs=12).copy()
    gsr_sc.tl.indicators(adata, resolution=1, min_confidence=0)
    agree = _agreement(adata, 0, np.asarray(adata.X))
    confidence = adata.obs["gsr_confidence_0"].to_numpy()
    sure = confidence > np.median(confidence)
    assert agree[sure].mean() > agree[~sure].mean() + 0.05
    assert agree.mean() - 0.2 < confidence.mean() <= agree.mean() + 0.05, "a map hardly trained is less sure, not more"


@pytest.mark.slow
@pytest.mark.parametrize("data", ["blood", "clusters", "branches"])
def test_confidence_is_the_share_of_neighbours_in_the_group(data: str) -> None:
    """Of observations with confidence .8, about 80 % of the neighbours are in the group: observations by tenths."""
    if data == "blood":
        import scanpy as sc

        adata = sc.datasets.pbmc68k_reduced()
    elif data == "clusters":
        adata = gsr_sc.datasets.simulate_clusters(1500, 100, noise=0.8)
    else:
        adata = gsr_sc.datasets.simulate_tree(1500, 100)
    x = np.asarray(adata.X)
    # As the encoder sees values.
    scaled = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9) ** (2 / 3)
    left, size, _ = np.linalg.svd(scaled, full_matrices=False)
    # The neighbours that the fit sees are those in the coordinates that it starts from.
    adata.obsm["X_own"] = left[:, :30] * size[:30]
    gsr_sc.tl.fit(adata, n_jobs=1, smoothness=0.25, init="X_own", progress=False)
    gsr_sc.tl.indicators(adata, min_confidence=0)
    for level in range(3):
        confidence = adata.obs[f"gsr_confidence_{level}"].to_numpy()
        agree = _agreement(adata, level, adata.obsm["X_own"])
        tenth = np.minimum((10 * confidence).astype(int), 9)
        apart = [abs((confidence - agree)[tenth == k].mean()) for k in np.unique(tenth)]
        counts = np.array([(tenth == k).sum() for k in np.unique(tenth)])
        assert counts @ apart / len(tenth) < 0.05
        assert max(np.array(apart)[counts >= 50], default=0) < 0.12


def test_children_are_shades_of_their_parents() -> None:
    adata = make_map("grid", n_types=6)
    gsr_sc.tl.indicators(adata, resolution=[0.7, 5])
    table = gsr_sc.get.indicators(adata)
    coarse, fine = (table[table["level"] == level].set_index("group") for level in (0, 1))
    assert 1 < len(coarse) < len(fine)
    assert coarse["parent"].isna().all()
    assert set(fine["parent"]) == set(coarse.index)
    assert fine["n_neurons"].sum() == coarse["n_neurons"].sum() == 30
    for level in (0, 1):
        colors = adata.uns[f"gsr_cluster_{level}_colors"]
        categories = list(adata.obs[f"gsr_cluster_{level}"].cat.categories)
        assert len(colors) == len(categories)
        named = dict(zip(categories, colors, strict=True))
        assert named.get("unassigned", "#8b8b90") == "#8b8b90"
        assert len(set(colors)) == len(colors)
    hue = {name: _hue(row["color"]) for name, row in coarse.iterrows()}
    for _, row in fine.dropna(subset="color").iterrows():
        nearest = min(hue, key=lambda name: abs((_hue(row["color"]) - hue[name] + 0.5) % 1 - 0.5))
        assert nearest == row["parent"]


def _hue(color: str) -> float:
    return colorsys.rgb_to_hsv(*(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)))[0]


def test_undivided_groups_keep_their_colour_and_all_differ() -> None:
    coarse = np.repeat(np.arange(20), 4)
    fine = np.where(coarse < 10, coarse, 10 + np.arange(80) - 40)
    first, second = nested_colors([coarse, fine])
    assert first[:10] == second[:10]
    assert len(set(first)) == 20
    assert len(set(second)) == 50


def test_names_are_the_same_again_and_fall_with_size() -> None:
    adata = make_map("grid")
    gsr_sc.tl.indicators(adata)
    before = adata.obs.copy()
    gsr_sc.tl.indicators(adata)
    pd.testing.assert_frame_equal(adata.obs, before)
    ties = gsr_sc.slots._stored.StoredMap(adata).ties.sum(axis=1)
    for group in adata.uns["gsr_indicators"]["group"].T:
        assert (np.diff(np.bincount(group, weights=ties)) <= 1e-9).all()


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_results_survive_files_and_work_on_views(suffix: str, tmp_path: Path) -> None:
    adata = fitted().copy()
    read = getattr(ad, f"read_{suffix}")
    getattr(adata, f"write_{suffix}")(tmp_path / "a")
    back = read(tmp_path / "a")
    gsr_sc.tl.indicators(adata)
    gsr_sc.tl.indicators(back)
    pd.testing.assert_frame_equal(adata.obs, back.obs, check_dtype=False)
    getattr(back, f"write_{suffix}")(tmp_path / "b")
    again = read(tmp_path / "b")
    pd.testing.assert_frame_equal(gsr_sc.get.indicators(again), gsr_sc.get.indicators(adata))
    assert list(again.uns["gsr_cluster_2_colors"]) == list(adata.uns["gsr_cluster_2_colors"])
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
