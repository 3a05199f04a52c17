"""Which neuron indicates which label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from _maps import KINDS, MapKind, make_map

import gsr_sc
from gsr_sc.metrics import indicator_auroc_per_label

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", KINDS)
def test_homes_of_types_indicate_them(kind: MapKind) -> None:
    adata = make_map(kind)
    gsr_sc.tl.rank_indicators(adata, groupby="cell_type")
    table = gsr_sc.get.rank_indicators(adata, assigned=True)
    assert table["label"].tolist() == [f"type {k}" for k in range(4)]
    assert table["neuron"].is_unique
    stored = adata.uns["gsr_rank_indicators"]
    assert (stored["auroc"][np.arange(4), adata.uns["home"]] > (0.95 if kind != "custom" else 0.8)).all()
    assert (table["auroc"] > (0.95 if kind != "custom" else 0.8)).all()
    assert (table["ci_low"] < table["auroc"]).all()
    assert (table["auroc"] <= table["ci_high"]).all()
    assert (table["pval_adj"] < 1e-6).all()
    assert (table["mean_in"] > table["mean_out"]).all()
    assert table["n"].sum() == adata.n_obs


def test_same_values_and_assignment_as_the_measure() -> None:
    adata = make_map("grid")
    gsr_sc.tl.rank_indicators(adata, groupby="cell_type")
    measured = indicator_auroc_per_label(adata.obsm["X_gsr"], adata.obs["cell_type"])
    table = gsr_sc.get.rank_indicators(adata, assigned=True)
    np.testing.assert_allclose(table["auroc"], measured["auroc"])
    assert adata.uns["gsr_rank_indicators"]["assigned"].tolist() == measured["neuron"].tolist()


def test_table_is_sorted_and_tells_of_one_label() -> None:
    adata = make_map("grid")
    gsr_sc.tl.rank_indicators(adata, groupby="cell_type")
    one = gsr_sc.get.rank_indicators(adata, group="type 2")
    assert len(one) == 30
    assert one["label"].unique().tolist() == ["type 2"]
    assert one["auroc"].is_monotonic_decreasing
    assert one["assigned"].sum() == 1
    every = gsr_sc.get.rank_indicators(adata)
    pd.testing.assert_frame_equal(every[every["label"] == "type 2"].reset_index(drop=True), one)
    with pytest.raises(ValueError, match="type 2"):
        gsr_sc.get.rank_indicators(adata, group="tipe 2")


def test_means_are_those_of_the_cells() -> None:
    adata = make_map("ring")
    gsr_sc.tl.rank_indicators(adata, groupby="cell_type")
    row = gsr_sc.get.rank_indicators(adata, group="type 1").iloc[0]
    values = gsr_sc.get.activations(adata)[row["neuron"]].to_numpy()
    inside = (adata.obs["cell_type"] == "type 1").to_numpy()
    assert row["mean_in"] == pytest.approx(values[inside].mean(), rel=1e-5)
    assert row["mean_out"] == pytest.approx(values[~inside].mean(), rel=1e-5)


def test_levels() -> None:
    adata = make_map("grid")
    with pytest.raises(KeyError, match=r"tl\.indicators"):
        gsr_sc.tl.rank_indicators(adata, groupby="cell_type", level=0)
    gsr_sc.tl.indicators(adata, resolution=[0.5, 4])
    units = []
    for level in ("neurons", "groups", 0, 1):
        gsr_sc.tl.rank_indicators(adata, groupby="cell_type", level=level)
        table = gsr_sc.get.rank_indicators(adata)
        units.append(table.iloc[:, 1].nunique())
        assert table.columns[1] == ("neuron" if level == "neurons" else "group")
    assert units[0] == 30
    assert units[1] == len(set(adata.uns["gsr"]["graph"]["group"]))
    assert units[2:] == (adata.uns["gsr_indicators"]["group"].max(axis=0) + 1).tolist()
    assert units[3] > units[2]
    for wrong in (2, -1, "cells"):
        with pytest.raises(ValueError, match="level"):
            gsr_sc.tl.rank_indicators(adata, groupby="cell_type", level=wrong)


def test_linear_units_indicate_with_either_end() -> None:
    adata = make_map("grid", signed=True)
    adata.obsm["X_gsr"][:, adata.uns["home"][1]] *= -1
    name = gsr_sc.get.neurons(adata).index[adata.uns["home"][1]]
    signs = {}
    for direction in ("auto", "both", "up"):
        gsr_sc.tl.rank_indicators(adata, groupby="cell_type", direction=direction)
        table = gsr_sc.get.rank_indicators(adata, group="type 1").set_index("neuron")
        signs[direction] = (table.loc[name, "sign"], round(table.loc[name, "auroc"], 2))
        assert (table["auroc"].between(table["ci_low"], table["ci_high"])).all()
    assert signs["auto"] == signs["both"] == (-1, 1.0)
    assert signs["up"] == (1, 0.0)


def test_coverage_widens_the_intervals() -> None:
    adata = make_map("grid")
    widths = []
    for coverage in (0.5, 0.99):
        gsr_sc.tl.rank_indicators(adata, groupby="batch", coverage=coverage)
        table = gsr_sc.get.rank_indicators(adata)
        widths.append((table["ci_high"] - table["ci_low"]).mean())
    assert widths[1] > 2 * widths[0]


def test_labels_missing_unused_and_of_one_cell() -> None:
    adata = make_map("grid")
    label = adata.obs["cell_type"].astype(object)
    label[label == "type 3"] = np.nan
    label.iloc[5] = "single"
    adata.obs["label"] = pd.Categorical(label, ["nobody", "single", "type 0", "type 1", "type 2"])
    gsr_sc.tl.rank_indicators(adata, groupby="label")
    table = gsr_sc.get.rank_indicators(adata)
    assert list(table["label"].cat.categories) == ["single", "type 0", "type 1", "type 2"]
    assert table.groupby("label", observed=True)["n"].first().sum() == label.notna().sum()
    single = table[table["label"] == "single"]
    assert single["n"].eq(1).all()
    numbers = table.select_dtypes("number")
    assert np.isfinite(numbers.to_numpy()).all()
    adata.obs["one"] = "a"
    with pytest.raises(ValueError, match="two different labels"):
        gsr_sc.tl.rank_indicators(adata, groupby="one")


def test_more_labels_than_units_leaves_some_without() -> None:
    adata = make_map("line", n_types=6)
    adata.uns["gsr"]["graph"]["group"] = np.array(["0", "1"] * 5, dtype=object)
    gsr_sc.tl.rank_indicators(adata, groupby="cell_type", level="groups")
    table = gsr_sc.get.rank_indicators(adata, assigned=True)
    assert len(table) == 2
    assert (adata.uns["gsr_rank_indicators"]["assigned"] == -1).sum() == 4


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_results_survive_files(suffix: str, tmp_path: Path) -> None:
    adata = make_map("tree", key="k")
    gsr_sc.tl.rank_indicators(adata, groupby="cell_type", key="k")
    table = gsr_sc.get.rank_indicators(adata, key="k")
    path = tmp_path / f"map.{suffix}"
    getattr(adata, f"write_{suffix}")(path)
    back = getattr(ad, f"read_{suffix}")(path)
    pd.testing.assert_frame_equal(gsr_sc.get.rank_indicators(back, key="k"), table)
    gsr_sc.tl.rank_indicators(back, groupby="cell_type", key="k")
    pd.testing.assert_frame_equal(gsr_sc.get.rank_indicators(back, key="k"), table)


def test_copy_and_view() -> None:
    adata = make_map("grid")
    copied = gsr_sc.tl.rank_indicators(adata, groupby="cell_type", copy=True)
    assert copied is not None
    assert "gsr_rank_indicators" in copied.uns
    assert "gsr_rank_indicators" not in adata.uns
    view = adata[adata.obs["cell_type"] != "type 0"]
    gsr_sc.tl.rank_indicators(view, groupby="cell_type")
    assert gsr_sc.get.rank_indicators(view)["label"].nunique() == 3
    assert "gsr_rank_indicators" not in adata.uns


@pytest.mark.parametrize("options", [{"direction": "down"}, {"coverage": 1.0}, {"groupby": "score"}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    adata = make_map("grid")
    with pytest.raises(ValueError, match=next(iter(options))):
        gsr_sc.tl.rank_indicators(adata, **{"groupby": "cell_type", **options})
    assert "gsr_rank_indicators" not in adata.uns


def test_needs_no_rank_no_table() -> None:
    with pytest.raises(KeyError, match=r"tl\.rank_indicators"):
        gsr_sc.get.rank_indicators(make_map("grid"))
