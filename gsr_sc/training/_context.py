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
    """

    observed: Callable[[NDArray[np.intp]], NDArray[np.float32]] | None = None
