"""`graph="learned"` from the fit to what is stored, drawn, saved and read back."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import anndata as ad
import matplotlib as mpl
import numpy as np
import pytest
from _fits import QUICK, activations, cells
from scipy.cluster import hierarchy
from scipy.sparse import csgraph

import gsr_sc
from gsr_sc import graphs, metrics
from gsr_sc.slots import StoredMap
from gsr_sc.tl._refit import stored_options

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

BUDGET = 25
EVOLUTION = ["n_edges", "n_components", "n_communities", "modularity", "graph_change"]


def fit(adata: AnnData, **options: Any) -> AnnData:
    copied = gsr_sc.tl.fit(adata, copy=True, **{**QUICK, **options})
    assert copied is not None
    return copied


@cache
def hierarchical(seed: int) -> AnnData:
    """Nine clusters of 25 to 150 cells in three lineages, mapped to 36 neurons."""
    adata = gsr_sc.datasets.simulate_clusters(600, 200, rng=seed)
    gsr_sc.tl.fit(adata, graph=graphs.learned(36), max_epochs=BUDGET, n_jobs=1, rng=seed, smoothness=1)
    return adata


@pytest.mark.parametrize("seed", range(5))
def test_neurons_indicate_the_clusters_and_their_hierarchy(seed: int) -> None:
    adata = hierarchical(seed)
    z, group = adata.obsm["X_gsr"], adata.uns["gsr"]["graph"]["group"].astype(str)
    assert metrics.indicator_auroc(z, adata.obs["cluster"]) > 0.98
    assert metrics.indicator_auroc(adata.obsm["X_gsr_indicators"], adata.obs["cluster"]) > 0.9
    assert _told_by_branches(adata) > 0.9
    assert len(set(group)) == adata.obsm["X_gsr_indicators"].shape[1]


def test_branches_of_the_groups_are_the_lineages_of_most_data() -> None:
    assert np.median([_told_by_branches(hierarchical(seed)) for seed in range(5)]) > 0.99


def _told_by_branches(adata: AnnData) -> float:
    """How well the tree of the groups, by how they act together, cut into as many branches, tells the lineages."""
    indicators = adata.obsm["X_gsr_indicators"]
    distance = 1 - np.corrcoef(indicators.T)[np.triu_indices(indicators.shape[1], k=1)]
    branch = hierarchy.fcluster(hierarchy.average(np.clip(distance, 0, None)), 3, "maxclust")
    modules = np.column_stack([indicators[:, branch == b].sum(axis=1) for b in np.unique(branch)])
    return float(metrics.indicator_auroc(modules, adata.obs["supercluster"]))


def test_the_penalty_ties_neighbours_on_the_graph() -> None:
    penalised = hierarchical(0)
    plain = fit(penalised, graph=graphs.learned(36), max_epochs=BUDGET, smoothness=0)
    assert penalised.uns["gsr"]["quality"]["moran_i"] > plain.uns["gsr"]["quality"]["moran_i"] + 0.05


def test_evolution_is_recorded_for_every_epoch() -> None:
    table = gsr_sc.get.history(hierarchical(0))
    assert set(EVOLUTION) <= set(table.columns)
    assert table["n_edges"].iloc[0] == 0, "no graph before the first refresh"
    assert table["n_components"].iloc[0] == 36
    first = int((table["n_edges"] > 0).to_numpy().argmax())
    assert (table["graph_change"].iloc[:first] == 0).all()
    assert table["graph_change"].iloc[first] == 1
    assert ((table["graph_change"] > 0) & (table["graph_change"] < 1)).iloc[first + 1 :].any()
    assert "n_communities" not in gsr_sc.get.history(fit(cells(), graph="grid"))


def test_the_stored_graph_is_that_of_the_stored_activations() -> None:
    adata = hierarchical(0)
    graph = gsr_sc.get.graph(adata)
    assert graph.graph["kind"] == "learned"
    everything = graphs.coactivation_graph(adata.obsm["X_gsr"])
    stored = adata.uns["gsr"]["graph"]["adjacency"].toarray()
    # Of the training rows, nine in ten of all.
    assert np.corrcoef(everything.adjacency.toarray().ravel(), stored.ravel())[0, 1] > 0.98


def test_schedule() -> None:
    def changes(**options: Any) -> np.ndarray:
        adata = fit(cells(), graph=graphs.learned(9, **options), max_epochs=9)
        return np.flatnonzero(adata.uns["gsr"]["history"]["graph_change"])

    assert changes(warm_up=5).tolist() == [4, 5, 6, 7, 8, 9, 10]
    assert changes(warm_up=3, refresh_every=4).tolist() == [2, 6, 10]
    late = fit(cells(), graph=graphs.learned(9, warm_up=50), max_epochs=9)
    assert np.flatnonzero(late.uns["gsr"]["history"]["n_edges"]).tolist() == [9, 10], "the last epoch has a graph"
    assert (late.uns["gsr"]["history"]["penalty"][:10] == 0).all()
    assert late.uns["gsr"]["history"]["penalty"][10] > 0


@pytest.mark.parametrize(
    "options",
    [
        {"kernel": "knn"},
        {"kernel": "gaussian"},
        {"kernel": "correlation"},
        {"n_neighbors": 1},
        {"warm_up": 4},
        {"refresh_every": 3},
        {"memory": None},
        {"n_neurons": 12},
    ],
    ids=str,
)
def test_every_parameter_changes_something(options: dict[str, Any]) -> None:
    adata = short(**options)
    assert not np.array_equal(adata.obsm["X_gsr"], short().obsm["X_gsr"])
    ((name, value),) = options.items()
    recorded = adata.uns["gsr"]["params"].get("n_neurons" if name == "n_neurons" else f"graph_{name}")
    assert recorded == value


@cache
def short(**options: Any) -> AnnData:
    return fit(cells(), graph=graphs.learned(**{"n_neurons": 10, **options}), max_epochs=8, smoothness=2.0)


@pytest.mark.parametrize("init", ["pca", "spectral", "random", "X_pca"])
def test_every_start(init: str) -> None:
    adata = cells()
    adata.obsm["X_pca"] = adata.X[:, :3].astype(np.float64)
    z = activations(adata, graph="learned", init=init)
    assert z.shape[1] == graphs.default_size("learned", adata.n_obs)
    if init != "pca":
        assert not np.array_equal(z, activations(adata, graph="learned", init="pca"))


@pytest.mark.parametrize("unit", ["relu", "linear"])
def test_every_unit(unit: Any) -> None:
    assert fit(cells(), graph="learned", activation=unit).uns["gsr"]["graph"]["kind"] == "learned"


def test_units_that_filter_on_the_graph_need_one() -> None:
    with pytest.raises(ValueError, match=r"'heat'.*yet to be learned"):
        fit(cells(), graph="learned", activation="heat")


def test_named_as_an_object_with_the_defaults() -> None:
    named, given = (activations(cells(), graph=graph) for graph in ("learned", graphs.learned()))
    np.testing.assert_array_equal(named, given)


def test_seeds_agree() -> None:
    adata = gsr_sc.datasets.simulate_clusters(600, 200, rng=0)
    first = hierarchical(0)
    other = fit(adata, graph=graphs.learned(36), max_epochs=BUDGET, rng=1, smoothness=1)
    graph = graphs.coactivation_graph(first.obsm["X_gsr"])
    assert metrics.seed_agreement(first.obsm["X_gsr"], other.obsm["X_gsr"], graph).neurons > 0.9


@cache
def scattered() -> AnnData:
    """A fit whose graph has no edge at all: noise, in which no two neurons act together."""
    adata = ad.AnnData(np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32))
    gsr_sc.tl.fit(adata, graph=graphs.learned(3), init="random", **QUICK)
    results = gsr_sc.GSR(graph=graphs.learned(3), init="random", **QUICK).fit(adata)
    edgeless = graphs.NeuronGraph("learned", 0 * results.fitted.graph.adjacency, results.fitted.graph.layout)
    object.__setattr__(results.fitted, "graph", edgeless)
    results.annotate(adata)
    return adata


@pytest.mark.parametrize("which", ["falls apart", "no edges"])
@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_a_graph_in_pieces_is_drawn_stored_and_read_back(which: str, suffix: str, tmp_path: Path) -> None:
    adata = (hierarchical(0) if which == "falls apart" else scattered()).copy()
    adjacency = adata.uns["gsr"]["graph"]["adjacency"]
    assert csgraph.connected_components(adjacency, directed=False)[0] > 2
    path = tmp_path / f"a.{suffix}"
    getattr(adata, f"write_{suffix}")(path)
    back = ad.read_h5ad(path) if suffix == "h5ad" else ad.read_zarr(path)
    np.testing.assert_array_equal(back.uns["gsr"]["graph"]["adjacency"].toarray(), adjacency.toarray())
    for name in EVOLUTION:
        np.testing.assert_array_equal(back.uns["gsr"]["history"][name], adata.uns["gsr"]["history"][name])
    assert gsr_sc.get.graph(back).number_of_edges() == adjacency.nnz // 2
    assert len(gsr_sc.get.neurons(back)) == adjacency.shape[0]
    assert np.isfinite(back.obsm["X_gsr_map"]).all()
    for figure in (
        gsr_sc.pl.neuron_graph(back, edge_width="coactivation", return_fig=True),
        gsr_sc.pl.latent_grid(back, return_fig=True),
        gsr_sc.pl.history(back, return_fig=True),
    ):
        assert isinstance(figure, mpl.figure.Figure)


def test_history_draws_the_parts_of_the_graph_together() -> None:
    figure = gsr_sc.pl.history(hierarchical(0), return_fig=True)
    titles = [ax.get_title(loc="center") for ax in figure.axes]
    assert "parts of the graph" in titles
    assert {"modularity", "n edges", "graph change"} <= set(titles)


def test_saved_and_loaded(tmp_path: Path) -> None:
    adata = cells()
    model = gsr_sc.GSR(graph=graphs.learned(10), **QUICK).fit(adata)
    model.save(tmp_path / "model")
    loaded = gsr_sc.GSR.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.transform(adata), model.transform(adata))
    np.testing.assert_array_equal(loaded.fitted.graph.adjacency.toarray(), model.fitted.graph.adjacency.toarray())
    assert loaded.fitted.graph.kind == "learned"
    assert loaded.fitted.params["graph_kernel"] == "adaptive"
    np.testing.assert_array_equal(loaded.fitted.history["modularity"], model.fitted.history["modularity"])


def test_maps_of_before_spelled_neighbours_the_other_way(tmp_path: Path) -> None:
    adata = cells()
    model = gsr_sc.GSR(graph=graphs.learned(10, n_neighbors=2), **QUICK).fit(adata)
    model.annotate(adata).save(tmp_path / "model")
    description = tmp_path / "model" / "model.json"
    description.write_text(description.read_text().replace("graph_n_neighbors", "graph_n_neighbours"))
    assert gsr_sc.GSR.load(tmp_path / "model").fitted.params == model.fitted.params
    expected = stored_options(StoredMap(adata))["graph"]
    params = adata.uns["gsr"]["params"]
    params["graph_n_neighbours"] = params.pop("graph_n_neighbors")
    assert stored_options(StoredMap(adata))["graph"] == expected
    assert expected.n_neighbors == 2


def test_neighbouring_names_act_together() -> None:
    z = hierarchical(0).obsm["X_gsr"]
    r = np.corrcoef(z.T)
    beside = np.mean([r[i, j] for i, j in pairwise(range(len(r)))])
    assert beside > r[np.triu_indices(len(r), k=1)].mean() + 0.3
