"""Rows that are not in memory: which are read when, and that they are the right ones."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from _arrays import h5_csr, h5_dense
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gsr_sc.matrices import MatrixSource, Transform, _disk, open_rows
from gsr_sc.matrices._ahead import runs_of, shuffled_runs
from gsr_sc.matrices._readers import SliceReader

N_OBS = 3000


class Noting(SliceReader):
    """Notes what is read."""

    def __init__(self, x: np.ndarray) -> None:
        super().__init__(x, is_sparse=False)
        self.asked: list[int] = []

    def read(self, spans: Any) -> Any:
        self.asked.append(sum(stop - start for start, stop in spans))
        return super().read(spans)


@pytest.fixture
def table() -> np.ndarray:
    return np.arange(N_OBS, dtype=np.float32)[:, None] * np.array([1.0, -1.0], dtype=np.float32)


@pytest.fixture
def noting(table: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Noting:
    monkeypatch.setattr(_disk, "_POOL_ROWS", 512)
    monkeypatch.setattr(_disk, "_ROWS_IN_ORDER", 512)
    return Noting(table)


@given(
    st.sets(st.integers(0, 400), min_size=1),
    st.integers(0, 9),
    st.integers(1, 500),
    st.integers(1, 40),
    st.integers(1, 4),
)
def test_each_row_comes_once_and_no_more_than_wanted(
    rows: set[int], seed: int, most: int, run_rows: int, n_shares: int
) -> None:
    numbers = np.sort(np.array(list(rows)))
    pools = shuffled_runs(
        numbers, np.random.default_rng(seed), most, run_rows=run_rows, pool_rows=3 * run_rows, n_shares=n_shares
    )
    assert all(len(pool) == n_shares and np.ptp([len(share) for share in pool]) <= 1 for pool in pools)
    order = np.concatenate([share for pool in pools for share in pool])
    assert len(order) == min(most, len(numbers))
    assert len(np.unique(order)) == len(order)
    assert np.isin(order, numbers).all()


def test_runs_are_mixed_and_begin_elsewhere_each_time() -> None:
    rng = np.random.default_rng(0)
    first, second = (
        shuffled_runs(np.arange(10_000), rng, 10_000, run_rows=100, pool_rows=2000)[-2][0] for _ in range(2)
    )
    assert len(np.unique(first // 100)) >= 20, "rows of a pool are from all over"
    assert np.abs(np.diff(first)).mean() > 1000, "and not one run after the other"
    starts = [set(np.sort(pool)[np.r_[True, np.diff(np.sort(pool)) > 1]] % 100) for pool in (first, second)]
    assert not starts[0] & starts[1]


@given(st.sets(st.integers(0, 300)))
def test_spans_cover_the_rows_and_little_else(rows: set[int]) -> None:
    numbers = np.sort(np.array(list(rows), dtype=np.intp))
    spans = runs_of(numbers)
    covered = np.concatenate([np.arange(*span) for span in spans] or [np.empty(0)])
    assert np.isin(numbers, covered).all()
    assert all(after[0] - before[1] >= 16 for before, after in itertools.pairwise(spans))


@settings(max_examples=30)
@given(st.lists(st.integers(-50, 49), max_size=30))
@pytest.mark.parametrize("container", [h5_dense, h5_csr])
def test_any_rows_in_any_order(container: Any, index: list[int]) -> None:
    x = np.random.default_rng(0).poisson(0.7, (50, 4)).astype(np.float32)
    taken = open_rows(container(x)).take(np.array(index, dtype=np.intp))
    np.testing.assert_array_equal(taken.toarray() if sparse.issparse(taken) else taken, x[index])


def test_rows_in_order_are_read_once_a_pool_at_a_time(noting: Noting, table: np.ndarray) -> None:
    rows = open_rows(noting)
    for _ in range(2):
        noting.asked.clear()
        np.testing.assert_array_equal(np.concatenate([rows.take(block) for block in rows.blocks()]), table)
        assert sum(noting.asked) == N_OBS
        assert max(noting.asked) <= 512


def test_a_shuffled_epoch_reads_each_row_about_once_and_gives_the_right_ones(noting: Noting, table: np.ndarray) -> None:
    rows = open_rows(noting)
    training = np.setdiff1d(np.arange(N_OBS), np.arange(0, N_OBS, 10))
    for most in (10**6, 1000):
        noting.asked.clear()
        (order,) = rows.shuffled(training, np.random.default_rng(0), most)
        for index in np.array_split(order, 30):
            np.testing.assert_array_equal(rows.take(index), table[index])
            # What a likelihood is about is asked for beside what the encoder sees.
            np.testing.assert_array_equal(rows.take(index), table[index])
        assert sum(noting.asked) < 1.3 * len(order)
        assert max(noting.asked) < 600


@pytest.mark.parametrize("most", [10**6, 1001])
@pytest.mark.parametrize("n_shares", [2, 3])
def test_of_a_shuffled_epoch_each_process_reads_its_share_alone(
    noting: Noting, table: np.ndarray, n_shares: int, most: int
) -> None:
    training = np.setdiff1d(np.arange(N_OBS), np.arange(0, N_OBS, 10))
    told = []
    for mine in range(n_shares):
        rows = open_rows(noting)
        noting.asked.clear()
        dealt = rows.shuffled(training, np.random.default_rng(0), most, n_shares=n_shares, mine=mine)
        for index in np.array_split(dealt[mine], 30):
            np.testing.assert_array_equal(rows.take(index), table[index])
        # Of the last pool some rows may be enough, but they are from all over it.
        assert sum(noting.asked) < 1.3 * len(dealt[mine]) + (512 if most < len(training) else 0)
        told.append(dealt)
    for dealt in told[1:]:
        for first, second in zip(told[0], dealt, strict=True):
            np.testing.assert_array_equal(first, second)
    together = np.sort(np.concatenate(told[0]))
    assert len(np.unique(together)) == len(together) == min(most, len(training))
    assert np.isin(together, training).all()
    assert np.ptp([len(each) for each in told[0]]) <= len(training) // 512 + 4


def test_an_order_that_is_not_kept_to_gives_the_right_rows_all_the_same(noting: Noting, table: np.ndarray) -> None:
    rows = open_rows(noting)
    (order,) = rows.shuffled(np.arange(N_OBS), np.random.default_rng(0), N_OBS)
    for index in (order[500:600], order[:100], np.arange(7), order[100:200]):
        np.testing.assert_array_equal(rows.take(index), table[index])


def test_rows_that_are_kept_are_read_once(noting: Noting, table: np.ndarray) -> None:
    rows, kept = open_rows(noting), np.arange(5, N_OBS, 50)
    with rows.keeping(kept):
        noting.asked.clear()
        for index in (kept, kept[10:20], kept[[3, 1]]):
            np.testing.assert_array_equal(rows.take(index), table[index])
        assert noting.asked == []
    rows.take(kept[:5])
    assert noting.asked


def test_rows_that_stand_for_all_come_in_short_runs_from_all_over(noting: Noting) -> None:
    rows = open_rows(noting)
    chosen = rows.sample(np.arange(N_OBS), 640)
    assert len(chosen) == 640
    assert (np.diff(chosen) > 0).all()
    assert len(runs_of(chosen)) > 5
    assert chosen.max() > 0.8 * N_OBS
    np.testing.assert_array_equal(chosen, rows.sample(np.arange(N_OBS), 640))
    np.testing.assert_array_equal(rows.sample(np.arange(9), 640), np.arange(9))


def test_what_is_held_is_not_read_again_for_an_epoch(noting: Noting, table: np.ndarray) -> None:
    rows = open_rows(noting)
    nothing = np.zeros(2, dtype=np.float32)
    transform = Transform(
        kind="none",
        counts=False,
        columns=np.arange(2),
        target=1.0,
        mean=nothing,
        scale=nothing + 1,
        baseline=nothing,
        clip=10.0,
    )
    source = MatrixSource(rows, transform, hold=True)
    noting.asked.clear()
    (order,) = source.shuffled(np.arange(N_OBS), np.random.default_rng(0), N_OBS)
    for index in np.array_split(order, 30):
        np.testing.assert_array_equal(source.batch(index), table[index])
    rows._shuffled._thread.shutdown(wait=True)
    assert noting.asked == []
