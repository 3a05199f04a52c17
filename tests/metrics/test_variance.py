"""Share of variance explained: against a linear model, calibrated without and found with an effect."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from gsr_sc.metrics._variance import category_design, explained_share, smooth_design


def test_is_the_adjusted_share_of_a_linear_model() -> None:
    rng = np.random.default_rng(0)
    matrix, values = rng.normal(size=(60, 5)), rng.normal(size=60)
    matrix[:, 0] += values
    design = smooth_design(values)
    share, _ = explained_share(matrix, design)
    for column in range(5):
        plain = LinearRegression().fit(design, matrix[:, column]).score(design, matrix[:, column])
        assert share[column] == pytest.approx(1 - (1 - plain) * 59 / 56)


def test_categories_give_epsilon_squared() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, 90)
    matrix = rng.normal(size=(90, 1)) + codes[:, None]
    means = np.array([matrix[codes == k].mean() for k in range(3)])
    inside = ((matrix[:, 0] - means[codes]) ** 2).sum()
    total = ((matrix - matrix.mean()) ** 2).sum()
    share, whole = explained_share(matrix, category_design(codes))
    assert share[0] == pytest.approx(1 - (inside / 87) / (total / 89))
    assert whole == pytest.approx(share[0])


@pytest.mark.parametrize("within", [False, True])
def test_is_0_on_average_where_there_is_nothing(*, within: bool) -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 6, 50)
    labels[:6] = np.arange(6)
    own = labels if within else None
    matrix = rng.exponential(size=(50, 4000)) + (5.0 * labels[:, None] if within else 0)
    numbers, _ = explained_share(matrix, smooth_design(rng.normal(size=50)), own)
    batches, _ = explained_share(matrix, category_design(rng.integers(0, 5, 50)), own)
    assert numbers.mean() == pytest.approx(0, abs=0.006)
    assert batches.mean() == pytest.approx(0, abs=0.006)


def test_what_follows_labels_alone_is_not_within_them() -> None:
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1, 2], 200)
    depth = labels + 0.1 * rng.normal(size=600)
    by_label, by_depth = labels + 0.1 * rng.normal(size=600), labels + 5 * (depth - labels)
    matrix = np.column_stack([by_label, by_depth])
    alone, _ = explained_share(matrix, smooth_design(depth))
    inside, whole = explained_share(matrix, smooth_design(depth), labels)
    assert (alone > 0.6).all()
    assert inside[0] < 0.05
    assert inside[1] > 0.8
    assert inside[0] < whole < inside[1]


def test_a_batch_within_one_label_and_constant_columns() -> None:
    labels = np.repeat([0, 1], 20)
    matrix = np.column_stack([np.arange(40.0), np.full(40, 0.1)])
    share, whole = explained_share(matrix, category_design(labels), labels)
    assert share[0] == pytest.approx(0)
    assert np.isnan(share[1])
    assert whole == pytest.approx(0)


def test_a_curve_is_followed() -> None:
    depth = np.exp(np.linspace(0, 9, 200))
    rises_and_falls = (np.log(depth) - 4)[:, None] ** 2
    share, _ = explained_share(rises_and_falls, smooth_design(depth))
    assert share[0] > 0.99
    straight = np.corrcoef(depth, rises_and_falls.ravel())[0, 1] ** 2
    assert straight < 0.7
