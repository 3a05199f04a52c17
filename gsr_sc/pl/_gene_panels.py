"""Panels of genes by indicator groups, with dots where something was found and how many genes below and above it all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgba

from ._canvas import canvas
from ._colors import EDGE, FRAME, GREY, PAPER, ink, ink_on, label_colors
from ._layer import DOT
from ._norm import beyond
from ._sheet import bar_room, inches, title_height, write_colorbar, write_footnote
from ._text import SMALL_SIZE, TITLE_SIZE, shortened, sized, text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from numpy.typing import NDArray

    from ..slots import StoredMap
    from ._canvas import Shown

_ROW, _STRIP, _BARS, _GAP = 0.15, 0.08, 0.5, 0.25
_NARROW, _WIDE, _ACROSS = 0.19, 0.32, 3.6
_LONGEST = 1.6
_COUNTED = "genes that differ"


@dataclass(frozen=True)
class GenePanel:
    """What one panel shows.

    Attributes
    ----------
    title
        What stands above it.
    effects
        Colours, NaN where nothing was tested, (n_genes, n_groups).
    marked
        What gets a dot, of the same shape.
    rising, falling
        How many genes of each group differ, also of those not drawn, (n_groups,).
    """

    title: str
    effects: NDArray[np.float64]
    marked: NDArray[np.bool_]
    rising: NDArray[np.intp]
    falling: NDArray[np.intp]


def draw_genes(
    stored: StoredMap,
    panels: list[GenePanel],
    genes: list[str],
    groups: list[str],
    *,
    alpha: float,
    cmap: Colormap,
    norm: Normalize,
    **shown: Any,
) -> Shown:
    """Draw panels beside each other, with the names of the genes at the left and one colour bar at the right."""
    names = shortened(genes, sized(_LONGEST), SMALL_SIZE)
    told = shortened(groups, sized(_LONGEST), SMALL_SIZE)
    width = float(np.clip(_ACROSS / len(groups), sized(_NARROW), _WIDE)) * len(groups)
    longest = max(text_width(name, SMALL_SIZE) for name in told)
    flat = longest + 0.04 <= width / len(groups)
    left = (
        max(
            *(text_width(name, SMALL_SIZE) for name in names),
            text_width(_COUNTED.split(" ", maxsplit=1)[0], SMALL_SIZE),
        )
        + 0.2
    )
    height = sized(_ROW) * len(genes)
    title = max(title_height(panel.title, with_dot=False, width=width) for panel in panels)
    above = title + sized(0.1) + _BARS + 0.06
    below = 0.04 + _STRIP + 0.04 + (sized(0.13) if flat else longest)
    untested = any(np.isnan(panel.effects).any() for panel in panels)
    note = f"{DOT}  false discovery rate below {alpha:g}" + ("    \u00d7  not tested" if untested else "")
    full = left + len(panels) * (width + _GAP) - _GAP + bar_room() + 0.1
    full = max(full, text_width(note, SMALL_SIZE) + 0.3)
    ax: Axes | None = shown["ax"]
    with canvas(full, above + max(height, sized(1.0)) + below + sized(0.3), **shown) as page:
        most = max(int(max(panel.rising.max(), panel.falling.max())) for panel in panels)
        for number, each in enumerate(panels):
            panel = ax if ax is not None else page.add(left + number * (width + _GAP), above, width, height)
            image = _tiles(panel, each, cmap=cmap, norm=norm)
            panel.set_yticks(range(len(names)), names if number == 0 else [""] * len(names))
            _groups_below(panel, stored, groups, told, flat=flat)
            _counts(panel, each, most, cmap, first=number == 0)
            wide, high = inches(panel)
            text = wrap(each.title, wide)
            panel.set_title(
                text, x=0, ha="left", pad=72 * (_BARS + 0.06 + sized(0.1)), fontsize=sized(TITLE_SIZE), color=ink()
            )
            panel.title.set_parse_math(False)
            for label in panel.get_yticklabels():
                label.set(parse_math=False, fontsize=sized(SMALL_SIZE), color=ink())
            if number == len(panels) - 1:
                length = min(sized(1.3) / high, 1)
                bar = panel.inset_axes((1 + 0.12 / wide, 1 - length, 0.1 / wide, length), gid="colorbar")
                write_colorbar(bar, image, "log2 fold change", extend=beyond(norm, *(p.effects for p in panels)))
        write_footnote(page, note)
    return page.result


def _tiles(panel: Axes, each: GenePanel, *, cmap: Colormap, norm: Normalize) -> Any:
    image = panel.imshow(
        np.ma.masked_invalid(each.effects), cmap=cmap, norm=norm, aspect="auto", interpolation="nearest", gid="genes"
    )
    rows, columns = each.effects.shape
    # Lines of paper between tiles keep the eye in its row.
    panel.hlines(np.arange(1, rows) - 0.5, -0.5, columns - 0.5, color=PAPER, linewidth=0.5)
    panel.vlines(np.arange(1, columns) - 0.5, -0.5, rows - 0.5, color=PAPER, linewidth=0.5)
    y, x = np.nonzero(np.isnan(each.effects))
    panel.scatter(x, y, s=sized(8), marker="x", c=EDGE, linewidths=0.7, zorder=3, gid="untested")
    y, x = np.nonzero(each.marked)
    inks = [ink_on(tuple(cmap(norm(each.effects[row, column])))) for row, column in zip(y, x, strict=True)]
    panel.scatter(x, y, s=sized(9), c=inks or None, linewidths=0, zorder=3, gid="significant")
    panel.set_xticks([])
    panel.tick_params(axis="y", length=0, pad=3)
    panel.grid(visible=False)
    panel.spines[:].set_visible(False)
    return image


def _groups_below(panel: Axes, stored: StoredMap, groups: list[str], told: list[str], *, flat: bool) -> None:
    """Strip in the colours of the groups, and their names."""
    _, high = inches(panel)
    column = stored.cluster
    known = [str(name) for name in column.cat.categories] if hasattr(column, "cat") else []
    colors = label_colors(stored.adata, stored.keys.cluster, known)
    strip = panel.inset_axes((0, -(0.04 + _STRIP) / high, 1, _STRIP / high), gid="groups")
    strip.imshow([[colors.get(name, to_rgba(GREY)) for name in groups]], aspect="auto", interpolation="nearest")
    strip.vlines(np.arange(1, len(groups)) - 0.5, -0.5, 0.5, color=PAPER, linewidth=0.8)
    strip.set_xticks(range(len(groups)), told, rotation=0 if flat else 90)
    strip.set_yticks([])
    strip.grid(visible=False)
    strip.tick_params(axis="x", length=0, pad=2)
    for label in strip.get_xticklabels():
        label.set(parse_math=False, fontsize=sized(SMALL_SIZE), color=ink())
    strip.spines[:].set_visible(False)


def _counts(panel: Axes, each: GenePanel, most: int, cmap: Colormap, *, first: bool) -> None:
    """Bars above a panel: genes that rise upwards, those that fall downwards."""
    _, high = inches(panel)
    box = panel.inset_axes((0, 1 + 0.06 / high, 1, _BARS / high), gid="counts")
    at = np.arange(len(each.rising))
    reach = max(most, 1)
    for counts, sign, shade in ((each.rising, 1, 0.85), (each.falling, -1, 0.15)):
        box.bar(at, sign * counts, width=0.62, color=cmap(shade), linewidth=0, gid="rising" if sign > 0 else "falling")
        for place, count in zip(at, counts, strict=True):
            if count:
                box.annotate(
                    _short(int(count)),
                    (place, sign * count),
                    (0, sign * 1.5),
                    textcoords="offset points",
                    ha="center",
                    va="bottom" if sign > 0 else "top",
                    fontsize=sized(SMALL_SIZE - 1.5),
                    color=ink(),
                    annotation_clip=False,
                )
    # Room for the numbers themselves.
    room = 1 / (1 - 2 * sized(0.1) / _BARS)
    box.set(xlim=(-0.5, len(at) - 0.5), ylim=(-room * reach, room * reach))
    box.axhline(0, color=FRAME, linewidth=0.8, zorder=0)
    box.set_axis_off()
    if first:
        box.annotate(
            _COUNTED.replace(" ", "\n", 1),
            (0, 0),
            (-4, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=sized(SMALL_SIZE - 0.5),
            color=GREY,
            annotation_clip=False,
        )


def _short(count: int) -> str:
    return str(count) if count < 1000 else f"{count / 1000:.1f}k" if count < 10_000 else f"{count // 1000}k"
