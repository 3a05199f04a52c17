"""Neurons by groups of observations, in the order of the indicator hierarchy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection

from .._checks import require_choice
from .._docs import doc_params
from ..get._columns import read_labels
from ..get._levels import Level, read_units
from ..get._values import chosen, group_means
from ..slots import UNASSIGNED, StoredMap
from ._canvas import canvas
from ._color_panels import BAR_HEIGHT
from ._colors import GREY, PAPER, colormap, ink, label_colors
from ._group_panels import StandardScale, means_scale, rescaled
from ._indicator_columns import read_columns
from ._layer import Layer
from ._norm import beyond, is_diverging
from ._sheet import bar_room, write_colorbar
from ._text import SMALL_SIZE, sized, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from numpy.typing import NDArray

    from ._canvas import Shown
    from ._colors import Palette
    from ._norm import Bound

_TREE, _STRIP, _ROW, _WIDEST, _FULL = 0.55, 0.09, 0.17, 0.24, 10.0
_LEGIBLE = 4.0


@doc_params()
def indicators(
    adata: AnnData,
    *,
    groupby: str | None = None,
    level: Level = "neurons",
    groups: str | Sequence[str] | None = None,
    standard_scale: StandardScale | None = None,
    sort: bool = True,
    dendrogram: bool = True,
    cmap: str | Colormap | None = None,
    palette: Palette = None,
    vmin: Bound = None,
    vmax: Bound = None,
    vcenter: Bound = None,
    norm: Normalize | None = None,
    title: str | None = None,
    key: str | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Draw the mean activation of each neuron in each group of observations, neurons in the order of their hierarchy.

    Above are the tree of the neurons, by how often observations that are neighbours light them, and a strip in the
    colours of the indicator groups: one for each level, if :func:`gsr_sc.tl.indicators` was run.

    Parameters
    ----------
    adata
        Annotated data with a fitted map; nothing of it is changed.
    groupby
        Column of `.obs` with a row for each label; by default the indicator groups that observations are assigned to.
    level
        What the columns are: `"neurons"`; `"groups"`, the indicator groups of `gsr_cluster`; or the number of a level of
        `tl.indicators`.
    groups
        Labels to draw, in this order; by default all that occur.
    standard_scale
        Bring the means to 0 to 1 within each `"group"` (row) or each `"neuron"` (column).
    sort
        Whether rows go from top to bottom as what they light goes from left to right; else, and where `groups` are
        named, they are in their own order.
    dendrogram
        Whether to draw the tree.
    cmap
        Colour map; by default from nearly white to nearly black, or diverging for values about 0.
    palette
        Colours of the dots beside the rows: a mapping, a list in category order, or the name of a colour map;
        by default those of `.uns` (`<column>_colors`).
    vmin, vmax, vcenter
        Limits and middle of the colour scale: numbers, percentiles such as `"p99"`, or functions of the values.
    {norm}
    title
        Title instead of the name of the column.
    {key}
    {show}
    {return_fig}
    ax
        Axes to draw into; the tree is drawn above them.

    Returns
    -------
    None if shown; with `return_fig` the figure; else the axes.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or a column or level does not exist.
    ValueError
        If options contradict each other or name groups that do not occur.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.tl.indicators(adata)  # doctest: +SKIP
    >>> gsr_sc.pl.indicators(adata, groupby="cell_type")  # doctest: +SKIP
    """
    require_choice("standard_scale", standard_scale, (None, "group", "neuron"))
    stored = StoredMap(adata, key)
    units = read_units(stored, level)
    layer = Layer.of(stored)
    columns = read_columns(stored, layer, units)
    column = _default_rows(stored, level) if groupby is None else groupby
    labels = read_labels(adata, column, "groupby")
    names = chosen(groups, [labels])[0]
    index = [labels.categories.index(name) for name in names]
    means = group_means(units.activations(stored), labels)[index][:, columns.order]
    dead, constant = (mask[columns.order] for mask in columns.silent)
    values = rescaled(means, standard_scale)
    if sort and groups is None:
        rows = _downwards(means, last=[name == UNASSIGNED for name in names])
        names, values = [names[row] for row in rows], values[rows]
    counts = dict(zip(labels.categories, labels.counts, strict=True))
    known = palette is not None or groupby is None or f"{labels.column}_colors" in adata.uns
    colors = label_colors(adata, labels.column, labels.categories, palette) if known else {}
    limits = {"vmin": vmin, "vmax": vmax, "vcenter": vcenter, "norm": norm}
    scale = means_scale(values[:, ~dead], limits, standard_scale)
    colours = colormap(cmap, diverging=is_diverging(scale))

    n_rows, n_columns = values.shape
    wide = float(np.clip(_FULL / n_columns, 0.05, _WIDEST))
    size = min(SMALL_SIZE, 72 * wide * 0.85 / sized(1))
    texts = [f"{name}  ({counts[name]:,})" for name in names]
    left = max(text_width(text, SMALL_SIZE) for text in texts) + sized(0.3)
    below = max(text_width(units.names[unit], size) for unit in columns.order) + 0.1 if size >= _LEGIBLE else 0.1
    above = sized(0.25) + _STRIP * len(columns.strips) + 0.05 + _TREE * dendrogram
    width, height = wide * n_columns, sized(_ROW) * n_rows
    foot = sized(0.25) if dead.any() or constant.any() else 0.05
    with canvas(
        left + width + bar_room() + 0.1,
        above + max(height, sized(0.9)) + below + foot,
        show=show,
        return_fig=return_fig,
        ax=ax,
    ) as page:
        panel = ax if ax is not None else page.add(left, above, width, height)
        shown = panel.imshow(
            np.ma.masked_where(np.broadcast_to(dead, values.shape), values),
            cmap=colours,
            norm=scale,
            aspect="auto",
            interpolation="nearest",
            gid="means",
        )
        panel.grid(visible=False)
        _finish(panel, texts, [colors.get(name) for name in names], [units.names[unit] for unit in columns.order], size)
        _mark(panel, dead, constant, n_rows)
        tall = _inches_high(panel, page.figure)
        top = _strips(panel, columns.strips, tall)
        if dendrogram:
            _tree(panel, columns.lines, top, tall)
        pad = 72 * ((top - 1) * tall + (_TREE if dendrogram else 0.0) + 0.06)
        panel.set_title(
            title or column, x=0, ha="left", fontsize=sized(SMALL_SIZE + 1.5), color=ink(), pad=pad, parse_math=False
        )
        length = min(sized(1.3), max(tall, sized(BAR_HEIGHT))) / tall
        cax = panel.inset_axes((1 + 0.12 / width, 1 - length, 0.09 / width, length), gid="colorbar")
        told = "mean activation" if standard_scale is None else f"scaled per {standard_scale}"
        write_colorbar(cax, shown, told, extend=beyond(scale, values[:, ~dead]))
        layer.write_notes(page)
    return page.result


