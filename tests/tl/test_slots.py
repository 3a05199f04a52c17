"""What `tl.fit` writes: every slot of the contract, of its type and meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from _fits import QUICK, busy_cells, cells, fitted
from _hash import changed_slots, hash_adata
from scipy import sparse

import gsr_sc
from gsr_sc import metrics
from gsr_sc.slots._stored import StoredMap

if TYPE_CHECKING:
    from anndata import AnnData

TREE = nx.balanced_tree(2, 3)
GRAPHS: dict[str, Any] = {
    "grid": "grid",
    "torus": "torus",
    "ring": "ring",
    "line": "line",
    "tree": TREE,
    "custom": nx.krackhardt_kite_graph(),
}


def one_of(kind: str) -> AnnData:
    return fitted(graph=GRAPHS[kind])


@pytest.mark.parametrize("kind", GRAPHS)
def test_types_and_shapes(kind: str) -> None:
    adata = one_of(kind)
    n_neurons = {"grid": 36, "torus": 36, "ring": 32, "line": 32, "tree": 15, "custom": 10}[kind]
    stored = adata.uns["gsr"]
    n_groups = len(set(stored["graph"]["group"]))
    for key, shape in {
        "X_gsr": (150, n_neurons),
        "X_gsr_map": (150, 2),
        "X_gsr_indicators": (150, n_groups),
    }.items():
        assert type(adata.obsm[key]) is np.ndarray
        assert adata.obsm[key].dtype == np.float32
        assert adata.obsm[key].shape == shape
        assert np.isfinite(adata.obsm[key]).all()
    assert adata.varm["gsr_programs"].shape == (40, n_neurons)
    assert adata.varm["gsr_programs"].dtype == np.float32
    for key in ("gsr_neuron", "gsr_cluster"):
        assert isinstance(adata.obs[key].dtype, pd.CategoricalDtype)
        assert not adata.obs[key].isna().any()
    assert adata.obs["gsr_confidence"].dtype == np.float64
    assert adata.obs["gsr_confidence"].between(0, 1).all()
    assert ("gsr_order" in adata.obs) == (kind in ("ring", "line", "tree"))
    assert ("gsr_branch" in adata.obs) == (kind == "tree")
    expected = {"cluster", "gsr_neuron", "gsr_cluster", "gsr_confidence"}
    assert expected <= set(adata.obs)
    assert set(stored) == {"params", "graph", "history", "quality", "versions"}


@pytest.mark.parametrize("kind", GRAPHS)
def test_meanings(kind: str) -> None:
    adata = one_of(kind)
    graph = adata.uns["gsr"]["graph"]
    x = adata.obsm["X_gsr"].astype(np.float64)
    np.testing.assert_allclose((x**2).sum(axis=1), 1, rtol=1e-5)
    assert (x >= 0).all()
    assert list(adata.obs["gsr_neuron"].cat.categories) == list(graph["names"])
    np.testing.assert_array_equal(adata.obs["gsr_neuron"].cat.codes, x.argmax(axis=1))
    if kind != "torus":
        place = x @ graph["layout"] / x.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(adata.obsm["X_gsr_map"], place, atol=1e-4)
    groups = StoredMap(adata).groups
    sums = np.column_stack([x[:, graph["group"] == name].sum(axis=1) for name in groups])
    np.testing.assert_allclose(adata.obsm["X_gsr_indicators"], sums, atol=1e-5)
    # The cluster is where the top of the picture is.
    top = (x / x.max(axis=1, keepdims=True)) ** adata.uns["gsr"]["params"]["sharpness"]
    top /= top.sum(axis=1, keepdims=True)
    sums = np.column_stack([top[:, graph["group"] == name].sum(axis=1) for name in groups])
    np.testing.assert_allclose(adata.obs["gsr_confidence"], sums.max(axis=1), atol=1e-5)
    assigned = (adata.obs["gsr_cluster"] != "unassigned").to_numpy()
    assert (adata.obs["gsr_cluster"].to_numpy()[assigned] == np.array(groups)[sums.argmax(axis=1)][assigned]).all()
    first, second = np.sort(np.column_stack([sums, np.zeros((150, 2))]), axis=1)[:, [-1, -2]].T
    np.testing.assert_array_equal(assigned, first >= 1.25 * second)
    if kind == "ring":
        assert adata.obs["gsr_order"].between(0, 2 * np.pi, inclusive="left").all()
    elif "gsr_order" in adata.obs:
        assert adata.obs["gsr_order"].between(0, 1).all()
    if kind == "line":
        share = x**2 / (x**2).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(adata.obs["gsr_order"], share @ np.linspace(0, 1, 32), atol=1e-5)
    if kind == "tree":
        assert len(adata.obs["gsr_branch"].cat.categories) > 1
        assert adata.obs["gsr_branch"].cat.categories.tolist() == sorted(
            adata.obs["gsr_branch"].cat.categories, key=int
        )


@pytest.mark.parametrize("kind", GRAPHS)
def test_the_graph_is_kept(kind: str) -> None:
    graph = one_of(kind).uns["gsr"]["graph"]
    assert graph["kind"] == kind
    assert sparse.issparse(graph["adjacency"])
    assert graph["adjacency"].format == "csr"
    n_neurons = graph["adjacency"].shape[0]
    assert graph["layout"].shape == (n_neurons, 2)
    assert len(graph["names"]) == len(set(graph["names"])) == len(graph["group"]) == n_neurons
    if kind == "tree":
        np.testing.assert_array_equal(graph["adjacency"].toarray(), nx.to_numpy_array(TREE))
    assert ("shape" in graph) == (kind in ("grid", "torus"))


def test_quality_is_what_it_is_called() -> None:
    adata = one_of("grid")
    quality = adata.uns["gsr"]["quality"]
    assert set(quality) >= {
        "explained_variance",
        "explained_variance_unregularised",
        "dirichlet_energy",
        "moran_i",
        "n_dead",
    }
    adjacency = adata.uns["gsr"]["graph"]["adjacency"]
    assert quality["dirichlet_energy"] == pytest.approx(
        metrics.dirichlet_energy(adata.obsm["X_gsr"], adjacency), rel=1e-4
    )
    assert quality["moran_i"] == pytest.approx(metrics.moran_i(adata.obsm["X_gsr"], adjacency), rel=1e-4)
    assert quality["n_dead"] == metrics.dead_neurons(adata.obsm["X_gsr"]).sum()
    assert quality["explained_variance"] <= 1
    assert all(type(value) in (int, float) for value in quality.values())


def test_history_has_one_entry_per_epoch() -> None:
    stored = fitted(max_epochs=4).uns["gsr"]
    history, params = stored["history"], stored["params"]
    lengths = {len(values) for values in history.values()}
    assert lengths == {params["warm_up_epochs"] + 4}
    assert {"epoch", "loss", "reconstruction", "penalty", "validation_loss", "validation_explained_variance"} <= set(
        history
    )
    np.testing.assert_allclose(history["loss"], history["reconstruction"] + history["penalty"])
    assert stored["quality"]["explained_variance"] in history["validation_explained_variance"]


def test_parameters_are_kept_as_used() -> None:
    adata = busy_cells()
    adata.var["some"] = np.arange(40) < 30
    gsr_sc.tl.fit(adata, layer="counts", mask_var="some", rng=4, tolerance=0.1, graph="ring", **QUICK)
    params = adata.uns["gsr"]["params"]
    expected = {
        "graph": "ring",
        "n_neurons": 32,
        "layer": "counts",
        "mask_var": "some",
        "transform": "combined",
        "counts": True,
        "likelihood": "gaussian",
        "smoothness": 0.5,
        "tolerance": 0.1,
        "init": "auto",
        "activation": "simplex",
        "max_epochs": 1,
        "rng": 4,
        "device": "cpu",
        "n_jobs": 1,
        "n_obs": 150,
        "n_vars": 30,
        "n_held_out": 15,
    }
    assert expected.items() <= params.items()
    assert 0.3 < params["log_weight"] < 0.83
    assert list(params.pop("hidden")) == [128, 128]
    assert all(isinstance(value, str | int | float | bool) for value in params.values()), params
    assert "use_rep" not in params


def test_defaults_are_filled_in() -> None:
    adata = cells()
    gsr_sc.tl.fit(adata, n_jobs=1, max_epochs=2)
    params = adata.uns["gsr"]["params"]
    assert params["smoothness"] in (0, 0.015, 0.06, 0.25, 1)
    assert params["n_neurons"] == 36
    assert params["transform"] == "combined"
    assert params["warm_up_epochs"] == 1
    assert adata.uns["gsr"]["versions"].keys() >= {"gsr-sc", "torch", "anndata"}


@pytest.mark.parametrize(
    ("n_obs", "graph", "n_neurons"),
    [(20, "grid", 9), (200, "grid", 49), (600, "grid", 144), (20, "ring", 8), (100, "line", 25), (400, "line", 32)],
)
def test_number_of_neurons_follows_the_number_of_cells(n_obs: int, graph: str, n_neurons: int) -> None:
    adata = cells(n_obs, 10)
    gsr_sc.tl.fit(adata, graph=graph, **QUICK)
    assert adata.obsm["X_gsr"].shape == (n_obs, n_neurons)


@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_other_units_fill_the_same_slots(activation: str) -> None:
    adata = fitted(activation=activation, graph="line")
    assert np.isfinite(adata.obsm["X_gsr"]).all()
    assert (adata.obsm["X_gsr"] >= 0).all() == (activation == "relu")
    assert adata.obs["gsr_order"].between(0, 1).all()
    assert adata.obs["gsr_confidence"].between(0, 1).all()


def test_programs_are_what_the_decoder_says() -> None:
    adata = cells()
    model = gsr_sc.GSR(**{**QUICK, "max_epochs": 20}).fit(adata)
    model.annotate(adata)
    x, programs = adata.obsm["X_gsr"].astype(np.float64), adata.varm["gsr_programs"]
    neuron = int(x.sum(axis=0).argmax())
    share = (x**2 / (x**2).sum(axis=1, keepdims=True))[:, [neuron]]
    picture = (share * x).sum(axis=0) / share.sum()
    effect = model.decode(picture[None]) - model.decode(x.mean(axis=0)[None])
    np.testing.assert_allclose(programs[:, neuron], effect[0], atol=1e-3)
    z = (adata.X - adata.X.mean(axis=0)) / adata.X.std(axis=0)
    lit = (share * z).sum(axis=0) / share.sum()
    assert np.corrcoef(programs[:, neuron], lit)[0, 1] > 0.7, "genes that are high in the cells that light it up"


def test_a_name_of_its_own() -> None:
    adata = cells()
    gsr_sc.tl.fit(adata, key_added="second", graph=TREE, **QUICK)
    assert set(adata.obsm) == {"second", "X_second_map", "X_second_indicators"}
    assert set(adata.varm) == {"second_programs"}
    assert {"second"} == set(adata.uns)
    names = {"second_order", "second_branch", "second_neuron", "second_cluster", "second_confidence"}
    assert names <= set(adata.obs)
    assert not any("gsr" in name for name in adata.obs)
    np.testing.assert_array_equal(adata.obsm["second"], one_of("tree").obsm["X_gsr"])


def test_what_is_stored_is_not_tied_to_the_model() -> None:
    adata, other = cells(), cells()
    graph = gsr_sc.graphs.grid(3)
    model = gsr_sc.GSR(graph=graph, **QUICK).fit(adata).annotate(adata)
    model.annotate(other)
    expected = model.transform(other)
    stored = adata.uns["gsr"]
    stored["graph"]["layout"][:] = 99
    stored["graph"]["adjacency"].data[:] = 99
    stored["history"]["loss"][:] = 99
    stored["params"]["graph"] = "changed"
    adata.varm["gsr_programs"][:] = 99
    assert graph.layout.max() < 99
    assert graph.adjacency.max() == 1
    assert other.uns["gsr"]["history"]["loss"].max() < 99
    assert other.uns["gsr"]["params"]["graph"] == "grid"
    assert other.varm["gsr_programs"].max() < 99
    np.testing.assert_array_equal(model.transform(other), expected)


def test_a_new_map_removes_what_was_added_to_the_old_one_and_nothing_else() -> None:
    adata = gsr_sc.datasets.simulate_clusters(120, 30)
    gsr_sc.tl.fit(adata, max_epochs=2)
    gsr_sc.tl.indicators(adata, resolution=[1, 2])
    adata.uns["gsr_null"] = {"p": 0.5}
    adata.uns["gsr_mine"] = "kept"
    adata.obs["gsr_novelty"] = 0.0
    adata.obsm["X_gsr_consensus"] = adata.obsm["X_gsr_map"]
    adata.varm["gsr_programs_cells"] = adata.varm["gsr_programs"]
    gsr_sc.tl.fit(adata, max_epochs=2, key_added="other")
    assert "gsr_null" in adata.uns
    gsr_sc.tl.fit(adata, max_epochs=2)
    assert not {"gsr_null", "gsr_indicators"} & set(adata.uns)
    assert not {"gsr_novelty", "gsr_cluster_0", "gsr_confidence_1"} & set(adata.obs)
    assert "X_gsr_consensus" not in adata.obsm
    assert "gsr_programs_cells" not in adata.varm
    assert adata.uns["gsr_mine"] == "kept"


def test_a_model_does_not_write_over_what_is_no_map() -> None:
    adata = busy_cells()
    model = gsr_sc.GSR(n_jobs=1, max_epochs=1, smoothness=0.5).fit(adata)
    before = hash_adata(adata)
    with pytest.raises(ValueError, match=r"`key_added='X_pca'` would write over it"):
        model.annotate(adata, key_added="X_pca")
    with pytest.raises(ValueError, match=r"`key_added='X_pca'` would write over it"):
        gsr_sc.tl.map_query(adata, model, key_added="X_pca")
    assert changed_slots(before, hash_adata(adata)) == set()
    # A map of that name is replaced, also where data that were put together have lost its `.uns`.
    model.annotate(adata, key_added="second")
    del adata.uns["second"]
    model.annotate(adata, key_added="second")
    assert "second" in adata.uns
