"""What smoothness costs, for graphs and sizes beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .._docs import doc_params
from ..get import scan as scan_table
from ..get._values import picked
from ..slots import stored_scan
from ._canvas import canvas
from ._colors import GREY, ink
from ._sheet import title_height, write_title
from ._text import SMALL_SIZE, TITLE_SIZE, sized, text_width, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes

    from ..get._trust import Smooth
    from ._canvas import Shown

_CALLED = {
    "moran_i": "smoothness of the maps (Moran's I)",
    "order": "neighbours of the data kept near (order)",
    "topographic_error": "topographic error",
    "torn": "share of neighbours torn apart",
}
# Okabe and Ito's colours, which colour-blind eyes tell apart, without the yellow that is lost on paper.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#444444")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_WIDTH, _HEIGHT = 3.4, 2.7
_WITHIN = "smoothest within it"
_NUMBERS = "numbers: smoothness"
_LINE = 0.14
# Where a number may stand beside its point.
_SIDES = ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1.2), (0, -1.2), (1.2, 0), (-1.2, 0))
_BEST: dict[str, Any] = {"s": 190, "marker": "o", "linewidths": 1.2}
_ELBOW: dict[str, Any] = {"s": 130, "marker": "D", "linewidths": 1.0, "zorder": 4}


@doc_params()
def tradeoff(
    adata: AnnData,
    *,
    smooth: Smooth = "moran_i",
    graphs: str | Sequence[str] | None = None,
    key: str | None = None,
    title: str | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Draw held-out explained variance against smoothness, after :func:`gsr_sc.tl.scan`.

    Every graph and size is a curve along the smoothness that was tried. Its elbow has a diamond round it: the point
    where the curve bends, from which on more smoothness costs more; see :func:`gsr_sc.get.scan` for when there is one. The
    smoothest map within the tolerance is filled; a dotted line shows how low the tolerance goes. The recommended map is
    ringed.

    Parameters
    ----------
    adata
        Annotated data; it needs no map.
    smooth
        What to draw along the horizontal axis, a column of :func:`gsr_sc.get.scan`: `"moran_i"`, `"order"`,
        `"topographic_error"` or `"torn"`.
    graphs
        Graphs to draw; by default all of the scan.
    key
        What was passed as `key_added` to :func:`gsr_sc.tl.scan`.
    title
        Title instead of the recommendation.
    {show}
    {return_fig}
    ax
        Axes to draw into.

    Returns
    -------
    None if shown; with `return_fig` the figure; else the axes.

    Raises
    ------
    KeyError
        If :func:`gsr_sc.tl.scan` was not run, or a graph was not scanned.
    ValueError
        If `smooth` is unknown.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.pl.tradeoff(adata, graphs=["line", "ring"])  # doctest: +SKIP
    """
    table = scan_table(adata, smooth=smooth, key=key)
    stored = stored_scan(adata, key)
    names = list(dict.fromkeys(table["graph"].astype(str)))
    wanted = picked(graphs, names, "`graphs` in the scan", error=KeyError)
    table = table[table["graph"].astype(str).isin(wanted)]
    curves = list(table.groupby(["graph", "n_neurons"], sort=False, observed=True))
    # The same colour whichever graphs are drawn.
    color_of = {name: _COLORS[number % len(_COLORS)] for number, name in enumerate(names)}
    labels = [f"{graph}, {size}" for (graph, size), _ in curves]
    side = max(text_width(label, SMALL_SIZE) for label in [*labels, _NUMBERS]) + sized(0.5)
    left = sized(0.65)
    # The recommendation, and what is behind it.
    head, _, reasons = str(stored["why"]).partition(". ") if title is None else (title, "", "")
    head = head.removesuffix(".") if title is None else head
    # A little less than there is: small letters are set wider than they are drawn.
    reasons = wrap(reasons, 0.93 * (left + _WIDTH + side - 0.1), SMALL_SIZE)
    above = sized(_LINE) * (reasons.count("\n") + 1 if reasons else 0) + 0.06
    top = 0.15 + above + title_height(head, with_dot=False, width=left + _WIDTH + side - 0.1)
    high = max(_HEIGHT, sized(0.16) * (len(curves) + 6))
    with canvas(left + _WIDTH + side + 0.1, top + high + sized(0.5), show=show, return_fig=return_fig, ax=ax) as page:
        panel = ax if ax is not None else page.add(left, top, _WIDTH, high)
        handles = []
        for ((graph, size), rows), label in zip(curves, labels, strict=True):
            marker = _MARKERS[_number_of_size(table, str(graph), int(size)) % len(_MARKERS)]
            color = color_of[str(graph)]
            _curve(panel, rows, smooth, color=color, marker=marker, tolerance=float(stored["tolerance"]))
            handles.append(Line2D([], [], color=color, marker=marker, markersize=4.5, linewidth=1.2, label=label))
        for rows, gid, look in (
            (table["recommended"], "best", _BEST),
            (table["elbow"], "elbow", _ELBOW),
        ):
            found = table[rows]
            panel.scatter(
                found[smooth], found["explained_variance"], facecolors="none", edgecolors=ink(), gid=gid, **look
            )
        handles += _keys(with_elbow=bool(table["elbow"].any()))
        for text in panel.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.02), frameon=False, fontsize=sized(SMALL_SIZE)
        ).get_texts():
            text.set(parse_math=False, color=ink())
        panel.set_xlabel(_CALLED[smooth], fontsize=sized(SMALL_SIZE + 1), color=ink())
        panel.set_ylabel("held-out explained variance", fontsize=sized(SMALL_SIZE + 1), color=ink())
        panel.xaxis.set_major_locator(MaxNLocator(5))
        panel.yaxis.set_major_locator(MaxNLocator(5))
        panel.tick_params(labelsize=sized(SMALL_SIZE), color=GREY, labelcolor=ink(), length=2.5, width=0.6)
        panel.spines[["top", "right"]].set_visible(False)
        panel.spines[["left", "bottom"]].set(color=GREY, linewidth=0.6)
        panel.grid(visible=False)
        panel.margins(0.1)
        _write_smoothness(panel, table, smooth, color_of)
        if ax is None:
            at = (0.1 - left) / _WIDTH
            panel.set_title(
                wrap(head, left + _WIDTH + side - 0.1),
                x=at,
                pad=72 * above,
                ha="left",
                fontsize=sized(TITLE_SIZE),
                color=ink(),
                linespacing=1.15,
                parse_math=False,
            )
            panel.annotate(
                reasons,
                (at, 1),
                (0, 5),
                xycoords="axes fraction",
                textcoords="offset points",
                va="bottom",
                fontsize=sized(SMALL_SIZE),
                color=ink(),
                linespacing=1.15,
                parse_math=False,
                annotation_clip=False,
                gid="why",
            )
        else:
            write_title(panel, head)
    return page.result


