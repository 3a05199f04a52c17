"""Threads, devices and the bar: what a training uses and gives back."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
import torch
from threadpoolctl import threadpool_info

from gsr_sc.training import Progress, limited_threads, resolve_device
from gsr_sc.training._threads import available_threads


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info()]


@pytest.mark.parametrize("n_jobs", [1, 2, 3, None, -1])
def test_threads_are_limited_and_put_back(n_jobs: int | None) -> None:
    before, blas_before = torch.get_num_threads(), blas_threads()
    with limited_threads(n_jobs) as n_threads:
        assert n_threads == (available_threads() if n_jobs in (None, -1) else n_jobs)
        # One of several is left to prepare batches.
        assert torch.get_num_threads() == max(n_threads - 1, 1)
        assert max(blas_threads()) <= max(n_threads - 1, 1)
    assert torch.get_num_threads() == before
    assert blas_threads() == blas_before


def test_threads_are_put_back_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="boom"), limited_threads(before + 2):
        raise RuntimeError("boom")  # noqa: EM101
    assert torch.get_num_threads() == before


def test_available_threads_follow_the_processors_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {3, 5, 7}, raising=False)
    assert available_threads() == 3


def test_devices() -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "", None, 3.5])
def test_a_device_that_is_not_there_is_named(device: Any) -> None:
    with pytest.raises(ValueError, match="not available here; use 'auto' or 'cpu'"):
        resolve_device(device)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("show", "terminal", "drawn"),
    [(None, False, False), (None, True, True), (False, True, False), (True, False, True), (True, True, True)],
)
def test_the_bar_is_drawn_where_somebody_can_see_it(
    monkeypatch: pytest.MonkeyPatch, show: bool | None, terminal: bool, drawn: bool
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    with Progress(show=show) as bar:
        bar.expect(4)
        for _ in range(4):
            bar.step(0.25)
    text = stream.getvalue()
    assert bool(text) == drawn
    if drawn:
        last = text.strip().splitlines()[-1]
        assert "4/4" in last
        assert "loss 0.2500" in last
        assert "100%" in last


def test_the_bar_keeps_its_count_and_clock_when_steps_are_added_or_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress(show=True) as bar:
        bar.expect(5)
        began = bar._bar.start_t
        for _ in range(3):
            bar.step(1.0)
        bar.expect(10)
        assert (bar._bar.n, bar._bar.total) == (3, 15)
        bar.drop(4)
        assert (bar._bar.n, bar._bar.total) == (3, 11)
        assert bar._bar.start_t == began