def _default_rows(stored: StoredMap, level: Level) -> str:
    """Column of the observations' groups, of the same level as the columns or else of the finest."""
    added = stored.adata.uns.get(stored.keys.added("indicators"))
    if isinstance(level, str):
        return stored.keys.cluster if added is None else stored.keys.cluster_level(np.shape(added["group"])[1] - 1)
    return stored.keys.cluster_level(level)


def _downwards(means: NDArray[np.float64], *, last: list[bool]) -> NDArray[np.intp]:
    """Rows by where most of their activation is, from left to right; some of them last."""
    weight = np.clip(means - means.mean(axis=0), 0, None) ** 2
    total = weight.sum(axis=1)
    place = np.divide(weight @ np.arange(means.shape[1]), total, out=np.zeros(len(means)), where=total > 0)
    return np.lexsort((place, last))


def _finish(panel: Axes, texts: list[str], colors: list[Any], names: list[str], size: float) -> None:
    """Names of rows with their dots, names of columns where they can be read."""
    panel.set_yticks(np.arange(len(texts)), texts, fontsize=sized(SMALL_SIZE), color=ink(), parse_math=False)
    if size >= _LEGIBLE:
        panel.set_xticks(np.arange(len(names)), names, fontsize=sized(size), color=ink(), rotation=90, parse_math=False)
    else:
        panel.set_xticks([])
    panel.tick_params(length=0, pad=2)
    panel.tick_params(axis="y", pad=4 + sized(8) if any(color is not None for color in colors) else 3)
    for spine in panel.spines.values():
        spine.set_visible(False)
    for row, color in enumerate(colors):
        if color is not None:
            panel.annotate(
                "\u25cf",
                (0, row),
                (-4, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                color=color,
                fontsize=sized(SMALL_SIZE),
                ha="right",
                va="center_baseline",
                annotation_clip=False,
                gid="dot",
            )
    panel.hlines(np.arange(1, len(texts)) - 0.5, -0.5, len(names) - 0.5, color=PAPER, linewidth=0.4)


def _mark(panel: Axes, dead: NDArray[np.bool_], constant: NDArray[np.bool_], n_rows: int) -> None:
    """Crosses in the columns of neurons that carry nothing, dashes in those of constant ones."""
    for mask, marker, gid in ((dead, "x", "dead"), (constant, "_", "constant")):
        at = np.flatnonzero(mask)
        if len(at):
            place = np.array([(column, row) for column in at for row in range(n_rows)])
            panel.scatter(place[:, 0], place[:, 1], marker=marker, s=6, linewidths=0.6, color=GREY, gid=gid)


def _inches_high(panel: Axes, figure: Any) -> float:
    return float(panel.get_position().height * figure.get_size_inches()[1])


def _strips(panel: Axes, strips: NDArray[np.float64], tall: float) -> float:
    """One strip of colours per level above the panel, coarse at the top; returns where they end, in panel heights."""
    start, high = 1 + 0.03 / tall, _STRIP * len(strips) / tall
    if len(strips):
        above = panel.inset_axes((0, start, 1, high), gid="strips")
        above.imshow(strips, aspect="auto", interpolation="nearest", gid="strips")
        above.hlines(np.arange(1, len(strips)) - 0.5, -0.5, strips.shape[1] - 0.5, color=PAPER, linewidth=0.8)
        above.set_axis_off()
    return start + high


def _tree(panel: Axes, lines: list[NDArray[np.float64]], start: float, tall: float) -> None:
    above = panel.inset_axes((0, start + 0.02 / tall, 1, (_TREE - 0.04) / tall), gid="tree")
    above.add_collection(LineCollection(lines, colors=GREY, linewidths=0.6, gid="tree"), autolim=False)
    above.set(xlim=panel.get_xlim(), ylim=(0, 1.03))
    above.set_axis_off()
