"""How far to trust a map: what of it comes out the same in refits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.colors import Normalize, to_rgba

from .._checks import require_choice
from .._docs import doc_params
from ..get import stability as stability_table
from ..get._columns import read_labels
from ..get._trust import two_digits
from ..get._values import names_list
from ..slots import StoredMap
from ._canvas import canvas, check_ax
from ._colors import FRAME, GREY, RIM, colormap, ink, ink_on, label_colors
from ._layer import Layer
from ._sheet import inches, title_height, write_colorbar, write_title
from ._spans import is_lost, write_spans
from ._text import SMALL_SIZE, sized, text_width, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

    from ._canvas import Shown

Panel = Literal["neurons", "cells", "fits"]
_PANELS: tuple[Panel, ...] = ("neurons", "cells", "fits")
_SIDE, _ABOVE, _ROW, _GAP = 2.5, 0.045, 0.125, 0.35
_MOST_NUMBERS = 9


@doc_params()
def stability(
    adata: AnnData,
    *,
    panels: Panel | Sequence[Panel] = _PANELS,
    groupby: str | None = None,
    key: str | None = None,
    cmap: str | Colormap | None = None,
    title: str | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Draw how reproducible neurons, cells and whole fits are, after :func:`gsr_sc.tl.stability`.

    Parameters
    ----------
    adata
        Annotated data with a fitted map; nothing of it is changed.
    panels
        What to draw. `"neurons"`: the map, each neuron coloured by its correlation with its counterparts in the refits.
        `"cells"`: for all cells and for each group, how near cells are to their places in the refits: median, and lines over
        the middle half and over nine tenths of them, the least reproducible group last; 0 is chance.
        `"fits"`: agreement of every two fits, of neurons above and of map coordinates below the diagonal.
    groupby
        Column of labels to split the cells by; by default the indicator groups.
    {key}
    cmap
        Colour map for correlations, which run from 0 to 1.
    title
        Text above the figure instead of the verdict; of a single panel, its title.
    {show}
    {return_fig}
    {ax}

    Returns
    -------
    {shown}

    Raises
    ------
    KeyError
        If no map is stored under `key`, :func:`gsr_sc.tl.stability` was not run, or there is no column `groupby`.
    ValueError
        If a panel is unknown, or `ax` is given for several.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.pl.stability(adata, groupby="cell_type")  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    found = stored.added("stability", by="stability")
    wanted = names_list(panels)
    for name in wanted or [""]:
        require_choice("panels", name, _PANELS)
    check_ax(ax, len(wanted), "`panels`")
    colors = colormap(cmap)
    layer = Layer.of(stored)
    rows = _rows(stored, groupby) if "cells" in wanted else []
    gap = sized(_GAP)
    tall = min(max(_SIDE, sized(_ROW) * len(rows)), sized(0.24) * len(rows)) if rows else 0.0
    height = max(_SIDE, tall)
    label = max((text_width(name, SMALL_SIZE) for name, _, _ in rows), default=0.0)
    map_width = _SIDE / layer.aspect if layer.aspect > 1 else _SIDE if layer.aspect > 0.25 else 2 * _SIDE
    left = {"neurons": 0.1, "cells": label + sized(0.15), "fits": sized(0.3)}
    width = {"neurons": map_width, "cells": 2.2, "fits": _SIDE * 0.9}
    after = {"neurons": 0.1 if layer.aspect < 0.5 else sized(0.6), "cells": 0.1, "fits": 0.1}
    full = sum(left[name] + width[name] + after[name] for name in wanted) + gap * (len(wanted) - 1) + 0.1
    several = len(wanted) > 1
    told = wrap(str(found["verdict"]) if title is None else title, full - 0.2, SMALL_SIZE + 1.5) if several else ""
    head = 0.1 + sized(0.16) * (told.count("\n") + 1) if told else 0.0
    titles = {
        "neurons": f"neurons, mean correlation {two_digits(float(found['mean_neurons']))}",
        "cells": "cells: kept places (0: chance)",
        "fits": "fits: neurons above, maps below",
    }
    heights = [title_height(titles[name], with_dot=False, width=width[name]) for name in wanted]
    top = max(heights) + sized(_ABOVE)
    with canvas(full, head + top + height + sized(0.5), show=show, return_fig=return_fig, ax=ax) as page:
        start = 0.0
        for name in wanted:
            start += left[name]
            high = {"cells": tall, "fits": width["fits"], "neurons": map_width * layer.aspect}[name]
            panel = ax if ax is not None else page.add(start, head + top, width[name], high)
            if name == "neurons":
                _neurons(panel, layer, stability_table(adata, key=key)["reproducibility"].to_numpy(), colors)
            elif name == "cells":
                _cells(panel, rows)
            else:
                _fits(panel, np.asarray(found["between_neurons"]), np.asarray(found["between_maps"]), colors)
            write_title(panel, titles[name] if several or title is None else title)
            start += width[name] + after[name] + gap
        if told:
            page.figure.text(
                0.1 / full,
                1 - 0.08 / float(page.figure.get_size_inches()[1]),
                told,
                fontsize=sized(SMALL_SIZE + 1.5),
                color=ink(),
                va="top",
                parse_math=False,
                gid="verdict",
            )
        if "neurons" in wanted:
            layer.write_notes(page)
    return page.result


def _rows(
    stored: StoredMap, groupby: str | None
) -> list[tuple[str, tuple[float, float, float, float], pd.Series[float]]]:
    """Name, colour and values of all cells and of each group, the most reproducible first."""
    values = stability_table(stored.adata, of="cells", key=stored.key)["reproducibility"]
    column = stored.keys.cluster if groupby is None else groupby
    labels = read_labels(stored.adata, column, "groupby")
    colors = label_colors(stored.adata, column, labels.categories)
    parts = [(name, colors[name], values[labels.codes == labels.categories.index(name)]) for name in labels.used]
    parts.sort(key=lambda part: -float(part[2].median()))
    return [("all cells", to_rgba(ink()), values), *parts]


def _neurons(panel: Axes, layer: Layer, values: np.ndarray, cmap: Colormap) -> None:
    layer.prepare(panel, frameon=None)
    if not layer.tiled:
        layer.draw_edges(panel)
    painted = layer.paint(panel, values, cmap=cmap, norm=Normalize(0, 1))
    layer.draw_outline(panel)
    layer.mark_dead(panel)
    flat = layer.aspect < 0.5
    _, high = inches(panel)
    place = (0.0, -sized(0.3) / high, 0.5, 0.09 / high) if flat else (1.03, 0.0, 0.035, 1.0)
    write_colorbar(panel.inset_axes(place, gid="colorbar"), painted, "correlation with refits", horizontal=flat)


def _cells(panel: Axes, rows: list[tuple[str, tuple[float, float, float, float], pd.Series[float]]]) -> None:
    place = np.arange(len(rows), dtype=float)
    for low, high, linewidth in ((0.05, 0.95, 1.0), (0.25, 0.75, 3.2)):
        ends = [
            [(values.quantile(low), y), (values.quantile(high), y)]
            for y, (_, _, values) in zip(place, rows, strict=True)
        ]
        colors = [color for _, color, _ in rows]
        write_spans(panel, ends, colors, linewidth=linewidth, gid="spread")
    medians = [float(values.median()) for _, _, values in rows]
    page = panel.get_facecolor()
    edges = [RIM if is_lost(color, page) else color for _, color, _ in rows]
    panel.scatter(medians, place, s=16, c=[page], edgecolors=edges, linewidths=1.2, zorder=3, gid="median")
    panel.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.5, -0.5), yticks=place)
    panel.set_yticklabels([name for name, _, _ in rows], fontsize=sized(SMALL_SIZE), color=ink(), parse_math=False)
    panel.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    panel.tick_params(labelsize=sized(SMALL_SIZE), color=GREY, labelcolor=ink(), length=2, width=0.6)
    panel.tick_params(axis="y", length=0)
    panel.grid(visible=True, axis="x", color=FRAME, linewidth=0.5)
    panel.set_axisbelow(True)
    panel.axhline(0.5, color=GREY, linewidth=0.6)
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.spines["bottom"].set(color=GREY, linewidth=0.6)


def _fits(panel: Axes, neurons: np.ndarray, maps: np.ndarray, cmap: Colormap) -> None:
    n_fits = len(neurons)
    both = np.triu(neurons, 1) + np.tril(maps, -1)
    both[np.diag_indices(n_fits)] = np.nan
    norm = Normalize(0, 1)
    panel.imshow(np.ma.masked_invalid(both), cmap=cmap, norm=norm, interpolation="nearest", gid="fits")
    if n_fits <= _MOST_NUMBERS:
        for row, column in np.argwhere(np.isfinite(both)):
            color = cmap(norm(both[row, column]))
            panel.text(
                column,
                row,
                two_digits(both[row, column]),
                ha="center",
                va="center",
                fontsize=sized(SMALL_SIZE),
                color=ink_on(color),
            )
    names = ["map", *map(str, range(1, n_fits))]
    panel.set_xticks(range(n_fits), names if n_fits <= 2 * _MOST_NUMBERS else [""] * n_fits)
    panel.set_yticks(range(n_fits), names if n_fits <= 2 * _MOST_NUMBERS else [""] * n_fits)
    panel.tick_params(labelsize=sized(SMALL_SIZE), color=GREY, labelcolor=ink(), length=0)
    panel.grid(visible=False)
    panel.spines[:].set(color=FRAME, linewidth=0.6)
