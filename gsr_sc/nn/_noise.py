"""What a training step leaves to chance: which values are off, and what is added to activations."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Generator, Tensor

_LEVELS = 256
# Cache lines: to begin between two of them costs more than it varies.
_STRIDE = 16


class Noise:
    """Masks and normal deviates, drawn once and read from random places after that.

    Drawn anew for every batch they take a sixth of the time of the matrix products. Read from another place each time, no
    two batches get the same, and a new one of these for every epoch leaves nothing that could be learnt by heart.

    Parameters
    ----------
    generator
        Source of the values; torch's global one by default.
    size
        How many values are drawn of each kind. A step that needs as many draws its own.
    """

    def __init__(self, generator: Generator | None = None, *, size: int = 0) -> None:
        self.generator = generator
        self.size = size
        self._drawn: dict[float | None, Tensor] = {}
        # On a GPU a place drawn by `generator` would have to be waited for.
        self._places = random.Random(0 if generator is None else generator.initial_seed())  # noqa: S311

    def normal(self, like: Tensor) -> Tensor:
        """Deviates of unit variance, as many and on the same device as the values of `like`, and in its shape."""
        return self._read(like, None)

    def kept(self, like: Tensor, dropout: float) -> Tensor | None:
        """Factors: zero for a share of the values, rounded to a 256th, and so much more than one for the others.

        None where the share is zero.
        """
        levels = max(round(_LEVELS * (1 - dropout)), 1)
        return None if levels == _LEVELS else self._read(like, levels)

    def _read(self, like: Tensor, levels: int | None) -> Tensor:
        n_values = like.numel()
        drawn = self._drawn.get(levels)
        if drawn is None or len(drawn) <= n_values:
            drawn = self._draw(max(self.size, n_values), levels, like.device)
            if len(drawn) <= self.size:
                self._drawn[levels] = drawn
        start = _STRIDE * self._places.randint(0, (len(drawn) - n_values) // _STRIDE)
        return drawn[start : start + n_values].view(like.shape)

    def _draw(self, n_values: int, levels: int | None, device: torch.device) -> Tensor:
        if levels is None:
            return torch.empty(n_values, device=device).normal_(generator=self.generator)
        # Eight bytes from 64 random bits: a draw for each of them takes eight times as long.
        words = torch.empty(math.ceil(n_values / 8), dtype=torch.int64, device=device)
        words.random_(-(2**63), None, generator=self.generator)
        return (words.view(torch.uint8)[:n_values] < levels).float().mul_(_LEVELS / levels)


def as_noise(source: Generator | Noise | None) -> Noise:
    """What draws from a generator, if it is not one that does already."""
    return source if isinstance(source, Noise) else Noise(source)


def thinned(values: Tensor, dropout: float, source: Generator | Noise | None) -> Tensor:
    """Values of which a share, rounded to a 256th, is zero, and the others larger by as much."""
    kept = as_noise(source).kept(values, dropout)
    return values if kept is None else values * kept
