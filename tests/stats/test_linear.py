"""Linear models of many measurements on few samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gsr_sc.stats import adjusted, linear_effects, moderated, n_exchanges, overall_p_value


@given(st.integers(0, 1000), st.integers(2, 6), st.integers(2, 6))
def test_two_conditions_are_the_t_test(seed: int, n: int, m: int) -> None:
    y = np.random.default_rng(seed).normal(size=(n + m, 4))
    treated = np.arange(n + m) >= n
    fit = linear_effects(y, np.column_stack([treated, np.ones(n + m)]), 1)
    expected = stats.ttest_ind(y[n:], y[:n])
    np.testing.assert_allclose(fit.t[0], expected.statistic, rtol=1e-8)
    np.testing.assert_allclose(fit.p_value[0], expected.pvalue, rtol=1e-8)
    np.testing.assert_allclose(fit.interval()[0][0], expected.confidence_interval().low, rtol=1e-8)


def test_pairs_are_the_paired_t_test() -> None:
    y = np.random.default_rng(0).normal(size=(10, 3)) + 5 * np.repeat(np.arange(5), 2)[:, None]
    design = np.column_stack([np.arange(10) % 2, np.eye(5)[np.repeat(np.arange(5), 2)]])
    np.testing.assert_allclose(
        linear_effects(y, design, 1).p_value[0], stats.ttest_rel(y[1::2], y[::2]).pvalue, rtol=1e-8
    )


def test_no_residual_freedom_gives_an_effect_without_p_value() -> None:
    fit = linear_effects(np.array([[1.0], [3.0]]), np.array([[0, 1], [1, 1]]), 1)
    assert fit.effect[0, 0] == pytest.approx(2)
    assert np.isnan(fit.p_value).all()
    assert np.isnan(fit.interval()[0]).all()
    constant = linear_effects(np.ones((6, 1)), np.column_stack([np.arange(6) > 2, np.ones(6)]), 1)
    assert not constant.p_value[0, 0] < 1


def test_false_discovery_rates_ignore_what_has_no_p_value() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.5])
    np.testing.assert_allclose(adjusted(p)[[0, 2, 3]], stats.false_discovery_control(p[[0, 2, 3]]))
    assert np.isnan(adjusted(p)[1])
    assert np.isnan(adjusted(np.array([np.nan]))).all()


def test_ways_to_exchange_samples() -> None:
    assert n_exchanges(np.array([1, 1, 1, 0, 0, 0], dtype=bool), np.zeros(6, dtype=int)) == 20
    assert n_exchanges(np.array([1, 0, 1, 0], dtype=bool), np.array([0, 0, 1, 1])) == 4


@pytest.mark.parametrize(
    ("n", "paired", "method"), [(3, False, "simes"), (6, False, "permutation"), (9, True, "permutation")]
)
def test_overall_p_value_is_uniform_without_an_effect_and_small_with_one(n: int, paired: bool, method: str) -> None:
    rng = np.random.default_rng(0)
    treated = np.arange(2 * n) % 2 == 1
    block = np.arange(2 * n) // 2 if paired else np.zeros(2 * n, dtype=int)
    design = np.column_stack([treated, np.eye(block.max() + 1)[block]])
    mixing = rng.normal(size=(3, 12))

    def p_value(effect: float) -> float:
        # Measurements that go together, and pairs that differ.
        y = rng.normal(size=(2 * n, 3)) @ mixing + 3 * rng.normal(size=(2 * n, 1))[2 * block // 2]
        y += effect * np.outer(treated, mixing[0])
        told, how = overall_p_value(
            y, treated, block, p_values=linear_effects(y, design, 1).p_value[0], n_permutations=49, rng=rng
        )
        assert how == method
        return told

    null = np.array([p_value(0) for _ in range(100)])
    assert (null <= 0.05).mean() <= 0.12
    assert (null <= 0.5).mean() <= 0.65
    if method == "permutation":
        assert stats.kstest(null, "uniform").pvalue > 0.005
    assert np.median([p_value(4) for _ in range(9)]) < 0.5 * np.median(null)


def test_moderation_helps_where_few_samples_tell_the_variance() -> None:
    rng = np.random.default_rng(0)
    design = np.column_stack([np.arange(4) % 2, np.ones(4)])
    variance = 8 / rng.chisquare(8, 3000)
    y = rng.normal(size=(4, 3000)) * np.sqrt(variance)
    plain = linear_effects(y, design, 1)
    drawn = moderated(plain)
    assert drawn.df == pytest.approx(2 + 8, rel=0.25)
    for level in (0.001, 0.05, 0.5):
        assert (drawn.p_value < level).mean() == pytest.approx(level, rel=0.25, abs=0.001)
    y[design[:, 0] == 1] += 4
    found = [(adjusted(fit.p_value[0]) < 0.05).mean() for fit in (plain, moderated(linear_effects(y, design, 1)))]
    assert found[1] > found[0] + 0.3
    # Variances that are all alike become one, and few measurements stay as they are.
    assert moderated(linear_effects(rng.normal(size=(4, 3000)), design, 1)).df > 20
    few = linear_effects(y[:, :5], design, 1)
    assert moderated(few) is few
    none = linear_effects(y[:2], design[:2], 1)
    assert moderated(none) is none
