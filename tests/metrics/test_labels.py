"""Indicator AUROC and neighbourhood purity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from gsr_sc import metrics

SEEDS = st.integers(0, 2**32 - 1)


def labelled(seed: int, n_obs: int = 40, n_neurons: int = 6, n_labels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Activations with ties, and labels that all occur."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(n_labels), rng.integers(n_labels, size=n_obs - n_labels)])
    return rng.integers(0, 5, (n_obs, n_neurons)) / 4, np.array([f"type{label}" for label in labels])


@given(SEEDS)
def test_auroc_is_that_of_sklearn(seed: int) -> None:
    z, labels = labelled(seed)
    table = metrics.indicator_auroc_per_label(z, labels)
    for row in table.itertuples():
        assert row.auroc == pytest.approx(roc_auc_score(labels == row.label, z[:, row.neuron]))


@settings(max_examples=20)
@given(SEEDS)
def test_neurons_are_distinct_and_no_single_swap_is_better(seed: int) -> None:
    z, labels = labelled(seed)
    table = metrics.indicator_auroc_per_label(z, labels)
    assert table["neuron"].is_unique
    every = np.array([[roc_auc_score(labels == label, column) for column in z.T] for label in table["label"]])
    free = sorted(set(range(z.shape[1])) - set(table["neuron"]))
    for i, own in enumerate(table["neuron"]):
        assert every[i, own] >= every[i, free].max() - 1e-12
        for j, other in enumerate(table["neuron"]):
            assert every[i, own] + every[j, other] >= every[i, other] + every[j, own] - 1e-12


@given(SEEDS)
def test_indicator_auroc_ignores_order_of_cells_and_neurons_and_names_of_labels(seed: int) -> None:
    z, labels = labelled(seed)
    rng = np.random.default_rng(seed)
    expected = metrics.indicator_auroc(z, labels)
    rows, columns = rng.permutation(len(z)), rng.permutation(z.shape[1])
    assert metrics.indicator_auroc(z[rows][:, columns], labels[rows]) == pytest.approx(expected)
    renamed = pd.Series(labels).map({"type0": "z", "type1": "b", "type2": "a"})
    assert metrics.indicator_auroc(z, renamed) == pytest.approx(expected)
    assert 0 <= expected <= 1


@given(SEEDS)
def test_indicator_auroc_depends_on_ranks_only(seed: int) -> None:
    z, labels = labelled(seed)
    assert metrics.indicator_auroc(np.exp(3 * z), labels) == pytest.approx(metrics.indicator_auroc(z, labels))


def test_constant_neurons_are_chance() -> None:
    assert metrics.indicator_auroc(np.ones((6, 3)), list("aabbcc")) == 0.5


def test_cells_without_a_label_are_left_out() -> None:
    z, labels = labelled(0)
    unknown = np.concatenate([labels, [None, np.nan]])
    more = np.concatenate([z, np.full((2, z.shape[1]), 100.0)])
    assert metrics.indicator_auroc(more, unknown) == metrics.indicator_auroc(z, labels)
    assert metrics.knn_purity(more, unknown) == metrics.knn_purity(z, labels)


def test_more_labels_than_neurons_leaves_the_worst_at_chance() -> None:
    z = np.array([[9.0, 0.0], [8.0, 0.0], [0.0, 9.0], [0.0, 8.0], [1.0, 1.0], [1.0, 1.0]])
    table = metrics.indicator_auroc_per_label(z, list("aabbcc"))
    assert table["neuron"].tolist() == [0, 1, -1]
    assert table["auroc"].tolist() == [1.0, 1.0, 0.5]


def test_categories_keep_their_order_and_unused_ones_vanish() -> None:
    z, labels = labelled(1)
    labels = pd.Series(pd.Categorical(labels, categories=["type2", "never", "type0", "type1"]))
    assert metrics.indicator_auroc_per_label(z, labels)["label"].tolist() == ["type2", "type0", "type1"]


def test_one_label_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two different labels"):
        metrics.indicator_auroc([[1.0], [2.0]], ["a", "a"])


def test_wrong_number_of_labels_is_named() -> None:
    with pytest.raises(ValueError, match="3 entries for 2 observations"):
        metrics.indicator_auroc([[1.0], [2.0]], ["a", "b", "c"])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_activations_that_are_not_finite_are_named(bad: float) -> None:
    with pytest.raises(ValueError, match="first in row 1"):
        metrics.indicator_auroc([[1.0], [bad]], ["a", "b"])


@given(SEEDS, st.integers(1, 10))
def test_purity_is_that_of_a_naive_search(seed: int, n_neighbors: int) -> None:
    rng = np.random.default_rng(seed)
    x, labels = rng.normal(size=(30, 4)), rng.integers(3, size=30)
    distance = np.linalg.norm(x[:, None] - x[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance, axis=1)[:, :n_neighbors]
    expected = (labels[nearest] == labels[:, None]).mean()
    assert metrics.knn_purity(x, labels, n_neighbors=n_neighbors) == pytest.approx(expected)


def test_a_cell_is_not_its_own_neighbour_where_cells_coincide() -> None:
    assert metrics.knn_purity(np.zeros((4, 2)), ["a", "b", "c", "d"], n_neighbors=1) == 0.0


def test_too_many_neighbours_are_named() -> None:
    with pytest.raises(ValueError, match="`n_neighbors` is 15; with 4 labelled observations it can be 1 to 3"):
        metrics.knn_purity(np.zeros((4, 2)), ["a", "b", "c", "d"])
