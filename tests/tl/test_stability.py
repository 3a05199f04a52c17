"""How far a map comes out the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pytest
from _fits import fitted
from _hash import hash_adata
from _maps import KINDS, MapKind, add_stability, make_map
from _stopping import interrupt_refit
from hypothesis import given, settings
from hypothesis import strategies as st

import gsr_sc
from gsr_sc import graphs
from gsr_sc.slots._stored import StoredMap
from gsr_sc.tl import _stability
from gsr_sc.tl._agreement import agreement, cell_reproducibility
from gsr_sc.tl._refit import Refit

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


def stable(adata: AnnData | None = None, **options: Any) -> AnnData:
    copied = gsr_sc.tl.stability(
        fitted() if adata is None else adata, **{"n_fits": 2, "n_jobs": 1, "copy": True, **options}
    )
    assert copied is not None
    return copied


@pytest.fixture(scope="module")
def usual() -> AnnData:
    return stable()


# -- the measures -----------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 9))
def test_a_map_turned_by_a_symmetry_is_the_same_map(kind: MapKind, seed: int) -> None:
    adata = make_map(kind, n_dead=0, n_types=3)
    graph, z = StoredMap(adata).graph, StoredMap(adata).activations
    turns = graphs.automorphisms(graph)
    turned = [z[:, turns[(seed + i) % len(turns)]] for i in range(2)]
    found = agreement(graph, z, turned, [graph, graph], rng=np.random.default_rng(0))
    np.testing.assert_allclose(found.neurons, 1, atol=1e-5)
    np.testing.assert_allclose(found.cells, 1, atol=1e-5)
    np.testing.assert_allclose(found.between_maps, 1, atol=1e-5)
    np.testing.assert_allclose(found.consensus, StoredMap(adata).map, atol=1e-5)
    np.testing.assert_allclose(found.edges, 1)


def test_neurons_of_a_learned_graph_have_no_places_of_their_own() -> None:
    adata = make_map("grid", n_dead=0)
    z = StoredMap(adata).activations
    graph = graphs.coactivation_graph(z)
    order = np.random.default_rng(0).permutation(graph.n_neurons)
    renamed = graphs.NeuronGraph("learned", graph.adjacency[order][:, order], graph.layout)
    found = agreement(graph, z, [z[:, order]], [renamed], rng=np.random.default_rng(0))
    np.testing.assert_allclose(found.neurons, 1, atol=1e-5)
    np.testing.assert_allclose(found.edges, 1)
    other = agreement(graph, z, [z[:, order]], [graph], rng=np.random.default_rng(0))
    assert other.edges[0] < 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_cells_at_random_places_are_not_reproducible(kind: MapKind) -> None:
    adata = make_map(kind, n_obs=600)
    graph, z = StoredMap(adata).graph, StoredMap(adata).activations
    rng = np.random.default_rng(0)
    shuffled = [z[rng.permutation(len(z))] for _ in range(20)]
    cells = cell_reproducibility(graph, z, shuffled, rng=rng)
    assert np.quantile(cells, 0.95) < 0.35
    assert cells.mean() < 0.1


def test_one_step_is_a_small_share_of_a_long_line_and_a_seam_is_none() -> None:
    rng = np.random.default_rng(0)
    for graph, expected in ((graphs.line(30), 0.9), (graphs.ring(30), 0.86)):
        z = np.eye(30, dtype=np.float32)[rng.integers(30, size=400)]
        moved = (
            np.roll(z, 1, axis=1)
            if graph.kind == "ring"
            else np.eye(30, dtype=np.float32)[np.minimum(z.argmax(axis=1) + 1, 29)]
        )
        cells = cell_reproducibility(graph, z, [moved], rng=rng)
        assert abs(cells.mean() - expected) < 0.04
        # One step over some eight to fifteen.
        assert cells.min() > 0.8


def test_dead_neurons_are_left_out() -> None:
    adata = make_map("grid", n_dead=2)
    stored = StoredMap(adata)
    found = agreement(
        stored.graph, stored.activations, [stored.activations], [stored.graph], rng=np.random.default_rng(0)
    )
    assert np.isnan(found.neurons).sum() == 2


# -- the verdict ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("neurons", "place", "word"),
    [(0.97, 0.99, "Stable"), (0.97, 0.9, "Mostly stable"), (0.8, 0.99, "Mostly stable"), (0.5, 0.99, "Unstable")],
)
def test_verdict_says_how_stable_and_what_moves(neurons: float, place: float, word: str) -> None:
    z = StoredMap(make_map("grid"))
    found = agreement(z.graph, z.activations, [z.activations], [z.graph], rng=np.random.default_rng(0))
    summary = {"mean_neurons": neurons, "mean_map": place}
    text = _stability._verdict(found, summary, ["2", "7"], learned=False)
    assert text == f"{word}: neurons {neurons:.2f}, map {place:.2f} over 1 refits; groups 2 and 7 move.".replace(
        "0.", "."
    )
    assert "group 2 moves" in _stability._verdict(found, summary, ["2"], learned=False)
    assert "move" not in _stability._verdict(found, summary, [], learned=False)
    assert "edges in common 1.00" in _stability._verdict(found, summary, [], learned=True)
    assert "4 and 3 more" in _stability._verdict(found, summary, list("01234567"), learned=False)


def test_groups_that_move_are_the_worst_first() -> None:
    stored = StoredMap(make_map("grid"))
    names = stored.cluster.astype(str).to_numpy()
    cells = np.select([names == "1", names == "3"], [0.5, 0.2], 0.99)
    assert _stability._moving(stored, cells) == ["3", "1"]
    assert _stability._moving(stored, np.full(len(names), 0.6)) == []


# -- the function -----------------------------------------------------------------------------------------------------


def test_slots(usual: AnnData) -> None:
    before = fitted()
    assert set(usual.obs) - set(before.obs) == {"gsr_reproducibility"}
    assert set(usual.obsm) - set(before.obsm) == {"X_gsr_consensus"}
    assert set(usual.uns) - set(before.uns) == {"gsr_stability"}
    found = usual.uns["gsr_stability"]
    assert found["neurons"].shape == (before.obsm["X_gsr"].shape[1],)
    assert found["between_neurons"].shape == found["between_maps"].shape == (3, 3)
    assert usual.obs["gsr_reproducibility"].between(0, 1).all()
    assert usual.obsm["X_gsr_consensus"].dtype == np.float32
    assert found["mean_map"] == found["between_maps"][0, 1:].mean()
    assert "refits" in found["verdict"]
    assert "gsr_stability" not in before.uns


def test_every_parameter_changes_something(usual: AnnData) -> None:
    def neurons(**options: Any) -> np.ndarray:
        return stable(**options).uns["gsr_stability"]["neurons"]

    base = usual.uns["gsr_stability"]["neurons"]
    np.testing.assert_array_equal(neurons(), base)
    for options in ({"resample": None}, {"resample": "bootstrap"}, {"share": 0.5}, {"rng": 1}, {"max_epochs": 2}):
        assert not np.array_equal(neurons(**options), base), options
    assert stable(n_fits=1).uns["gsr_stability"]["between_maps"].shape == (2, 2)


def test_progress_shows_one_bar(capfd: pytest.CaptureFixture[str]) -> None:
    stable(n_fits=1, progress=True)
    shown = capfd.readouterr().err
    assert "1/1" in shown
    assert "loss" not in shown
    stable(n_fits=1, progress=False)
    assert capfd.readouterr().err == ""


def test_threads_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    fit = Refit.fit
    monkeypatch.setattr(Refit, "fit", lambda self, *args, **kw: asked.append(self.n_jobs) or fit(self, *args, **kw))
    stable(n_fits=1, n_jobs=2)
    assert asked == [2]


def test_interrupted_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    adata = fitted().copy()
    before = hash_adata(adata)
    calls = interrupt_refit(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        gsr_sc.tl.stability(adata, n_fits=3, n_jobs=1)
    assert len(calls) == 2
    assert hash_adata(adata) == before


def test_files_views_and_keys(usual: AnnData, tmp_path: Path) -> None:
    fitted().write_h5ad(tmp_path / "map.h5ad")
    again = stable(ad.read_h5ad(tmp_path / "map.h5ad"))
    np.testing.assert_array_equal(again.obs["gsr_reproducibility"], usual.obs["gsr_reproducibility"])
    again.write_h5ad(tmp_path / "stable.h5ad")
    again.write_zarr(tmp_path / "stable.zarr")
    for back in (ad.read_h5ad(tmp_path / "stable.h5ad"), ad.read_zarr(tmp_path / "stable.zarr")):
        for name, value in usual.uns["gsr_stability"].items():
            np.testing.assert_array_equal(back.uns["gsr_stability"][name], value)
    # A subset of the cells is fitted again as it is.
    view = fitted()[10:]
    gsr_sc.tl.stability(view, n_fits=1, n_jobs=1)
    assert view.obs["gsr_reproducibility"].notna().all()
    named = fitted(key_added="k").copy()
    gsr_sc.tl.stability(named, key="k", n_fits=1, n_jobs=1)
    assert {"k_stability", "k_reproducibility"} <= {*named.uns, *named.obs}
    gsr_sc.tl.fit(named, key_added="k", max_epochs=1, smoothness=0.5, n_jobs=1)
    assert not {"k_stability", "k_reproducibility", "X_k_consensus"} & {*named.uns, *named.obs, *named.obsm}


@pytest.mark.parametrize("options", [{"n_fits": 0}, {"resample": "jackknife"}, {"share": 0}, {"share": 1.5}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        stable(**options)


def test_wrong_options_of_the_fit() -> None:
    with pytest.raises(TypeError, match="'graph'"):
        stable(graph="ring")
    with pytest.raises(ValueError, match="activation"):
        stable(activation="step")


# -- the table --------------------------------------------------------------------------------------------------------


def test_tables() -> None:
    adata = make_map("grid")
    with pytest.raises(KeyError, match=r"tl.stability\(adata\)"):
        gsr_sc.get.stability(adata)
    add_stability(adata)
    neurons = gsr_sc.get.stability(adata)
    np.testing.assert_array_equal(neurons["reproducibility"], adata.uns["gsr_stability"]["neurons"])
    cells = gsr_sc.get.stability(adata, of="cells")
    assert cells.index.equals(adata.obs_names)
    groups = gsr_sc.get.stability(adata, of="groups")
    assert groups["cells"].is_monotonic_decreasing
    assert groups["n_cells"].sum() == (adata.obs["gsr_cluster"] != "unassigned").sum()
    fits = gsr_sc.get.stability(adata, of="fits")
    assert len(fits) == 10
    assert fits["map"].iloc[0] == adata.uns["gsr_stability"]["between_maps"][0, 1]
    with pytest.raises(ValueError, match="'edges'"):
        gsr_sc.get.stability(adata, of="edges")  # type: ignore[arg-type]
