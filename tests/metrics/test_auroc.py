"""AUROC of many columns for many labels: against pairs counted one by one, and coverage of the intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm

from gsr_sc.metrics import indicator_auroc_per_label
from gsr_sc.metrics._auroc import auroc_interval, auroc_of_ranks, one_vs_rest


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(1, 8))
def test_as_counted_over_all_pairs(seed: int, n_labels: int, n_values: int) -> None:
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(n_labels), np.arange(n_labels), rng.integers(0, n_labels, 20)])
    matrix = rng.integers(0, n_values, (len(codes), 2)).astype(np.float32)
    found = one_vs_rest(matrix, codes, n_labels)
    np.testing.assert_allclose(found.auroc, auroc_of_ranks(matrix, codes, n_labels))
    for label in range(n_labels):
        for column in range(2):
            inside, outside = matrix[codes == label, column], matrix[codes != label, column]
            above = (inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)
            by_delong = above.mean(axis=1).var(ddof=1) / len(inside) + above.mean(axis=0).var(ddof=1) / len(outside)
            assert found.variance[label, column] == pytest.approx(by_delong, abs=1e-12)
            if n_values > 1 and np.ptp(matrix[:, column]) > 0:
                pval = mannwhitneyu(inside, outside, method="asymptotic").pvalue
                assert 2 * norm.sf(abs(found.z[label, column])) == pytest.approx(pval)
            else:
                assert found.z[label, column] == 0


def test_one_observation_and_no_error_have_intervals_of_some_width() -> None:
    codes = np.array([0] + [1] * 30)
    matrix = np.column_stack([np.arange(31.0)[::-1], np.zeros(31)])
    found = one_vs_rest(matrix, codes, 2)
    n_in = np.array([1, 30])
    low, high = auroc_interval(found, n_in, n_in[::-1], level=0.95)
    assert found.auroc[0].tolist() == [1.0, 0.5]
    assert 0.1 < low[0, 0] < 0.9
    assert high[0, 0] == 1
    assert low[0, 1] < 0.5 < high[0, 1]
    assert ((low >= 0) & (high <= 1)).all()


def test_a_higher_level_is_wider() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 200)
    found = one_vs_rest(rng.random((200, 4)), codes, 3)
    n_in = np.bincount(codes)
    narrow = auroc_interval(found, n_in, 200 - n_in, level=0.5)
    wide = auroc_interval(found, n_in, 200 - n_in, level=0.99)
    assert (wide[0] < narrow[0]).all()
    assert (wide[1] > narrow[1]).all()


@pytest.mark.parametrize("n_in", [10, 40])
@pytest.mark.parametrize(("shift", "mixed"), [(0.0, False), (1.0, False), (2.0, False), (0.6, True)])
def test_intervals_cover_the_truth(n_in: int, shift: float, *, mixed: bool) -> None:
    """Normal distributions apart by a shift; or a label of which a share is far above and the rest as the others."""
    rng = np.random.default_rng(1)
    n_out, repeats = 300, 600
    codes = np.repeat([0, 1], [n_in, n_out])
    inside = rng.normal(size=(n_in, repeats))
    inside += 20.0 * (rng.random(inside.shape) < shift) if mixed else shift
    truth = shift + (1 - shift) / 2 if mixed else norm.cdf(shift / np.sqrt(2))
    found = one_vs_rest(np.concatenate([inside, rng.normal(size=(n_out, repeats))]), codes, 2)
    sizes = np.array([n_in, n_out])
    low, high = auroc_interval(found, sizes, sizes[::-1], level=0.95)
    covered = ((low[0] <= truth) & (truth <= high[0])).mean()
    # Near 1 the interval is wider than it need be.
    assert 0.93 <= covered <= (0.998 if truth > 0.7 else 0.98)


def test_p_values_are_uniform_without_a_difference() -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 5, 400)
    found = one_vs_rest(rng.normal(size=(400, 300)), codes, 5)
    pval = 2 * norm.sf(np.abs(found.z))
    assert (pval < 0.05).mean() == pytest.approx(0.05, abs=0.02)
    assert np.median(pval) == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_many_cells_take_seconds() -> None:
    import time

    rng = np.random.default_rng(0)
    matrix, codes = rng.random((100_000, 144), dtype=np.float32), rng.integers(0, 40, 100_000)
    start = time.process_time()
    one_vs_rest(matrix, codes, 40)
    assert time.process_time() - start < 12


def test_assignment_uses_the_same_values() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 3, 100)
    matrix = rng.random((100, 5))
    table = indicator_auroc_per_label(matrix, codes)
    found = one_vs_rest(matrix, codes, 3)
    np.testing.assert_allclose(table["auroc"], found.auroc[np.arange(3), table["neuron"]])
