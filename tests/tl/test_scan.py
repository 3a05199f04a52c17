"""Graphs, sizes and smoothness beside each other, and the rule that chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from _fits import cells, fitted
from _hash import hash_adata
from _stopping import interrupt_refit

import gsr_sc
from gsr_sc import graphs
from gsr_sc.tl._figures import across_edges, graph_steps, torn_apart
from gsr_sc.tl._recommend import recommend
from gsr_sc.tl._scan import _resolved

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


def scanned(adata: AnnData | None, **options: Any) -> AnnData:
    usual = {"graphs": ["line", "ring"], "n_neurons": 9, "smoothness": [0.5, 0], "max_epochs": 1, "n_jobs": 1}
    copied = gsr_sc.tl.scan(cells() if adata is None else adata, **{**usual, "copy": True, **options})
    assert copied is not None
    return copied


@pytest.fixture(scope="module")
def usual() -> AnnData:
    return scanned(None)


# -- the rule ---------------------------------------------------------------------------------------------------------


def rows(*values: tuple[str, int, float, float, float, float], n_gaps: dict[str, float] | None = None) -> pd.DataFrame:
    columns = [
        "graph",
        "n_neurons",
        "smoothness",
        "explained_variance",
        "explained_variance_unregularised",
        "torn",
    ]
    table = pd.DataFrame(list(values), columns=columns)
    return table.assign(n_gaps=[(n_gaps or {}).get(graph, 0.0) for graph in table["graph"]])


def test_largest_smoothness_within_the_tolerance() -> None:
    table = rows(("grid", 9, 1, 0.20, 0.30, 0), ("grid", 9, 0.25, 0.296, 0.30, 0), ("grid", 9, 0.06, 0.31, 0.30, 0))
    chosen, candidates, why = recommend(table, tolerance=0.02)
    assert (chosen, candidates) == (1, [1])
    assert why.startswith("Take a grid of 9 neurons with smoothness 0.25. ")
    assert "the largest that costs no more than 2 %" in why
    assert recommend(table, tolerance=0.5)[0] == 0
    assert recommend(table, tolerance=0)[0] == 2


def test_least_smoothness_where_all_cost_too_much() -> None:
    table = rows(("grid", 9, 1, 0.1, 0.3, 0), ("grid", 9, 0.25, 0.2, 0.3, 0))
    chosen, _, why = recommend(table, tolerance=0.02)
    assert chosen == 1
    assert "the least smoothness tried, and still costs more than 2 %" in why


@pytest.mark.parametrize(
    ("line", "ring", "grid", "expected"),
    [
        ((0.30, 0.05), (0.30, 0.05), (0.30, 0.05), "line"),
        # A line through a cycle is torn at its ends.
        ((0.30, 0.09), (0.30, 0.04), (0.30, 0.04), "ring"),
        ((0.25, 0.05), (0.25, 0.05), (0.30, 0.05), "grid"),
        ((0.26, 0.05), (0.29, 0.05), (0.30, 0.05), "ring"),
        ((0.30, 0.20), (0.30, 0.15), (0.30, 0.05), "grid"),
    ],
)
def test_simplest_graph_that_explains_as_much_and_tears_no_more(
    line: tuple[float, float], ring: tuple[float, float], grid: tuple[float, float], expected: str
) -> None:
    given = {"line": line, "ring": ring, "grid": grid}
    table = rows(*[(name, 16, 0.25, ev, ev, torn) for name, (ev, torn) in given.items()])
    chosen, candidates, why = recommend(table, tolerance=0.02)
    assert table["graph"].iloc[chosen] == expected
    assert candidates == [0, 1, 2]
    assert why.startswith(f"Take a {expected} of 16 neurons")


def test_fewest_neurons_of_a_graph() -> None:
    table = rows(
        ("grid", 64, 0.25, 0.30, 0.3, 0.05), ("grid", 16, 0.25, 0.299, 0.3, 0.05), ("grid", 9, 0.25, 0.2, 0.2, 0.05)
    )
    assert recommend(table, tolerance=0.02)[0] == 1


@pytest.mark.parametrize(
    ("n_gaps", "expected"),
    [
        ({}, "line"),
        ({"line": 2}, "ring"),
        # One of three seeds.
        ({"line": 1 / 3}, "line"),
        ({"line": 2, "ring": 1, "tree (2)": 1}, "custom"),
        # A sheet claims no order, and neither does a graph of the user's.
        ({"line": 2, "ring": 1, "tree (2)": 1, "custom": 3, "grid": 20}, "custom"),
    ],
)
def test_ordered_graphs_must_have_no_gap(n_gaps: dict[str, float], expected: str) -> None:
    names = ["grid", "custom", "tree (2)", "ring", "line"]
    table = rows(*[(name, 16, 0.25, 0.3, 0.3, 0.05) for name in names], n_gaps=n_gaps)
    chosen, candidates, why = recommend(table, tolerance=0.02)
    assert table["graph"].iloc[chosen] == expected
    assert candidates == [0, 1, 2, 3, 4]
    refused = "A line of 16 would be simpler, but hardly any cells are neighbours across 2 of its edges: "
    assert (refused in why) == (expected != "line")


def test_sheet_where_no_order_is_continuous() -> None:
    # Also where the lines with their gaps explain a little more.
    table = rows(("line", 32, 0.25, 0.4, 0.4, 0), ("grid", 36, 0.25, 0.3, 0.3, 0.1), n_gaps={"line": 1})
    chosen, _, why = recommend(table, tolerance=0.02)
    assert chosen == 1
    assert "(the most of those without a gap)" in why
    assert "but hardly any cells are neighbours across one of its edges: the data look like separate types" in why


def test_gaps_in_all_that_was_tried() -> None:
    table = rows(("line", 9, 0.25, 0.3, 0.3, 0), ("ring", 9, 0.25, 0.3, 0.3, 0), n_gaps={"line": 2, "ring": 3})
    chosen, _, why = recommend(table, tolerance=0.02)
    assert chosen == 0
    assert "But hardly any cells are neighbours across 2 of its edges: compare it with a grid." in why
    assert "compare it with a grid" in recommend(table[:1], tolerance=0.02)[2]


def test_reasons_are_sentences_that_name_the_others() -> None:
    table = rows(
        ("ring", 32, 0.25, 0.36, 0.36, 0.12),
        ("line", 32, 0.25, 0.39, 0.39, 0.15),
        ("tree", 42, 0.25, 0.37, 0.37, 0.20),
        ("star", 40, 0.25, 0.37, 0.37, 0.30),
        ("grid", 49, 0.25, 0.37, 0.37, 0.04),
        ("hex", 49, 0.25, 0.37, 0.37, 0.05),
        ("learned", 49, 0.25, 0.1, 0.1, 0.01),
    )
    why = recommend(table, tolerance=0.02)[2]
    assert why == (
        "Take a grid of 49 neurons with smoothness 0.25. "
        "It explains 37.0 % of the variance of held-out cells (the most is 39.0 %, by a line of 32). "
        "Of neighbouring cells, 4.0 % come to lie far apart on it; "
        "more on ring of 32 (12.0 %), line of 32 (15.0 %) and 2 others. "
        "As good, but larger or less simple: hexagonal lattice of 49 (5.0 %). "
        "This smoothness, the only one tried, costs no more than 2 % of what the network explains without a penalty."
    )
    assert recommend(table[-1:], tolerance=0.02)[2].startswith("Take a learned graph of 49 neurons")
    own = table[:1].assign(graph="custom (2)")
    assert recommend(own, tolerance=0.02)[2].startswith("Take a custom graph (2) of 32 neurons")


def test_nothing_explained_is_no_reason() -> None:
    table = rows(("line", 9, 0.25, -0.01, -0.01, 0.4), ("grid", 9, 0.25, -0.02, -0.02, 0.4))
    assert recommend(table, tolerance=0.02)[2].endswith("this is no reason to choose one.")
    assert "no reason" not in recommend(table.assign(explained_variance=0.01), tolerance=0.02)[2]


def test_neighbours_across_edges() -> None:
    line = graphs.line(16)
    ties = (graph_steps(line) <= 1).astype(float)
    even = across_edges(line, ties)
    # One of the six ties of the two neurons beside an edge; ends with fewer than that tell nothing.
    assert np.isnan(even[[0, -1]]).all()
    np.testing.assert_allclose(even[3:-3], 1 / 6)
    np.testing.assert_allclose(across_edges(line, np.ones((16, 16)))[3:-3], 2 / 16)
    cut = ties.copy()
    cut[:8, 8:] = cut[8:, :8] = 0
    assert np.flatnonzero(across_edges(line, cut) == 0).tolist() == [7]
    # Neurons that stand for nothing are passed over.
    empty = np.zeros_like(ties)
    used = np.array([*range(7), *range(10, 16)])
    empty[np.ix_(used, used)] = ties[:13, :13]
    assert np.nanmin(across_edges(line, empty)) > 0.1
    ring = graphs.ring(16)
    np.testing.assert_allclose(across_edges(ring, (graph_steps(ring) <= 1).astype(float)), 1 / 6)


def test_neighbours_torn_apart() -> None:
    ring, line = graphs.ring(12), graphs.line(12)
    ties = (graph_steps(ring) <= 1).astype(float)
    assert torn_apart(graph_steps(ring), ties) == 0
    assert torn_apart(graph_steps(line), ties) == pytest.approx(2 / 36)
    anywhere = torn_apart(graph_steps(line), np.ones((12, 12)))
    assert 0.3 < anywhere <= 0.5


# -- what is compared -------------------------------------------------------------------------------------------------


def test_sizes_that_a_graph_has() -> None:
    found = _resolved(["grid", "tree", "line"], [30, 8], 500)
    assert set(found) == {("grid", 30), ("grid", 8), ("tree", 28), ("tree", 7), ("line", 30), ("line", 8)}
    assert set(_resolved("grid", [None], 150)) == {("grid", 36)}
    kite = nx.krackhardt_kite_graph()
    own = _resolved([graphs.grid(2, 3), kite, nx.relabel_nodes(kite, {0: "a"}), "learned"], [9], 500)
    assert set(own) == {("grid", 6), ("custom", 10), ("custom (3)", 10), ("learned", 9)}
    with pytest.raises(ValueError, match="'sphere'"):
        _resolved("sphere", [9], 500)


def test_slot(usual: AnnData) -> None:
    assert set(usual.uns) == {"gsr_scan"}
    assert set(usual.obsm) == set(cells().obsm)
    table = gsr_sc.get.scan(usual)
    assert list(zip(table["graph"], table["n_neurons"], table["smoothness"], strict=True)) == [
        ("line", 9, 0.5),
        ("line", 9, 0.0),
        ("ring", 9, 0.5),
        ("ring", 9, 0.0),
    ]
    assert table["recommended"].sum() == 1
    assert table.loc[table["recommended"], "candidate"].all()
    assert table["candidate"].sum() == 2
    plain = table[table["smoothness"] == 0]
    np.testing.assert_array_equal(plain["explained_variance"], plain["explained_variance_unregularised"])
    assert "gsr_scan" not in scanned(None, key_added="k").uns
    with pytest.raises(KeyError, match=r"Run `gsr_sc.tl.scan\(adata\)`"):
        gsr_sc.get.scan(cells())


def test_same_as_a_fit(usual: AnnData) -> None:
    adata = cells()
    seed = int(np.random.default_rng(0).spawn(1)[0].integers(2**63))
    gsr_sc.tl.fit(adata, graph="line", n_neurons=9, smoothness=0.5, max_epochs=1, n_jobs=1, rng=seed)
    row = gsr_sc.get.scan(usual).iloc[0]
    for name in ("explained_variance", "moran_i", "n_dead"):
        assert row[name] == pytest.approx(adata.uns["gsr"]["quality"][name])


def test_every_parameter_changes_something(usual: AnnData) -> None:
    def table(**options: Any) -> pd.DataFrame:
        return gsr_sc.get.scan(scanned(None, graphs="line", smoothness=0.5, **options))

    base = table()
    assert len(base) == 1
    assert base["order"].iloc[0] == gsr_sc.get.scan(usual)["order"].iloc[0]
    for options in ({"rng": 1}, {"max_epochs": 2}, {"n_neurons": 12}):
        assert table(**options)["order"].iloc[0] != base["order"].iloc[0], options
    seeds = table(n_seeds=2)
    assert {"seeds_neurons", "seeds_map"} == set(seeds) - set(base)
    assert -1 <= seeds["seeds_map"].iloc[0] < 1
    other = scanned(None, graphs="line", smoothness=0.5, tolerance=0.3, key_added="k")
    assert other.uns["k_scan"]["tolerance"] == 0.3


def test_interrupted_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    adata = cells()
    before = hash_adata(adata)
    interrupt_refit(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        gsr_sc.tl.scan(adata, graphs=["line", "ring"], n_neurons=9, max_epochs=1, n_jobs=1)
    assert hash_adata(adata) == before


def test_files_views_and_stored_maps(usual: AnnData, tmp_path: Path) -> None:
    usual.write_h5ad(tmp_path / "scan.h5ad")
    usual.write_zarr(tmp_path / "scan.zarr")
    for back in (ad.read_h5ad(tmp_path / "scan.h5ad"), ad.read_zarr(tmp_path / "scan.zarr")):
        pd.testing.assert_frame_equal(gsr_sc.get.scan(back), gsr_sc.get.scan(usual), check_dtype=False)
        assert back.uns["gsr_scan"]["why"] == usual.uns["gsr_scan"]["why"]
    mapped = fitted().copy()
    view = mapped[:100]
    gsr_sc.tl.scan(view, graphs="line", n_neurons=9, smoothness=0, max_epochs=1, n_jobs=1)
    assert "gsr_scan" in view.uns
    assert "gsr_scan" not in mapped.uns
    np.testing.assert_array_equal(view.obsm["X_gsr"], mapped.obsm["X_gsr"][:100])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"smoothness": -1}, ValueError),
        ({"smoothness": []}, ValueError),
        ({"graphs": []}, ValueError),
        ({"n_seeds": 0}, ValueError),
        ({"tolerance": -1}, ValueError),
        ({"graph": "line"}, TypeError),
    ],
)
def test_options_are_checked(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        scanned(None, **options)


@pytest.mark.parametrize(("process", "graph", "seed"), [("line", "line", 0), ("clusters", "grid", 5)])
def test_cell_types_are_no_process(process: str, graph: str, seed: int) -> None:
    adata = getattr(gsr_sc.datasets, f"simulate_{process}")(250, 60, noise=0.4, rng=seed)
    gsr_sc.tl.scan(adata, graphs=["line", "grid"], n_neurons=30, smoothness=0.25, max_epochs=30, n_jobs=1)
    table = gsr_sc.get.scan(adata).set_index("graph")
    assert table["recommended"].idxmax() == graph
    assert (table.loc["line", "n_gaps"] == 0) == (process == "line")
    # Without gaps it would be the line for both.
    assert recommend(table.assign(n_gaps=0.0).reset_index(), tolerance=0.02)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["line", "ring"])
def test_the_graph_of_the_process_is_recommended(kind: str) -> None:
    adata = getattr(gsr_sc.datasets, f"simulate_{kind}")(250, 40)
    gsr_sc.tl.scan(adata, graphs=["line", "ring", "grid"], smoothness=0.25, max_epochs=40, n_jobs=1)
    table = gsr_sc.get.scan(adata)
    assert table.loc[table["recommended"], "graph"].tolist() == [kind]
