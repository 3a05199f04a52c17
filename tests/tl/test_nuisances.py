"""Neurons that follow depth, batch or cell cycle."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from _maps import KINDS, MapKind, make_map

import gsr_sc

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


def _with_depth(kind: MapKind = "grid", n_obs: int = 400) -> AnnData:
    """A map whose first neuron follows the depth and whose second follows the batch."""
    adata = make_map(kind, n_obs=n_obs)
    rng = np.random.default_rng(0)
    adata.obs["n_counts"] = rng.lognormal(8, 0.5, n_obs)
    place = np.argsort(np.argsort(adata.obs["n_counts"].to_numpy())) / n_obs
    adata.obsm["X_gsr"][:, 0] = place + 0.2 * rng.random(n_obs)
    adata.obsm["X_gsr"][:, 1] = (adata.obs["batch"] == "b2") + 0.2 * rng.random(n_obs)
    return adata


@pytest.mark.parametrize("kind", KINDS)
def test_planted_nuisances_are_found(kind: MapKind) -> None:
    adata = _with_depth(kind)
    gsr_sc.tl.nuisances(adata, keys=["n_counts", "batch"])
    table = gsr_sc.get.nuisances(adata)
    names = list(gsr_sc.get.neurons(adata).index)
    flagged = table[table["flagged"]]
    assert flagged["neuron"].tolist() == names[:2]
    assert flagged["nuisance"].tolist() == ["n_counts", "batch"]
    assert flagged["towards"].tolist() == ["high", "b2"]
    assert (flagged["share"] > 0.8).all()
    # The last two neurons of the made-up map are dead.
    assert table.loc[table["neuron"].isin(names[-2:]), "share"].isna().all()
    whole = gsr_sc.get.nuisances(adata, of="map")
    assert whole["n_flagged"].tolist() == [1, 1]
    assert whole["n_obs"].tolist() == [400, 400]
    assert whole["share"].between(0.05, 0.9).all()


def test_chance_flags_nothing() -> None:
    adata = make_map("grid")
    rng = np.random.default_rng(1)
    adata.obs["noise"] = rng.normal(size=adata.n_obs)
    adata.obs["donor"] = rng.choice(list("abcde"), adata.n_obs)
    gsr_sc.tl.nuisances(adata, keys=["noise", "donor"], threshold=0.1)
    table = gsr_sc.get.nuisances(adata)
    assert not table["flagged"].any()
    assert abs(table["share"].mean()) < 0.02


def test_within_labels() -> None:
    adata = _with_depth()
    gsr_sc.tl.nuisances(adata, keys=["score", "n_counts"])
    assert "share_within" not in gsr_sc.get.nuisances(adata)
    alone = gsr_sc.get.nuisances(adata, of="map").set_index("nuisance")
    gsr_sc.tl.nuisances(adata, keys=["score", "n_counts"], groupby="cell_type")
    beyond = gsr_sc.get.nuisances(adata, of="map").set_index("nuisance")
    # The score is the number of the type, with a little noise.
    assert alone.loc["score", "n_flagged"] > 3
    assert beyond.loc["score", "n_flagged"] == 0
    assert beyond.loc["score", "share_within"] < 0.05 < alone.loc["score", "share"]
    assert beyond.loc["n_counts", "n_flagged"] == 1


def test_threshold() -> None:
    adata = _with_depth()
    counts = []
    for threshold in (0.01, 0.5, 1.0):
        gsr_sc.tl.nuisances(adata, keys="score", threshold=threshold)
        counts.append(int(gsr_sc.get.nuisances(adata)["flagged"].sum()))
    assert counts[0] > counts[1] > counts[2] == 0


def test_depth_comes_from_a_layer_or_a_column_or_counts() -> None:
    adata = make_map("grid")
    adata.uns["gsr"]["params"]["batch_key"] = "batch"
    gsr_sc.tl.nuisances(adata)
    of_x = gsr_sc.get.nuisances(adata, of="map")
    assert of_x["nuisance"].tolist() == ["depth", "batch"]
    adata.layers["counts"] = adata.X.copy()
    # Counts are read back from logarithms, but for a factor where all of a cell have one.
    adata.X = np.log1p(adata.X.toarray())
    gsr_sc.tl.nuisances(adata)
    of_logs = gsr_sc.get.nuisances(adata, of="map")
    assert of_logs["nuisance"].tolist() == ["depth", "batch"]
    np.testing.assert_allclose(of_logs["share"], of_x["share"], atol=0.02)
    adata.X = np.sqrt(adata.layers["counts"].toarray())
    with pytest.raises(ValueError, match="layer"):
        gsr_sc.tl.nuisances(adata)
    gsr_sc.tl.nuisances(adata, layer="counts")
    pd.testing.assert_frame_equal(gsr_sc.get.nuisances(adata, of="map"), of_x)
    # What the map was fitted on is looked at without being named.
    adata.uns["gsr"]["params"]["layer"] = "counts"
    gsr_sc.tl.nuisances(adata)
    pd.testing.assert_frame_equal(gsr_sc.get.nuisances(adata, of="map"), of_x)
    with pytest.raises(ValueError, match="holds other values"):
        gsr_sc.tl.nuisances(adata, layer="X")
    adata.obs["total_counts"] = np.asarray(adata.layers["counts"].sum(axis=1)).ravel()
    gsr_sc.tl.nuisances(adata)
    of_column = gsr_sc.get.nuisances(adata, of="map")
    assert of_column["nuisance"].tolist() == ["total_counts", "batch"]
    np.testing.assert_allclose(of_column["share"], of_x["share"])
    for name in ("n_counts", "nCount_RNA", "n_umi", "nUMI"):
        other = adata.copy()
        other.obs = other.obs.rename(columns={"total_counts": name})
        gsr_sc.tl.nuisances(other)
        assert gsr_sc.get.nuisances(other, of="map")["nuisance"].tolist() == [name, "batch"]
    gsr_sc.tl.nuisances(adata, keys="batch")
    assert gsr_sc.get.nuisances(adata, of="map")["nuisance"].tolist() == ["batch"]
    gsr_sc.tl.nuisances(adata, keys="batch", layer="counts")
    assert gsr_sc.get.nuisances(adata, of="map")["nuisance"].tolist() == ["depth", "batch"]


def test_missing_values_do_not_count() -> None:
    adata = _with_depth()
    some = adata[::2].copy()
    adata.obs.loc[adata.obs_names[1::2], "n_counts"] = np.nan
    adata.obs.loc[adata.obs_names[1::2], "batch"] = np.nan
    tables = []
    for data in (some, adata):
        gsr_sc.tl.nuisances(data, keys=["n_counts", "batch"], groupby="cell_type")
        tables.append(gsr_sc.get.nuisances(data))
    pd.testing.assert_frame_equal(*tables)
    adata.obs["cell_type"] = adata.obs["cell_type"].where(np.arange(adata.n_obs) % 4 == 0)
    gsr_sc.tl.nuisances(adata, keys="n_counts", groupby="cell_type")
    assert np.isfinite(gsr_sc.get.nuisances(adata)["share_within"].dropna()).all()


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_results_survive_files(suffix: str, tmp_path: Path) -> None:
    adata = _with_depth()
    adata.uns.pop("home")
    gsr_sc.tl.nuisances(adata, keys=["n_counts", "batch"], groupby="cell_type")
    path = tmp_path / f"map.{suffix}"
    getattr(adata, f"write_{suffix}")(path)
    back = getattr(ad, f"read_{suffix}")(path)
    of: Any
    for of in ("neurons", "map"):
        pd.testing.assert_frame_equal(gsr_sc.get.nuisances(back, of=of), gsr_sc.get.nuisances(adata, of=of))
    with pytest.raises(ValueError, match="it is one of"):
        gsr_sc.get.nuisances(back, of="cells")  # type: ignore[arg-type]
    gsr_sc.tl.nuisances(back, keys=["n_counts", "batch"], groupby="cell_type")
    pd.testing.assert_frame_equal(gsr_sc.get.nuisances(back), gsr_sc.get.nuisances(adata))


def test_copy_view_and_key(caplog: pytest.LogCaptureFixture) -> None:
    adata = make_map("ring", key="k")
    with caplog.at_level(logging.INFO, logger="gsr_sc"):
        copied = gsr_sc.tl.nuisances(adata, keys="score", key="k", copy=True)
    assert copied is not None
    assert "'score' explains" in caplog.text
    assert "k_nuisances" in copied.uns
    assert "k_nuisances" not in adata.uns
    view = adata[:100]
    gsr_sc.tl.nuisances(view, keys="score", key="k")
    assert gsr_sc.get.nuisances(view, key="k", of="map")["n_obs"].tolist() == [100]


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"keys": "Batch"}, KeyError, "batch"),
        ({"keys": []}, ValueError, "keys"),
        ({"keys": "same"}, ValueError, "same value"),
        ({"keys": "batch", "threshold": 0}, ValueError, "threshold"),
        ({"layer": "nothing"}, KeyError, "layer"),
        ({"keys": "batch", "groupby": "score"}, ValueError, "groupby"),
    ],
)
def test_options_are_checked(options: dict[str, Any], error: type[Exception], match: str) -> None:
    adata = make_map("grid")
    adata.obs["same"] = 1.0
    with pytest.raises(error, match=match):
        gsr_sc.tl.nuisances(adata, **options)
    assert "gsr_nuisances" not in adata.uns
