"""How strongly to smooth: what a curve would leave unexplained of observations that it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# Degrees of freedom cost so much more than by cross-validation alone, which now and then hardly smooths at all (Wood 2017).
COST = 1.4


def cross_validated(left: Array, freedom: Array | float, n_obs: int) -> Array:
    """Generalised cross-validation: squares that curves leave over, given their degrees of freedom, per observation.

    Parameters
    ----------
    left
        Sum of squares beside the curves.
    freedom
        Degrees of freedom of the curves, of a shape that goes with `left`.
    n_obs
        Number of observations.
    """
    return np.asarray(n_obs * left / np.maximum(n_obs - COST * freedom, 1) ** 2)
