"""The curves of one gene along an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgba

from ._colors import GREY, ink
from ._text import SMALL_SIZE, sized

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from ._order_strip import Color, Strip
    from ._trends import Lane

TURNS = ((0, "0"), (np.pi / 2, "\u03c0/2"), (np.pi, "\u03c0"), (1.5 * np.pi, "3\u03c0/2"))
_POINTS = 2000


def trend(
    ax: Axes,
    lanes: list[Lane],
    values: NDArray[np.float64],
    strip: Strip | None,
    colors: list[Color],
    *,
    width: float,
    points: bool,
) -> None:
    """Curves of one gene, with bands of two standard errors over the observations."""
    if points:
        _scatter(ax, lanes, values[:, 0], strip)
    top = 0.0
    for lane, color in zip(lanes, colors, strict=True):
        mean, error = (part[:, 0] for part in lane.smooth(values, width))
        # The end of the way round is its beginning.
        at = lane.at if lane.period is None else np.append(lane.at, lane.period)
        mean, error = (part if lane.period is None else np.append(part, part[0]) for part in (mean, error))
        ax.fill_between(
            at, mean - 2 * error, mean + 2 * error, color=color, alpha=0.22, linewidth=0, zorder=2, gid="band"
        )
        ax.plot(at, mean, color=color, linewidth=1.8, label=lane.name, zorder=3, gid="curve")
        top = max(top, float(np.nanmax(mean + 2 * error, initial=0)))
    known = np.concatenate([values[lane.rows, 0] for lane in lanes])
    low = min(0.0, float(np.quantile(known, 0.005)))
    high = max(top, float(np.quantile(known, 0.995)) if points else 0.0) or 1.0
    ax.set_ylim(low - 0.04 * (high - low), high + 0.06 * (high - low))
    if lanes[0].period is not None:
        ticks = [*TURNS[::2], (2 * np.pi, "2\u03c0")]
        ax.set_xticks([angle for angle, _ in ticks], [text for _, text in ticks])
    ax.set_xlabel("order", fontsize=sized(SMALL_SIZE + 0.5), color=ink(), labelpad=2)
    ax.tick_params(labelsize=sized(SMALL_SIZE), color=GREY, labelcolor=ink(), length=2.5, width=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set(color=GREY, linewidth=0.6)
    ax.grid(visible=False)
    ax.margins(x=0.02)


def _scatter(ax: Axes, lanes: list[Lane], values: NDArray[np.float64], strip: Strip | None) -> None:
    rows = np.concatenate([lane.rows for lane in lanes])
    position = np.concatenate([lane.position for lane in lanes])
    # Evenly over the file, which says nothing of labels or positions; drawn in that order, so that none lies on top.
    picked = np.argsort(rows, kind="stable")[:: max(1, -(-len(rows) // _POINTS))]
    rows, position = rows[picked], position[picked]
    color: Any = "#b4b4ba"
    if strip is not None:
        index = {strip.labels.categories.index(name): k for k, name in enumerate(strip.names)}
        code = [index.get(int(k), len(index)) for k in strip.labels.codes[rows]]
        color = np.vstack([strip.colors, to_rgba("#d5d5da")])[code]
    ax.scatter(position, values[rows], s=4, c=color, alpha=0.55, linewidths=0, zorder=1, gid="points", rasterized=True)
