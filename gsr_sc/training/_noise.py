"""How much of the data is noise, as far as principal components can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..matrices import component_scores, principal_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..matrices import Blocks

_N_COMPONENTS = 30
_MAX_ROWS = 2000


def noise_share(source: Blocks, *, training: NDArray[np.intp], held_out: NDArray[np.intp]) -> float:
    """Share of the variance of held-out rows that the leading principal components of training rows do not hold.

    Parameters
    ----------
    source
        Rows, read in blocks.
    training, held_out
        Sorted numbers of the rows to find the components in, and to judge them by; at most 2000 of each are read.

    Returns
    -------
    Between 0, for few variables or many that agree with each other, and 1.
    """
    training, held_out = (source.sample(rows, _MAX_ROWS) for rows in (training, held_out))
    axes = principal_axes(source, training, _N_COMPONENTS)
    kept = float((component_scores(source, axes, held_out) ** 2).sum(dtype=np.float64))
    total = sum(float(((block - source.baseline) ** 2).sum(dtype=np.float64)) for block in source.blocks(held_out))
    return float(np.clip(1 - kept / total, 0, 1)) if total > 0 else 0.0
