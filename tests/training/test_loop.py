"""Passes over batches: what they cost, that they can be repeated bit by bit, and what stops them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from gsr_sc import graphs
from gsr_sc.nn import GraphAutoencoder, GraphSpectralPenalty
from gsr_sc.training import Context, DivergedError, Progress, TrainingPlan, _loop
from gsr_sc.training._loop import Loop
from gsr_sc.training._run import Runner
from gsr_sc.training._yardstick import Yardstick

N_INPUTS, N_NEURONS = 15, 9


class Table:
    """A source that notes what is asked of it."""

    def __init__(self, x: np.ndarray) -> None:
        self.x = x.astype(np.float32)
        self.asked: list[np.ndarray] = []

    @property
    def baseline(self) -> np.ndarray:
        return self.x.mean(axis=0)

    def batch(self, index: np.ndarray) -> np.ndarray:
        self.asked.append(index)
        return self.x[index]

    def shuffled(
        self, rows: np.ndarray, rng: np.random.Generator, most: int, *, n_shares: int = 1, mine: int = 0
    ) -> list[np.ndarray]:
        assert (n_shares, mine) == (1, 0)
        return [rng.permutation(rows)[:most]]

    def sample(self, rows: np.ndarray, most: int) -> np.ndarray:
        return rows[:most]


def table(n_obs: int = 300, seed: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    return Table(
        rng.normal(size=(n_obs, 3)) @ rng.normal(size=(3, N_INPUTS)) + 0.1 * rng.normal(size=(n_obs, N_INPUTS))
    )


def make_loop(
    source: Table,
    *,
    activation: Any = "simplex",
    targets: Any = None,
    seed: int = 0,
    n_threads: int = 1,
    context: Context | None = None,
    **plan: Any,
) -> Loop:
    network = GraphAutoencoder(
        N_INPUTS,
        N_NEURONS,
        hidden=(16,),
        activation=activation,
        n_labels=0 if context is None else context.n_labels,
        generator=torch.Generator().manual_seed(seed),
    )
    options = {"warm_up_epochs": 1, "max_epochs": 3, **plan}
    penalty = GraphSpectralPenalty(graphs.grid(3))
    device = torch.device("cpu")
    return Loop(
        network,
        penalty,
        source,
        targets=targets,
        plan=TrainingPlan(**options),
        seed=seed,
        device=device,
        n_threads=n_threads,
        context=context,
    )


def epoch(loop: Loop, rows: np.ndarray, *, weight: float = 0.0, pull: float = 0.0, rate: float = 3e-3) -> Any:
    return loop.train_epoch(rows, weight=weight, pull=pull, rate=lambda share: rate, on_step=lambda loss: None)


def bits(loop: Loop) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in loop.weights().items()}


@pytest.mark.parametrize("n_rows", [1, 2, 127, 128, 129, 257, 300])
def test_a_pass_reads_every_row_once_in_batches_of_like_size(n_rows: int) -> None:
    source = table()
    rows = np.arange(300)[-n_rows:]
    epoch(make_loop(source), rows)
    assert np.sort(np.concatenate(source.asked)).tolist() == rows.tolist()
    sizes = [len(index) for index in source.asked]
    assert max(sizes) <= 128
    assert max(sizes) - min(sizes) <= 1


def test_batches_are_shuffled_anew_in_every_pass() -> None:
    source = table()
    loop = make_loop(source)
    epoch(loop, np.arange(300))
    first = np.concatenate(source.asked)
    source.asked.clear()
    epoch(loop, np.arange(300))
    assert (first != np.concatenate(source.asked)).any()
    assert (first != np.arange(300)).any()


def test_evaluation_is_the_mean_over_rows_without_noise_and_changes_nothing() -> None:
    source = table(2500)
    loop = make_loop(source)
    before = bits(loop)
    losses = loop.evaluate(np.arange(2500))
    assert bits(loop) == before
    assert max(len(index) for index in source.asked) <= 1024
    with torch.no_grad():
        passed = loop.network.eval()(torch.from_numpy(source.x))
    assert losses.reconstruction == pytest.approx(
        float(((passed.reconstruction.numpy() - source.x) ** 2).mean()), rel=1e-5
    )
    z = passed.units.numpy().astype(np.float64)
    laplacian = graphs.grid(3).laplacian().toarray()
    energy = np.einsum("bi,ij,bj->b", z, laplacian, z).mean() / np.trace(laplacian)
    assert losses.roughness == pytest.approx(energy, rel=1e-4)
    assert losses == loop.evaluate(np.arange(2500))


def test_total_variance_is_about_the_training_mean() -> None:
    source = table(2500)
    rows = np.arange(0, 2500, 3)
    expected = ((source.x[rows] - source.x.mean(axis=0)) ** 2).mean()
    assert make_loop(source).total_variance(rows) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("activation", ["simplex", "relu", "linear"])
def test_going_back_gives_the_same_bits_again(activation: Any) -> None:
    loop = make_loop(table(), activation=activation)
    epoch(loop, np.arange(300))
    state = loop.state()
    epoch(loop, np.arange(300), weight=0.3)
    first = bits(loop)
    loop.restore(state)
    assert bits(loop) != first
    epoch(loop, np.arange(300), weight=0.3)
    assert bits(loop) == first
    loop.restore(state)
    epoch(loop, np.arange(300), weight=0.6)
    assert bits(loop) != first


def test_a_runner_gives_the_same_bits_whatever_ran_before() -> None:
    def run(*weights: float) -> Any:
        loop = make_loop(table(), warm_up_epochs=2, max_epochs=3)
        rows = np.arange(300)
        parts = {"training": rows[:250], "held_out": rows[250:]}
        runner = Runner(loop, loop.plan, explained=Yardstick(loop, **parts), progress=Progress(show=False), **parts)
        return [runner.run(weight=weight, smoothness=weight) for weight in weights][-1]

    alone, after_others = run(0.5), run(0.0, 2.0, 0.5)
    for name, value in alone.weights.items():
        assert torch.equal(value, after_others.weights[name])
    np.testing.assert_array_equal(alone.history["validation_loss"], after_others.history["validation_loss"])


def test_seed_decides_order_and_noise() -> None:
    results = []
    for seed in (0, 0, 1):
        loop = make_loop(table(), seed=0)
        loop.order = np.random.default_rng(seed)
        epoch(loop, np.arange(300))
        results.append(bits(loop))
    assert results[0] == results[1] != results[2]


@pytest.mark.parametrize("activation", ["simplex", "relu", "linear"])
def test_training_explains_the_data(activation: Any) -> None:
    source = table()
    loop = make_loop(source, activation=activation)
    before = loop.evaluate(np.arange(300)).reconstruction
    for _ in range(40):
        epoch(loop, np.arange(300), rate=1e-2)
    assert loop.evaluate(np.arange(300)).reconstruction < 0.4 * before


@pytest.mark.parametrize("activation", ["simplex", "relu", "linear"])
def test_pull_brings_the_layer_to_its_targets(activation: Any) -> None:
    source = table()
    wanted = np.zeros((300, N_NEURONS), dtype=np.float32)
    wanted[np.arange(300), (source.x[:, 0] > 0) * 8] = 1
    loop = make_loop(source, activation=activation, targets=lambda index, _: wanted[index])
    before = loop.evaluate(np.arange(300)).start
    for _ in range(80):
        epoch(loop, np.arange(300), pull=1.0, rate=1e-2)
    assert loop.evaluate(np.arange(300)).start < 0.5 * before
    with torch.no_grad():
        winner = loop.network.eval().encode(torch.from_numpy(source.x)).argmax(dim=1).numpy()
    assert (winner == wanted.argmax(axis=1)).mean() > 0.9


def test_weight_makes_the_layer_smooth() -> None:
    roughness = []
    for weight in (0.0, 1.0, 30.0):
        loop = make_loop(table())
        for _ in range(30):
            epoch(loop, np.arange(300), weight=weight, rate=1e-2)
        roughness.append(loop.evaluate(np.arange(300)).roughness)
    assert roughness[0] > 2 * roughness[1] > 4 * roughness[2]


def test_divergence_is_named_with_rate_and_batch_size() -> None:
    source = table()
    source.x[7, 3] = np.inf
    with pytest.raises(DivergedError, match=r"at learning rate 0\.003 with batches of 128\. Look for extreme values"):
        epoch(make_loop(source), np.arange(300))
    with pytest.raises(DivergedError, match="held-out loss is not finite"):
        make_loop(source).evaluate(np.arange(300))


def test_an_extreme_rate_diverges_instead_of_giving_nan_weights() -> None:
    loop = make_loop(table(), activation="linear", clip_norm=1e30)

    def train() -> None:
        for _ in range(30):
            epoch(loop, np.arange(300), rate=1e12)
            loop.evaluate(np.arange(300))

    with pytest.raises(DivergedError):
        train()


def test_an_epoch_takes_no_more_rows_than_planned_and_others_the_next_time() -> None:
    source = table()
    loop = make_loop(source, rows_per_epoch=100, batch_size=32)
    seen = []
    for _ in range(2):
        source.asked.clear()
        epoch(loop, np.arange(300))
        seen.append(np.concatenate(source.asked))
    assert [len(rows) for rows in seen] == [100, 100]
    assert [len(np.unique(rows)) for rows in seen] == [100, 100]
    assert len(np.intersect1d(*seen)) < 60


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("activation", ["simplex", "linear"])
def test_a_second_thread_changes_no_bit(activation: Any, wide: bool) -> None:
    results = []
    for n_threads in (1, 2, 3):
        loop = make_loop(table(), activation=activation, n_threads=n_threads, dropout=0.3)
        loop.wide = loop.wide if wide else None
        losses = [epoch(loop, np.arange(300), weight=0.3) for _ in range(3)]
        results.append((bits(loop), losses))
    assert results[0] == results[1] == results[2]


def test_two_halves_give_the_gradient_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without noise: the losses are means over rows, that of labels over those which have one."""
    labels = np.where(np.arange(300) % 7 < 2, np.arange(300) % 2, -1)
    found = []
    for most in (1, 2):
        monkeypatch.setattr(_loop, "_MOST_PARTS", most)
        loop = make_loop(table(), context=Context(labels=labels, n_labels=2, label_weight=0.5))
        loop.network.layer.noise = 0.0
        loop.wide = None
        steps = [loop._parts(np.arange(111))]
        ((parts),) = loop.reader.each(steps, with_start=False)
        assert len(parts) == most
        loop.network.train()
        found.append(loop._gradients(None, parts, [torch.Generator()] * most, weight=0.7, pull=0.0))
    for one, other in zip(found[0][0], found[1][0], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-5)
    assert found[0][1][3] > 0.1
