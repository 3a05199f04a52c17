"""Gradients of the two layers that are as wide as the data, without autograd: nine tenths of a step."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from ._threads import in_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray
    from torch import Tensor

    from ..nn import GraphAutoencoder
    from ..nn._autoencoder import Hidden
    from ..nn._noise import Noise
    from ._batch import Batch

# Cut in so many pieces, each for a thread if there is one, whatever the number of threads, so that this changes no bit.
_PIECES = 2


class WideLayers:
    """A pass over a batch and back, for squared error on a CPU.

    The layers between are small, and left to autograd. In the first and the last one every product is made once, into arrays
    that are kept from step to step: fresh ones of megabytes come from the system page by page. The output is
    added to the negative values, and what the gradients are multiplied by goes into the small arrays.

    Parameters
    ----------
    network
        Its weights are read anew at each step.
    """

    def __init__(self, network: GraphAutoencoder) -> None:
        self.network = network
        self._kept: dict[str, Tensor] = {}

    @staticmethod
    def suits(network: GraphAutoencoder, device: torch.device) -> bool:
        """Whether a network can be trained in this way; if not, autograd does the whole."""
        plain = network.likelihood.kind == "gaussian" and network.offset is None and len(network.encoder) > 0
        return plain and device.type == "cpu"

    def gradients(
        self,
        batch: Batch,
        noise: Noise,
        others: Callable[[Hidden], Sequence[Tensor]],
        factors: NDArray[np.float64],
        *,
        parameters: Sequence[Tensor],
        pool: ThreadPoolExecutor | None,
    ) -> tuple[list[Tensor], NDArray[np.float64]]:
        """Gradients of a weighted sum of losses, and the losses.

        Parameters
        ----------
        batch
            What is learnt from.
        noise
            Of the layers between.
        others
            From what lies between to further losses, scalars.
        factors
            Weight of the squared error and of each of these, (1 + n_others,).
        parameters
            What to differentiate by.
        pool
            A second thread, or None.

        Returns
        -------
        One array for each parameter, overwritten by the next call, and the losses, (1 + n_others,).
        """
        matrix, bias, *_ = (each.detach() for each in self._wide())
        seen = batch.inputs if batch.seen is None else batch.seen
        rows, columns = (_pieces(length) for length in seen.shape)
        before = self._array("first", len(seen), len(bias))
        in_pieces(pool, lambda part: torch.addmm(bias, seen[part], matrix.t(), out=before[part]), rows)
        before = before.detach().requires_grad_()
        hidden = self.network.between(before, noise)
        losses = others(hidden)

        found = {id(each): self._array(f"gradient {at}", *each.shape) for at, each in enumerate(self._wide())}
        error, back = self._last(pool, hidden.decoded.detach(), batch.inputs, columns, found, weight=float(factors[0]))
        # A loss without a weight needs no gradient.
        counted = [at for at, loss in enumerate(losses) if factors[at + 1] != 0 and loss.requires_grad]
        small = [each for each in parameters if id(each) not in found]
        *between, from_first = torch.autograd.grad(
            [hidden.decoded, *(losses[at] for at in counted)],
            [*small, before],
            [back, *(torch.full_like(losses[at], factors[at + 1]) for at in counted)],
            materialize_grads=True,
        )
        found |= {id(each): value.contiguous() for each, value in zip(small, between, strict=True)}
        to_matrix, to_bias, *_ = found.values()
        torch.sum(from_first, dim=0, out=to_bias)
        in_pieces(pool, lambda part: torch.mm(from_first.t(), seen[:, part], out=to_matrix[:, part]), columns)
        return [found[id(each)] for each in parameters], np.array([error, *(float(loss.detach()) for loss in losses)])

    def _last(
        self,
        pool: ThreadPoolExecutor | None,
        decoded: Tensor,
        observed: Tensor,
        columns: list[slice],
        found: dict[int, Tensor],
        *,
        weight: float,
    ) -> tuple[float, Tensor]:
        """Mean squared error of the last layer, and its gradient times `weight` by what the layer reads."""
        *_, matrix, bias = (each.detach() for each in self._wide())
        *_, to_matrix, to_bias = found.values()
        factor = 2 * weight / observed.numel()
        scaled = decoded * factor

        def work(part: slice) -> tuple[float, Tensor]:
            residual = self._array(f"residual {part.start}", len(decoded), part.stop - part.start)
            torch.sub(bias[part], observed[:, part], out=residual).addmm_(decoded, matrix[part].t())
            torch.mm(residual.t(), scaled, out=to_matrix[part])
            torch.sum(residual, dim=0, out=to_bias[part]).mul_(factor)
            flat = residual.view(-1)
            return float(flat @ flat), residual @ matrix[part]

        errors, backs = zip(*in_pieces(pool, work, columns), strict=True)
        return sum(errors) / observed.numel(), sum(backs[1:], backs[0]) * factor

    def _wide(self) -> list[Tensor]:
        first, last = self.network.encoder[0], self.network.output
        assert isinstance(first, torch.nn.Linear)
        return [first.weight, first.bias, last.weight, last.bias]

    def _array(self, name: str, n_rows: int, *n_columns: int) -> Tensor:
        """An array whose memory is kept, for a batch of any size."""
        kept = self._kept.get(name)
        if kept is None or len(kept) < n_rows or kept.shape[1:] != n_columns:
            kept = self._kept[name] = torch.empty(n_rows, *n_columns)
        return kept[:n_rows]


def _pieces(length: int) -> list[slice]:
    bounds = [length * at // _PIECES for at in range(_PIECES + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]
