"""Every parameter of `tl.fit` changes something, and what it should."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pytest
from _fits import QUICK, activations, busy_cells, fitted

import gsr_sc

if TYPE_CHECKING:
    from anndata import AnnData


def cells() -> AnnData:
    adata = busy_cells()
    adata.var["some"] = np.arange(40) % 2 == 0
    adata.layers["other"] = adata.layers["counts"].multiply(1 + (np.arange(40) < 20)).tocsr()
    return adata


# What each parameter is changed to; the activations have to follow.
CHANGES: dict[str, dict[str, Any]] = {
    "graph": {"graph": "torus"},
    "graph of the same size": {"graph": nx.relabel_nodes(nx.grid_2d_graph(2, 8), str)},
    "n_neurons": {"n_neurons": 25},
    "layer": {"layer": "other"},
    "use_rep": {"use_rep": "X_pca"},
    "mask_var": {"mask_var": "some"},
    "transform": {"transform": None},
    "smoothness": {"smoothness": 30.0},
    "init": {"init": "spectral"},
    "init random": {"init": "random"},
    "init own": {"init": "X_pca"},
    "activation": {"activation": "relu"},
    "activation linear": {"activation": "linear"},
    "activation heat": {"activation": "heat"},
    "activation wavelet": {"activation": "wavelet"},
    "hidden": {"hidden": (20,)},
    "hidden_decoder": {"hidden_decoder": (10, 128)},
    "max_epochs": {"max_epochs": 12},
    "rng": {"rng": 1},
    "random_state": {"random_state": 1},
}
# Those that change something else than the activations, each with a test of its own below or elsewhere.
OTHERS = {
    "filter_time": "test_filter_time_is_how_far_a_bump_reaches",
    "likelihood": "tests/model/test_likelihood.py",
    "batch_key": "tests/model/test_batches.py",
    "labels_key": "tests/model/test_labels.py",
    "unlabelled_category": "tests/model/test_labels.py",
    "penalty": "test_the_same_smoothness_of_another_penalty",
    "laplacian": "test_the_same_smoothness_of_another_penalty",
    "tolerance": "test_tolerance_decides_how_smooth_auto_may_be",
    "device": "tests/training/test_surroundings.py; other devices are not everywhere",
    "n_jobs": "tests/model/test_determinism.py",
    "checkpoint": "tests/training/test_checkpoint.py",
    "progress": "test_progress_is_shown_on_request",
    "save_model": "tests/model/test_save_load.py",
    "key_added": "tests/tl/test_slots.py",
    "copy": "tests/tl/test_unchanged.py",
}


def test_no_parameter_is_forgotten() -> None:
    tested = {name for change in CHANGES.values() for name in change} | set(OTHERS)
    assert tested == set(inspect.signature(gsr_sc.tl.fit).parameters) - {"adata"}


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    return activations(cells(), init="pca", max_epochs=3)


@pytest.mark.parametrize("what", CHANGES)
def test_changing_it_changes_the_map(what: str, reference: np.ndarray) -> None:
    changed = activations(cells(), **{"init": "pca", "max_epochs": 3, **CHANGES[what]})
    assert changed.shape != reference.shape or np.abs(changed - reference).max() > 1e-4


@pytest.mark.parametrize("change", [{"penalty": "rayleigh"}, {"penalty": "l1"}, {"laplacian": "symmetric"}], ids=str)
def test_the_same_smoothness_of_another_penalty(change: dict[str, str]) -> None:
    # Strong, as so short a training explains next to nothing, and the penalty is weighed against what is explained.
    # Simplex units have unit length, at which the Rayleigh quotient is the Dirichlet energy.
    options = {"smoothness": 1000.0, "max_epochs": 3, "activation": "relu"}
    reference = fitted(**options).obsm["X_gsr"]
    assert np.abs(fitted(**options, **change).obsm["X_gsr"] - reference).max() > 1e-3


def test_filter_time_is_how_far_a_bump_reaches() -> None:
    near, far = (fitted(activation="heat", filter_time=time).obsm["X_gsr"] for time in (0.2, 5.0))
    for activations_ in (near, far):
        np.testing.assert_allclose((activations_**2).sum(axis=1), 1, rtol=1e-5)
    assert far.max(axis=1).mean() < near.max(axis=1).mean()


def test_nothing_changed_nothing_changes(reference: np.ndarray) -> None:
    np.testing.assert_array_equal(activations(cells(), init="pca", max_epochs=3), reference)


@pytest.mark.parametrize(
    ("transform", "used"),
    [("auto", "combined"), ("zscore", "zscore"), ("pearson", "pearson"), ("combined", "combined"), (None, "none")],
)
def test_transform_is_recorded(transform: Any, used: str) -> None:
    adata = cells()
    gsr_sc.tl.fit(adata, layer="counts", transform=transform, **QUICK)
    assert adata.uns["gsr"]["params"]["transform"] == used


def test_transform_is_chosen_by_the_values() -> None:
    adata = cells()
    adata.layers["share"] = adata.layers["dense"] / adata.layers["dense"].max()
    adata.layers["seen"] = (adata.layers["counts"] > 0).astype(np.float32)
    for options, used in [
        ({"layer": "seen"}, "zscore"),
        ({"layer": "share"}, "none"),
        ({"use_rep": "X_pca"}, "none"),
        ({}, "combined"),
    ]:
        chosen = gsr_sc.tl.fit(adata, copy=True, **{**QUICK, **options})
        assert chosen is not None
        assert chosen.uns["gsr"]["params"]["transform"] == used


def test_tolerance_decides_how_smooth_auto_may_be() -> None:
    strict, lax = (fitted(smoothness="auto", tolerance=tolerance, max_epochs=8).uns["gsr"] for tolerance in (0.0, 0.99))
    assert lax["params"]["smoothness"] == 1.0
    assert strict["params"]["smoothness"] <= lax["params"]["smoothness"]
    quality = strict["quality"]
    assert quality["explained_variance"] >= quality["explained_variance_unregularised"]


def test_progress_is_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    gsr_sc.tl.fit(cells(), progress=True, **QUICK)
    shown = capsys.readouterr()
    assert "100%" in shown.err
    assert "loss" in shown.err
    assert shown.out == ""
    gsr_sc.tl.fit(cells(), progress=False, **QUICK)
    gsr_sc.tl.fit(cells(), **QUICK)  # no terminal here
    assert capsys.readouterr().err == ""


def test_logs_are_in_the_manner_of_scanpy(capsys: pytest.CaptureFixture[str]) -> None:
    import scanpy as sc

    before = sc.settings.verbosity
    try:
        sc.settings.verbosity = 2
        gsr_sc.tl.fit(cells(), key_added="mine", **QUICK)
    finally:
        sc.settings.verbosity = before
    text = capsys.readouterr().err
    assert text.startswith("fitting a map of neurons")
    assert "    finished" in text
    assert "'mine', activations (adata.obsm)" in text
    assert "'mine_cluster'" in text
    gsr_sc.tl.fit(cells(), **QUICK)
    assert capsys.readouterr().err == "", "scanpy shows warnings only by default, and so does this"


def test_fit_is_the_model_and_its_annotation() -> None:
    by_function, by_class = cells(), cells()
    gsr_sc.tl.fit(by_function, graph="ring", **QUICK)
    gsr_sc.GSR(graph="ring", **QUICK).fit(by_class).annotate(by_class)
    np.testing.assert_array_equal(by_function.obsm["X_gsr"], by_class.obsm["X_gsr"])
    shared = set(inspect.signature(gsr_sc.GSR).parameters)
    assert shared == set(inspect.signature(gsr_sc.tl.fit).parameters) - {
        "adata",
        "progress",
        "save_model",
        "key_added",
        "copy",
    }
    for name in shared:
        defaults = (inspect.signature(call).parameters[name].default for call in (gsr_sc.GSR, gsr_sc.tl.fit))
        assert len(set(defaults)) == 1, name
