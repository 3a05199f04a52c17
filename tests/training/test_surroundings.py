"""Threads, devices and the bar: what a training uses and gives back."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import torch
from threadpoolctl import threadpool_info

from gsr_sc.training import Progress, _devices, _threads, limited_threads, resolve_device
from gsr_sc.training._self_check import agrees
from gsr_sc.training._threads import available_threads

if TYPE_CHECKING:
    from pathlib import Path


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info()]


@pytest.mark.parametrize("n_jobs", [1, 2, 3, 4, None, -1])
def test_threads_are_limited_and_put_back(n_jobs: int | None) -> None:
    before, blas_before = torch.get_num_threads(), blas_threads()
    with limited_threads(n_jobs) as n_threads:
        assert n_threads == (available_threads() if n_jobs in (None, -1) else n_jobs)
        # Each half of a batch gets half of them.
        assert torch.get_num_threads() == max(n_threads // 2, 1)
        assert max(blas_threads()) <= max(n_threads // 2, 1)
    assert torch.get_num_threads() == before
    assert blas_threads() == blas_before


def test_threads_are_put_back_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="boom"), limited_threads(before + 2):
        raise RuntimeError("boom")  # noqa: EM101
    assert torch.get_num_threads() == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to processors")
def test_available_threads_follow_the_processors_of_the_process() -> None:
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
        "from gsr_sc.training._threads import available_threads; print(available_threads())"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "1\n"


@pytest.mark.parametrize(
    ("said", "n"), [("150000 100000", 1), ("300000 100000", 3), ("50000 100000", 1), ("max 100000", 8)]
)
def test_available_threads_follow_the_quota_of_a_container(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, n: int
) -> None:
    (tmp_path / "cpu.max").write_text(said + "\n")
    monkeypatch.setattr(_threads, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    monkeypatch.setattr("os.process_cpu_count", lambda: 16, raising=False)
    assert available_threads() == n


def test_threads_of_a_second_thread_are_limited_too() -> None:
    with limited_threads(2), ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 1


def test_devices() -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "", None, 3.5])
def test_a_device_that_is_not_there_is_named(device: Any) -> None:
    with pytest.raises(ValueError, match="not available here; use 'auto' or 'cpu'"):
        resolve_device(device)


def test_a_device_that_computes_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert agrees(torch.device("cpu"))
    # It computes nothing at all.
    assert not agrees(torch.device("meta"))
    with monkeypatch.context() as patched:
        right, n_calls = torch.nn.functional.linear, []

        def wrong(*values: Any) -> torch.Tensor:
            n_calls.append(1)
            return right(*values) * (1.1 if len(n_calls) == 2 else 1)

        patched.setattr(torch.nn.functional, "linear", wrong)
        assert not agrees(torch.device("cpu"))
    monkeypatch.setattr(_devices, "_CHECKED", ("cpu",))
    assert resolve_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(_devices, "agrees", lambda device: device.type != "cpu")
    with pytest.raises(ValueError, match="fails the self-check here"):
        resolve_device("cpu")


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
