"""Steps of the optimiser: those of torch's own, without what torch loads for them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from gsr_sc.training._optimiser import AdamW


@pytest.mark.parametrize("weight_decay", [0.0, 0.7])
@pytest.mark.parametrize("clip_norm", [0.5, 1e9])
def test_steps_are_those_of_torch(weight_decay: float, clip_norm: float) -> None:
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(5, 3, generator=generator), torch.randn(7, generator=generator)]
    mine, theirs = ([value.clone().requires_grad_() for value in weights] for _ in range(2))
    optimiser = AdamW(mine, learning_rate=0.1, weight_decay=weight_decay, clip_norm=clip_norm)
    reference = torch.optim.AdamW(theirs, lr=0.1, betas=(0.9, 0.99), weight_decay=weight_decay, fused=True)
    for step in range(1, 20):
        gradients = [torch.randn(value.shape, generator=generator) for value in weights]
        optimiser.rate = reference.param_groups[0]["lr"] = 0.1 / step
        for value, gradient in zip(theirs, gradients, strict=True):
            value.grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_(theirs, clip_norm)
        reference.step()
        optimiser.step(gradients)
        for value, other, start in zip(mine, theirs, weights, strict=True):
            torch.testing.assert_close(value, other, rtol=1e-5, atol=1e-6)
            assert (value - start).abs().max() > 0.05


def test_going_back_to_a_state_gives_the_same_steps() -> None:
    value, gradient = torch.ones(4, requires_grad=True), torch.tensor([1.0, -2.0, 0.5, 0.0])
    optimiser = AdamW([value], learning_rate=0.1, weight_decay=0.0, clip_norm=1e9)
    optimiser.step([gradient.clone()])
    state = {name: [each.clone() for each in values] for name, values in optimiser.state_dict().items()}
    before = value.detach().clone()
    optimiser.step([-3 * gradient])
    after = value.detach().clone()
    with torch.no_grad():
        value.copy_(before)
    optimiser.load_state_dict(state)
    optimiser.step([-3 * gradient])
    assert torch.equal(value, after)
    assert not torch.equal(value, before)


def test_a_fit_leaves_the_compiler_of_torch_alone() -> None:
    code = (
        "import sys, gsr_sc; adata = gsr_sc.datasets.simulate_ring(60, 8);"
        "gsr_sc.tl.fit(adata, n_neurons=4, max_epochs=1, n_jobs=1, progress=False);"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
