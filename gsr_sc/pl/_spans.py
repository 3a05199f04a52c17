"""Lines from one value to another, in colours that may hardly differ from the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

from ._colors import RIM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.typing import ColorType

# Difference in lightness from the page, of 0 to 1, below which a thin line is not seen; yellow on white is just below.
_LEAST = 0.15


def is_lost(color: ColorType, page: ColorType) -> bool:
    """Whether a thin line of a colour is hardly seen on a page: with many groups, some colours are very pale."""
    return abs(_lightness(color) - _lightness(page)) < _LEAST


def write_spans(
    panel: Axes,
    ends: Sequence[Sequence[tuple[float, float]]],
    colors: Sequence[ColorType],
    *,
    linewidth: float,
    gid: str,
) -> None:
    """Lines between pairs of points, with a rim round those that would be lost on the page.

    Parameters
    ----------
    panel
        Where to draw.
    ends
        Two points for each line.
    colors
        A colour for each line.
    linewidth
        In points.
    gid
        What the lines are found by; their rims by `"rim"`.
    """
    lost = [line for line, color in zip(ends, colors, strict=True) if is_lost(color, panel.get_facecolor())]
    if lost:
        panel.add_collection(LineCollection(lost, colors=[RIM], linewidths=linewidth + 1.0, zorder=1.9, gid="rim"))
    panel.add_collection(LineCollection(list(ends), colors=list(colors), linewidths=linewidth, zorder=2, gid=gid))


def _lightness(color: ColorType) -> float:
    red, green, blue = to_rgb(color)
    return 0.299 * red + 0.587 * green + 0.114 * blue
