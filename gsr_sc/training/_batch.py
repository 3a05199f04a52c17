"""Rows on their way to the network: read, partly hidden, and read ahead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from ..nn._noise import Noise
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
        self.dropout = dropout
        self._seen: dict[int, Tensor] = {}
        self._baseline = torch.from_numpy(source.baseline)
        self.ahead = ahead

    def each(
        self, steps: Sequence[list[Index]], *, with_start: bool, noise: Noise | None = None
    ) -> Iterator[list[Batch]]:
        """Batches of one step after the other, each to be used before the next but one is asked for.

        Parameters
        ----------
        steps
            For every step the row numbers of each of its parts.
        with_start
            Whether the annealed map is needed.
        noise
            Source of what the encoder does not see; without it, it sees everything.
        """

        def read(step: int) -> list[Batch]:
            # Two steps are there at a time: one is used, and one read.
            slots = [2 * at + step % 2 for at in range(len(steps[step]))]
            return [
                self._read(index, slot, with_start=with_start, noise=noise)
                for index, slot in zip(steps[step], slots, strict=True)
            ]

        if not self.ahead or not steps:
            yield from map(read, range(len(steps)))
            return
        with ThreadPoolExecutor(1, "gsr_sc-batches") as pool:
            coming = pool.submit(read, 0)
            for step in range(1, len(steps)):
                ready, coming = coming.result(), pool.submit(read, step)
                yield ready
            yield coming.result()

    def _read(self, index: Index, slot: int, *, with_start: bool, noise: Noise | None) -> Batch:
        known = self.context
        rows = self.source.batch(index)
        inputs = torch.from_numpy(rows)
        values = (
            self.targets(index, rows) if with_start and self.targets is not None else None,
            None if known.observed is None else known.observed(index),
            None if known.conditions is None else known.conditions[index],
            None if known.labels is None else known.labels[index],
        )
        beside = (None if each is None else torch.from_numpy(each) for each in values)
        return Batch(inputs, None if noise is None else self._hidden_in_part(inputs, slot, noise), *beside)

    def _hidden_in_part(self, inputs: Tensor, slot: int, noise: Noise) -> Tensor | None:
        kept = noise.kept(inputs, self.dropout)
        if kept is None:
            return None
        out = self._seen.get(slot)
        if out is None or len(out) < len(inputs):
            # Once, as fresh megabytes for every batch come from the system page by page.
            out = self._seen[slot] = torch.empty_like(inputs)
        # One pass over the values, which would otherwise be subtracting the mean, multiplying and adding it again.
        return torch.lerp(self._baseline, inputs, kept, out=out[: len(inputs)])
