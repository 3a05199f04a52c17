"""Smooth functions of a position: what a curve may be made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def spline_basis(position: ArrayLike, knots: ArrayLike) -> NDArray[np.float64]:
    """Natural cubic splines: straight beyond the outer knots, so that few observations there bend nothing.

    Parameters
    ----------
    position
        Where to evaluate, (n,).
    knots
        At least two different positions in increasing order.

    Returns
    -------
    (n, n_knots - 1), without a constant; the first column is the position itself.
    """
    x, at = np.asarray(position, dtype=np.float64), np.asarray(knots, dtype=np.float64)
    low, span = at[0], at[-1] - at[0]
    x, at = (x - low) / span, (at - low) / span

    def bend(knot: float) -> NDArray[np.float64]:
        return np.asarray((np.maximum(x - knot, 0) ** 3 - np.maximum(x - 1, 0) ** 3) / (1 - knot))

    last = bend(float(at[-2])) if len(at) > 2 else np.zeros(len(x))
    return np.column_stack([x, *(bend(float(knot)) - last for knot in at[:-2])])


def spline_knots(position: NDArray[np.float64], df: int) -> NDArray[np.float64]:
    """So many knots that a spline has `df` functions, with as many observations between each two; fewer if they coincide."""
    return np.unique(np.quantile(position, np.linspace(0, 1, df + 1)))


def periodic_basis(angle: ArrayLike, n_harmonics: int) -> NDArray[np.float64]:
    """Cosine and sine of an angle and its multiples, (n, 2 * n_harmonics)."""
    x = np.asarray(angle, dtype=np.float64)
    return np.column_stack([wave(k * x) for k in range(1, n_harmonics + 1) for wave in (np.cos, np.sin)])
