"""Batches on their way to the network: what belongs to their rows, and what is hidden of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gsr_sc.nn._noise import Noise
from gsr_sc.training import Context
from gsr_sc.training._batch import Reader


class Table:
    """A source that notes what is asked of it."""

    def __init__(self, n_obs: int = 300) -> None:
        self.x = np.random.default_rng(0).normal(3, 1, (n_obs, 15)).astype(np.float32)
        self.baseline = self.x.mean(axis=0)
        self.asked: list[np.ndarray] = []

    def batch(self, index: np.ndarray) -> np.ndarray:
        self.asked.append(index)
        return self.x[index]


def noise() -> Noise:
    return Noise(torch.Generator().manual_seed(3), size=2**16)


def reader(source: Table, **options: object) -> Reader:
    return Reader(source, **{"targets": None, "context": Context(), **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("dropout", [0.003, 0.1, 0.35, 0.9])
def test_some_inputs_are_at_their_mean_and_the_others_further_from_it(dropout: float) -> None:
    source = Table(2000)
    ((batch,),) = reader(source, dropout=dropout).each([[np.arange(2000)]], with_start=False, noise=noise())
    assert batch.seen is not None
    seen, inputs = batch.seen.numpy(), batch.inputs.numpy()
    np.testing.assert_array_equal(inputs, source.x)
    hidden = seen == source.baseline
    share = round(256 * dropout) / 256
    assert hidden.mean() == pytest.approx(share, abs=0.01)
    assert hidden.mean(axis=0) == pytest.approx(share, abs=0.05)
    further = (inputs - source.baseline) / (1 - share) + source.baseline
    np.testing.assert_allclose(seen[~hidden], further[~hidden], rtol=1e-4, atol=1e-4)


def test_without_a_generator_everything_is_seen() -> None:
    ((batch,),) = reader(Table(), dropout=0.5).each([[np.arange(10)]], with_start=False)
    assert batch.seen is None
    ((batch,),) = reader(Table(), dropout=0.0).each([[np.arange(10)]], with_start=False, noise=noise())
    assert batch.seen is None


def test_reading_ahead_changes_nothing() -> None:
    steps = [[np.arange(3), np.arange(3, 7)], [np.arange(7, 9)], [np.arange(40, 300)]]
    found = []
    for ahead in (False, True):
        source = Table()
        read = reader(source, dropout=0.3, ahead=ahead)
        # Memory is used again two steps later.
        batches = read.each(steps, with_start=False, noise=noise())
        found.append([(part.inputs.clone(), part.seen.clone()) for parts in batches for part in parts])
        assert (
            np.concatenate(source.asked).tolist() == np.concatenate([np.concatenate(step) for step in steps]).tolist()
        )
    for one, other in zip(*found, strict=True):
        assert (one[1] == other[1]).all()
    assert (found[0][0][1] != found[0][0][0]).any()


def test_what_is_seen_is_kept_until_the_next_batch_but_one() -> None:
    steps = [[np.arange(at, at + 50)] for at in range(0, 300, 50)]
    before: torch.Tensor | None = None
    for (batch,) in reader(Table(), dropout=0.3, ahead=True).each(steps, with_start=False, noise=noise()):
        assert batch.seen is not None
        hidden = (batch.seen == torch.from_numpy(Table().baseline)).float().mean()
        assert float(hidden) == pytest.approx(0.3, abs=0.1)
        assert before is None or before.data_ptr() != batch.seen.data_ptr()
        before = batch.seen


def test_a_batch_has_what_belongs_to_its_rows() -> None:
    source, wanted = Table(50), np.random.default_rng(0).random((50, 4)).astype(np.float32)
    known = Context(
        observed=lambda index: source.x[index] + 1,
        conditions=np.eye(50, dtype=np.float32),
        labels=np.arange(50),
    )
    index = np.array([4, 49, 0])
    read = Reader(source, targets=lambda rows, _: wanted[rows], context=known)
    ((batch,),) = read.each([[index]], with_start=True)
    np.testing.assert_array_equal(batch.targets, wanted[index])
    np.testing.assert_array_equal(batch.observed, source.x[index] + 1)
    np.testing.assert_array_equal(batch.conditions, np.eye(50)[index])
    np.testing.assert_array_equal(batch.labels, index)
    ((batch,),) = read.each([[index]], with_start=False)
    assert batch.targets is None
