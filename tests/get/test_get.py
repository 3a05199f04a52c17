"""Stored results as tables and graphs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import anndata as ad
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from _hash import hash_adata
from _maps import KINDS, MapKind, add_comparison, add_scan, add_stability, make_map
from hypothesis import given
from hypothesis import strategies as st

import gsr_sc
from gsr_sc import get
from gsr_sc.slots._added import write_added
from gsr_sc.slots._keys import Keys

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


@pytest.fixture(scope="module")
def adata() -> AnnData:
    return make_map("grid")


def test_activations_are_those_stored(adata: AnnData) -> None:
    table = get.activations(adata)
    np.testing.assert_array_equal(table.to_numpy(), adata.obsm["X_gsr"])
    assert table.index.equals(adata.obs_names)
    assert list(table.columns)[:7] == ["A1", "A2", "A3", "A4", "A5", "A6", "B1"]
    assert table.columns.name == "neuron"
    # A copy: what is done to the table is not done to the map.
    table.iloc[0, 0] = 99
    assert adata.obsm["X_gsr"][0, 0] != 99


def test_neurons_count_winners_and_name_dead_ones(adata: AnnData) -> None:
    table = get.neurons(adata)
    winners = adata.obsm["X_gsr"].argmax(axis=1)
    np.testing.assert_array_equal(table["n_cells"], np.bincount(winners, minlength=30))
    assert table["use"].sum() == pytest.approx(1)
    np.testing.assert_allclose(table["mean_activation"], adata.obsm["X_gsr"].mean(axis=0), rtol=1e-5)
    assert list(table.index[table["is_dead"]]) == ["E5", "E6"]
    # Row A is at the top.
    assert table.loc["A1", "y"] == table["y"].max()
    assert list(table["group"].cat.categories) == ["0", "1", "2", "3"]


def test_neuron_that_wins_a_cell_is_not_dead() -> None:
    adata = make_map("grid", n_dead=1)
    adata.obs["gsr_neuron"] = adata.obs["gsr_neuron"].cat.rename_categories({"A1": "E6", "E6": "A1"})
    table = get.neurons(adata)
    assert table.loc["E6", "n_cells"] > 0
    assert not table["is_dead"].any()


def test_subset_counts_its_own_cells(adata: AnnData) -> None:
    # anndata drops the names of neurons that win no cell of a subset.
    subset = adata[adata.obs["cell_type"] == "type 3"]
    table = get.neurons(subset)
    assert table["n_cells"].sum() == subset.n_obs
    assert table["n_cells"].idxmax() == adata.uns["gsr"]["graph"]["names"][adata.uns["home"][3]]
    assert subset.is_view


@pytest.mark.parametrize("kind", KINDS)
def test_graph_has_all_edges_and_attributes(kind: MapKind) -> None:
    adata = make_map(kind)
    graph, table = get.graph(adata), get.neurons(adata)
    assert list(graph.nodes) == list(table.index)
    adjacency = nx.to_scipy_sparse_array(graph, weight="weight")
    np.testing.assert_array_equal(adjacency.toarray(), adata.uns["gsr"]["graph"]["adjacency"].toarray())
    assert nx.get_node_attributes(graph, "use") == table["use"].to_dict()
    assert nx.get_node_attributes(graph, "group") == table["group"].astype(str).to_dict()
    assert nx.get_node_attributes(graph, "is_dead") == table["is_dead"].to_dict()
    np.testing.assert_array_equal(list(nx.get_node_attributes(graph, "pos").values()), table[["x", "y"]])


def test_programs_as_matrix(adata: AnnData) -> None:
    table = get.programs(adata)
    np.testing.assert_array_equal(table.to_numpy(), adata.varm["gsr_programs"])
    assert (table.index.equals(adata.var_names), table.columns.name) == (True, "neuron")


def test_programs_of_groups_are_means_weighted_by_activation(adata: AnnData) -> None:
    table = get.programs(adata, groups=True)
    weight = adata.obsm["X_gsr"].mean(axis=0) * (adata.uns["gsr"]["graph"]["group"] == "2")
    np.testing.assert_allclose(table["2"], adata.varm["gsr_programs"] @ (weight / weight.sum()), rtol=1e-4)
    assert list(table.columns) == ["0", "1", "2", "3"]


def test_tidy_programs_are_sorted_and_leave_out_unused_genes(adata: AnnData) -> None:
    table = get.programs(adata, tidy=True)
    assert list(table.columns) == ["source", "target", "weight"]
    assert "gene7" not in set(table["target"])
    assert len(table) == 7 * 30
    for name, part in table.groupby("source"):
        assert part["weight"].is_monotonic_decreasing
        assert part.set_index("target")["weight"].to_dict() == get.programs(adata)[name].dropna().to_dict()


@given(n_top=st.integers(1, 9))
def test_top_genes_have_the_largest_effects_in_either_direction(n_top: int) -> None:
    adata = make_map("line", n_obs=20)
    table = get.programs(adata, n_top=n_top)
    effects = get.programs(adata)["n3"].dropna()
    kept = table.loc[table["source"] == "n3"].set_index("target")["weight"]
    assert len(kept) == min(n_top, 7)
    assert kept.abs().min() >= effects.drop(kept.index).abs().max() or n_top >= 7


def test_programs_allow_repeated_gene_names(adata: AnnData) -> None:
    twice = adata.copy()
    twice.var_names = ["a", "a", *adata.var_names[2:]]
    assert len(get.programs(twice, n_top=8)) == 7 * 30


def test_programs_that_are_not_there(adata: AnnData) -> None:
    bare = adata.copy()
    del bare.varm["gsr_programs"]
    with pytest.raises(KeyError, match="use_rep"):
        get.programs(bare)
    with pytest.raises(ValueError, match="`n_top` is 0"):
        get.programs(adata, n_top=0)


def test_quality_and_history(adata: AnnData) -> None:
    quality = get.quality(adata)
    assert list(quality.index) == ["explained_variance", "moran_i", "n_dead"]
    shuffled = adata.copy()
    shuffled.uns["gsr"]["quality"] = {"own": 1.0, **dict(reversed(list(adata.uns["gsr"]["quality"].items())))}
    assert list(get.quality(shuffled).index) == ["explained_variance", "moran_i", "n_dead", "own"]
    assert quality.to_dict() == {"explained_variance": 0.25, "moran_i": 0.8, "n_dead": 2.0}
    history = get.history(adata)
    assert history.index.name == "epoch"
    assert list(history.index) == list(range(1, 11))
    assert history["validation_loss"].idxmin() == 7
    empty = adata.copy()
    empty.uns["gsr"]["history"] = {}
    assert get.history(empty).empty


@cache
def _complete(kind: MapKind, key: str | None = None) -> AnnData:
    """A map with all that functions on it add, for `get` to read; not to be changed."""
    adata = make_map(kind, key=key)
    add_stability(adata, key=key)
    add_comparison(adata, key=key)
    gsr_sc.tl.indicators(adata, key=key)
    gsr_sc.tl.rank_indicators(adata, groupby="cell_type", key=key)
    gsr_sc.tl.nuisances(adata, keys="score", key=key)
    gsr_sc.tl.order(adata, root="type 0", end="type 2", groupby="cell_type", key=key)
    gsr_sc.tl.order_genes(adata, key=key)
    add_scan(adata, key=key)
    # Made up: what takes fits or a model.
    fits = pd.DataFrame({"moran_i": [0.8, 0.2]}, index=["0", "1"])
    write_added(
        adata,
        Keys.of(key),
        uns={"null": {"fits": fits}, "query": {"n_genes": 8}},
        obs={"novelty": np.linspace(0, 1, adata.n_obs)},
    )
    return adata


@pytest.mark.parametrize("name", get.__all__)
def test_reads_a_named_map_and_changes_nothing(name: str) -> None:
    adata = _complete("ring", "k")
    before = hash_adata(adata)
    assert getattr(get, name)(adata, key="k") is not None
    assert hash_adata(adata) == before
    with pytest.raises(KeyError, match=r"\['k'\]"):
        getattr(get, name)(adata)


@pytest.mark.parametrize("name", get.__all__)
@pytest.mark.parametrize("kind", ["grid", "tree"])
def test_same_after_writing_and_reading(name: str, kind: MapKind, tmp_path: Path) -> None:
    adata = _complete(kind)
    adata.write_h5ad(tmp_path / "map.h5ad")
    first, second = (getattr(get, name)(a) for a in (adata, ad.read_h5ad(tmp_path / "map.h5ad")))
    if name == "graph":
        assert nx.utils.graphs_equal(first, second)
    elif isinstance(first, dict):
        assert first == second
    elif name == "quality":
        pd.testing.assert_series_equal(first.sort_index(), second.sort_index())
    else:
        order = list(first.columns)
        pd.testing.assert_frame_equal(first, second[order], check_index_type=False, check_column_type=False)
