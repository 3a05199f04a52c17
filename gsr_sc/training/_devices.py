"""Where a network runs."""

from __future__ import annotations

import torch

from .._processes import local_rank


def resolve_device(device: str | torch.device) -> torch.device:
    """Turn what a user may pass as `device` into a torch device.

    Parameters
    ----------
    device
        `"auto"` (CUDA where there is one, else the CPU) or anything that torch knows, such as `"cuda:1"`.

    Raises
    ------
    ValueError
        If torch knows no such device, or it is not there.
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
    return resolved
