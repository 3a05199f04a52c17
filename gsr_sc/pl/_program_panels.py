"""The heatmap of gene programs, and genes painted on the layer."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ._canvas import canvas, check_ax
from ._color_panels import BAR_HEIGHT, bar_beside
from ._colors import GREY, colormap, ink, label_colors
from ._layer import Layer
from ._norm import beyond, centred
from ._seriation import neuron_order
from ._sheet import Sheet, bar_room, columns_for, inches, title_height, write_colorbar, write_footnote, write_title
from ._text import SMALL_SIZE, listed, sized, text_width

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from numpy.typing import NDArray

    from ..slots import StoredMap
    from ._canvas import Canvas, Shown
    from ._norm import Bound

_ROW, _STRIP, _FOOT = 0.135, 0.09, 0.5


def draw_heatmap(
    stored: StoredMap,
    table: pd.DataFrame,
    title: str,
    *,
    unit: str,
    cmap: str | Colormap | None,
    vmin: Bound,
    vmax: Bound,
    norm: Normalize | None,
    size: float | None,
    show: bool | None,
    return_fig: bool | None,
    ax: Axes | None,
) -> Shown:
    """Genes, sorted by where they peak, by neurons that carry something, in the order of the graph."""
    drawn = Layer.of(stored)
    columns = neuron_order(stored.graph, stored.group)
    columns = columns[~drawn.dead[columns]]
    effects = table.to_numpy(dtype=np.float64)[:, columns]
    rows = np.argsort(effects.argmax(axis=1), kind="stable")
    names = [str(table.index[row]) for row in rows]
    shades = centred(effects, 99, vmin=vmin, vmax=vmax, norm=norm)
    wide = float(np.clip(0.05 * len(columns), 3.0, 6.5)) if size is None else size
    left = min(max(text_width(name, SMALL_SIZE) for name in names), sized(2.0)) + sized(0.2)
    top = title_height(title, with_dot=False, width=wide) + 0.1
    high = sized(_ROW) * len(rows)
    with canvas(left + wide + bar_room(), top + high + sized(_FOOT), show=show, return_fig=return_fig, ax=ax) as page:
        panel = ax if ax is not None else page.add(left, top, wide, high)
        image = panel.imshow(
            effects[rows],
            cmap=colormap(cmap, diverging=True),
            norm=shades,
            aspect="auto",
            interpolation="nearest",
            gid="genes",
        )
        panel.set_yticks(range(len(rows)), names, fontsize=sized(SMALL_SIZE), color=ink(), parse_math=False)
        panel.set_xticks([])
        panel.tick_params(axis="y", length=0, pad=3)
        panel.grid(visible=False)
        panel.spines[:].set_visible(False)
        _groups_below(panel, stored, columns)
        across, down = inches(panel)
        length = min(sized(1.3) / down, 1)
        bar = panel.inset_axes((1 + 0.12 / across, 1 - length, 0.1 / across, length))
        write_colorbar(bar, image, unit, extend=beyond(shades, effects))
        write_title(panel, title)
        if ax is None:
            _write_silent(page, drawn, left + wide)
    return page.result


def _write_silent(page: Canvas, drawn: Layer, width: float) -> None:
    """Name the neurons without a column, and those whose column no cell tells from another."""
    names = np.array(drawn.graph.names)
    kinds = ((drawn.dead, "that no cell lights up, left out"), (drawn.constant, "the same in all cells"))
    found = [(names[mask].tolist(), what) for mask, what in kinds if mask.any()]
    notes = [
        listed(f"{len(silent)} neuron{'s' * (len(silent) != 1)} {what}", silent, width / len(found) - 0.1)
        for silent, what in found
    ]
    if notes:
        write_footnote(page, "    ".join(notes))


def draw_maps(
    stored: StoredMap,
    table: pd.DataFrame,
    titles: list[str],
    *,
    unit: str,
    cmap: str | Colormap | None,
    vmin: Bound,
    vmax: Bound,
    norm: Normalize | None,
    ncols: int | None,
    size: float | None,
    show: bool | None,
    return_fig: bool | None,
    ax: Axes | None,
) -> Shown:
    """One picture of the layer for each gene, all on one scale."""
    check_ax(ax, len(table), "`genes`")
    drawn = Layer.of(stored)
    effects = np.where(drawn.dead, np.nan, table.to_numpy(dtype=np.float64))
    shades = centred(effects[:, ~drawn.dead], 99, vmin=vmin, vmax=vmax, norm=norm)
    sheet = _plan(drawn, titles, ncols=ncols, size=size)
    with canvas(*sheet.size, show=show, return_fig=return_fig, ax=ax) as page:
        for number, (title, values, spot) in enumerate(zip(titles, effects, sheet.places(0), strict=True)):
            panel = ax if ax is not None else page.add(*spot, sheet.width, sheet.height)
            drawn.prepare(panel, frameon=None)
            if not drawn.tiled:
                drawn.draw_edges(panel)
            painted = drawn.paint(panel, values, cmap=colormap(cmap, diverging=True), norm=shades)
            drawn.draw_outline(panel, color=GREY, linewidth=0.5)
            drawn.mark_dead(panel)
            write_title(panel, title)
            if number == min(len(titles), sheet.ncols) - 1:
                bar_beside(panel, painted, unit, horizontal=False, extend=beyond(shades, effects))
        drawn.write_notes(page)
    return page.result


def _groups_below(panel: Axes, stored: StoredMap, columns: NDArray[np.intp]) -> None:
    """Strip of the indicator groups below a heatmap, with their names where they have room."""
    wide, high = inches(panel)
    names = stored.group[columns]
    column = stored.cluster
    known = [str(name) for name in column.cat.categories] if hasattr(column, "cat") else []
    colors = label_colors(stored.adata, stored.keys.cluster, known)
    strip = panel.inset_axes((0, -(0.06 + _STRIP) / high, 1, _STRIP / high), gid="groups")
    strip.imshow([[colors.get(name, (0.5, 0.5, 0.5, 1.0)) for name in names]], aspect="auto", interpolation="nearest")
    strip.set(xticks=[], yticks=[])
    strip.spines[:].set_visible(False)
    starts = np.concatenate([[0], np.flatnonzero(names[1:] != names[:-1]) + 1, [len(names)]])
    for start, stop in pairwise(starts):
        if start:
            panel.axvline(start - 0.5, color=GREY, linewidth=0.5, gid="border")
        if (stop - start) * wide / len(names) >= text_width(names[start], SMALL_SIZE):
            strip.annotate(
                names[start],
                ((start + stop - 1) / 2, 0),
                (0, -2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=sized(SMALL_SIZE),
                color=ink(),
                parse_math=False,
                annotation_clip=False,
            )


def _plan(layer: Layer, titles: list[str], *, ncols: int | None, size: float | None) -> Sheet:
    flat = layer.aspect < 0.25
    width = (4.6 if flat else 1.5) if size is None else size
    height = width * layer.aspect
    return Sheet(
        (tuple(title_height(text, with_dot=False, width=width) for text in titles),),
        (1 if flat else columns_for(len(titles))) if ncols is None else ncols,
        width,
        height,
        gap_x=0.15,
        gap_y=0.08,
        foot=max(0.0, sized(BAR_HEIGHT) - height + 0.1) if flat else 0.0,
        right=bar_room(),
        bottom=sized(0.2),
    )
