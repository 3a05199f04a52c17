"""From `vmin`, `vmax`, `vcenter` and `norm` to a colour scale."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.colors import Normalize, TwoSlopeNorm

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = (int, float, np.integer, np.floating)

Extend = Literal["neither", "min", "max", "both"]

Bound = float | str | Callable[[Any], float] | None
"""A number, a percentile such as `"p99"`, or a function of the values."""


def pick(option: Any, number: int, n: int, name: str) -> Any:
    """Entry `number` of an option that may be one value for all panels or a list with one per panel.

    Raises
    ------
    ValueError
        If a list does not have `n` entries.
    """
    if isinstance(option, str) or not isinstance(option, Sequence):
        return option
    if len(option) != n:
        msg = f"`{name}` has {len(option)} entries for {n} keys; give one for each, or a single one for all."
        raise ValueError(msg)
    return option[number]


def bound(value: Bound, values: NDArray[np.floating], name: str) -> float | None:
    """Limit of a colour scale as a number, or None where nothing was asked for.

    Raises
    ------
    ValueError
        If a string is no percentile from p0 to p100.
    TypeError
        If it is neither number, string, function nor None.
    """
    if value is None:
        return None
    if isinstance(value, str):
        match = re.fullmatch(r"p(\d+(?:\.\d+)?)", value)
        if match is None or float(match[1]) > 100:
            msg = f"`{name}` is {value!r}; write a percentile as 'p99', 'p0' to 'p100', or give a number."
            raise ValueError(msg)
        return float(np.percentile(values, float(match[1]))) if len(values) else None
    if callable(value):
        return float(value(values))
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        return float(value)
    msg = f"`{name}` is {value!r}; it is a number, a percentile such as 'p99', or a function of the values."
    raise TypeError(msg)


def scale(
    values: NDArray[np.floating],
    *,
    vmin: Bound = None,
    vmax: Bound = None,
    vcenter: Bound = None,
    norm: Normalize | None = None,
    from_zero: bool = True,
) -> Normalize:
    """Colour scale for some values.

    Where nothing is asked for, the scale is symmetric about 0 if values lie on both sides of it.

    Parameters
    ----------
    values
        All values that will be drawn, any shape; NaN and infinite ones do not count.
    vmin, vmax, vcenter
        Limits and middle of the scale.
    norm
        A ready scale instead; its open limits are set by the values.
    from_zero
        Whether a scale of positive values begins at 0 rather than at the smallest of them.

    Raises
    ------
    ValueError
        If `norm` comes with limits, or if the limits are not in order.
    """
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    if norm is not None:
        if not (vmin is None and vmax is None and vcenter is None):
            msg = "`norm` already says where the scale begins and ends; leave out `vmin`, `vmax` and `vcenter`."
            raise ValueError(msg)
        norm = copy(norm)
        norm.autoscale_None(finite if len(finite) else np.array([0.0, 1.0]))
        return norm
    low, high, middle = (
        bound(value, finite, name) for value, name in ((vmin, "vmin"), (vmax, "vmax"), (vcenter, "vcenter"))
    )
    least, most = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if low is None and high is None and (middle is not None or least < 0 < most):
        # Both sides of the middle get the same number of colours per unit.
        centre = 0.0 if middle is None else middle
        reach = max(most - centre, centre - least) or 1.0
        return Normalize(centre - reach, centre + reach)
    if low is None:
        low = min(0.0, least) if from_zero else least
    high = most if high is None else high
    if vmax is None and high <= low:
        high = low + 1.0
    if low > high or (middle is not None and not low < middle < high):
        msg = f"A colour scale needs vmin <= vmax and vcenter between them; got {low:g}, {high:g} and {middle}."
        raise ValueError(msg)
    return Normalize(low, high) if middle is None else TwoSlopeNorm(middle, low, high)


def centred(
    values: NDArray[np.floating], percentile: float, *, norm: Normalize | None, vmin: Bound, vmax: Bound
) -> Normalize:
    """Colour scale of effects about 0, which leaves a few of the largest beyond its ends unless limits are given."""
    if norm is None and vmin is None and vmax is None:
        # A few very specific genes would leave no other pale.
        vmax = float(np.nanpercentile(np.abs(values), percentile)) or 1.0
        vmin = -vmax
    return scale(values, vmin=vmin, vmax=vmax, norm=norm)


def beyond(norm: Normalize, *values: NDArray[np.floating]) -> Extend:
    """At which ends of a scale some of the values lie beyond it."""
    finite = np.concatenate([array[np.isfinite(array)] for array in values])
    # A scale that ends at one of the values must not seem to end below it after rounding.
    slack = 1e-9 * max(abs(norm.vmin or 0.0), abs(norm.vmax or 0.0))
    below = norm.vmin is not None and bool((finite < norm.vmin - slack).any())
    above = norm.vmax is not None and bool((finite > norm.vmax + slack).any())
    return "both" if below and above else "min" if below else "max" if above else "neither"


def is_diverging(norm: Normalize) -> bool:
    """Whether a scale has values on both sides of a middle."""
    return isinstance(norm, TwoSlopeNorm) or (
        norm.vmin is not None and norm.vmax is not None and norm.vmin < 0 < norm.vmax
    )
