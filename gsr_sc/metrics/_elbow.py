"""Where a trade-off bends: the elbow of what is gained against what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def elbow(gained: ArrayLike, kept: ArrayLike, *, least: float = 0.0) -> int | None:
    """Number of the point at the elbow of a trade-off, or None where there is none.

    Kneedle (Satopaa and others, 2011) at its usual sensitivity of 1. Points that another one beats in both ways do not count.
    The others lie between the one that keeps most and the one that gains most; with both axes from 0 to 1 between these two,
    the elbow is the point farthest beyond the straight line from one to the other. It is one only if it is farther
    beyond the line than points are apart on average: the fewer points, the sharper the bend has to be, .5 with three.

    Parameters
    ----------
    gained, kept
        Two things of which more is better, (n,) each, in any order; points with NaN do not count.
    least
        Where `kept` differs by no more than this between the two ends, there is nothing to trade.

    Examples
    --------
    >>> from gsr_sc.metrics._elbow import elbow
    >>> elbow([0.0, 0.8, 1.0], [1.0, 0.9, 0.0])
    1
    """
    x, y = np.asarray(gained, dtype=np.float64), np.asarray(kept, dtype=np.float64)
    best = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    # From the most kept on, each must gain more than all that keep as much.
    best = best[np.lexsort((-x[best], -y[best]))]
    before = np.r_[-np.inf, np.maximum.accumulate(x[best])[:-1]] if len(best) else x[best]
    front = best[x[best] > before]
    if len(front) < 3 or y[front[0]] - y[front[-1]] <= least:
        return None
    u, v = ((values[front] - values[front].min()) / np.ptp(values[front]) for values in (x, y))
    beyond = u + v - 1
    at = int(beyond.argmax())
    return int(front[at]) if beyond[at] > 1 / (len(front) - 1) else None