def _keys(*, with_elbow: bool) -> list[Line2D]:
    """What marks stand for, for the legend."""
    open_mark: dict[str, Any] = {"color": ink(), "markerfacecolor": "none", "linestyle": "none"}
    return [
        Line2D([], [], marker="o", markersize=7, label="recommended", **open_mark),
        *([Line2D([], [], marker="D", markersize=6, label="elbow", **open_mark)] if with_elbow else []),
        Line2D([], [], color=GREY, linestyle=":", linewidth=1.2, label="tolerance"),
        Line2D([], [], color=GREY, marker="o", markersize=4.5, linestyle="none", label=_WITHIN),
        Line2D([], [], linestyle="none", label=_NUMBERS),
    ]


def _number_of_size(table: pd.DataFrame, graph: str, size: int) -> int:
    sizes = sorted(set(table.loc[table["graph"].astype(str) == graph, "n_neurons"].astype(int)))
    return sizes.index(size)


def _curve(panel: Axes, rows: pd.DataFrame, smooth: str, *, color: str, marker: str, tolerance: float) -> None:
    rows = rows.sort_values("smoothness")
    x, y = rows[smooth].to_numpy(dtype=float), rows["explained_variance"].to_numpy(dtype=float)
    panel.plot(x, y, color=color, linewidth=1.2, zorder=2, gid="curve")
    faces = [color if is_taken else panel.get_facecolor() for is_taken in rows["candidate"]]
    panel.scatter(x, y, s=22, marker=marker, c=faces, edgecolors=color, linewidths=1.1, zorder=3, gid="fits")
    plain = float(rows["explained_variance_unregularised"].mean())
    lowest = plain - tolerance * abs(plain)
    reach = 0.02 * max(float(np.ptp(x)), 0.05)
    panel.plot(
        [x.min() - reach, x.max() + reach], [lowest, lowest], ":", color=color, linewidth=1.0, zorder=1, gid="limit"
    )


def _write_smoothness(panel: Axes, table: pd.DataFrame, smooth: str, color_of: dict[str, str]) -> None:
    """The smoothness beside every point that has room for it, those that are marked first."""
    marked = (table["recommended"] | table["elbow"]).to_numpy(dtype=bool)
    first = np.lexsort((-table["candidate"].to_numpy(dtype=int), -marked.astype(int)))
    points = table[[smooth, "explained_variance"]].to_numpy(dtype=float)
    panel.autoscale_view()
    figure = panel.get_figure(root=True)
    assert figure is not None
    # In points; what is taken are middles and half the size of marks, then of numbers.
    at = panel.transData.transform(points) * 72 / figure.dpi
    size = sized(SMALL_SIZE - 1.5)
    taken = [(middle, np.full(2, 7.0 if has_ring else 3.0)) for middle, has_ring in zip(at, marked, strict=True)]
    for row in first:
        text = f"{table['smoothness'].iloc[row]:g}"
        half = np.array([72 * text_width(text, SMALL_SIZE - 1.5), 1.2 * size]) / 2
        away = np.array([5.0, 5.0]) + half if marked[row] else np.array([2.0, 2.5]) + half
        for side in _SIDES:
            middle = at[row] + away * side
            others = [place for number, place in enumerate(taken) if number != row]
            if all((np.abs(middle - other) >= half + room).any() for other, room in others):
                taken.append((middle, half))
                panel.annotate(
                    text,
                    points[row],
                    middle - at[row],
                    textcoords="offset points",
                    ha="center",
                    va="center",
                    fontsize=size,
                    color=color_of[str(table["graph"].iloc[row])],
                    gid="smoothness",
                )
                break
