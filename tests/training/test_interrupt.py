"""Ctrl-C: the best map so far where there is one, and else nothing at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pytest
import torch
from _fits import cells
from _source import ROOT
from _stopping import STEPS_PER_EPOCH, at_step

import gsr_sc
from gsr_sc.training import interrupts_raise
from gsr_sc.training._attempt import Run
from gsr_sc.training._fit import _smoothest
from gsr_sc.training._interrupt import StoppedError, catch_interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anndata import AnnData

# One epoch of warm-up, six without the penalty, six with it.
OPTIONS: dict[str, Any] = {"max_epochs": 6, "smoothness": 0.5, "n_jobs": 1, "graph": "ring", "n_neurons": 8}
N_WARM_UP, N_EPOCHS = 1, 6
IN_WARM_UP = 1
IN_FIRST = STEPS_PER_EPOCH * N_WARM_UP + 1
IN_PENALISED = STEPS_PER_EPOCH * (N_WARM_UP + N_EPOCHS) + 1


@pytest.fixture(autouse=True)
def _heeds_ctrl_c() -> Iterator[None]:
    """Shells start jobs in the background, and these tests with them, with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ask() -> None:
    signal.raise_signal(signal.SIGINT)


def fail() -> None:
    raise KeyboardInterrupt


def insist() -> None:
    ask()
    ask()


def fitted(**options: Any) -> AnnData:
    adata = cells()
    gsr_sc.tl.fit(adata, **{**OPTIONS, **options})
    return adata


