"""Whether a device computes what the processor does: asked of those on which not all that torch offers is right."""

from __future__ import annotations

import torch

from ..nn import GraphAutoencoder, GraphSpectralPenalty

_N_OBS, _N_INPUTS, _N_NEURONS = 64, 96, 16
# Devices round otherwise; what is wrong is wrong by far more.
_TOLERANCE = 1e-3


def agrees(device: torch.device) -> bool:
    """Whether one step of a small network gives the same on a device as on the processor.

    Parameters
    ----------
    device
        Where to compute it. A device that lacks an operation, such as sums in double precision, does not agree.
    """
    try:
        there = _step(device)
    except (RuntimeError, TypeError, NotImplementedError):
        return False
    here = _step(torch.device("cpu"))
    pairs = zip(here, there, strict=True)
    return all(torch.allclose(a, b, rtol=0, atol=_TOLERANCE * float(a.abs().max())) for a, b in pairs)


def _step(device: torch.device) -> list[torch.Tensor]:
    """Losses in double precision and all gradients, on the processor."""
    source = torch.Generator().manual_seed(0)
    # Without the noise of a training, which is another one on every device.
    network = GraphAutoencoder(_N_INPUTS, _N_NEURONS, generator=source).to(device).eval()
    penalty = GraphSpectralPenalty(torch.ones(_N_NEURONS, _N_NEURONS) - torch.eye(_N_NEURONS)).to(device)
    inputs = torch.randn(_N_OBS, _N_INPUTS, generator=source).to(device)
    passed = network(inputs)
    losses = torch.stack([(passed.reconstruction - inputs).square().mean(), penalty(passed.units)])
    total = (passed.reconstruction - inputs).square().sum(dtype=torch.float64) / inputs.numel()
    found = torch.autograd.grad(losses.sum(), list(network.parameters()), materialize_grads=True)
    return [each.detach().cpu().float() for each in (losses, total[None], *found)]
