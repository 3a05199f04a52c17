"""What comes out: likelihoods of a fitted model, recorded and read back in their own units."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from _arrays import to_type
from _fits import QUICK, cells

import gsr_sc
from gsr_sc import GSR
from gsr_sc.metrics import moran_i

if TYPE_CHECKING:
    from _arrays import ArrayType
    from anndata import AnnData

COUNT = ("nb", "poisson")


def shares() -> AnnData:
    """Values between 0 and 1."""
    adata = cells(counts=True)
    adata.X = adata.X / adata.X.max()
    return adata


@cache
def fitted(likelihood: Any, **options: Any) -> GSR:
    adata = shares() if likelihood == "bernoulli" else cells(counts=True)
    return GSR(likelihood=likelihood, **{**QUICK, "max_epochs": 60, **options}).fit(adata)


@pytest.mark.parametrize("likelihood", [*COUNT, "bernoulli"])
def test_quality_says_what_of_the_deviance_is_explained(likelihood: str) -> None:
    model = fitted(likelihood)
    quality = model.fitted.quality
    assert model.fitted.params["likelihood"] == likelihood
    for name in ("deviance_explained", "explained_variance"):
        assert 0.05 < quality[name] < 1
        assert 0.05 < quality[f"{name}_unregularised"] < 1
    history = model.fitted.history
    assert quality["deviance_explained"] in history["validation_deviance_explained"]
    assert quality["explained_variance"] in history["validation_explained_variance"]
    assert quality["deviance_explained"] != quality["explained_variance"]


def test_of_squared_error_the_deviance_is_the_variance() -> None:
    model = fitted("gaussian")
    assert "deviance_explained" not in model.fitted.quality
    assert "validation_deviance_explained" not in model.fitted.history


def test_each_likelihood_gives_another_map() -> None:
    adata = cells(counts=True)
    maps = [fitted(likelihood).transform(adata) for likelihood in ("gaussian", *COUNT)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(maps[one] - maps[other]).max() > 1e-3


def test_the_encoder_sees_what_it_saw_whatever_comes_out() -> None:
    by_transform = [fitted("nb", transform=transform).fitted for transform in ("zscore", "pearson", None)]
    assert [state.params["transform"] for state in by_transform] == ["zscore", "pearson", "none"]
    adata = cells(counts=True)
    first, *rest = (fitted("nb", transform=transform).transform(adata) for transform in ("zscore", "pearson", None))
    assert all(np.abs(first - other).max() > 1e-3 for other in rest)


@pytest.mark.parametrize("likelihood", COUNT)
def test_decoded_counts_are_shares_of_the_total(likelihood: str) -> None:
    # Pearson residuals, which are half of the default, are larger in deeper cells.
    model, adata = fitted(likelihood, transform="zscore"), cells(counts=True)
    decoded = model.decode(model.transform(adata))
    assert decoded.min() >= 0
    np.testing.assert_allclose(decoded.sum(axis=1), 1, rtol=1e-4)
    observed = adata.X / adata.X.sum(axis=1, keepdims=True)
    assert np.corrcoef(decoded.ravel(), observed.ravel())[0, 1] > 0.5
    deeper = adata.copy()
    deeper.X = adata.X * 3
    assert np.abs(model.transform(deeper) - model.transform(adata)).max() < 0.05, "depth moves no cell"


def test_decoded_shares_are_probabilities() -> None:
    decoded = fitted("bernoulli").decode(fitted("bernoulli").transform(shares()))
    assert 0 < decoded.min() < decoded.max() < 1


def test_programs_of_counts_are_log_fold_changes() -> None:
    model, adata = fitted("nb"), cells(counts=True)
    state = model.fitted
    activations = model.transform(adata)
    neuron = int(activations.sum(axis=0).argmax())
    weights = (activations**2 / (activations**2).sum(axis=1, keepdims=True))[:, neuron]
    picture = (weights @ activations) / weights.sum()
    with_log = np.log(model.decode(np.stack([picture, activations.mean(axis=0)])))
    np.testing.assert_allclose(state.programs[:, neuron], with_log[0] - with_log[1], atol=1e-3)


def test_auto_is_gaussian_and_recorded() -> None:
    adata = cells(counts=True)
    gsr_sc.tl.fit(adata, likelihood="auto", **QUICK)
    assert adata.uns["gsr"]["params"]["likelihood"] == "gaussian"


def test_a_smoothness_means_the_same_for_every_likelihood() -> None:
    adata = gsr_sc.datasets.simulate_line(400, 60, counts=True)
    moran = {}
    for likelihood in ("gaussian", "nb", "poisson"):
        model = GSR(likelihood=likelihood, smoothness=1.0, n_neurons=36, n_jobs=1, max_epochs=40).fit(adata)  # type: ignore[arg-type]
        moran[likelihood] = moran_i(model.transform(adata), model.fitted.graph.adjacency)
    assert max(moran.values()) - min(moran.values()) < 0.1, moran
    assert min(moran.values()) > 0.6


def test_all_containers(array_type: ArrayType) -> None:
    if array_type.dtype == "bool":
        pytest.skip("counts are no booleans")
    adata = cells(counts=True)
    expected = GSR(likelihood="nb", **QUICK).fit(adata).transform(adata)
    adata.X = to_type(adata.X, array_type)
    np.testing.assert_allclose(GSR(likelihood="nb", **QUICK).fit(adata).transform(adata), expected, atol=1e-5)
