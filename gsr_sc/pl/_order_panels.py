"""One panel of genes along an order: a heatmap or a dial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba
from matplotlib.ticker import MaxNLocator

from ._color_panels import bar_beside
from ._colors import FRAME, GREY, PAPER, ink
from ._order_curves import TURNS
from ._order_strip import STRIP_ROWS
from ._sheet import inches
from ._text import SMALL_SIZE, drawn_width, shortened, sized, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from numpy.typing import NDArray

    from ._order_strip import Strip
    from ._trends import Lane

_GAP = 3
_HOLE, _ROUND_STRIP = 0.34, (1.03, 1.12)
# Inches: as much of a name is written beside a dial.
_LONGEST = 1.6
# Height of a line of text in units of its letters.
_LINE = 1.15


def scaled_by_peak(
    lanes: list[Lane], values: NDArray[np.float64], width: float
) -> tuple[list[NDArray[np.float64]], NDArray[np.intp]]:
    """Smoothed values of each lane, (n_genes, n_at), each gene brought to 0 to 1, and the order of the genes by peak."""
    curves = [lane.smooth(values, width)[0].T for lane in lanes]
    together = np.concatenate(curves, axis=1)
    low, high = np.nanmin(together, axis=1), np.nanmax(together, axis=1)
    span = np.where(high > low, high - low, 1.0)
    peak = np.nanargmax(together, axis=1)
    return [(curve - low[:, None]) / span[:, None] for curve in curves], np.argsort(peak, kind="stable")


def heatmap(
    ax: Axes,
    lanes: list[Lane],
    values: NDArray[np.float64],
    names: list[str],
    strip: Strip | None,
    *,
    cmap: Colormap,
    width: float,
    is_round: bool,
) -> None:
    """Genes by position, lanes side by side."""
    curves, by_peak = scaled_by_peak(lanes, values, width)
    edges = np.cumsum([0, *(len(lane.at) + _GAP for lane in lanes)])
    image = np.full((len(names), edges[-1] - _GAP), np.nan)
    for curve, start in zip(curves, edges, strict=False):
        image[:, start : start + curve.shape[1]] = curve[by_peak]
    # Between lanes there is paper, not a missing value.
    norm = Normalize(0, 1)
    ax.imshow(
        np.ma.masked_invalid(image),
        cmap=cmap.with_extremes(bad=PAPER),
        norm=norm,
        aspect="auto",
        interpolation="nearest",
        gid="heatmap",
    )
    many = len(names) > 80
    ax.set_yticks([] if many else range(len(names)), [] if many else [names[i] for i in by_peak])
    for text in ax.get_yticklabels():
        text.set(parse_math=False, fontsize=sized(SMALL_SIZE if len(names) <= 40 else 5.5), color=ink())
    ticks, labels = _ticks(lanes, edges, is_round=is_round)
    ax.set_xticks(ticks, labels)
    ax.grid(visible=False)
    if len(lanes) > 1:
        # The end of a lane stands beside the beginning of the next one.
        for number, text in enumerate(ax.get_xticklabels()):
            text.set_horizontalalignment("right" if number % 2 else "left")
    ax.tick_params(axis="x", labelsize=sized(SMALL_SIZE), length=2.5, width=0.5, color=GREY, labelcolor=ink())
    ax.tick_params(axis="y", length=0, pad=3)
    ax.set_xlabel("order", fontsize=sized(SMALL_SIZE + 0.5), color=ink(), labelpad=2)
    for spine in ax.spines.values():
        spine.set_visible(False)
    wide, high = inches(ax)
    if strip is not None:
        box = ax.inset_axes((0, 1 + 0.06 / high, 1, 0.28 / high))
        picture = np.tile(np.array(to_rgba(PAPER)), (STRIP_ROWS, image.shape[1], 1))
        for lane, start in zip(lanes, edges, strict=False):
            shares = lane.composition(strip.labels, strip.names, width)
            picture[:, start : start + len(lane.at)] = strip.image(shares)
        box.imshow(picture, aspect="auto", interpolation="nearest", gid="strip")
        box.axis("off")
    if len(lanes) > 1:
        _name_lanes(
            ax, lanes, edges, image.shape[1], above=0.06 + (0.32 if strip is not None else 0), size=(wide, high)
        )
    bar_beside(ax, ScalarMappable(norm, cmap), "scaled per gene", horizontal=False, extend="neither")


def _ticks(lanes: list[Lane], edges: NDArray[np.intp], *, is_round: bool) -> tuple[list[float], list[str]]:
    if is_round and len(lanes) == 1:
        return [angle / (2 * np.pi) * len(lanes[0].at) for angle, _ in TURNS], [text for _, text in TURNS]
    if len(lanes) > 1 and min(len(lane.at) for lane in lanes) < 25:
        return [], []
    ticks, labels = [], []
    for lane, start in zip(lanes, edges, strict=False):
        low, high = float(lane.at[0]), float(lane.at[-1])
        marks = [low, high] if len(lanes) > 1 else MaxNLocator(6).tick_values(low, high)
        for mark in marks:
            if low <= mark <= high:
                ticks.append(float(start + (mark - low) / max(high - low, 1e-12) * (len(lane.at) - 1)))
                labels.append(f"{mark:.2g}")
    return ticks, labels


def _name_lanes(
    ax: Axes, lanes: list[Lane], edges: NDArray[np.intp], total: int, *, above: float, size: tuple[float, float]
) -> None:
    for lane, start in zip(lanes, edges, strict=False):
        room = len(lane.at) / total * size[0]
        narrow = text_width(lane.name, SMALL_SIZE + 0.5) > room
        ax.annotate(
            lane.name,
            ((start + len(lane.at) / 2) / total if not narrow else start / total, 1),
            (0, 72 * above),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="left" if narrow else "center",
            va="bottom",
            rotation=30 if narrow else 0,
            fontsize=sized(SMALL_SIZE + 0.5 if not narrow else SMALL_SIZE - 1),
            color=ink(),
            annotation_clip=False,
            parse_math=False,
        )


def dial_size(names: list[str]) -> float:
    """Width and height of a dial in inches: names take what they need, and rings keep their size."""
    return max(4.5, 3.6 + 2 * min(max(drawn_width(name, SMALL_SIZE) for name in names), _LONGEST))


def dial(
    ax: Axes,
    lane: Lane,
    values: NDArray[np.float64],
    names: list[str],
    strip: Strip | None,
    *,
    cmap: Colormap,
    width: float,
) -> None:
    """Genes as rings, clockwise from the top, the first to peak inside; names outside, where they peak."""
    (curve,), by_peak = scaled_by_peak([lane], values, width)
    curve = curve[by_peak]
    edges = np.linspace(0, 2 * np.pi, curve.shape[1] + 1)
    radii = np.linspace(_HOLE, 1, len(names) + 1)
    # A step is shown around its position.
    _sectors(ax, edges - edges[1] / 2, radii, curve, cmap=cmap, norm=Normalize(0, 1), gid="heatmap")
    outer = 1.0
    if strip is not None:
        shares = lane.composition(strip.labels, strip.names, width)
        picture = strip.image(shares)[::-1]
        rings = np.linspace(*_ROUND_STRIP, len(picture) + 1)
        x, y = _places(edges - edges[1] / 2, rings)
        mesh = ax.pcolormesh(x, y, picture[..., 0], gid="strip", rasterized=True)
        mesh.set_array(None)
        mesh.set_facecolor(picture.reshape(-1, 4))  # type: ignore[arg-type]
        outer = _ROUND_STRIP[1]
    # Of a panel of given size, so much is left to names that the rings can still be seen.
    across = min(inches(ax))
    names = shortened(names, min(_LONGEST, 0.22 * across), SMALL_SIZE)
    longest = max(drawn_width(name, SMALL_SIZE) for name in names)
    reach = (outer + 0.2) / (1 - 2 * min(longest / across, 0.25))
    peak = edges[curve.argmax(axis=1)]
    # Names take as much of the circle as they are high: more of a small dial, and smaller letters where they do not fit.
    around = 72 * np.pi * across * (outer + 0.14) / reach
    size = min(sized(SMALL_SIZE), around / len(names) / _LINE)
    places = _apart(peak, 2 * np.pi * _LINE * size / around)
    for name, angle, place in zip([names[i] for i in by_peak], peak, places, strict=True):
        x, y = _places(np.array([angle, place]), np.array([outer + 0.02, outer + 0.12]))
        ax.plot([x[0, 0], x[1, 1]], [y[0, 0], y[1, 1]], color=FRAME, linewidth=0.6, zorder=1)
        turn = (90 - np.degrees(place)) % 360
        flipped = 90 < turn < 270
        x, y = _places(np.array([place]), np.array([outer + 0.14]))
        ax.text(
            x[0, 0],
            y[0, 0],
            name,
            rotation=turn - 180 if flipped else turn,
            rotation_mode="anchor",
            ha="right" if flipped else "left",
            va="center",
            fontsize=size,
            color=ink(),
            parse_math=False,
        )
    within = min(sized(SMALL_SIZE), 0.3 * 36 * across * _HOLE / reach)
    for angle, text in TURNS:
        x, y = _places(np.array([angle]), np.array([_HOLE - 0.07]))
        ax.text(x[0, 0], y[0, 0], text, ha="center", va="center", fontsize=within, color=GREY)
    arc = np.linspace(0.25 * np.pi, 0.9 * np.pi, 30)
    x, y = _places(arc, np.array([_HOLE - 0.16]))
    ax.plot(x[0, :-1], y[0, :-1], color=GREY, linewidth=0.9)
    ax.annotate(
        "", (x[0, -1], y[0, -1]), (x[0, -3], y[0, -3]), arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 0.9}
    )
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.axis("off")


def _sectors(ax: Axes, angles: Any, radii: Any, values: Any, *, cmap: Colormap, norm: Normalize, gid: str) -> None:
    x, y = _places(angles, radii)
    ax.pcolormesh(x, y, np.ma.masked_invalid(values), cmap=cmap, norm=norm, gid=gid, rasterized=True)


def _places(angles: NDArray[np.float64], radii: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Clockwise from the top, (n_radii, n_angles)."""
    return radii[:, None] * np.sin(angles), radii[:, None] * np.cos(angles)


def _apart(angles: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Angles in increasing order moved apart as little as is needed, round the circle."""
    least = min(least, 2 * np.pi / len(angles))
    moved = angles.astype(np.float64).copy()
    for _ in range(200):
        gap = np.diff(moved, append=moved[0] + 2 * np.pi)
        push = np.maximum(least - gap, 0) / 2
        if push.max() < 1e-4:
            break
        moved = moved - push + np.roll(push, 1)
    return moved
