"""Nothing changes in the AnnData but what is declared."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from _fits import QUICK, busy_cells, cells, option_id
from _hash import changed_slots, hash_adata
from anndata import AnnData

import gsr_sc

DECLARED = {
    "obsm/X_gsr",
    "obsm/X_gsr_map",
    "obsm/X_gsr_indicators",
    "varm/gsr_programs",
    "obs/gsr_neuron",
    "obs/gsr_cluster",
    "obs/gsr_confidence",
}


def changed(before: dict[str, str], adata: AnnData) -> set[str]:
    return {
        slot
        for slot in changed_slots(before, hash_adata(adata))
        if not slot.startswith("uns/gsr/") and slot != "uns/gsr"
    }


@pytest.mark.parametrize(
    ("options", "also", "without"),
    [
        ({}, set(), set()),
        ({"layer": "counts"}, set(), set()),
        ({"layer": "dense", "transform": "pearson"}, set(), set()),
        ({"use_rep": "frame"}, set(), {"varm/gsr_programs"}),
        ({"graph": "ring", "init": "X_pca"}, {"obs/gsr_order"}, set()),
        ({"graph": "line", "mask_var": np.arange(40) < 9}, {"obs/gsr_order"}, set()),
        ({"graph": nx.balanced_tree(2, 2)}, {"obs/gsr_order", "obs/gsr_branch"}, set()),
        ({"graph": nx.krackhardt_kite_graph(), "activation": "linear"}, set(), set()),
    ],
    ids=option_id,
)
def test_only_declared_slots_change(options: dict[str, Any], also: set[str], without: set[str]) -> None:
    adata = busy_cells()
    before = hash_adata(adata)
    result = gsr_sc.tl.fit(adata, **{**QUICK, **options})
    assert result is None
    assert changed(before, adata) == (DECLARED | also) - without
    assert adata.X.dtype == np.float64


def test_a_copy_is_annotated_and_the_original_left(tmp_path: Any) -> None:
    adata = busy_cells()
    before = hash_adata(adata)
    copied = gsr_sc.tl.fit(adata, copy=True, **QUICK)
    assert isinstance(copied, AnnData)
    assert copied is not adata
    assert changed_slots(before, hash_adata(adata)) == set()
    assert changed(before, copied) == DECLARED
    gsr_sc.tl.fit(adata, **QUICK)
    assert changed_slots(hash_adata(adata), hash_adata(copied)) == set()
    copied.X[0, 0] = 77
    assert adata.X[0, 0] != 77


def test_fitting_alone_changes_nothing() -> None:
    adata = busy_cells()
    before = hash_adata(adata)
    model = gsr_sc.GSR(**QUICK).fit(adata)
    model.transform(adata)
    model.summary()
    assert changed_slots(before, hash_adata(adata)) == set()
    assert model.annotate(adata) is model


def test_two_maps_live_side_by_side() -> None:
    adata = busy_cells()
    gsr_sc.tl.fit(adata, **QUICK)
    first = hash_adata(adata)
    gsr_sc.tl.fit(adata, key_added="gsr2", graph="ring", **QUICK)
    assert all("gsr2" in slot for slot in changed_slots(first, hash_adata(adata)))


def test_the_same_fit_again_leaves_the_same() -> None:
    adata = busy_cells()
    gsr_sc.tl.fit(adata, **QUICK)
    first = hash_adata(adata)
    gsr_sc.tl.fit(adata, **QUICK)
    assert changed_slots(first, hash_adata(adata)) == set()


def test_another_map_in_its_place_leaves_nothing_of_the_old_one() -> None:
    adata, fresh = busy_cells(), busy_cells()
    gsr_sc.tl.fit(adata, graph=nx.balanced_tree(2, 3), **QUICK)
    for name in ("gsr_cluster", "gsr_neuron", "gsr_branch"):
        adata.uns[f"{name}_colors"] = ["#000000"] * adata.obs[name].cat.categories.size
    assert {"gsr_order", "gsr_branch"} <= set(adata.obs)
    gsr_sc.tl.fit(adata, use_rep="X_pca", **QUICK)
    gsr_sc.tl.fit(fresh, use_rep="X_pca", **QUICK)
    assert changed_slots(hash_adata(fresh), hash_adata(adata)) == set(), "order, branch, programs or colours are left"


def test_a_view_becomes_actual_in_silence_and_its_parent_stays() -> None:
    parent = busy_cells()
    before = hash_adata(parent)
    view = parent[20:, 5:]
    actual = view.copy()
    gsr_sc.tl.fit(view, **QUICK)
    gsr_sc.tl.fit(actual, **QUICK)
    assert not view.is_view
    assert changed_slots(hash_adata(actual), hash_adata(view)) == set()
    assert changed_slots(before, hash_adata(parent)) == set()


def test_a_map_survives_being_cut() -> None:
    adata = cells()
    gsr_sc.tl.fit(adata, **QUICK)
    part = adata[:50].copy()
    np.testing.assert_array_equal(part.obsm["X_gsr"], adata.obsm["X_gsr"][:50])
    gsr_sc.tl.fit(part, **QUICK)
    assert part.obsm["X_gsr"].shape[0] == 50
