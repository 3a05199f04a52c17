"""The position along a stored map from a root of choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from _fits import fitted
from _hash import changed_slots, hash_adata
from _maps import KINDS, MapKind, make_map

import gsr_sc
from gsr_sc import graphs

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

GRAPHS = [
    graphs.grid(5),
    graphs.hexagonal(4, 5),
    graphs.line(12),
    graphs.lines(2, 6),
    graphs.ring(12),
    graphs.rings(2, 6),
    graphs.star(3, 4),
    graphs.tree(2, 2),
    graphs.wishbone(2, 5),
    graphs.from_networkx(nx.krackhardt_kite_graph()),
]


def along(graph: Any, *, n_obs: int = 300, seed: int = 0) -> tuple[AnnData, np.ndarray]:
    """A map on which each cell lights the surroundings of a neuron; and the number of that neuron."""
    adata = make_map(graph, n_obs=n_obs, n_dead=0, seed=seed)
    rng = np.random.default_rng(seed)
    home = rng.integers(adata.obsm["X_gsr"].shape[1], size=n_obs)
    steps = graphs._position.steps_between(graph)
    z = np.exp(-(np.minimum(steps, 30.0)[home] ** 2)) * rng.uniform(0.8, 1.2, (n_obs, len(steps)))
    adata.obsm["X_gsr"] = (z / z.sum(axis=1, keepdims=True)).astype(np.float32)
    adata.obs["gsr_neuron"] = pd.Categorical.from_codes(home.tolist(), categories=list(graph.names))
    adata.obs["home"] = pd.Categorical([graph.names[k] for k in home])
    return adata, home


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.kind)
@pytest.mark.parametrize("number", [0, 4])
def test_from_a_neuron_on_every_graph(graph: graphs.NeuronGraph, number: int) -> None:
    adata, home = along(graph)
    before = hash_adata(adata)
    gsr_sc.tl.order(adata, root=graph.names[number], groupby="gsr_neuron")
    changed = changed_slots(before, hash_adata(adata))
    assert {slot for slot in changed if "gsr_order" not in slot} <= {"uns", "obs/gsr_branch"}
    assert adata.uns["gsr_order"]["root"] == graph.names[number]
    order = adata.obs["gsr_order"].to_numpy()
    steps = graphs._position.steps_between(graph)[number]
    own = np.isfinite(steps[home])
    if graph.kind in ("ring", "rings"):
        away = np.minimum(order, 2 * np.pi - order)
        assert ((order >= 0) & (order < 2 * np.pi)).all()
    else:
        away = order
        assert ((order[own] >= 0) & (order[own] <= 1)).all()
    assert gsr_sc.metrics.order_agreement(away[own], steps[home][own]) > (
        0.6 if graph.kind in ("custom", "hex") else 0.75
    )
    assert adata.obs["gsr_order_confidence"].between(0, 1).all()
    has_branches = graph.kind in ("lines", "rings", "star", "tree", "wishbone") or (
        graph.kind == "line" and number == 4
    )
    assert ("gsr_branch" in adata.obs) == has_branches


@pytest.mark.parametrize("kind", ["line", "ring", "tree"])
def test_without_a_root_positions_stay_what_they_were(kind: MapKind) -> None:
    adata = make_map(kind)
    before = adata.obs["gsr_order"].to_numpy().copy()
    gsr_sc.tl.order(adata)
    np.testing.assert_allclose(adata.obs["gsr_order"], before, atol=1e-6)
    assert "root" not in adata.uns["gsr_order"]


def test_groups_cells_and_genes_name_the_same_end() -> None:
    graph = graphs.wishbone(2, 6)
    adata, home = along(graph)
    tip = np.array([name in ("b4", "b5", "b6") for name in graph.names])[home]
    adata.obs["group"] = pd.Categorical(np.where(tip, "late", "rest"))
    adata.layers["other"] = np.zeros(adata.shape)
    adata.X = adata.X.toarray()
    adata.X[:, 0] = np.where(tip, 5.0, 0.0)
    adata.obs_names = [f"cell{k}" for k in range(adata.n_obs)]
    cell = adata.obs_names[home == graph.names.index("b5")][0]
    for options in ({"root": "late", "groupby": "group"}, {"root": "gene0"}, {"root": cell}):
        gsr_sc.tl.order(adata, **options)
        assert adata.uns["gsr_order"]["root"] == "b6", options
        assert list(adata.obs["gsr_branch"].cat.categories) == ["b", "stem", "a"]
    assert adata.uns["gsr_order"]["from"]["root"] == cell
    with pytest.raises(ValueError, match="marks none"):
        gsr_sc.tl.order(adata, root="gene0", layer="other")
    adata.raw = adata.copy()
    adata.X[:, 0] = np.where(home == graph.names.index("a6"), 5.0, 0.0)
    gsr_sc.tl.order(adata, root="gene0")
    assert adata.uns["gsr_order"]["root"] == "a6"
    gsr_sc.tl.order(adata, root="gene0", use_raw=True)
    assert adata.uns["gsr_order"]["root"] == "b6"


def test_path_on_a_grid_leaves_out_what_is_elsewhere() -> None:
    graph = graphs.grid(7)
    adata, home = along(graph, n_obs=600)
    row, column = home // 7, home % 7
    options = {"root": graph.names[0], "end": graph.names[6], "groupby": "home"}
    gsr_sc.tl.order(adata, **options)
    entry = adata.uns["gsr_order"]
    assert (entry["kind"], entry["root"], entry["end"]) == ("path", graph.names[0], graph.names[6])
    assert (entry["path"][0], entry["path"][-1]) == (graph.names[0], graph.names[6])
    on = adata.obs["gsr_order"].notna().to_numpy()
    assert on[row == 0].mean() > 0.9
    assert on[row >= 5].mean() < 0.1
    assert gsr_sc.metrics.order_agreement(adata.obs["gsr_order"][on], column[on]) > 0.9
    confidence = adata.obs["gsr_order_confidence"].to_numpy()
    assert confidence[on].mean() > 2 * confidence[~on].mean()
    gsr_sc.tl.order(adata, detour=0, **options)
    assert adata.obs["gsr_order"].notna().sum() < on.sum()
    assert "gsr_branch" not in adata.obs


def test_reverse_and_end_on_a_ring() -> None:
    graph = graphs.ring(12)
    adata, _ = along(graph)
    gsr_sc.tl.order(adata, root="n3", groupby="gsr_neuron")
    ahead = adata.obs["gsr_order"].to_numpy()
    assert not np.allclose(ahead, along(graph)[0].obs["gsr_order"])
    gsr_sc.tl.order(adata, root="n3", groupby="gsr_neuron", reverse=True)
    np.testing.assert_allclose(np.exp(1j * adata.obs["gsr_order"]), np.exp(-1j * ahead), atol=1e-9)
    for end, expected in (("n5", ahead), ("n1", adata.obs["gsr_order"].to_numpy())):
        gsr_sc.tl.order(adata, root="n3", end=end, groupby="gsr_neuron")
        np.testing.assert_allclose(adata.obs["gsr_order"], expected)
    line, _ = along(graphs.line(9))
    before = gsr_sc.tl.order(line, copy=True)
    gsr_sc.tl.order(line, reverse=True)
    assert before is not None
    np.testing.assert_allclose(line.obs["gsr_order"], 1 - before.obs["gsr_order"])


def test_a_new_order_leaves_nothing_of_the_old_one() -> None:
    adata, _ = along(graphs.line(12))
    gsr_sc.tl.order(adata, root="n6", groupby="gsr_neuron")
    adata.uns["gsr_branch_colors"] = ["red", "green", "blue"]
    gsr_sc.tl.order_genes(adata)
    gsr_sc.tl.order(adata, root="n0", groupby="gsr_neuron")
    assert "gsr_branch" not in adata.obs
    assert not {"gsr_branch_colors", "gsr_order_genes"} & set(adata.uns)


@pytest.mark.parametrize("kind", KINDS)
def test_files_views_and_names(kind: MapKind, tmp_path: Path) -> None:
    adata = make_map(kind, key="k")
    adata.obs["cell_type"] = adata.obs["cell_type"].cat.add_categories("unused")
    adata.obs.loc[adata.obs_names[:9], "cell_type"] = np.nan
    adata.write_h5ad(tmp_path / "a.h5ad")
    back = ad.read_h5ad(tmp_path / "a.h5ad")
    options = {"root": "type 1", "end": "type 3", "groupby": "cell_type", "key": "k"}
    gsr_sc.tl.order(adata, **options)
    gsr_sc.tl.order(back, **options)
    pd.testing.assert_frame_equal(adata.obs, back.obs)
    back.write_h5ad(tmp_path / "b.h5ad")
    again = ad.read_h5ad(tmp_path / "b.h5ad")
    pd.testing.assert_frame_equal(gsr_sc.get.order(again, key="k"), gsr_sc.get.order(adata, key="k"))
    assert list(again.uns["k_order"]["path"]) == list(adata.uns["k_order"]["path"])
    whole = make_map(kind)
    view = whole[whole.obs["cell_type"] != "type 0"]
    gsr_sc.tl.order(view, root="type 1", groupby="cell_type")
    assert "gsr_order_confidence" in view.obs
    assert "gsr_order_confidence" not in whole.obs
    with pytest.raises(ValueError, match="unused"):
        gsr_sc.tl.order(adata, root="unused", groupby="cell_type", key="k")


def test_on_a_representation_without_genes_and_on_a_learned_graph() -> None:
    adata, _ = along(graphs.grid(5))
    del adata.varm["gsr_programs"]
    gsr_sc.tl.order(adata, root=adata.obs["gsr_neuron"].cat.categories[0], groupby="gsr_neuron")
    assert adata.obs["gsr_order"].notna().all()
    learned = fitted(graph="learned", n_neurons=12).copy()
    gsr_sc.tl.order(learned, root=learned.obs_names[0])
    position = learned.obs["gsr_order"]
    assert position.dropna().between(0, 1).all()
    assert position.notna().any()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("grid", {}, "no beginning of its own"),
        ("grid", {"end": "type 1", "groupby": "cell_type"}, "needs a `root`"),
        ("line", {"root": "type 1", "groupby": "cell_type", "reverse": True}, "`reverse=True` turns"),
        ("ring", {"end": "type 1", "groupby": "cell_type", "reverse": True}, "choose one"),
        ("grid", {"root": "type 1", "end": "type 1", "groupby": "cell_type"}, "same neuron"),
        ("line", {"groupby": "cell_type"}, "give a `root`"),
        ("line", {"detour": -1}, "`detour` is -1"),
        ("line", {"root": "type 9", "groupby": "cell_type"}, "type 9.*Did you mean"),
        ("line", {"root": "nobody", "groupby": "gsr_neuron"}, "among the neurons"),
        ("line", {"root": "1.5", "groupby": "score"}, "column of numbers"),
    ],
)
def test_wrong_options_change_nothing(kind: MapKind, options: dict[str, Any], message: str) -> None:
    adata = make_map(kind)
    before = hash_adata(adata)
    with pytest.raises(ValueError, match=message):
        gsr_sc.tl.order(adata, **options)
    assert hash_adata(adata) == before


def test_genes_of_data_that_are_in_a_layer_only() -> None:
    adata = make_map("line")
    expected = gsr_sc.tl.order(adata, root="gene1", copy=True)
    adata.layers["counts"] = adata.X
    adata.X = None
    with pytest.raises(ValueError, match=r"no `\.X`.*'doubled', 'counts'"):
        gsr_sc.tl.order(adata, root="gene1")
    with pytest.raises(ValueError, match=r"no `\.X`"):
        gsr_sc.pl.order(adata, genes="gene1", show=False)
    gsr_sc.tl.order(adata, root="gene1", layer="counts")
    assert expected is not None
    np.testing.assert_array_equal(adata.obs["gsr_order"], expected.obs["gsr_order"])


def test_unknown_names() -> None:
    adata = make_map("line")
    with pytest.raises(KeyError, match="pass `groupby='cell_type'` too"):
        gsr_sc.tl.order(adata, root="type 1")
    with pytest.raises(KeyError, match="Did you mean 'gene1'"):
        gsr_sc.tl.order(adata, root="Gene1")
    adata.obs_names = ["gene1", *adata.obs_names[1:]]
    with pytest.raises(ValueError, match="an observation and of a gene"):
        gsr_sc.tl.order(adata, root="gene1")
    with pytest.raises(KeyError, match="gsr_order"):
        gsr_sc.get.order(make_map("grid"))


@pytest.mark.slow
def test_a_root_mends_a_map_whose_stem_is_a_branch() -> None:
    # Doublets make this fit of z-scores take a branch for the stem.
    adata = gsr_sc.datasets.simulate_wishbone(doublets=0.05, rng=2)
    time = adata.obs["time"].to_numpy()
    adata.obs["stage"] = pd.Categorical(np.where(time < 0.1, "early", "later"))
    gsr_sc.tl.fit(adata, graph="wishbone", smoothness=0.25, transform="zscore", n_jobs=1)
    assert gsr_sc.metrics.order_agreement(adata.obs["gsr_order"], time) < 0.5
    gsr_sc.tl.order(adata, root="early", groupby="stage")
    order = adata.obs["gsr_order"]
    assert gsr_sc.metrics.order_agreement(order, time) > 0.95
    confidence, doublet = adata.obs["gsr_order_confidence"].to_numpy(), adata.obs["doublet"].to_numpy(dtype=bool)
    assert (confidence[doublet][:, None] < confidence[~doublet][None, :]).mean() > 0.75
