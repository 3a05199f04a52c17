"""Labels: a classifier on the structured layer, beside the reconstruction."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from _fits import QUICK, cells

import gsr_sc
from gsr_sc import GSR
from gsr_sc.metrics import indicator_auroc

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

LONG: dict[str, Any] = {"n_jobs": 1, "max_epochs": 100, "smoothness": 0.5}


def labelled(share: float = 1.0) -> AnnData:
    """Cells of which some have a label."""
    adata = cells(300)
    adata.obs["truth"] = adata.obs["cluster"].astype(str).str[0]
    adata.obs["type"] = adata.obs["truth"]
    hidden = np.random.default_rng(0).random(300) >= share
    adata.obs.loc[adata.obs_names[hidden], "type"] = np.nan
    return adata


@cache
def fitted(share: float) -> GSR:
    return GSR(labels_key="type", **LONG).fit(labelled(share))


def test_held_out_labels_are_predicted() -> None:
    quality = fitted(1.0).fitted.quality
    assert quality["label_accuracy"] > 0.9
    assert quality["label_accuracy_balanced"] > 0.85
    assert fitted(1.0).fitted.params["labels_weight"] > 0
    assert fitted(1.0).fitted.history["labels"][-1] < 0.5 * fitted(1.0).fitted.history["labels"][0]


def test_a_few_labels_are_enough_for_the_rest() -> None:
    adata = labelled(0.2)
    probability = fitted(0.2).predict(adata)
    assert probability.index.equals(adata.obs_names)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)
    hidden = adata.obs["type"].isna().to_numpy()
    right = probability.idxmax(axis=1).to_numpy() == adata.obs["truth"].to_numpy()
    assert right[hidden].mean() > 0.85


def test_predictions_are_written_and_removed_again() -> None:
    adata = labelled(0.5)
    adata.obs["type"] = adata.obs["type"].astype(object).fillna("Unknown").astype("category")
    gsr_sc.tl.fit(adata, labels_key="type", unlabelled_category="Unknown", **QUICK)
    prediction = adata.obs["gsr_prediction"]
    assert list(prediction.cat.categories) == sorted(set(adata.obs["type"]) - {"Unknown"})
    assert adata.obs["gsr_prediction_probability"].between(0, 1).all()
    assert adata.uns["gsr"]["params"]["labels_key"] == "type"
    assert adata.uns["gsr"]["params"]["unlabelled_category"] == "Unknown"
    gsr_sc.tl.fit(adata, **QUICK)
    assert "gsr_prediction" not in adata.obs
    assert "gsr_prediction_probability" not in adata.obs


def test_without_its_name_the_unlabelled_category_is_a_label() -> None:
    adata = labelled(0.5)
    adata.obs["type"] = adata.obs["type"].astype(object).fillna("Unknown")
    model = GSR(labels_key="type", **QUICK).fit(adata)
    assert "Unknown" in model.fitted.label_names


def test_labels_are_told_apart_by_neurons() -> None:
    rng = np.random.default_rng(0)
    adata = cells(300)
    # A split that the data hold in one direction only, which explains next to nothing of them.
    adata.obs["side"] = np.where(adata.X[:, 0] > np.median(adata.X[:, 0]), "high", "low")
    adata.X = np.column_stack([3 * (adata.obs["side"] == "high") + 0.3 * rng.normal(size=300), adata.X[:, 1:]])
    plain, told = (GSR(labels_key=key, **LONG).fit(adata).transform(adata) for key in (None, "side"))
    assert indicator_auroc(told, adata.obs["side"]) > indicator_auroc(plain, adata.obs["side"]) + 0.05


def test_a_classifier_travels(tmp_path: Path) -> None:
    model, adata = fitted(1.0), labelled()
    model.save(tmp_path / "m")
    loaded = GSR.load(tmp_path / "m")
    assert loaded.labels_key == "type"
    np.testing.assert_array_equal(loaded.predict(adata), model.predict(adata))
    del adata.obs["type"]
    loaded.annotate(adata)
    assert adata.obs["gsr_prediction"].notna().all(), "new cells need no labels"


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (None, KeyError, "`labels_key='kind'` is not in .obs"),
        ("same", ValueError, "holds 1 labels beside those that stand for unlabelled"),
    ],
)
def test_what_is_wrong_with_labels(values: str | None, error: type[Exception], message: str) -> None:
    adata = cells()
    if values is not None:
        adata.obs["kind"] = values
    with pytest.raises(error, match=message):
        gsr_sc.tl.fit(adata, labels_key="kind", **QUICK)


def test_rare_labels_are_pointed_out() -> None:
    adata = labelled()
    adata.obs.iloc[0, adata.obs.columns.get_loc("type")] = "once"
    with pytest.warns(UserWarning, match=r"Labels of .obs\['type'\] with fewer than 3 observations: \['once'\]"):
        gsr_sc.tl.fit(adata, labels_key="type", **QUICK)


def test_a_model_without_labels_predicts_none() -> None:
    with pytest.raises(ValueError, match="fitted without labels; fit with `labels_key="):
        GSR(**QUICK).fit(cells()).predict(cells())
