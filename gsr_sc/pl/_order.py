"""Genes along the order of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.colors import to_rgba

from .._checks import require_choice, require_number
from .._docs import doc_params
from ..get._columns import read_labels
from ..get._values import names_list
from ..slots import StoredMap
from ._canvas import canvas, check_ax
from ._color_panels import heading
from ._colors import colormap, ink, label_colors
from ._order_curves import trend
from ._order_panels import dial, dial_size, heatmap
from ._order_strip import Legend, Strip, write_legend
from ._sheet import bar_room, columns_for
from ._text import LABEL_SIZE, SMALL_SIZE, TITLE_SIZE, sized, text_width
from ._trends import chosen_genes, kernel_width, read_genes, read_lanes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

    from ._canvas import Shown
    from ._colors import Palette
    from ._order_strip import Color
    from ._trends import Lane

OrderKind = Literal["trends", "heatmap", "dial"]
_FEW = 6


@doc_params()
def order(
    adata: AnnData,
    *,
    genes: str | Sequence[str] | None = None,
    kind: OrderKind | None = None,
    groupby: str | None = None,
    n_genes: int = 30,
    smooth: float = 0.05,
    layer: str | None = None,
    use_raw: bool = False,
    key: str | None = None,
    points: bool = True,
    cmap: str | Colormap | None = None,
    palette: Palette = None,
    title: str | Sequence[str] | None = None,
    ncols: int | None = None,
    legend_loc: Literal["right margin", "none"] | None = "right margin",
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Draw genes along the order of the map: as curves, as a heatmap sorted by where they peak, or as a dial.

    Counts are scaled to equal totals and log-transformed first; other values are drawn as they are.
    Observations without a position are left out. Branches, several lines and several rings are drawn apart.

    Parameters
    ----------
    adata
        Annotated data with a fitted map that has an order (:func:`gsr_sc.tl.order`); nothing of it is changed.
    genes
        Genes, or numeric columns of `.obs`, to draw. By default those that change most surely along the order
        (:func:`gsr_sc.tl.order_genes`).
    kind
        `"trends"`: a panel for each gene, with a curve for each branch and a band of two standard errors. `"heatmap"`: a row for
        each gene, brought to 0 to 1, sorted by where it peaks, branches side by side. `"dial"`, on rings: the same
        going round, clockwise from the root at the top, with each name where the gene peaks.
        By default trends of up to six named genes; else a heatmap, on a ring a dial.
    groupby
        Column of labels: shares of the labels along a heatmap or round a dial, colours of the points of trends.
    n_genes
        How many genes are drawn if none are named.
    smooth
        Width of the Gaussian kernel that curves are smoothed with, as share of the whole range.
    layer
        Layer to take genes from instead of X.
    use_raw
        Whether to take genes from `.raw`.
    {key}
    points
        Whether trends show the observations (at most 2000, evenly picked).
    cmap
        Colour map of heatmap and dial.
    palette
        Colours of the labels, or of the branches if there is no `groupby`: a mapping, a list in category order, or the name
        of a colour map; by default those of `.uns`.
    title
        Title or titles instead of the names of the genes, or of the order.
    ncols
        Panels per row, of trends.
    legend_loc
        Where labels and branches are told: `"right margin"` or `"none"`.
    {show}
    {return_fig}
    {ax}

    Returns
    -------
    {shown}

    Raises
    ------
    KeyError
        If no map or no order is stored under `key`, or if a gene, layer or column does not exist.
    ValueError
        If options contradict each other or are out of range.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.pl.order(adata, genes=["Gata1", "Mpo"], groupby="cell_type")  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    _check(stored, kind=kind, n_genes=n_genes, smooth=smooth, ncols=ncols, legend_loc=legend_loc)
    lanes = read_lanes(stored)
    names = chosen_genes(stored, genes, n_genes)
    if kind is None:
        kind = "trends" if genes is not None and len(names) <= _FEW else "dial" if stored.is_round else "heatmap"
    values, scaled = read_genes(adata, names, layer=layer, use_raw=use_raw)
    strip = _strip(stored, groupby, palette)
    lane_colors = _lane_colors(stored, lanes, None if groupby else palette)
    unit = "log expression" if scaled else "expression"
    width = kernel_width(stored, smooth)
    if kind == "trends":
        titles = heading(None if title is None else names_list(title), names)
        return _draw_trends(
            lanes,
            values,
            titles,
            strip,
            lane_colors,
            width=width,
            unit=unit,
            points=points,
            ncols=ncols,
            legend_loc=legend_loc,
            show=show,
            return_fig=return_fig,
            ax=ax,
        )
    titles = (
        [lane.name for lane in lanes] if kind == "dial" and len(lanes) > 1 else [f"genes along {stored.keys.order}"]
    )
    titles = heading(None if title is None else names_list(title), titles)
    colors = colormap(cmap)
    side = 0.0 if strip is None or legend_loc != "right margin" else strip.legend.width
    if kind == "dial":
        check_ax(ax, len(lanes), "a map of one ring")
        size = dial_size(names) + 0.1
        with canvas(len(lanes) * size + side + 0.2, size + sized(0.3), show=show, return_fig=return_fig, ax=ax) as page:
            for number, (lane, text) in enumerate(zip(lanes, titles, strict=True)):
                panel = ax if ax is not None else page.add(0.1 + number * size, sized(0.25), size - 0.1, size - 0.1)
                dial(panel, lane, values, names, strip, cmap=colors, width=width)
                panel.set_title(text, x=0.02, ha="left", fontsize=sized(TITLE_SIZE), color=ink(), parse_math=False)
            if side and strip is not None:
                write_legend(page.panels[-1], strip.legend)
        return page.result
    left = max(text_width(name, SMALL_SIZE) for name in names) + sized(0.2)
    row = sized(0.15) if len(names) <= 40 else sized(0.1) if len(names) <= 80 else 0.06
    height = max(row * len(names), 0.8)
    # Of these the strip itself is no words.
    above = sized(0.62) + (0.33 if strip is not None else 0.0)
    legend_height = strip.legend.height if side and strip is not None else 0.0
    with canvas(
        left + 4.6 + bar_room() + side + 0.1,
        above + max(height + sized(0.5), legend_height),
        show=show,
        return_fig=return_fig,
        ax=ax,
    ) as page:
        panel = ax if ax is not None else page.add(left, above, 4.6, height)
        heatmap(panel, lanes, values, names, strip, cmap=colors, width=width, is_round=stored.is_round)
        panel.set_title(
            titles[0],
            x=0,
            ha="left",
            fontsize=sized(TITLE_SIZE),
            color=ink(),
            pad=sized(22) + (24 if strip else 0),
            parse_math=False,
        )
        if side and strip is not None:
            write_legend(panel, strip.legend, right=bar_room())
    return page.result


def _check(
    stored: StoredMap, *, kind: str | None, n_genes: int, smooth: float, ncols: int | None, legend_loc: str | None
) -> None:
    require_choice("kind", kind, (None, "trends", "heatmap", "dial"))
    require_choice("legend_loc", legend_loc, (None, "right margin", "none"))
    require_number("n_genes", n_genes, lowest=1, whole=True)
    if ncols is not None:
        require_number("ncols", ncols, lowest=1, whole=True)
    require_number("smooth", smooth, above=0, highest=1)
    if kind == "dial" and not stored.is_round:
        msg = f"`kind='dial'` draws rings, and this map is of kind {stored.graph.kind!r}; choose 'heatmap' or 'trends'."
        raise ValueError(msg)


def _strip(stored: StoredMap, groupby: str | None, palette: Palette) -> Strip | None:
    if groupby is None:
        return None
    labels = read_labels(stored.adata, groupby, "groupby")
    colors = label_colors(stored.adata, labels.column, labels.categories, palette)
    return Strip(labels, Legend(groupby, [(name, colors[name]) for name in labels.used]))


def _lane_colors(stored: StoredMap, lanes: list[Lane], palette: Palette) -> list[Color]:
    if len(lanes) == 1:
        return [label_colors(stored.adata, "", ["all"], ["#bb2b4f"])["all"]]
    names = [str(name) for name in stored.adata.obs[stored.keys.branch].cat.categories]
    if palette is None and f"{stored.keys.branch}_colors" not in stored.adata.uns:
        palette = "viridis"
        cmap = colormap(palette)
        return [to_rgba(cmap(share)) for share in np.linspace(0.0, 0.86, len(lanes))]
    colors = label_colors(stored.adata, stored.keys.branch, names, palette)
    return [colors[lane.name] for lane in lanes]


def _draw_trends(
    lanes: list[Lane],
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    titles: list[str],
    strip: Strip | None,
    colors: list[Color],
    *,
    width: float,
    unit: str,
    points: bool,
    ncols: int | None,
    legend_loc: str | None,
    show: bool | None,
    return_fig: bool | None,
    ax: Axes | None,
) -> Shown:
    check_ax(ax, len(titles), "a single gene")
    entries = [(lane.name, color) for lane, color in zip(lanes, colors, strict=True)] if len(lanes) > 1 else []
    legends = [Legend("branch", entries, line=True)] * bool(entries)
    if strip is not None and points:
        legends.append(strip.legend)
    if legend_loc != "right margin":
        legends = []
    side = sum(legend.width for legend in legends)
    ncols = min(len(titles), min(columns_for(len(titles)), 4) if ncols is None else ncols)
    n_rows = -(-len(titles) // ncols)
    wide, high = 2.2, 1.5
    tallest = max((legend.height for legend in legends), default=0.0)
    left, top, row_height = sized(0.55), sized(0.28), high + sized(0.75)
    size = (0.1 + ncols * (wide + left) + side, max(n_rows * row_height, tallest + sized(0.3)))
    with canvas(*size, show=show, return_fig=return_fig, ax=ax) as page:
        for number, text in enumerate(titles):
            row, column = divmod(number, ncols)
            spot = (left + column * (wide + left), top + row * row_height)
            panel = ax if ax is not None else page.add(*spot, wide, high)
            trend(panel, lanes, values[:, [number]], strip, colors, width=width, points=points)
            panel.set_title(text, x=0, ha="left", fontsize=sized(TITLE_SIZE), color=ink(), parse_math=False)
            panel.set_ylabel(unit if column == 0 else "", fontsize=sized(LABEL_SIZE), color=ink())
        right = 0.1
        for legend in legends:
            right = write_legend(page.panels[min(ncols, len(titles)) - 1], legend, right=right)
    return page.result
