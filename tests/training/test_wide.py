"""The two widest layers by hand: the gradients that autograd finds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gsr_sc import graphs
from gsr_sc.nn import GraphAutoencoder, GraphSpectralPenalty
from gsr_sc.nn._noise import Noise
from gsr_sc.training._batch import Batch
from gsr_sc.training._terms import label_loss, start_loss
from gsr_sc.training._wide import WideLayers

PENALTY = GraphSpectralPenalty(graphs.grid(3))


def make(n_inputs: int, **options: Any) -> GraphAutoencoder:
    generator = torch.Generator().manual_seed(0)
    return GraphAutoencoder(n_inputs, 9, hidden=(16, 8), dropout=0.2, generator=generator, **options).train()


def batch_of(n_rows: int, n_inputs: int, *, hidden: bool = True, labels: bool = False) -> Batch:
    generator = torch.Generator().manual_seed(1)
    inputs, seen = torch.randn(2, n_rows, n_inputs, generator=generator)
    targets = torch.rand(n_rows, 9, generator=generator)
    kinds = torch.arange(n_rows) % 3 - 1 if labels else None
    return Batch(inputs, seen if hidden else None, targets / targets.sum(dim=1, keepdim=True), labels=kinds)


def both(network: GraphAutoencoder, batch: Batch, factors: list[float], pool: Any = None) -> tuple[Any, Any]:
    """Gradients and losses by hand, and by autograd."""
    parameters = list(network.parameters())

    def others(passed: Any) -> tuple[torch.Tensor, ...]:
        return PENALTY(passed.units), start_loss(network, passed, batch), label_loss(passed, batch)

    def noise() -> Noise:
        return Noise(torch.Generator().manual_seed(2), size=2**12)

    mine = WideLayers(network).gradients(batch, noise(), others, np.array(factors), parameters=parameters, pool=pool)
    passed = network(batch.inputs if batch.seen is None else batch.seen, noise())
    losses = [network.likelihood(passed.reconstruction, batch.inputs), *others(passed)]
    loss = sum(factor * value for factor, value in zip(factors, losses, strict=True))
    theirs = torch.autograd.grad(loss, parameters, materialize_grads=True)  # type: ignore[arg-type]
    return mine, (theirs, [float(value.detach()) for value in losses])


@given(
    n_rows=st.integers(1, 9),
    n_inputs=st.integers(1, 9),
    hidden=st.booleans(),
    weights=st.lists(st.floats(0, 3), min_size=2, max_size=2),
)
@settings(max_examples=25, deadline=None)
def test_gradients_are_those_of_autograd(n_rows: int, n_inputs: int, weights: list[float], *, hidden: bool) -> None:
    (gradients, losses), (wanted, values) = both(
        make(n_inputs), batch_of(n_rows, n_inputs, hidden=hidden), [1.0, *weights, 0.0]
    )
    np.testing.assert_allclose(losses, values, rtol=1e-4, atol=1e-6)
    for mine, theirs in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "options", [{"activation": "relu"}, {"activation": "linear"}, {"n_labels": 2}, {"hidden_decoder": ()}]
)
def test_whatever_lies_between(options: dict[str, Any]) -> None:
    network, batch = make(40, **options), batch_of(30, 40, labels="n_labels" in options)
    (gradients, losses), (wanted, values) = both(network, batch, [0.7, 0.3, 0.2, 0.5])
    np.testing.assert_allclose(losses, values, rtol=1e-5)
    assert (losses[3] > 0) == ("n_labels" in options)
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


def test_memory_is_kept_from_batch_to_batch() -> None:
    network, noise = make(20), Noise(torch.Generator().manual_seed(0))
    wide, parameters = WideLayers(network), list(network.parameters())
    places = []
    for n_rows in (12, 11, 12):
        batch = batch_of(n_rows, 20)
        found, _ = wide.gradients(
            batch, noise, lambda passed: (PENALTY(passed.units),), np.ones(2), parameters=parameters, pool=None
        )
        places.append([found[at].data_ptr() for at in (0, -1)])
    assert places[0] == places[1] == places[2]


@pytest.mark.parametrize(
    ("options", "device", "suits"),
    [({}, "cpu", True), ({}, "cuda", False), ({"likelihood": "nb"}, "cpu", False), ({"n_conditions": 2}, "cpu", False)],
)
def test_squared_error_without_batches_on_a_cpu_is_done_in_this_way(options: Any, device: str, suits: bool) -> None:
    assert WideLayers.suits(make(5, **options), torch.device(device)) == suits
