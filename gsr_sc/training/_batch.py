"""Rows on their way to the network: read, partly hidden, and read ahead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ..nn._dropout import LEVELS, kept_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from ._context import Context
    from ._source import Source

    Index = NDArray[np.intp]


class Batch(NamedTuple):
    """Rows on their way to the network.

    Attributes
    ----------
    inputs
        (batch, n_inputs).
    seen
        The same as the encoder sees them: with some inputs at their mean, and the others further from it
        instead; None where it sees them all.
    targets
        Annealed map of the rows, (batch, n_neurons), or None where it is not needed.
    observed
        What the likelihood is about, (batch, n_inputs), or None where it is about the inputs.
    conditions
        Batches of the rows, (batch, n_conditions), or None.
    labels
        Labels of the rows, -1 where there is none, (batch,), or None.
    """

    inputs: Tensor
    seen: Tensor | None
    targets: Tensor | None = None
    observed: Tensor | None = None
    conditions: Tensor | None = None
    labels: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(*(None if values is None else values.to(device, non_blocking=True) for values in self))  # type: ignore[arg-type]


class Reader:
    """Reads batches and all that belongs to their rows.

    Parameters
    ----------
    source
        Where rows come from.
    targets
        From rows of the source, by number and as they are, to responsibilities of the annealed map; None for a random start.
    context
        What is known of the rows beside what the encoder sees.
    dropout
        Share of the inputs that the encoder does not see in training, rounded to a 256th.
    ahead
        Whether a second thread reads the next batches while the last ones are used; changes no result.
    """

    def __init__(
        self,
        source: Source,
        *,
        targets: Callable[[Index, NDArray[np.float32]], NDArray[np.float32]] | None,
        context: Context,
        dropout: float = 0.0,
        ahead: bool = False,
    ) -> None:
        self.source = source
        self.targets = targets
        self.context = context
        self.levels = kept_levels(dropout)
        self.ahead = ahead

    def each(
        self, steps: Sequence[list[Index]], *, with_start: bool, rng: np.random.Generator | None = None
    ) -> Iterator[list[Batch]]:
        """Batches of one step after the other.

        Parameters
        ----------
        steps
            For every step the row numbers of each of its parts.
        with_start
            Whether the annealed map is needed.
        rng
            Source of what the encoder does not see; without it, it sees everything.
        """

        def read(parts: list[Index]) -> list[Batch]:
            return [self._read(index, with_start=with_start, rng=rng) for index in parts]

        if not self.ahead or not steps:
            yield from map(read, steps)
            return
        with ThreadPoolExecutor(1, "gsr_sc-batches") as pool:
            coming = pool.submit(read, steps[0])
            for parts in steps[1:]:
                ready, coming = coming.result(), pool.submit(read, parts)
                yield ready
            yield coming.result()

    def _read(self, index: Index, *, with_start: bool, rng: np.random.Generator | None) -> Batch:
        known = self.context
        inputs = self.source.batch(index)
        seen = None if rng is None or self.levels == LEVELS else self._hidden_in_part(inputs, rng)
        values = (
            inputs,
            seen,
            self.targets(index, inputs) if with_start and self.targets is not None else None,
            None if known.observed is None else known.observed(index),
            None if known.conditions is None else known.conditions[index],
            None if known.labels is None else known.labels[index],
        )
        return Batch(*(None if each is None else torch.from_numpy(each) for each in values))  # type: ignore[arg-type]

    def _hidden_in_part(self, inputs: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        # Eight draws from 64 random bits: drawing a number for every input took as long as the first layer.
        words = rng.bit_generator.random_raw(-(-inputs.size // 8))
        random = words.astype("<u8", copy=False).view(np.uint8)[: inputs.size].reshape(inputs.shape)
        seen = inputs - self.source.baseline
        seen *= random < self.levels
        seen *= np.float32(LEVELS / self.levels)
        seen += self.source.baseline
        return seen
