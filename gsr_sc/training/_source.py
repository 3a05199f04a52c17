"""What a training asks of the data: batches by row number, and which rows come next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Source(Protocol):
    """Where batches come from: memory, disk, or elsewhere."""

    def batch(self, index: NDArray[np.intp]) -> NDArray[np.float32]:
        """Rows by number as a dense float32 array, (batch, n_inputs), row by row in memory: to be written over."""
        ...

    @property
    def baseline(self) -> NDArray[np.float32]:
        """Mean of every input over the training rows, (n_inputs,)."""
        ...

    def sample(self, rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
        """At most so many of sorted row numbers, sorted; the same ones every time."""
        ...

    def shuffled(
        self, rows: NDArray[np.intp], rng: np.random.Generator, most: int, *, n_shares: int = 1, mine: int = 0
    ) -> list[NDArray[np.intp]]:
        """At most so many of these row numbers in random order, dealt to so many processes.

        Those that are `mine` are the coming batches of this one, one after the other.
        """
        ...
