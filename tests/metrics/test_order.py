"""Agreement with known times and angles, and explained variance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import spearmanr

from gsr_sc import metrics

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
def test_order_agreement_is_absolute_spearman(seed: int) -> None:
    rng = np.random.default_rng(seed)
    time = np.concatenate([[0, 1], rng.integers(0, 6, 28)])
    order = np.concatenate([[1, 2], rng.integers(0, 4, 28)])
    assert metrics.order_agreement(order, time) == pytest.approx(abs(spearmanr(order, time).statistic))


@given(SEEDS)
def test_order_agreement_ignores_direction_and_monotone_scales(seed: int) -> None:
    order, time = np.random.default_rng(seed).random((2, 20))
    expected = metrics.order_agreement(order, time)
    assert metrics.order_agreement(-np.exp(order), time**3) == pytest.approx(expected)
    assert metrics.order_agreement(time, order) == pytest.approx(expected)
    assert metrics.order_agreement(time, time) == 1.0


def test_missing_times_are_left_out() -> None:
    assert metrics.order_agreement([1, 2, 3, -9], [1, 2, 3, np.nan]) == 1.0
    assert metrics.circular_concordance([0, 1, 2, 2], [0, 1, np.nan, 2]) == pytest.approx(1)


def test_a_collapsed_order_agrees_with_nothing() -> None:
    assert metrics.order_agreement([1, 1, 1], [1, 2, 3]) == 0.0
    with pytest.raises(ValueError, match=r"`time` is 2.0 for all"):
        metrics.order_agreement([1, 2, 3], [2, 2, 2])


@given(SEEDS, st.floats(-10, 10))
def test_circular_concordance_ignores_origin_direction_and_turns(seed: int, origin: float) -> None:
    angle, truth = np.random.default_rng(seed).uniform(0, 2 * np.pi, (2, 25))
    expected = metrics.circular_concordance(angle, truth)
    assert metrics.circular_concordance(angle + origin, truth) == pytest.approx(expected)
    assert metrics.circular_concordance(-angle, truth + origin) == pytest.approx(expected)
    assert metrics.circular_concordance(angle + 2 * np.pi, truth) == pytest.approx(expected)
    assert 0 <= expected <= 1
    assert metrics.circular_concordance(origin - truth, truth) == pytest.approx(1)


def test_circular_concordance_by_hand() -> None:
    # Errors of 0 and 90 degrees: the mean of the unit vectors has length 1 / sqrt(2), mirrored likewise.
    assert metrics.circular_concordance([0, np.pi / 2], [0, 0]) == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize("measure", [metrics.order_agreement, metrics.circular_concordance])
def test_vectors_that_do_not_fit_are_named(measure: object) -> None:
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        measure([1, 2], [1, 2, 3])  # type: ignore[operator]
    with pytest.raises(ValueError, match="known for 1 observations"):
        measure([1, 2], [np.nan, 2])  # type: ignore[operator]


@given(SEEDS)
def test_explained_variance_by_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, guess, mean = rng.normal(size=(9, 4)), rng.normal(size=(9, 4)), rng.normal(size=4)
    expected = 1 - ((x - guess) ** 2).sum() / ((x - mean) ** 2).sum()
    assert metrics.explained_variance(x, guess, mean=mean) == pytest.approx(expected)
    assert metrics.explained_variance(sparse.csc_matrix(x), guess, mean=mean) == pytest.approx(expected)
    assert metrics.explained_variance(x, x, mean=mean) == 1.0
    assert metrics.explained_variance(x, np.broadcast_to(mean, x.shape), mean=mean) == pytest.approx(0)


def test_explained_variance_uses_the_training_mean_and_every_block() -> None:
    x = np.arange(10_000.0).reshape(-1, 2)
    assert metrics.explained_variance(x, x - 1, mean=0) == pytest.approx(1 - x.size / (x**2).sum())


def test_explained_variance_names_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"got \(1, 2\) and \(1, 1\)"):
        metrics.explained_variance([[1.0, 2.0]], [[1.0]], mean=0)
    with pytest.raises(ValueError, match=r"`mean` has shape \(3,\); 2 variables"):
        metrics.explained_variance([[1.0, 2.0]], [[1.0, 2.0]], mean=[1, 2, 3])
    with pytest.raises(ValueError, match="no variance to explain"):
        metrics.explained_variance([[1.0]], [[2.0]], mean=[1.0])
