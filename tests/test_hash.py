"""The helper that tells what changed has to notice each kind of change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from _arrays import IN_MEMORY, to_type
from _hash import changed_slots, hash_adata
from anndata import AnnData

if TYPE_CHECKING:
    from collections.abc import Callable

    from _arrays import ArrayType


@pytest.fixture
def adata() -> AnnData:
    x = np.random.default_rng(0).poisson(1.0, (12, 5)).astype(np.float32)
    adata = AnnData(x, obs=pd.DataFrame({"kind": pd.Categorical(list("ab") * 6)}, index=[f"c{i}" for i in range(12)]))
    adata.raw = adata.copy()
    adata.layers["counts"] = x.copy()
    adata.obsm["X_pca"] = x[:, :2].copy()
    adata.uns["deep"] = {"er": {"list": ["x", "y"], "array": np.arange(3)}}
    return adata


def _set_category_order(adata: AnnData) -> None:
    adata.obs["kind"] = adata.obs["kind"].cat.reorder_categories(["b", "a"])


def _touch_raw(adata: AnnData) -> None:
    adata.raw.X[0, 0] += 1


CHANGES: dict[str, Callable[[AnnData], object]] = {
    "X": lambda adata: adata.X.__setitem__((0, 0), adata.X[0, 0] + 1),
    "layers/counts": lambda adata: adata.layers.update(counts=adata.layers["counts"].astype(np.float64)),
    "obs/kind": _set_category_order,
    "obs/_index": lambda adata: setattr(adata, "obs_names", [*adata.obs_names[:-1], "other"]),
    "var/new": lambda adata: adata.var.insert(0, "new", 1),
    "obsm/X_pca": lambda adata: adata.obsm["X_pca"].__setitem__((3, 1), -7),
    "uns/deep/er/list": lambda adata: adata.uns["deep"]["er"]["list"].append("z"),
    "uns/deep/er/array": lambda adata: adata.uns["deep"]["er"]["array"].__setitem__(0, 9),
    "raw/X": _touch_raw,
}


@pytest.mark.parametrize("slot", CHANGES)
def test_notices_a_change_and_names_it(adata: AnnData, slot: str) -> None:
    before = hash_adata(adata)
    CHANGES[slot](adata)
    assert changed_slots(before, hash_adata(adata)) == {slot}


@pytest.mark.parametrize("array_type", IN_MEMORY, ids=str)
def test_same_content_same_hash(adata: AnnData, array_type: ArrayType) -> None:
    adata.X = to_type(adata.X, array_type)
    assert changed_slots(hash_adata(adata), hash_adata(adata.copy())) == set()
    assert changed_slots(hash_adata(adata), hash_adata(adata[:])) == set()
