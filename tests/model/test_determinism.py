"""The same seed gives the same bits; nothing global is used or left changed."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from _fits import QUICK, activations, cells
from anndata import AnnData
from scipy import sparse

import gsr_sc
from gsr_sc.model import _pipeline


def fitted(**options: Any) -> AnnData:
    adata = cells()
    gsr_sc.tl.fit(adata, **{**QUICK, "max_epochs": 3, **options})
    return adata


def same_bits(first: AnnData, second: AnnData) -> None:
    for key in ("X_gsr", "X_gsr_map", "X_gsr_indicators"):
        np.testing.assert_array_equal(first.obsm[key], second.obsm[key])
    np.testing.assert_array_equal(first.varm["gsr_programs"], second.varm["gsr_programs"])
    for key in ("gsr_neuron", "gsr_cluster"):
        assert first.obs[key].tolist() == second.obs[key].tolist()
    for key, values in first.uns["gsr"]["history"].items():
        np.testing.assert_array_equal(values, second.uns["gsr"]["history"][key])
    assert first.uns["gsr"]["quality"] == second.uns["gsr"]["quality"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rng": 7},
        {"rng": np.int64(7)},
        {"graph": "ring", "smoothness": "auto"},
        {"activation": "relu"},
        {"init": "random"},
        {"n_jobs": 2},
        {"transform": None},
    ],
    ids=str,
)
def test_same_seed_same_bits(options: dict[str, Any]) -> None:
    same_bits(fitted(**options), fitted(**options))


def test_a_model_fitted_twice_is_the_same_model() -> None:
    model = gsr_sc.GSR(**QUICK)
    first = model.fit(cells()).transform(cells())
    np.testing.assert_array_equal(model.fit(cells()).transform(cells()), first)


def test_what_was_fitted_before_does_not_matter() -> None:
    first = fitted(rng=1)
    fitted(rng=2, graph="line")
    same_bits(first, fitted(rng=1))


def test_other_seed_other_bits() -> None:
    for init in ("pca", "random"):
        assert np.abs(fitted(rng=1, init=init).obsm["X_gsr"] - fitted(rng=2, init=init).obsm["X_gsr"]).max() > 1e-4


def test_every_spelling_of_a_seed() -> None:
    reference = fitted(rng=5)
    same_bits(reference, fitted(random_state=5))
    same_bits(reference, fitted(rng=np.random.default_rng(5)))
    same_bits(reference, fitted(rng=np.random.SeedSequence(5)))
    generator = np.random.default_rng(5)
    same_bits(reference, fitted(rng=generator))
    assert np.abs(fitted(rng=generator).obsm["X_gsr"] - reference.obsm["X_gsr"]).max() > 1e-4, "a generator goes on"
    assert np.abs(fitted(rng=None).obsm["X_gsr"] - fitted(rng=None).obsm["X_gsr"]).max() > 1e-4


def test_the_seed_is_recorded_where_there_is_one() -> None:
    assert fitted(rng=5).uns["gsr"]["params"]["rng"] == 5
    assert fitted(random_state=5).uns["gsr"]["params"]["rng"] == 5
    assert "rng" not in fitted(rng=np.random.default_rng(5)).uns["gsr"]["params"]


def test_global_random_state_is_neither_read_nor_changed() -> None:
    """Every test is checked for changes; here whether another global state gives another map."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        first = fitted()
        random.seed(99)
        np.random.seed(99)  # noqa: NPY002
        torch.manual_seed(99)
        same_bits(first, fitted())
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_threads_are_put_back(n_jobs: int) -> None:
    before = torch.get_num_threads()
    adata = fitted(n_jobs=n_jobs)
    assert torch.get_num_threads() == before
    assert adata.uns["gsr"]["params"]["n_jobs"] == n_jobs


def test_threads_are_put_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def break_down(*args: Any, **options: Any) -> None:
        seen.append(torch.get_num_threads())
        raise RuntimeError("boom")  # noqa: EM101

    monkeypatch.setattr(_pipeline, "fit", break_down)
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="boom"):
        fitted(n_jobs=2 * before + 4)
    assert seen == [before + 2]
    assert torch.get_num_threads() == before


def test_a_second_thread_changes_no_bit() -> None:
    alone, helped = fitted(n_jobs=1), fitted(n_jobs=2)
    np.testing.assert_array_equal(alone.obsm["X_gsr"], helped.obsm["X_gsr"])


def test_cells_in_another_order_give_nearly_the_same_places() -> None:
    """The annealed start does not depend on the order of cells; batches do, so it is not to the bit."""
    adata = cells()
    model = gsr_sc.GSR(**{**QUICK, "max_epochs": 3}).fit(adata)
    np.testing.assert_allclose(model.transform(adata[::-1].copy())[::-1], model.transform(adata), atol=1e-6)


def test_sparse_fits_are_the_same_to_the_bit_too() -> None:
    x = sparse.csr_matrix(cells(counts=True).X)
    np.testing.assert_array_equal(activations(AnnData(x)), activations(AnnData(x.copy())))
