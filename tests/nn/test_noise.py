"""Values that are off in a training step, and what is added to others."""

from __future__ import annotations

import pytest
import torch

from gsr_sc.nn._noise import Noise, thinned


@pytest.mark.parametrize("dropout", [0.002, 0.12, 0.5, 0.99])
@pytest.mark.parametrize("shape", [(200, 101), (20200,)])
def test_a_share_is_off_and_the_sum_is_kept(dropout: float, shape: tuple[int, ...]) -> None:
    values = thinned(torch.ones(shape), dropout, torch.Generator().manual_seed(0))
    off = (values == 0).double()
    share = round(256 * dropout) / 256
    assert float(off.mean()) == pytest.approx(share, abs=0.02)
    assert float(values.max()) == pytest.approx(1 / (1 - share), rel=1e-5)
    # Eight values share a draw: their bytes are independent all the same.
    together = off.flatten()[: off.numel() // 8 * 8].view(-1, 8)
    assert torch.allclose(together.mean(dim=0), torch.full((8,), share).double(), atol=0.04)
    assert float((together[:, 0] * together[:, 7]).mean()) == pytest.approx(share**2, abs=0.03)


def test_nothing_is_off_without_dropout() -> None:
    values = torch.ones(3, 4)
    assert thinned(values, 0.0, None) is values


def test_the_generator_decides() -> None:
    first, again, other = (thinned(torch.ones(100), 0.5, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_gradients_pass_through_what_is_on() -> None:
    values = torch.ones(64, requires_grad=True)
    kept = thinned(values, 0.5, torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(kept.sum(), values)
    assert torch.equal(gradient, kept)


def noise(seed: int = 0, size: int = 2**14) -> Noise:
    return Noise(torch.Generator().manual_seed(seed), size=size)


def test_deviates_are_normal_and_read_from_random_places() -> None:
    drawn, like = noise(), torch.empty(30, 20)
    found = [drawn.normal(like) for _ in range(50)]
    assert all(each.shape == like.shape for each in found)
    together = torch.stack(found)
    assert float(together.mean()) == pytest.approx(0, abs=0.02)
    assert float(together.std()) == pytest.approx(1, abs=0.02)
    assert len({float(each[0, 0]) for each in found}) > 45
    # All of them are among what was drawn once.
    assert len(together.unique()) <= 2**14


def test_masks_of_a_share_are_drawn_once_for_all_shapes() -> None:
    drawn = noise()
    masks = [drawn.kept(torch.empty(shape), 0.5) for shape in ((7, 11), (100,), (40, 50))]
    for mask in masks:
        assert mask is not None
        assert set(mask.unique().tolist()) <= {0.0, 2.0}
    assert float((masks[-1] == 0).double().mean()) == pytest.approx(0.5, abs=0.05)
    assert drawn.kept(torch.empty(3), 0.001) is None


def test_more_values_than_are_kept_are_drawn_for_themselves() -> None:
    drawn, like = noise(size=100), torch.empty(300)
    first, second = drawn.normal(like), drawn.normal(like)
    assert not torch.equal(first, second)


def test_the_seed_decides_what_is_read_and_where() -> None:
    def read(seed: int) -> torch.Tensor:
        drawn = noise(seed)
        return torch.stack([drawn.normal(torch.empty(10)) for _ in range(5)])

    assert torch.equal(read(1), read(1))
    assert not torch.equal(read(1), read(2))
