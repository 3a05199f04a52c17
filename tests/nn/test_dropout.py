"""Values that are off in a training step."""

from __future__ import annotations

import pytest
import torch

from gsr_sc.nn._dropout import thinned


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
