"""What is known of the rows beside what the encoder sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is known of the rows of a source beside what the encoder sees.

    Attributes
    ----------
    observed
        From row numbers to the values that the likelihood is about, (n_rows, n_inputs); None where they are what the
        encoder sees.
    conditions
        One column of zeros and ones for each batch, (n_obs, n_conditions); None where there are none.
    labels
        Number of each row's label, -1 where it has none, (n_obs,); None where nothing is labelled.
    n_labels
        Number of different labels.
    label_weight
        Weight of their cross-entropy beside the loss of reconstruction.
    """

    observed: Callable[[NDArray[np.intp]], NDArray[np.float32]] | None = None
    conditions: NDArray[np.float32] | None = None
    labels: NDArray[np.int64] | None = None
    n_labels: int = 0
    label_weight: float = 0.0

    @property
    def n_conditions(self) -> int:
        """Number of batches."""
        return 0 if self.conditions is None else self.conditions.shape[1]
