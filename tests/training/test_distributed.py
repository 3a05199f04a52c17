"""One training by two processes under torchrun, against the same by one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from _source import ROOT

import gsr_sc
from gsr_sc import _processes
from gsr_sc._log import warn
from gsr_sc.matrices import SharedRows, open_rows
from gsr_sc.training import LostProcessError, World, tells_why
from gsr_sc.training._fit import _require_sharable
from gsr_sc.training._plan import TrainingPlan

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import os, sys
import numpy as np
import gsr_sc
from gsr_sc.model import _fitted
from gsr_sc.training import Progress
from gsr_sc.training._batch import Reader

rank = int(os.environ.get("RANK", "0"))
read, rows = Reader._read, []

def noting(self, index, slot, *, with_start, noise):
    if noise is not None:
        rows.append(index)
    return read(self, index, slot, with_start=with_start, noise=noise)

Reader._read = noting
encode, encoded = _fitted._Encoder.__call__, []

def counting(self, inputs, conditions):
    encoded.append(len(inputs))
    return encode(self, inputs, conditions)

_fitted._Encoder.__call__ = counting
adata = gsr_sc.datasets.simulate_clusters(600, 40)
if "die" in sys.argv and rank == 1:
    step, steps = Progress.step, []

    def dying(self, loss):
        steps.append(loss)
        if len(steps) == 7:
            os._exit(3)

    Progress.step = dying
gsr_sc.tl.fit(adata, graph="ring", n_neurons=12, max_epochs=4, smoothness=0.5, n_jobs=1, save_model="model")
n_encoded = sum(encoded)
model = gsr_sc.GSR.load("model")
# By one process alone it must not wait for the other, together each does its share.
alone = model.transform(adata) if rank == 0 else adata.obsm["X_gsr"]
encoded.clear()
together = model.transform(adata, together=True)
np.savez(f"rank{rank}.npz", n_encoded=[n_encoded, sum(encoded)], alone=alone, together=together, activations=adata.obsm["X_gsr"], rows=np.concatenate(rows),
         **adata.uns["gsr"]["history"])
"""
N_TRAINING = 540
OPTIONS: dict[str, Any] = {"graph": "ring", "n_neurons": 12, "max_epochs": 4, "smoothness": 0.5, "n_jobs": 1}


