"""Which weights are kept and when a training stops, on a validation curve made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from gsr_sc.training import Progress, TrainingPlan, World
from gsr_sc.training._loop import Losses
from gsr_sc.training._run import Runner
from gsr_sc.training._yardstick import Explained

N_WARM_UP = 2


class Scripted:
    """A loop whose held-out reconstruction follows a list and whose weights are the number of the epoch."""

    def __init__(self, curve: list[float], roughness: list[float] | None = None) -> None:
        self.curve = curve
        self.world = World()
        self.roughness = roughness or [0.0] * len(curve)
        self.epoch = -1
        self.calls: list[dict[str, Any]] = []

    def train_epoch(self, rows: Any, *, weight: float, pull: float, rate: Any, on_step: Any) -> Losses:
        self.epoch += 1
        self.calls.append({"epoch": self.epoch, "weight": weight, "pull": pull, "rate": rate(0.5)})
        on_step(1.0)
        return Losses(reconstruction=1.0, roughness=0.5, start=0.0)

    def evaluate(self, rows: Any) -> Losses:
        return Losses(self.curve[self.epoch], self.roughness[self.epoch], 0.0)

    def weights(self) -> dict[str, torch.Tensor]:
        return {"epoch": torch.tensor(self.epoch)}

    def state(self) -> int:
        return self.epoch

    def restore(self, state: int) -> None:
        self.epoch = state


def runner(loop: Scripted, max_epochs: int, **options: Any) -> Runner:
    plan = TrainingPlan(warm_up_epochs=N_WARM_UP, max_epochs=max_epochs, **options)
    rows = np.arange(10)
    return Runner(
        loop,  # type: ignore[arg-type]
        plan,
        explained=lambda loss: Explained(1 - loss / 10, 1 - loss / 5, 10.0),
        training=rows,
        held_out=rows,
        progress=Progress(show=False),
    )


def test_the_best_weights_are_kept_not_the_last() -> None:
    run = runner(Scripted([9, 1, 8, 6, 4, 5, 7]), 5).run(weight=0, smoothness=0)
    assert int(run.weights["epoch"]) == 4, "the lower loss of the warm-up is no candidate"
    assert run.explained_variance == pytest.approx(1 - 4 / 10)
    assert run.deviance_explained == pytest.approx(1 - 4 / 5)
    assert run.history["validation_loss"].tolist() == [9, 1, 8, 6, 4, 5, 7]
    assert run.history["epoch"].tolist() == list(range(7))
    assert not run.stopped_early


def test_of_equally_good_epochs_the_first_is_kept() -> None:
    run = runner(Scripted([9, 9, 4, 4, 4]), 3).run(weight=0, smoothness=0)
    assert int(run.weights["epoch"]) == 2


def test_patience_ends_the_training() -> None:
    curve = [9, 9, 8, 5, 6, 6, 6, 1, 1, 1, 1, 1]
    run = runner(Scripted(curve), 10, patience=3).run(weight=0, smoothness=0)
    assert run.stopped_early
    assert len(run.history["epoch"]) == 7, "the better epoch 7 is never reached"
    assert int(run.weights["epoch"]) == 3
    patient = runner(Scripted(curve), 10, patience=4).run(weight=0, smoothness=0)
    assert int(patient.weights["epoch"]) == 7


def test_the_penalty_counts_when_epochs_are_compared() -> None:
    curve, roughness = [9, 9, 4, 5, 5], [0, 0, 3.0, 0.5, 1.0]
    plain = runner(Scripted(curve, roughness), 3).run(weight=0, smoothness=0)
    smooth = runner(Scripted(curve, roughness), 3).run(weight=2.0, smoothness=0.7)
    assert int(plain.weights["epoch"]) == 2
    assert int(smooth.weights["epoch"]) == 3
    assert smooth.explained_variance == pytest.approx(0.5), "explained variance is about reconstruction alone"
    assert smooth.history["validation_loss"].tolist() == [9, 9, 10, 6, 7]
    assert smooth.history["penalty"].tolist() == [0, 0, 1, 1, 1]
    assert smooth.history["loss"].tolist() == [1, 1, 2, 2, 2]
    assert smooth.history["smoothness"].tolist() == [0, 0, 0.7, 0.7, 0.7]


def test_warm_up_happens_once_and_without_penalty() -> None:
    loop = Scripted([9, 9, 4, 5])
    both = runner(loop, 2)
    both.run(weight=0, smoothness=0)
    both.run(weight=3.0, smoothness=1)
    assert [(call["epoch"], call["weight"]) for call in loop.calls] == [(0, 0), (1, 0), (2, 0), (3, 0), (2, 3), (3, 3)]
    assert [call["pull"] for call in loop.calls[:2]] == [1, 1]
    assert loop.calls[2]["pull"] == loop.calls[4]["pull"] < 0.1
