"""Agreement of one-dimensional coordinates with a known time or angle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from ._arrays import paired

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def order_agreement(order: ArrayLike, time: ArrayLike) -> float:
    """Absolute Spearman correlation with the known time; which end comes first does not matter.

    Parameters
    ----------
    order
        Position of each observation, shape (n_obs,).
    time
        Known time of each observation, shape (n_obs,). Pairs with a NaN are left out.

    Returns
    -------
    Agreement in [0, 1]; 0 if `order` is the same for all observations.

    Raises
    ------
    ValueError
        If shapes differ, fewer than two pairs are known, or `time` is the same for all of them.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.metrics.order_agreement([0.9, 0.5, 0.1], [1, 2, 30])
    1.0
    """
    position, known = paired(order, time, ("order", "time"))
    x, y = (rank - rank.mean() for rank in (rankdata(position), rankdata(known)))
    if not y.any():
        msg = f"`time` is {known[0]} for all observations; an order needs at least two different times."
        raise ValueError(msg)
    if not x.any():
        return 0.0
    return float(min(abs(x @ y) / np.sqrt((x @ x) * (y @ y)), 1.0))


def circular_concordance(angle: ArrayLike, truth: ArrayLike) -> float:
    """Agreement of two angles up to where the circle starts and which way round it goes.

    Parameters
    ----------
    angle
        Angle of each observation in radians, shape (n_obs,).
    truth
        Known angle in radians, shape (n_obs,). Pairs with a NaN are left out.

    Returns
    -------
    The larger of ``|mean exp(i (angle - truth))|`` and ``|mean exp(i (angle + truth))|``, in [0, 1].

    Raises
    ------
    ValueError
        If shapes differ or fewer than two pairs are known.

    Examples
    --------
    >>> import gsr_sc
    >>> round(gsr_sc.metrics.circular_concordance([0.0, 2.0, 4.0], [1.0, -1.0, -3.0]), 6)
    1.0
    """
    x, y = paired(angle, truth, ("angle", "truth"))
    return float(min(max(abs(np.exp(1j * (x - y)).mean()), abs(np.exp(1j * (x + y)).mean())), 1.0))
