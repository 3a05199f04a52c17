"""AdamW on a list of parameters, in one fused operation per step."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from ._threads import in_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import ThreadPoolExecutor

    from torch import Tensor, nn

_BETAS = (0.9, 0.99)
_EPSILON = 1e-8


class AdamW:
    """Adam with decoupled weight decay, and a limit to the norm of the gradient.

    The arithmetic is that of `torch.optim.AdamW(fused=True)` after `clip_grad_norm_`. The optimisers of torch load its
    compiler when the first of them is made: 800 modules and two seconds, which a fit on a few thousand cells would notice.

    Parameters
    ----------
    parameters
        What is trained.
    learning_rate
        The first learning rate; `rate` may be set before every step.
    weight_decay
        Decay of the weights, as a multiple of the learning rate.
    clip_norm
        Largest norm of the gradient; a longer one is shortened to it.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        learning_rate: float,
        weight_decay: float,
        clip_norm: float,
    ) -> None:
        self.parameters: list[Tensor] = list(parameters)
        self.rate = learning_rate
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.first = [torch.zeros_like(value) for value in self.parameters]
        self.second = [torch.zeros_like(value) for value in self.parameters]
        sizes = np.cumsum([value.numel() for value in self.parameters])
        half = int(np.searchsorted(sizes, sizes[-1] / 2))
        self._halves = [slice(half), slice(half, None)]
        # One for each parameter: on a GPU they are read and counted there.
        self.steps = [torch.zeros((), device=value.device) for value in self.parameters]

    @cached_property
    def gradients(self) -> list[Tensor]:
        """Arrays that gradients may be written to: in one piece of memory, so that their norm is read in one go."""
        sizes = [value.numel() for value in self.parameters]
        self._whole = self.parameters[0].new_empty(sum(sizes))
        parts = self._whole.split(sizes)
        return [part.view_as(value) for part, value in zip(parts, self.parameters, strict=True)]

    def norm(self, gradients: list[Tensor]) -> Tensor:
        """Of all gradients together, a scalar."""
        if gradients is self.__dict__.get("gradients"):
            return torch.linalg.vector_norm(self._whole)
        return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))  # noqa: SLF001

    @torch.no_grad()
    def step(self, gradients: list[Tensor], pool: ThreadPoolExecutor | None = None) -> None:
        """Move the parameters against their gradients, which are changed if they are too long; with a pool, in halves."""
        norm = self.norm(gradients)
        # A norm that is not finite is left to spoil the loss, which is looked at. A GPU, which would have to be waited for, is
        # given the factor in any case; it is one more pass over the gradients.
        scale: Tensor | None = (norm / self.clip_norm).clamp_min(1.0)
        if norm.device.type == "cpu" and float(norm) <= self.clip_norm:
            scale = None
        torch._foreach_add_(self.steps, 1.0)

        @torch.no_grad()
        def move(part: slice) -> None:
            torch._fused_adamw_(
                self.parameters[part],
                gradients[part],
                self.first[part],
                self.second[part],
                [],
                self.steps[part],
                lr=self.rate,
                beta1=_BETAS[0],
                beta2=_BETAS[1],
                weight_decay=self.weight_decay,
                eps=_EPSILON,
                amsgrad=False,
                maximize=False,
                grad_scale=scale,
            )

        in_pieces(pool, move, [slice(None)] if pool is None else self._halves)

    def state_dict(self) -> dict[str, list[Tensor]]:
        """Running moments of the gradients and numbers of steps, not copied."""
        return {"first": self.first, "second": self.second, "steps": self.steps}

    def load_state_dict(self, state: dict[str, list[Tensor]]) -> None:
        """Copy moments and numbers of steps from elsewhere."""
        for mine, given in zip(self.state_dict().values(), state.values(), strict=True):
            for value, other in zip(mine, given, strict=True):
                value.copy_(other)
