"""Where panels, titles, colour bars and legends go on a figure, in inches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from ._colors import FRAME, GREY, ink
from ._text import LABEL_SIZE, SMALL_SIZE, TITLE_SIZE, sized, text_width, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase
    from matplotlib.cm import ScalarMappable
    from matplotlib.transforms import Bbox

    from ._canvas import Canvas
    from ._norm import Extend

_LINE = 0.145
_PAD = 0.055
_INDENT = 0.125


@dataclass(frozen=True)
class Sheet:
    """Panels in rows and columns, in sections one below the other.

    Attributes
    ----------
    titles
        Height kept for the title above each panel, a tuple for each section; a row is as high as its highest.
    ncols
        Panels per row.
    width, height
        Size of a panel.
    gap_x, gap_y
        Free space between panels.
    foot
        Height kept below each panel.
    side
        Width kept to the right of each panel, for its colour bar or legend.
    header
        Height kept above each section.
    right, bottom
        Width and height kept beside and below all panels.
    """

    titles: tuple[tuple[float, ...], ...]
    ncols: int
    width: float
    height: float
    gap_x: float
    gap_y: float
    foot: float = 0.0
    side: float = 0.0
    header: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    margin: float = 0.1

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure."""
        n_columns = min(self.ncols, max(map(len, self.titles)))
        width = n_columns * (self.width + self.side) + (n_columns - 1) * self.gap_x
        return width + self.right + 2 * self.margin, self.section_top(len(self.titles)) + self.bottom + self.margin

    def section_top(self, section: int) -> float:
        """Distance of a section from the top of the figure."""
        above = (self.header + sum(self._row(number, row) for row in self._rows(number)) for number in range(section))
        return self.margin + sum(above)

    def places(self, section: int) -> Iterator[tuple[float, float]]:
        """Left and top of each panel of a section."""
        top = self.section_top(section) + self.header
        for row in self._rows(section):
            top += self._row_title(section, row)
            for column in range(min(self.ncols, len(self.titles[section]) - row * self.ncols)):
                yield self.margin + column * (self.width + self.side + self.gap_x), top
            top += self.height + self.foot + self.gap_y

    def _rows(self, section: int) -> range:
        return range(-(-len(self.titles[section]) // self.ncols))

    def _row(self, section: int, row: int) -> float:
        return self._row_title(section, row) + self.height + self.foot + self.gap_y

    def _row_title(self, section: int, row: int) -> float:
        return max(self.titles[section][row * self.ncols : (row + 1) * self.ncols])


def columns_for(n_panels: int) -> int:
    """Panels per row: one row of up to five, else the number that leaves the fewest places empty."""
    if n_panels <= 5:
        return n_panels
    choices = (4, 5, 6) if n_panels <= 24 else (6, 7, 8)
    return min(choices, key=lambda ncols: (-n_panels % ncols, -ncols))


def title_height(title: str, *, with_dot: bool, width: float) -> float:
    """Height that a title above a panel of some width needs."""
    n_lines = wrap(title, width - sized(_INDENT) * with_dot).count("\n") + 1
    return sized(_LINE * n_lines + 2 * _PAD)


def write_title(ax: Axes, title: str, *, color: tuple[float, float, float, float] | None = None) -> None:
    """Title at the left above a panel, after a dot of the colour that stands for it in other pictures."""
    width, _ = inches(ax)
    indent = 0.0 if color is None else sized(_INDENT)
    text = wrap(title, width - indent)
    ax.set_title(
        text,
        x=indent / width,
        ha="left",
        pad=sized(_PAD * 72),
        fontsize=sized(TITLE_SIZE),
        color=ink(),
        linespacing=1.15,
        parse_math=False,
    )
    if color is None:
        return
    up = sized(_PAD + _LINE * (text.count("\n") + 0.42))
    shift = ScaledTranslation(sized(0.045), up, ax.get_figure(root=True).dpi_scale_trans)  # type: ignore[union-attr]
    ax.add_artist(
        Line2D(
            [0],
            [1],
            marker="o",
            markersize=sized(5.5),
            markerfacecolor=color,
            markeredgecolor="none",
            linestyle="none",
            transform=ax.transAxes + shift,
            clip_on=False,
            gid="dot",
        )
    )


def write_foot(ax: Axes, text: str, *, align: Literal["left", "right"] = "left") -> None:
    """Small grey text below a panel and what stands on its axis, at its left or right."""

    def with_axis(renderer: RendererBase) -> Bbox:
        return (ax.xaxis.get_tightbbox(renderer) or ax.bbox).frozen()

    ax.annotate(
        text,
        (0 if align == "left" else 1, 0),
        (0, -2),
        xycoords=("axes fraction", with_axis),
        textcoords="offset points",
        ha=align,
        va="top",
        fontsize=sized(SMALL_SIZE),
        color=GREY,
        annotation_clip=False,
    )


def write_footnote(page: Canvas, text: str) -> None:
    """Small grey text at the bottom of a figure, or below the panel where the figure is the caller's."""
    if not text:
        return
    if page.own:
        width, height = page.figure.get_size_inches()
        # What is too long even so is written smaller rather than cut.
        longest = max(text_width(line, SMALL_SIZE) for line in text.split("\n"))
        size = sized(SMALL_SIZE) * min(1.0, (width - 0.2) / max(longest, 1e-9))
        page.figure.text(0.1 / width, 0.06 / height, text, fontsize=size, color=GREY, va="bottom", ha="left")
    else:
        write_foot(page.panels[0], text, align="right")


def bar_room() -> float:
    """Width that a colour bar beside a panel takes, with its numbers and what they are."""
    return 0.2 + sized(0.55)


def write_colorbar(
    cax: Axes, mappable: ScalarMappable, label: str, *, horizontal: bool = False, extend: Extend = "neither"
) -> None:
    """Slim colour bar into axes of its own, with few ticks, pointed where values lie beyond its ends."""
    figure = cax.get_figure(root=True)
    assert figure is not None
    bar = figure.colorbar(mappable, cax=cax, orientation="horizontal" if horizontal else "vertical", extend=extend)
    bar.locator = MaxNLocator(4)
    bar.update_ticks()
    bar.outline.set(edgecolor=FRAME, linewidth=0.6)
    cax.tick_params(labelsize=sized(SMALL_SIZE), length=2, width=0.5, pad=2, color=GREY, labelcolor=ink())
    # A little longer than the bar is well; much longer would leave the figure.
    label = wrap(label, 1.6 * max(*inches(cax), sized(0.7)), LABEL_SIZE)
    bar.set_label(label, fontsize=sized(LABEL_SIZE), color=ink(), labelpad=4, linespacing=1.1)


def inches(ax: Axes) -> tuple[float, float]:
    """Width and height of axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    # The shape of the layer may leave a part of the axes unused.
    ax.apply_aspect()
    extent = ax.get_window_extent()
    return float(extent.width) / figure.dpi, float(np.maximum(extent.height, 1)) / figure.dpi