def launch(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the script in two processes."""
    (folder / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "script.py", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=300
    )


@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    done = launch(tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (dict(np.load(tmp_path / f"rank{rank}.npz")) for rank in (0, 1))
    # Every training row once per epoch, half of every batch in each process.
    n_epochs = len(first["epoch"]) + 4
    assert len(first["rows"]) + len(second["rows"]) == n_epochs * N_TRAINING
    counts = np.bincount(np.concatenate([first["rows"], second["rows"]]), minlength=600)
    assert sorted(set(counts.tolist())) == [0, n_epochs]
    # The same map in both, row by row, each having placed its half: once to read the map, once to annotate; then once more.
    for placed in (first["n_encoded"], second["n_encoded"]):
        assert placed.tolist() == [600, 300]
    for name in ("activations", "together"):
        np.testing.assert_array_equal(first[name], second[name])
    np.testing.assert_allclose(first["together"], first["activations"], atol=1e-6)
    np.testing.assert_allclose(first["alone"], first["activations"], atol=1e-6)
    # And the model written once.
    model = gsr_sc.GSR.load(tmp_path / "model")
    adata = gsr_sc.datasets.simulate_clusters(600, 40)
    np.testing.assert_allclose(model.transform(adata), first["activations"], atol=1e-5)
    # The same curve as one process with the same batches, but for the noise of the second.
    alone = gsr_sc.GSR(**OPTIONS).fit(adata)
    for name in ("loss", "validation_loss"):
        np.testing.assert_array_equal(first[name], second[name])
        np.testing.assert_allclose(first[name], alone.fitted.history[name], rtol=0.02)


@pytest.mark.slow
def test_a_process_that_dies_ends_the_run_and_nothing_is_written(tmp_path: Path) -> None:
    done = launch(tmp_path, "die")
    assert done.returncode != 0
    # Whether it misses the other or is ended by torchrun first is a matter of chance.
    assert "LostProcessError: Process 0 of 2" in done.stderr
    assert "one of the others has ended" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]


# -- without processes ------------------------------------------------------------------------------------------------


class Pair(World):
    """Both of two processes, one after the other: what one sends is what the other has got."""

    def __init__(self, rank: int, sent: list[Any]) -> None:
        super().__init__(rank, 2)
        self.sent = sent

    def collect(self, value: Any) -> list[Any]:
        self.sent.append(value)
        return self.sent


class Told(World):
    """One of several processes, which hears from the others what they have said, round by round."""

    def __init__(self, rank: int, rounds: list[list[Any]]) -> None:
        super().__init__(rank, len(rounds[0]))
        self.rounds = iter(rounds)

    def collect(self, value: Any) -> list[Any]:
        told = list(next(self.rounds))
        told[self.rank] = value
        return told


def sums(values: np.ndarray, along: np.ndarray, nothing: None) -> np.ndarray:
    assert nothing is None
    return values.sum(axis=1) + along


@pytest.mark.parametrize("which", [None, slice(700, 9000), np.arange(3, 9000, 2), np.arange(2)], ids=str)
def test_every_process_gets_every_row_once(which: Any) -> None:
    matrix, along = np.arange(20_000.0).reshape(10_000, 2), np.arange(10_000.0)
    # What each of three says on its own, round by round; then each with what the others said.
    said: list[list[Any]] = []
    for rank in range(3):
        heard: list[Any] = []
        said.append(heard)
        world = World(rank, 3)
        world.collect = lambda value, heard=heard: (heard.append(value), [value])[1]  # type: ignore[method-assign]
        assert all(True for _ in SharedRows(open_rows(matrix), world).each(sums, which, along, None))
    n_rounds = max(map(len, said))
    rounds = [[heard[number] if number < len(heard) else [] for heard in said] for number in range(n_rounds)]
    expected = matrix.sum(axis=1) + along
    expected = expected if which is None else expected[which]
    orders = []
    for rank in range(3):
        found, order = np.full(len(expected), np.nan), []
        for where, result in SharedRows(open_rows(matrix), Told(rank, rounds)).each(sums, which, along, None):
            assert np.isnan(found[where]).all(), "twice"
            found[where] = result
            order.append(where.start)
        np.testing.assert_array_equal(found, expected)
        orders.append(order)
    # In the same order, so that sums are the same bits.
    assert orders[0] == orders[1] == orders[2]
    # No process does more than a block above its share.
    n_own = [sum(where.stop - where.start for done in heard for where, _ in done) for heard in said]
    assert max(n_own) - min(n_own) <= 1


@pytest.mark.parametrize("n_rows", [0, 1, 2, 7, 128])
def test_shares_are_all_rows_in_order_and_of_like_size(n_rows: int) -> None:
    rows = np.arange(100, 100 + n_rows)
    shares = [World(rank, 3).share(rows) for rank in range(3)]
    np.testing.assert_array_equal(np.concatenate(shares), rows)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_totals_are_of_all_processes() -> None:
    np.testing.assert_array_equal(Pair(1, [np.array([1.0, 2.0])]).total(np.array([3.0, 5.0])), [4.0, 7.0])
    with pytest.raises(ValueError, match="different data: every one has to be given the same"):
        Pair(1, [(600, 40)]).require_same((599, 40), "data")
    Pair(1, [(600, 40)]).require_same((600, 40), "data")


def test_told_to_end_a_process_says_why() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with pytest.raises(LostProcessError, match="was told to end"), tells_why(World(0, 2)):
            signal.raise_signal(signal.SIGTERM)
        # What it says is not to be cut off.
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with tells_why(World(0, 2)):
            pass
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        with tells_why(World()):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        # Who has a use for it keeps it.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with tells_why(World(0, 2)):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_alone_nothing_is_sent() -> None:
    world, tensor = World(), torch.ones(2)
    world.add([tensor])
    world.copy_first(torch.nn.Identity())
    world.require_same(1, "data")
    assert (tensor.tolist(), world.agree(3)) == ([1.0, 1.0], 3)
    np.testing.assert_array_equal(world.share(np.arange(4)), np.arange(4))


def test_what_cannot_be_shared_is_refused() -> None:
    plan = TrainingPlan(warm_up_epochs=1, max_epochs=1)
    with pytest.raises(ValueError, match="is trained by one process"):
        _require_sharable(World(0, 2), plan, gsr_sc.graphs.learned(9), np.arange(100))
    with pytest.raises(ValueError, match="Batches of 3 observations cannot be shared by 4 processes"):
        _require_sharable(World(0, 4), plan, gsr_sc.graphs.ring(9), np.arange(3))
    _require_sharable(World(), plan, gsr_sc.graphs.learned(9), np.arange(3))


def test_who_this_process_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    # Other schedulers set some of these too.
    monkeypatch.setenv("RANK", "3")
    assert (_processes.rank(), _processes.n_processes(), _processes.local_rank(), _processes.n_local()) == (0, 1, 0, 1)
    for name, value in {"WORLD_SIZE": "8", "MASTER_ADDR": "a", "MASTER_PORT": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert (_processes.rank(), _processes.n_processes(), _processes.local_rank(), _processes.n_local()) == (3, 8, 1, 2)


@pytest.mark.parametrize("rank", ["0", "1"])
def test_the_first_process_alone_warns(rank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "2")
    monkeypatch.setenv("RANK", rank)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warn("something")
    assert [str(each.message) for each in told] == ["something"] * (rank == "0")


def test_auto_takes_a_gpu_for_each_process_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert gsr_sc.training.resolve_device("auto") == torch.device("cuda", 1)
