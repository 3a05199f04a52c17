"""How long a training is and how its rates go."""

from __future__ import annotations

import numpy as np
import pytest

from gsr_sc.training import TrainingPlan


@pytest.mark.parametrize(
    ("n_training", "epochs"),
    [(2, 200), (129, 200), (1280, 70), (2500, 35), (6000, 20), (10_000, 16), (15_000, 12), (10**6, 12)],
)
def test_small_data_get_more_passes(n_training: int, epochs: int) -> None:
    plan = TrainingPlan.for_data(n_training)
    assert plan.max_epochs == epochs
    assert plan.warm_up_epochs == -(-epochs // 6)
    assert plan.n_epochs == plan.warm_up_epochs + epochs


def test_the_caller_decides_and_the_warm_up_follows() -> None:
    assert TrainingPlan.for_data(10**6, 7).max_epochs == 7
    assert TrainingPlan.for_data(10**6, 1).warm_up_epochs == 1


@pytest.mark.parametrize(("n_training", "n_steps"), [(1, 1), (128, 1), (129, 2), (256, 2), (257, 3)])
def test_steps_per_pass(n_training: int, n_steps: int) -> None:
    assert TrainingPlan.for_data(n_training).n_steps(n_training) == n_steps


def test_many_noisy_data_come_in_larger_batches_at_a_higher_rate() -> None:
    few, many, clear = (TrainingPlan.for_data(n, noise=noise) for n, noise in [(1999, 0.8), (2000, 0.8), (2000, 0.1)])
    assert (few.batch_size, many.batch_size, clear.batch_size) == (128, 256, 128)
    assert few.learning_rate == clear.learning_rate < many.learning_rate < 2 * few.learning_rate


def test_large_data_take_no_more_steps() -> None:
    large, larger = (TrainingPlan.for_data(n) for n in (10**5, 10**7))
    assert large.n_steps(10**5) == larger.n_steps(10**7)
    assert large.n_steps(10**5) == -(-large.rows_per_epoch // large.batch_size)


@pytest.mark.parametrize("epochs", [1, 3, 24, 200])
def test_rate_rises_in_the_warm_up_and_then_falls_to_a_hundredth(epochs: int) -> None:
    plan = TrainingPlan.for_data(1000, epochs)
    rates = [plan.rate(epoch) for epoch in np.linspace(0, plan.n_epochs, 400)]
    assert max(rates) == pytest.approx(plan.learning_rate, rel=1e-2)
    assert min(rates) > 0
    peak = int(np.argmax(rates))
    assert (np.diff(rates[: peak + 1]) >= 0).all()
    assert (np.diff(rates[peak:]) <= 1e-12).all()
    assert rates[-1] == pytest.approx(0.01 * plan.learning_rate)
    assert plan.rate(plan.n_epochs + 5) == pytest.approx(0.01 * plan.learning_rate)


def test_pull_is_whole_in_the_warm_up_and_fades_after() -> None:
    plan = TrainingPlan.for_data(1000, 12)
    pulls = [plan.pull_at(epoch) for epoch in range(plan.n_epochs)]
    assert pulls[:2] == [1, 1]
    assert pulls[2] == plan.pull
    assert (np.diff(pulls[2:]) < 0).all()
    assert pulls[-1] > 0


def test_the_noisier_the_data_the_more_is_done_against_it() -> None:
    clear, noisy = (TrainingPlan.for_data(1000, noise=noise) for noise in (0.0, 0.8))
    assert (clear.dropout, clear.hidden_dropout, clear.weight_decay) == (0, 0, 0)
    assert noisy.dropout > 0.2
    assert noisy.hidden_dropout > 0.05
    assert noisy.weight_decay > 0.5
    assert (noisy.max_epochs, noisy.warm_up_epochs) == (clear.max_epochs, clear.warm_up_epochs)


def test_a_start_from_curves_is_held_to_the_more_there_is_to_explain() -> None:
    usual = TrainingPlan.for_data(1000, noise=0.5)
    clear, noisy = (usual.held_to_curves(noise).hold for noise in (0.2, 0.9))
    assert clear > 2 * noisy > 0
    assert usual.held_to_curves(0.5).max_epochs == usual.max_epochs
