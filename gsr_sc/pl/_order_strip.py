"""Labels along an order: their colours, their shares, and the legend that tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.legend import Legend as Box
from matplotlib.lines import Line2D

from ._colors import PAPER, ink
from ._sheet import inches
from ._text import LABEL_SIZE, legend_names, sized, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from ..get._columns import Labels

Color = tuple[float, float, float, float]
STRIP_ROWS = 60


@dataclass(frozen=True, eq=False)
class Legend:
    """Names and their colours under a heading, as dots or as lines."""

    title: str
    entries: list[tuple[str, Color]]
    line: bool = False

    @property
    def n_columns(self) -> int:
        """Columns of at most 18 names."""
        return 1 + (len(self.entries) - 1) // 18

    @property
    def names(self) -> list[str]:
        """Names as they are written: the long ones shortened."""
        return legend_names([name for name, _ in self.entries], self.n_columns)

    @property
    def width(self) -> float:
        """Room that it needs, in inches."""
        longest = max(text_width(name, LABEL_SIZE) for name in self.names) + sized(0.4)
        return max(self.n_columns * longest, text_width(self.title, LABEL_SIZE)) + 0.1

    @property
    def height(self) -> float:
        """Height that it needs, in inches."""
        return sized(0.16) * (1 + -(-len(self.entries) // self.n_columns)) + 0.1


@dataclass(frozen=True, eq=False)
class Strip:
    """Labels of the observations, and their colours."""

    labels: Labels
    legend: Legend

    @property
    def names(self) -> list[str]:
        """Labels that occur."""
        return [name for name, _ in self.legend.entries]

    @property
    def colors(self) -> NDArray[np.float64]:
        """Colour of each, (n_labels, 4)."""
        return np.array([color for _, color in self.legend.entries])

    def image(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Stacked shares (n_at, n_labels) as a picture, (n_rows, n_at, 4)."""
        ends = np.cumsum(np.nan_to_num(shares), axis=1)
        heights = (np.arange(STRIP_ROWS)[::-1] + 0.5) / STRIP_ROWS
        label = (heights[:, None, None] > ends[None]).sum(axis=2)
        picture = np.vstack([self.colors, to_rgba(PAPER)])[np.minimum(label, len(self.colors))]
        picture[:, np.isnan(shares).any(axis=1)] = to_rgba(PAPER)
        return np.asarray(picture)


def write_legend(ax: Axes, legend: Legend, *, right: float = 0.1) -> float:
    """Legend beside a panel, `right` inches from it; returns where the next one begins."""
    style: dict[str, Any] = (
        {"linewidth": 2} if legend.line else {"marker": "o", "linestyle": "none", "markersize": sized(5.5)}
    )
    handles = [Line2D([], [], color=color, **style) for _, color in legend.entries]
    wide, high = inches(ax)
    # Not the one legend that axes have of their own: there may be two.
    box = Box(
        ax,
        handles,
        legend.names,
        title=legend.title,
        loc="upper left",
        bbox_to_anchor=(1 + right / wide, 1 + 0.05 / high),
        bbox_transform=ax.transAxes,
        frameon=False,
        fontsize=sized(LABEL_SIZE),
        title_fontsize=sized(LABEL_SIZE),
        handletextpad=0.3,
        labelspacing=0.35,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.2,
        ncols=legend.n_columns,
        columnspacing=1,
        alignment="left",
    )
    box.set_clip_on(False)
    ax.add_artist(box)
    for text in (*box.get_texts(), box.get_title()):
        text.set(parse_math=False, color=ink())
    return right + legend.width
