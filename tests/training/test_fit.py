"""The whole of a training: the promise of `smoothness="auto"`, and what a number does."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from gsr_sc import datasets, graphs, metrics
from gsr_sc.matrices import MatrixSource, fit_transform, open_rows
from gsr_sc.training import Design, Fit, Progress, TrainingPlan, annealed_targets, fit
from gsr_sc.training import _fit as module

GRAPH = graphs.grid(5)
N_EPOCHS, N_WARM_UP = 15, 3


@cache
def make_source(n_obs: int = 400) -> MatrixSource:
    x = datasets.simulate_clusters(n_obs, 60).X
    rows = open_rows(x)
    everything = np.arange(n_obs)
    learnt = fit_transform(
        rows, kind="zscore", counts=False, columns=np.arange(60), training=everything, totals=np.zeros(n_obs)
    )
    return MatrixSource(rows, learnt)


@cache
def fitted(
    smoothness: Any,
    tolerance: float = 0.02,
    activation: Any = "simplex",
    init: Any = "pca",
    seed: int = 0,
    progress: Progress = Progress(show=False),  # noqa: B008 (no two fits use one bar at a time)
) -> Fit:
    source = make_source()
    rows = np.arange(400)
    return fit(
        source,
        GRAPH,
        training=rows[:340],
        held_out=rows[340:],
        targets=annealed_targets(source, GRAPH, training=rows[:340], init=init),
        smoothness=smoothness,
        tolerance=tolerance,
        design=Design(activation=activation),
        plan=TrainingPlan.for_data(340, N_EPOCHS),
        seed=seed,
        device=torch.device("cpu"),
        progress=progress,
    )


def activations(result: Fit) -> np.ndarray:
    with torch.no_grad():
        return result.network.encode(torch.from_numpy(make_source().batch(np.arange(400)))).numpy()


def held_out_variance(result: Fit) -> float:
    """Explained variance of the returned network, from its definition."""
    source = make_source()
    x = source.batch(np.arange(340, 400))
    with torch.no_grad():
        reconstruction = result.network(torch.from_numpy(x)).reconstruction.numpy()
    return float(1 - ((x - reconstruction) ** 2).sum() / ((x - source.baseline) ** 2).sum())


@pytest.mark.parametrize("smoothness", ["auto", 0.0, 0.5])
def test_the_returned_network_is_the_one_that_is_reported(smoothness: Any) -> None:
    result = fitted(smoothness)
    assert not result.network.training
    assert held_out_variance(result) == pytest.approx(result.run.explained_variance, abs=1e-5)
    assert result.run.explained_variance == pytest.approx(
        result.run.history["validation_explained_variance"][
            result.run.history["validation_loss"][N_WARM_UP:].argmin() + N_WARM_UP
        ]
    )


@pytest.mark.parametrize("tolerance", [0.0, 0.02, 0.3])
def test_auto_keeps_its_promise(tolerance: float) -> None:
    result = fitted("auto", tolerance)
    assert result.unregularised > 0.1, "there is something to lose"
    assert result.run.explained_variance >= (1 - tolerance) * result.unregularised
    assert result.smoothness in (1.0, 0.25, 0.06, 0.015, 0.0)
    assert result.unregularised == fitted(0.0).run.explained_variance


def test_auto_takes_the_largest_that_does() -> None:
    tolerance = 0.02
    chosen = fitted("auto", tolerance).smoothness
    larger = [value for value in (1.0, 0.25, 0.06, 0.015) if value > chosen]
    for value in larger:
        assert fitted(value).run.explained_variance < (1 - tolerance) * fitted(value).unregularised


def test_auto_goes_down_to_none_where_nothing_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = module.Runner.run

    def worse_with_any_penalty(self: Any, *, weight: float, smoothness: float) -> Any:
        outcome = run(self, weight=weight, smoothness=smoothness)
        object.__setattr__(outcome, "deviance_explained", 0.5 - 0.1 * (smoothness > 0))
        tried.append(smoothness)
        return outcome

    tried: list[float] = []
    monkeypatch.setattr(module.Runner, "run", worse_with_any_penalty)
    fitted.cache_clear()
    result = fitted("auto")
    fitted.cache_clear()
    assert tried == [0.0, 1.0, 0.25, 0.06, 0.015]
    assert result.smoothness == 0
    assert result.run.deviance_explained == 0.5


def test_a_number_is_used_as_it_is() -> None:
    result = fitted(3.0)
    assert result.smoothness == 3.0
    assert (result.run.history["smoothness"][N_WARM_UP:] == 3.0).all()
    assert fitted(0.0).smoothness == 0
    assert fitted(0.0).run.explained_variance == fitted(0.0).unregularised


def test_more_smoothness_less_energy() -> None:
    energies = [
        metrics.dirichlet_energy(activations(fitted(value)), GRAPH.adjacency) for value in (0.0, 0.5, 3.0, 20.0)
    ]
    assert (np.diff(energies) < 0).all(), energies
    assert energies[-1] < 0.5 * energies[0]
    moran = [metrics.moran_i(activations(fitted(value)), GRAPH.adjacency) for value in (0.0, 3.0)]
    assert moran[1] > moran[0]


def test_smoothness_means_the_same_in_other_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weight of the penalty follows the explainable squared error, so the ratio of the two losses stays."""
    weights = []
    run = module.Runner.run

    def noting(self: Any, *, weight: float, smoothness: float) -> Any:
        weights.append((weight, self.loop.total_variance(self.held_out)))
        return run(self, weight=weight, smoothness=smoothness)

    monkeypatch.setattr(module.Runner, "run", noting)
    result = fitted(0.5, seed=7)
    (_, total), (weight, _) = weights
    assert weight == pytest.approx(module._STRENGTH_OF_FIXED_LENGTH * 0.5 * result.unregularised * total)


@pytest.mark.parametrize("activation", ["simplex", "relu", "linear"])
def test_every_kind_of_unit_learns_from_every_start(activation: Any) -> None:
    for init in ("pca", "random"):
        result = fitted(0.1, activation=activation, init=init)
        assert result.run.explained_variance > 0.1
        assert np.isfinite(activations(result)).all()


def test_the_same_seed_gives_the_same_bits() -> None:
    first = activations(fitted(0.5))
    fitted.cache_clear()
    np.testing.assert_array_equal(activations(fitted(0.5)), first)
    assert np.abs(activations(fitted(0.5, seed=1)) - first).max() > 1e-3


@pytest.mark.parametrize("smoothness", ["auto", 0.5, 0.0])
def test_the_bar_ends_full(smoothness: Any) -> None:
    with Progress(show=True) as progress:
        result = fitted(smoothness, progress=progress)
        assert progress._bar.n == progress._bar.total
    n_steps = 3  # of 340 rows, in batches of at most 128
    n_trainings = 1 if result.smoothness == 0 else 2
    assert progress._bar.n <= n_steps * (N_WARM_UP + N_EPOCHS * max(n_trainings, 5 * (smoothness == "auto")))