@pytest.mark.parametrize("how", [ask, fail])
@pytest.mark.parametrize("step", [IN_WARM_UP, IN_FIRST, IN_FIRST + 1])
def test_before_anything_is_learned_nothing_is_written(
    step: int, how: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    adata = cells()
    before, threads, handler = list(adata.obs), torch.get_num_threads(), signal.getsignal(signal.SIGINT)
    at_step(monkeypatch, step, how)
    with pytest.raises(KeyboardInterrupt) as raised:
        gsr_sc.tl.fit(adata, **OPTIONS, save_model=tmp_path / "model")
    assert raised.type is KeyboardInterrupt
    assert (list(adata.obs), list(adata.obsm), list(adata.uns)) == (before, [], [])
    assert list(tmp_path.iterdir()) == []
    assert torch.get_num_threads() == threads
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("how", [ask, fail])
@pytest.mark.parametrize(
    ("step", "smoothness", "n_epochs"),
    [
        (IN_FIRST + 3 * STEPS_PER_EPOCH, 0.0, 3),
        (IN_PENALISED, 0.0, N_EPOCHS),
        (IN_PENALISED + 2 * STEPS_PER_EPOCH + 1, 0.5, 2),
    ],
    ids=["without the penalty", "before an epoch with it", "with it"],
)
def test_the_best_map_so_far_is_the_result(
    step: int, smoothness: float, n_epochs: int, how: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    threads, handler = torch.get_num_threads(), signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        at_step(patch, step, how)
        stopped = fitted()
    stored = stopped.uns["gsr"]
    assert stored["params"]["interrupted"] is True
    assert stored["params"]["smoothness"] == smoothness
    history = stored["history"]
    assert len(history["epoch"]) == N_WARM_UP + n_epochs
    best = history["validation_loss"][N_WARM_UP:].argmin() + N_WARM_UP
    assert stored["quality"]["explained_variance"] == history["validation_explained_variance"][best]
    # What has happened until then is what happens without an interrupt.
    whole = fitted(smoothness=smoothness)
    assert whole.uns["gsr"]["params"]["interrupted"] is False
    for name, values in history.items():
        np.testing.assert_array_equal(values, whole.uns["gsr"]["history"][name][: len(values)])
    if n_epochs == N_EPOCHS:
        np.testing.assert_array_equal(stopped.obsm["X_gsr"], whole.obsm["X_gsr"])
    assert f"interrupted: the map of epoch {best + 1} explains" in capsys.readouterr().err
    assert torch.get_num_threads() == threads
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_second_time_it_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    adata = cells()
    at_step(monkeypatch, IN_PENALISED + 5, insist)
    with pytest.raises(KeyboardInterrupt):
        gsr_sc.tl.fit(adata, **OPTIONS)
    assert list(adata.uns) == []


def test_between_several_fits_it_raises_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at_step(monkeypatch, IN_PENALISED + 5, ask)
    with pytest.raises(KeyboardInterrupt), interrupts_raise():
        fitted()
    with catch_interrupt() as interrupt:
        assert not interrupt.final


def test_while_a_batch_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from gsr_sc.matrices import MatrixSource

    batch, seen = MatrixSource.batch, list[int]()

    def reading(self: Any, index: Any) -> Any:
        # Batches, which only the training reads: 135 rows in two of them.
        if isinstance(index, np.ndarray) and len(index) in (67, 68):
            seen.append(len(index))
            if len(seen) == IN_PENALISED + 5:
                raise KeyboardInterrupt
        return batch(self, index)

    monkeypatch.setattr(MatrixSource, "batch", reading)
    assert fitted().uns["gsr"]["params"]["interrupted"] is True


def test_in_another_thread_there_is_no_handler_and_a_raised_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    results: list[Any] = []
    at_step(monkeypatch, IN_PENALISED + 5, fail)
    thread = threading.Thread(target=lambda: results.append(fitted()))
    thread.start()
    thread.join()
    assert results[0].uns["gsr"]["params"]["interrupted"] is True


def test_where_it_is_ignored_it_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        at_step(monkeypatch, IN_PENALISED + 5, ask)
        assert fitted().uns["gsr"]["params"]["interrupted"] is False
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def made_up(explained: float, *, interrupted: bool = False) -> Run:
    return Run({}, explained, explained, 1.0, {}, stopped_early=False, interrupted=interrupted)


class Scripted:
    """A runner whose trainings are known beforehand."""

    def __init__(self, *runs: Run | None) -> None:
        self.runs = list(runs)
        self.plan = self.progress = self
        self.training: list[int] = []
        self.max_epochs = 1

    def n_steps(self, n: int) -> int:
        return 1

    def expect(self, n: int) -> None:
        pass

    def run(self, *, weight: float, smoothness: float) -> Run:
        run = self.runs.pop(0)
        if run is None:
            raise StoppedError
        return run


@pytest.mark.parametrize(
    ("runs", "explained", "smoothness"),
    [
        ([made_up(0.3), None], 0.3, 1.0),
        ([None], 0.5, 0.0),
        ([made_up(0.3), made_up(0.2, interrupted=True)], 0.3, 1.0),
        ([made_up(0.3), made_up(0.4, interrupted=True)], 0.4, 0.25),
    ],
)
def test_while_the_smoothness_is_looked_for_the_best_with_a_penalty_is_taken(
    runs: list[Run | None], explained: float, smoothness: float
) -> None:
    plain = made_up(0.5)
    run, value, interrupted = _smoothest(Scripted(*runs), plain, (1.0, 0.25), weight=1.0, least=0.49)  # type: ignore[arg-type]
    assert (run.deviance_explained, value, interrupted) == (explained, smoothness, True)


SCRIPT = """
import time, gsr_sc
from gsr_sc.training import Progress

step, seen = Progress.step, []

def telling(self, loss):
    step(self, loss)
    seen.append(loss)
    if len(seen) == 2 * 10 + 6:  # three epochs after the warm-up
        print("training", flush=True)
        time.sleep(1)

Progress.step = telling
adata = gsr_sc.datasets.simulate_clusters(150, 40)
gsr_sc.tl.fit(adata, max_epochs=60, smoothness=0.5, n_jobs=2)
adata.write_h5ad("fitted.h5ad")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_a_process_that_gets_ctrl_c_writes_its_map(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "training\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "interrupted: the map of epoch" in err
    assert ad.read_h5ad(tmp_path / "fitted.h5ad").uns["gsr"]["params"]["interrupted"]
