"""Batches: what a model is told of them, what it shows in spite of them, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from _fits import QUICK, cells
from _hash import hash_adata

import gsr_sc
from gsr_sc import GSR
from gsr_sc.metrics import knn_purity

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


def two_batches(n_obs: int = 150, *, shift: float = 1.5, counts: bool = False) -> AnnData:
    """Clusters, half of whose cells have some genes moved."""
    adata = cells(n_obs, counts=counts)
    rng = np.random.default_rng(3)
    batch = rng.integers(0, 2, n_obs)
    if counts:
        factor = np.exp(shift * rng.normal(size=adata.n_vars)) ** batch[:, None]
        adata.X = np.random.default_rng(4).poisson(adata.X * factor).astype(np.float32)
    else:
        adata.X = (adata.X + shift * rng.normal(size=adata.n_vars) * batch[:, None]).astype(np.float32)
    adata.obs["batch"] = pd.Categorical(np.array(["one", "two"])[batch], categories=["two", "one", "unused"])
    adata.obs["lane"] = np.arange(n_obs) % 3
    return adata


@pytest.mark.parametrize("counts", [False, True])
def test_the_map_shows_types_and_not_batches(counts: bool) -> None:
    adata = two_batches(400, counts=counts)
    options: dict[str, Any] = {"n_jobs": 1, "max_epochs": 30, "smoothness": 1.0, "n_neurons": 36}
    if counts:
        options["likelihood"] = "nb"
    told, plain = (GSR(**options, batch_key=key).fit(adata).transform(adata) for key in ("batch", None))
    assert knn_purity(plain, adata.obs["batch"]) > 0.75
    assert knn_purity(told, adata.obs["batch"]) < 0.62
    assert knn_purity(told, adata.obs["cluster"]) > knn_purity(plain, adata.obs["cluster"]) - 0.02


def test_what_was_told_is_recorded_and_travels(tmp_path: Path) -> None:
    adata = two_batches()
    before = hash_adata(adata)
    model = GSR(batch_key=["batch", "lane"], **QUICK).fit(adata)
    assert hash_adata(adata) == before
    assert model.fitted.params["batch_key"] == ["batch", "lane"]
    assert model.fitted.batches == {"batch": ["one", "two"], "lane": ["0", "1", "2"]}
    model.save(tmp_path / "m")
    loaded = GSR.load(tmp_path / "m")
    activations = model.transform(adata)
    np.testing.assert_array_equal(loaded.transform(adata), activations)
    np.testing.assert_array_equal(loaded.decode(activations), model.decode(activations))
    one = GSR(batch_key="batch", **QUICK).fit(adata)
    assert np.abs(one.transform(adata) - activations).max() > 1e-4, "the second variable counts"


def test_a_cell_is_placed_as_one_of_its_batch() -> None:
    adata = two_batches()
    model = GSR(batch_key="batch", **QUICK).fit(adata)
    expected = model.transform(adata)
    few = adata[adata.obs["batch"] == "two"][:5].copy()
    np.testing.assert_allclose(model.transform(few), expected[(adata.obs["batch"] == "two").to_numpy()][:5], atol=1e-6)
    few.obs["batch"] = "one"
    assert np.abs(model.transform(few) - expected[(adata.obs["batch"] == "two").to_numpy()][:5]).max() > 1e-4


def test_decoded_values_are_those_of_no_batch_in_particular() -> None:
    adata = two_batches(shift=5.0)
    model = GSR(batch_key="batch", **{**QUICK, "max_epochs": 10}).fit(adata)
    decoded = model.decode(model.transform(adata))
    batch = (adata.obs["batch"] == "two").to_numpy()
    z = (adata.X - adata.X.mean(axis=0)) / adata.X.std(axis=0)
    observed = np.abs(z[batch].mean(axis=0) - z[~batch].mean(axis=0)).mean()
    assert np.abs(decoded[batch].mean(axis=0) - decoded[~batch].mean(axis=0)).mean() < 0.3 * observed


@pytest.mark.parametrize(
    ("change", "key", "error", "message"),
    [
        (None, "chip", KeyError, r"`batch_key='chip'` is not in .obs, which holds"),
        ("one value", "batch", ValueError, r"holds one batch only, 'one': .* Leave `batch_key` out"),
        ("missing", "batch", ValueError, r".obs\['batch'\] is missing for 1 observations, the first 'cell3'"),
    ],
)
def test_what_is_wrong_with_batches(change: str | None, key: str, error: type[Exception], message: str) -> None:
    adata = two_batches()
    adata.obs_names = [f"cell{i}" for i in range(150)]
    if change == "one value":
        adata.obs["batch"] = "one"
    if change == "missing":
        adata.obs.loc["cell3", "batch"] = np.nan
    with pytest.raises(error, match=message):
        gsr_sc.tl.fit(adata, batch_key=key, **QUICK)


def test_a_batch_that_was_not_seen_is_named() -> None:
    adata = two_batches()
    model = GSR(batch_key="batch", **QUICK).fit(adata)
    adata.obs["batch"] = ["three"] * 75 + ["one"] * 75
    with pytest.raises(ValueError, match=r"holds \['three'\], which the model has not seen; it knows \['one', 'two'\]"):
        model.transform(adata)
    del adata.obs["batch"]
    with pytest.raises(KeyError, match=r"`batch_key=.batch.` is not in .obs"):
        model.annotate(adata)


def test_tiny_batches_are_pointed_out() -> None:
    adata = two_batches()
    adata.obs["batch"] = ["tiny"] * 2 + ["one"] * 74 + ["two"] * 74
    with pytest.warns(UserWarning, match=r"Batches of .obs\['batch'\] with fewer than 3 observations: \['tiny'\]"):
        gsr_sc.tl.fit(adata, batch_key="batch", **QUICK)
