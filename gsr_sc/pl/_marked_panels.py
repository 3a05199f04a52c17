"""Panels of the layer on one colour scale, with dots where something was found and a text below each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._canvas import canvas
from ._color_panels import BAR_HEIGHT, bar_beside
from ._colors import GREY
from ._layer import DOT, Layer
from ._sheet import Sheet, bar_room, columns_for, title_height, write_foot, write_footnote, write_title
from ._text import SMALL_SIZE, sized, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from numpy.typing import NDArray

    from ._canvas import Shown
    from ._norm import Extend

# Inches for the names of neurons that tell nothing.
_NOTE = 2.6


@dataclass(frozen=True)
class MarkedPanel:
    """What one panel shows.

    Attributes
    ----------
    title, foot
        What stands above and below it.
    values
        What neurons are painted by, (n_neurons,).
    marked
        Which neurons get a dot, (n_neurons,).
    """

    title: str
    foot: str
    values: NDArray[np.floating]
    marked: NDArray[np.bool_]


def draw_marked(
    layer: Layer,
    panels: list[MarkedPanel],
    *,
    dot: str,
    gid: str,
    cmap: Colormap,
    norm: Normalize,
    label: str,
    extend: Extend,
    outline: bool,
    frameon: bool | None,
    ncols: int | None,
    size: float | None,
    **shown: Any,
) -> Shown:
    """Draw panels beside each other, with one colour bar and a note below them.

    Parameters
    ----------
    layer
        The neurons.
    panels
        What to draw.
    dot, gid
        What a dot stands for, if any panel may have one, and what dots are called in the figure.
    cmap, norm, label, extend
        Of the colours and their bar.
    outline, frameon, ncols, size
        As users pass them.
    **shown
        `show`, `return_fig` and `ax`.
    """
    note = "    ".join([*([f"{DOT}  {dot}"] if dot else []), *layer.notes(_NOTE)])
    sheet = _plan(layer, panels, note, ncols=ncols, size=size)
    ax: Axes | None = shown["ax"]
    with canvas(*sheet.size, **shown) as page:
        for number, (each, spot) in enumerate(zip(panels, sheet.places(0), strict=True)):
            panel = ax if ax is not None else page.add(*spot, sheet.width, sheet.height)
            layer.prepare(panel, frameon=frameon)
            if not layer.tiled:
                layer.draw_edges(panel)
            painted = layer.paint(panel, np.where(layer.dead, np.nan, each.values), cmap=cmap, norm=norm)
            if outline:
                layer.draw_outline(panel, color=GREY, linewidth=0.6)
            layer.mark_dead(panel)
            layer.mark(panel, each.marked, gid=gid)
            write_title(panel, each.title)
            write_foot(panel, each.foot)
            if number == min(len(panels), sheet.ncols) - 1:
                bar_beside(panel, painted, label, horizontal=False, extend=extend)
        if ax is None:
            write_footnote(page, note)
    return page.result


def _plan(layer: Layer, panels: list[MarkedPanel], note: str, *, ncols: int | None, size: float | None) -> Sheet:
    """Places for the panels with a text below each, a colour bar beside them and a note below all."""
    flat = layer.aspect < 0.25
    width = (4.6 if flat else 2.4) if size is None else size
    height = width * layer.aspect
    ncols = (1 if flat else min(columns_for(len(panels)), 4)) if ncols is None else ncols
    # A picture that is narrower than what is written below it.
    gap = max(0.2, max(text_width(each.foot, SMALL_SIZE) for each in panels) + 0.15 - width)
    across = min(ncols, len(panels)) * (width + gap) - gap
    return Sheet(
        (tuple(title_height(each.title, with_dot=False, width=width) for each in panels),),
        ncols,
        width,
        height,
        gap_x=gap,
        gap_y=0.03,
        foot=max(sized(0.2), sized(BAR_HEIGHT) - height + 0.1),
        right=max(bar_room(), gap, 1.05 * text_width(note, SMALL_SIZE) + 0.15 - across),
        bottom=sized(0.2) if note else 0.0,
    )
