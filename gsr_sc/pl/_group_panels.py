"""One small picture of the layer for each group of observations."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.lines import Line2D

from ..get._columns import read_labels
from ..get._values import chosen, group_means
from ._canvas import canvas, check_ax
from ._color_panels import bar_beside, heading
from ._colors import FRAME, GREY, colormap, ink, label_colors
from ._norm import beyond, is_diverging, pick, scale
from ._sheet import Sheet, bar_room, columns_for, title_height, write_colorbar, write_foot, write_title
from ._text import TITLE_SIZE, sized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from numpy.typing import NDArray

    from ..slots import StoredMap
    from ._canvas import Shown
    from ._colors import Palette
    from ._layer import Layer

StandardScale = Literal["group", "neuron"]


@dataclass(frozen=True, eq=False)
class Section:
    """The groups of one column: name, number of observations, colour and a value per neuron of each."""

    column: str
    names: list[str]
    counts: list[int]
    colors: list[tuple[float, float, float, float] | None]
    values: NDArray[np.float64]


def read_sections(
    stored: StoredMap,
    columns: Sequence[str],
    *,
    groups: Any,
    palette: Palette,
    standard_scale: StandardScale | None,
) -> list[Section]:
    """Mean activations of the chosen groups of each column."""
    adata = stored.adata
    per_key = [read_labels(adata, column, "groupby") for column in columns]
    sections = []
    for labels, names in zip(per_key, chosen(groups, per_key), strict=True):
        index = [labels.categories.index(name) for name in names]
        values = rescaled(group_means(stored.activations, labels)[index], standard_scale)
        known = palette is not None or f"{labels.column}_colors" in adata.uns
        colors = label_colors(adata, labels.column, labels.categories, palette) if known else {}
        sections.append(
            Section(
                labels.column,
                names,
                [int(labels.counts[i]) for i in index],
                [colors.get(name) for name in names],
                values,
            )
        )
    return sections


def rescaled(values: NDArray[np.float64], standard_scale: StandardScale | None) -> NDArray[np.float64]:
    """Values brought to 0 to 1 within each group (row) or each neuron (column); constant ones become 0."""
    if standard_scale is None:
        return values
    axis = 1 if standard_scale == "group" else 0
    low = values.min(axis=axis, keepdims=True)
    span = values.max(axis=axis, keepdims=True) - low
    return np.divide(values - low, span, out=np.zeros_like(values), where=span > 0)


def draw_groups(
    layer: Layer,
    sections: list[Section],
    *,
    titles: list[str] | None,
    ncols: int | None,
    cmap: Any,
    limits: dict[str, Any],
    scaled: StandardScale | None,
    outline: bool,
    size: float | None,
    wspace: float | None,
    hspace: float | None,
    frameon: bool | None,
    colorbar_loc: Literal["right", "bottom"] | None,
    show: bool | None,
    return_fig: bool | None,
    ax: Axes | None,
) -> Shown:
    """Draw all panels, their titles and the colour bars."""
    bar_label = "mean activation" if scaled is None else f"scaled per {scaled}"
    names = [name for section in sections for name in section.names]
    titles = heading(titles, names)
    check_ax(ax, len(names), "`groups=[...]`")
    norms = section_norms(sections, layer, limits, scaled=scaled)
    shared = all(norm is norms[0] for norm in norms)
    colors = [color for section in sections for color in section.colors]
    sheet = plan(
        sections,
        layer,
        titles,
        ncols=ncols,
        size=size,
        wspace=wspace,
        hspace=hspace,
        colorbar_loc=colorbar_loc,
    )
    cmaps = [
        colormap(pick(cmap, i, len(sections), "cmap"), diverging=is_diverging(norms[i])) for i in range(len(norms))
    ]

    with canvas(*sheet.size, show=show, return_fig=return_fig, ax=ax) as page:
        todo = iter(zip(titles, colors, strict=True))
        for number, (section, norm, colours) in enumerate(zip(sections, norms, cmaps, strict=True)):
            if len(sections) > 1:
                _header(page.figure, sheet, number, section.column)
            for place, count, values in zip(sheet.places(number), section.counts, section.values, strict=True):
                panel = ax if ax is not None else page.add(*place, sheet.width, sheet.height)
                layer.prepare(panel, frameon=frameon)
                if not layer.tiled:
                    layer.draw_edges(panel)
                layer.paint(panel, np.where(layer.dead, np.nan, values), cmap=colours, norm=norm)
                if outline:
                    layer.draw_outline(panel, color=GREY, linewidth=0.5)
                layer.mark_dead(panel)
                title, color = next(todo)
                write_title(panel, title, color=color)
                write_foot(panel, f"{count:,} cell{'s' * (count != 1)}")
            if colorbar_loc is not None and (number == 0 or not shared):
                mappable, horizontal = ScalarMappable(norm, colours), colorbar_loc == "bottom"
                extend = beyond(norm, *(part.values[:, ~layer.dead] for part in (sections if shared else [section])))
                if ax is None:
                    cax = _bar_axes(page, sheet, number, horizontal=horizontal)
                    write_colorbar(cax, mappable, bar_label, horizontal=horizontal, extend=extend)
                else:
                    bar_beside(ax, mappable, bar_label, horizontal=horizontal, extend=extend)
        layer.write_notes(page)
    return page.result


def section_norms(
    sections: list[Section], layer: Layer, limits: dict[str, Any], *, scaled: StandardScale | None
) -> list[Normalize]:
    """Colour scale of each section: the same one for all, unless limits are given per key."""
    alive = [section.values[:, ~layer.dead] for section in sections]
    n = len(sections)
    if not any(isinstance(value, list | tuple) for value in limits.values()):
        return [means_scale(np.concatenate(alive), limits, scaled)] * n
    per_key = ({name: pick(value, i, n, name) for name, value in limits.items()} for i in range(n))
    return [means_scale(values, own, scaled) for values, own in zip(alive, per_key, strict=True)]


def means_scale(values: NDArray[np.float64], limits: dict[str, Any], scaled: StandardScale | None) -> Normalize:
    """Colour scale of mean activations, (n_groups, n_neurons)."""
    if scaled is None and values.size and values.min() >= 0 and all(limit is None for limit in limits.values()):
        # A few small groups that light up one spot each would leave all others pale.
        limits = {"vmax": float(np.median(values.max(axis=1))) or None}
    return scale(values, **limits)


def plan(
    sections: list[Section],
    layer: Layer,
    titles: list[str],
    *,
    ncols: int | None,
    size: float | None,
    wspace: float | None,
    hspace: float | None,
    colorbar_loc: str | None,
) -> Sheet:
    """Sizes and places: small panels for many groups, wide ones for flat layouts."""
    n_most = max(len(section.names) for section in sections)
    flat = layer.aspect < 0.25
    if ncols is None:
        ncols = (1 if n_most <= 12 else 2) if flat else columns_for(n_most)
    width = (4.6 if flat else 1.6 if n_most <= 4 else 1.35 if n_most <= 24 else 1.2) if size is None else size
    height = width * layer.aspect
    todo = iter(zip(titles, (color for section in sections for color in section.colors), strict=True))
    heights = [
        tuple(title_height(title, with_dot=color is not None, width=width) for title, color in islice(todo, n))
        for n in (len(section.names) for section in sections)
    ]
    note = sized(0.22) if layer.dead.any() or layer.constant.any() else 0.0
    return Sheet(
        tuple(heights),
        ncols,
        width,
        height,
        gap_x=0.16 if wspace is None else wspace * width,
        gap_y=0.06 if hspace is None else hspace * height,
        foot=sized(0.15),
        header=sized(0.42) if len(sections) > 1 else 0.0,
        right=bar_room() if colorbar_loc == "right" else 0.0,
        bottom=note + (sized(0.55) if colorbar_loc == "bottom" else 0.0),
    )


def _header(figure: Any, sheet: Sheet, number: int, text: str) -> None:
    width, height = sheet.size
    y = 1 - (sheet.section_top(number) + 0.7 * sheet.header) / height
    left = sheet.margin / width
    figure.text(left, y, text, fontsize=sized(TITLE_SIZE + 1.5), weight="bold", color=ink(), va="bottom", ha="left")
    end = 1 - (sheet.margin + sheet.right) / width
    figure.add_artist(Line2D([left, end], [y - 0.03 / height] * 2, color=FRAME, linewidth=0.8))


def _bar_axes(page: Any, sheet: Sheet, number: int, *, horizontal: bool) -> Any:
    width, height = sheet.size
    _, top = next(sheet.places(number))
    if horizontal:
        length = min(1.8, width - 4 * sheet.margin)
        return page.add(2 * sheet.margin, height - sized(0.5), length, 0.09, panel=False)
    length = min(sized(1.5), max(sheet.height, sized(0.9)))
    return page.add(width - sheet.margin - sheet.right + 0.16, top, 0.09, length, panel=False)
