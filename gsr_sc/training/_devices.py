"""Where a network runs."""

from __future__ import annotations

import torch

from .._processes import local_rank
from ._self_check import agrees

# Not everything that torch offers there is there, or right, so that they are asked first.
_CHECKED = ("mps",)


def resolve_device(device: str | torch.device) -> torch.device:
    """Turn what a user may pass as `device` into a torch device.

    Parameters
    ----------
    device
        `"auto"` (CUDA where there is one, else the CPU) or anything that torch knows, such as `"cuda:1"`.

    Raises
    ------
    ValueError
        If torch knows no such device, or it is not there, or is one of Apple's that computes other than the processor.
    """
    if device == "auto":
        # Of several processes on one machine each takes a GPU of its own.
        return torch.device("cuda", local_rank()) if torch.cuda.is_available() else torch.device("cpu")
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    except (RuntimeError, AssertionError, TypeError) as error:
        msg = f"`device` is {device!r}, which is not available here; use 'auto' or 'cpu'."
        raise ValueError(msg) from error
    if resolved.type in _CHECKED and not agrees(resolved):
        msg = (
            f"`device` is {device!r}, which fails the self-check here: a step of a small network on it is not what the "
            "processor gives. Use 'auto' or 'cpu'."
        )
        raise ValueError(msg)
    return resolved
