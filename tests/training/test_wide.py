"""Layers by hand: the gradients that autograd finds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gsr_sc import graphs
from gsr_sc.nn import ActivityPenalty, GraphAutoencoder, GraphSpectralPenalty, LearnedGraphPenalty
from gsr_sc.nn._noise import Noise
from gsr_sc.training._batch import Batch
from gsr_sc.training._middle import ByAutograd, Simplex, middle_of
from gsr_sc.training._optimiser import AdamW
from gsr_sc.training._terms import label_loss, start_loss
from gsr_sc.training._wide import WideLayers

PENALTY = GraphSpectralPenalty(graphs.grid(3))


def make(n_inputs: int, **options: Any) -> GraphAutoencoder:
    generator = torch.Generator().manual_seed(0)
    return GraphAutoencoder(n_inputs, 9, hidden=(16, 8), dropout=0.2, generator=generator, **options).train()


def batch_of(n_rows: int, n_inputs: int, *, hidden: bool = True, labels: bool = False, n_conditions: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(1)
    inputs, seen = torch.randn(2, n_rows, n_inputs, generator=generator)
    targets = torch.rand(n_rows, 9, generator=generator)
    kinds = torch.arange(n_rows) % 3 - 1 if labels else None
    conditions = torch.eye(2)[torch.arange(n_rows) % 3 % 2] if n_conditions else None
    targets /= targets.sum(dim=1, keepdim=True)
    return Batch(inputs, seen if hidden else None, targets, labels=kinds, conditions=conditions)


def both(
    network: GraphAutoencoder, batch: Batch, factors: list[float], pool: Any = None, *, by_autograd: bool = False
) -> tuple[Any, Any]:
    """Gradients and losses by hand, and by autograd."""
    parameters = list(network.parameters())
    # The residual is written over the inputs.
    given, batch = batch, batch._replace(inputs=batch.inputs.clone())

    def others(batch: Batch, passed: Any) -> tuple[torch.Tensor, ...]:
        return PENALTY(passed.units), start_loss(network, passed, batch), label_loss(passed, batch)

    def noise() -> Noise:
        return Noise(torch.Generator().manual_seed(2), size=2**12)

    middle = ByAutograd(network, others) if by_autograd else middle_of(network, PENALTY, others, held=False)
    gradients = [torch.full_like(each, torch.nan) for each in parameters]
    mine = gradients, WideLayers(network, middle, parameters, gradients).learn(batch, noise(), np.array(factors), pool)
    batch = given
    passed = network(batch.inputs if batch.seen is None else batch.seen, noise(), batch.conditions)
    losses = [network.likelihood(passed.reconstruction, batch.inputs), *others(batch, passed)]
    loss = sum(factor * value for factor, value in zip(factors, losses, strict=True))
    theirs = torch.autograd.grad(loss, parameters, materialize_grads=True)  # type: ignore[arg-type]
    return mine, (theirs, [float(value.detach()) for value in losses])


@given(
    n_rows=st.integers(1, 9),
    n_inputs=st.integers(1, 9),
    hidden=st.booleans(),
    weights=st.lists(st.floats(0, 3), min_size=2, max_size=2),
    by_autograd=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_gradients_are_those_of_autograd(
    n_rows: int, n_inputs: int, weights: list[float], *, hidden: bool, by_autograd: bool
) -> None:
    batch = batch_of(n_rows, n_inputs, hidden=hidden)
    (gradients, losses), (wanted, values) = both(make(n_inputs), batch, [1.0, *weights, 0.0], by_autograd=by_autograd)
    np.testing.assert_allclose(losses, values, rtol=1e-4, atol=1e-6)
    for mine, theirs in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "options", [{"activation": "relu"}, {"activation": "linear"}, {"n_labels": 2}, {"hidden_decoder": (4,)}]
)
def test_whatever_lies_between(options: dict[str, Any]) -> None:
    network, batch = make(40, **options), batch_of(30, 40, labels="n_labels" in options)
    (gradients, losses), (wanted, values) = both(network, batch, [0.7, 0.3, 0.2, 0.5])
    np.testing.assert_allclose(losses, values, rtol=1e-5)
    assert (losses[3] > 0) == ("n_labels" in options)
    for mine, theirs in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
    assert all(float(mine.abs().max()) > 0 for mine in gradients)


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("hidden", [True, False])
def test_conditions_are_read_and_learnt(given: bool, hidden: bool) -> None:
    network, batch = make(40, n_conditions=2), batch_of(30, 40, hidden=hidden, n_conditions=2 if given else 0)
    network.initialise_conditions(
        torch.tensor([0.25, 0.75]), torch.randn(2, 40, generator=torch.Generator().manual_seed(3))
    )
    (gradients, losses), (wanted, values) = both(network, batch, [0.7, 0.3, 0.2, 0.0])
    np.testing.assert_allclose(losses, values, rtol=1e-5)
    for mine, theirs in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
    assert all(float(mine.abs().max()) > 0 for mine in gradients)


def test_a_second_thread_does_half_and_changes_no_bit() -> None:
    network, batch = make(300), batch_of(64, 300)
    alone, _ = both(network, batch, [1.0, 0.3, 0.2, 0.0])
    with ThreadPoolExecutor(1) as pool:
        shared, _ = both(network, batch, [1.0, 0.3, 0.2, 0.0], pool)
    assert all(torch.equal(one, other) for one, other in zip(alone[0], shared[0], strict=True))
    assert (alone[1] == shared[1]).all()


def test_batches_of_many_lengths_share_the_memory_of_gradients() -> None:
    network = make(20)
    optimiser = AdamW(network.parameters(), learning_rate=0.0, weight_decay=0.0, clip_norm=1.0)
    middle = middle_of(network, PENALTY, lambda *_: [], held=False)
    wide = WideLayers(network, middle, optimiser.parameters, optimiser.gradients)
    found = []
    for n_rows in (12, 11, 7, 12):
        noise = Noise(torch.Generator().manual_seed(0))
        losses = wide.learn(batch_of(n_rows, 20), noise, np.array([1.0, 0.3, 0.2, 0.0]))
        found.append((losses, [each.clone() for each in optimiser.gradients]))
    assert (found[0][0] == found[-1][0]).all()
    assert (found[0][0] != found[1][0]).any()
    assert all(torch.equal(one, other) for one, other in zip(found[0][1], found[-1][1], strict=True))
    whole = torch.cat([each.flatten() for each in optimiser.gradients])
    assert whole.data_ptr() != optimiser.gradients[0].data_ptr()
    assert torch.isfinite(whole).all()
    torch.testing.assert_close(optimiser.norm(optimiser.gradients), whole.norm())
    torch.testing.assert_close(optimiser.norm([each.clone() for each in optimiser.gradients]), whole.norm())


@pytest.mark.parametrize(
    ("options", "penalty", "held", "by_hand"),
    [
        ({}, PENALTY, False, True),
        ({}, PENALTY, True, False),
        ({}, GraphSpectralPenalty(graphs.grid(3), measure="rayleigh"), False, False),
        ({}, LearnedGraphPenalty(9), False, False),
        ({}, ActivityPenalty(), False, False),
        ({"n_labels": 2}, PENALTY, False, False),
        ({"activation": "relu"}, PENALTY, False, False),
        ({"unit_length": False}, PENALTY, False, False),
    ],
)
def test_the_usual_units_and_losses_are_done_by_hand(options: Any, penalty: Any, *, held: bool, by_hand: bool) -> None:
    middle = middle_of(make(5, **options), penalty, lambda *_: [], held=held)
    assert isinstance(middle, Simplex) == by_hand


@pytest.mark.parametrize(
    ("options", "device", "suits"),
    [
        ({}, "cpu", True),
        ({}, "cuda", False),
        ({"likelihood": "nb"}, "cpu", False),
        ({"n_conditions": 2}, "cpu", True),
        ({"hidden_decoder": ()}, "cpu", False),
    ],
)
def test_squared_error_on_a_cpu_is_done_in_this_way(options: Any, device: str, suits: bool) -> None:
    assert WideLayers.suits(make(5, **options), torch.device(device)) == suits
