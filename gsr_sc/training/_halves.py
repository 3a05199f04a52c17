"""Gradients of a batch from its parts, each by a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ._threads import in_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray
    from torch import Tensor

    from ..nn._noise import Noise
    from ._batch import Batch

    _Learnt = tuple[list[Tensor], NDArray[np.float64]]


def gradients_of_parts(
    parts: Sequence[Batch],
    noises: Sequence[Noise],
    terms: Callable[[Batch, Noise], Sequence[Tensor]],
    factors: NDArray[np.float64],
    *,
    parameters: Sequence[Tensor],
    pool: ThreadPoolExecutor | None,
) -> _Learnt:
    """Gradients of a weighted sum of losses, and the losses, added up in the order of the parts.

    Parameters
    ----------
    parts
        Of the batch. One alone leaves all noises but the first alone.
    noises
        Of each part.
    terms
        From a part and its noise to losses, scalars: means over its rows, the last one over its labelled rows.
    factors
        Weights of the losses, (n_losses,).
    parameters
        What to differentiate by.
    pool
        A second thread, or None.

    Returns
    -------
    One array for each parameter, and the losses of the batch, (n_losses,).
    """

    def learn(work: tuple[Batch, Noise, NDArray[np.float64]]) -> _Learnt:
        part, noise, share = work
        losses = terms(part, noise)
        # What has no weight needs no gradient; what has is not multiplied by it and added up, but starts with it.
        counted = [at for at, loss in enumerate(losses) if factors[at] != 0 and loss.requires_grad]
        found = torch.autograd.grad(
            [losses[at] for at in counted],
            list(parameters),
            [torch.full_like(losses[at], factors[at] * share[at]) for at in counted],
            materialize_grads=True,
        )
        return [each.contiguous() for each in found], share * np.array([float(loss.detach()) for loss in losses])

    (gradients, values), *others = in_pieces(pool, learn, list(zip(parts, noises, _shares(parts), strict=False)))
    for more, losses in others:
        torch._foreach_add_(gradients, more)
        values += losses
    return gradients, values


def _shares(parts: Sequence[Batch]) -> NDArray[np.float64]:
    """Weight of each part in the means over a batch of each of the losses, (n_parts, 4): the last is of labelled rows."""
    rows = np.array([len(part.inputs) for part in parts], dtype=np.float64)
    labelled = np.array(
        [0 if part.labels is None else int((part.labels >= 0).sum()) for part in parts], dtype=np.float64
    )
    return np.column_stack([rows / rows.sum()] * 3 + [labelled / max(labelled.sum(), 1.0)])
