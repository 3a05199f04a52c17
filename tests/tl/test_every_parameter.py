"""No parameter of a function of `tl` is without a test, and those that several functions share do what they say."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from _fits import QUICK, cells, fitted
from _maps import make_map

import gsr_sc
from gsr_sc.tl._refit import Refit

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData

# Files in which parameters of a function are tested beside test_<function>.py.
ALSO = {"order": ["test_order_root.py"], "fit": ["test_parameters.py"]}
# Those that are tested below.
BELOW = {
    "stability": {"progress", "n_jobs"},
    "null": {"progress", "n_jobs", "key"},
    "scan": {"progress", "n_jobs"},
    "compare": {"key"},
    "order_genes": {"key"},
}
# Positional.
NOT_NAMED = {"adata", "options", "model"}
REFITS: dict[str, Callable[..., Any]] = {
    "stability": lambda adata, **how: gsr_sc.tl.stability(adata, n_fits=1, max_epochs=1, **how),
    "null": lambda adata, **how: gsr_sc.tl.null(adata, n_permutations=1, max_epochs=1, **how),
    "scan": lambda adata, **how: gsr_sc.tl.scan(adata, graphs="line", smoothness=0.5, max_epochs=1, n_neurons=9, **how),
}


@pytest.mark.parametrize("name", gsr_sc.tl.__all__)
def test_no_parameter_is_without_a_test(name: str) -> None:
    here = Path(__file__).parent
    files = [here / f"test_{name}.py", *(here / other for other in ALSO.get(name, []))]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files if path.exists())
    # Given by name, or in a table of options.
    parameters = set(inspect.signature(getattr(gsr_sc.tl, name)).parameters) - NOT_NAMED - BELOW.get(name, set())
    assert {one for one in parameters if f"{one}=" not in source and f'"{one}"' not in source} == set()


@pytest.mark.parametrize("name", REFITS)
def test_one_bar_over_all_fits_where_asked_for(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    adata = fitted().copy()
    REFITS[name](adata, progress=True, n_jobs=1)
    shown = capfd.readouterr().err
    assert "100%" in shown
    assert "loss" not in shown, "no bar of a single fit"
    REFITS[name](adata, progress=False, n_jobs=1)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", REFITS)
def test_threads_are_those_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[int | None] = set()
    fit = Refit.fit
    monkeypatch.setattr(Refit, "fit", lambda self, *args, **kw: asked.add(self.n_jobs) or fit(self, *args, **kw))
    REFITS[name](fitted().copy(), n_jobs=2)
    assert asked == {2}


def _null(adata: AnnData) -> pd.DataFrame:
    gsr_sc.tl.null(adata, n_permutations=1, max_epochs=1, n_jobs=1, key="k")
    return gsr_sc.get.null(adata, key="k")


def _compared(adata: AnnData) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    adata.obs["sample"] = [f"s{number}" for number in rng.integers(6, size=adata.n_obs)]
    adata.obs["condition"] = np.where(adata.obs["sample"].isin(["s0", "s1", "s2"]), "a", "b")
    gsr_sc.tl.compare(adata, groupby="condition", sample="sample", n_permutations=0, key="k")
    return gsr_sc.get.compare(adata, key="k")


def _along(adata: AnnData) -> pd.DataFrame:
    gsr_sc.tl.order_genes(adata, key="k")
    return gsr_sc.get.order_genes(adata, key="k")


@pytest.mark.parametrize(("name", "read"), [("compare", _compared), ("order_genes", _along)])
def test_key_says_which_of_two_maps(name: str, read: Callable[[AnnData], pd.DataFrame]) -> None:
    adata, other = make_map("line", key="k"), make_map("line", seed=1)
    alone = read(adata.copy())
    assert len(alone) > 1
    # A map that is not meant lies beside it.
    adata.uns["gsr"] = other.uns["gsr"]
    adata.obsm["X_gsr"], adata.obsm["X_gsr_map"] = other.obsm["X_gsr"], other.obsm["X_gsr_map"]
    adata.obs["gsr_order"] = other.obs["gsr_order"].to_numpy()
    pd.testing.assert_frame_equal(read(adata), alone)
    assert f"k_{name}" in adata.uns
    assert f"gsr_{name}" not in adata.uns


def test_key_of_the_null_says_which_map_is_fitted_again() -> None:
    adata = cells()
    gsr_sc.tl.fit(adata, **{**QUICK, "graph": "line"})
    gsr_sc.tl.fit(adata, **{**QUICK, "graph": "ring"}, key_added="k")
    alone = cells()
    gsr_sc.tl.fit(alone, **{**QUICK, "graph": "ring"}, key_added="k")
    np.testing.assert_array_equal(_null(adata)["order"], _null(alone)["order"])
    assert "gsr_null" not in adata.uns
