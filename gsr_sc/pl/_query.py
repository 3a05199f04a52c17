"""New cells on the map of others: where they lie, what they are called, how strange they look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba

from .._checks import require_choice, require_number
from .._docs import doc_params
from ..get import query as query_table
from ..get._columns import read_labels
from ..get._values import chosen, names_list
from ..slots import STRANGE, StoredMap
from ._canvas import canvas, check_ax
from ._color_panels import BAR_HEIGHT, bar_beside, heading
from ._colors import FRAME, GREY, NA_COLOR, RIM, colormap, label_colors
from ._layer import Layer
from ._order_strip import Legend, write_legend
from ._sheet import bar_room, title_height, write_foot, write_footnote, write_title
from ._text import listed, sized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from numpy.typing import NDArray

    from ._canvas import Shown
    from ._colors import Palette

Panel = Literal["labels", "confidence", "novelty"]
_PANELS: tuple[Panel, ...] = ("labels", "confidence", "novelty")
_BARS = {"confidence": "share of such labels that are right", "novelty": "share of reference less strange"}
_UNSURE = 0.5
# Darker than what has no value, paler than any label.
_REFERENCE = "#c4c4ca"
# Half the width, in layout units, over which cells on a single line are spread across it.
_SPREAD = 0.35


@doc_params()
def query(
    adata: AnnData,
    *,
    reference: AnnData | None = None,
    panels: Panel | Sequence[Panel] | None = None,
    groupby: str | None = None,
    groups: str | Sequence[str] | None = None,
    cmap: str | Colormap | None = None,
    palette: Palette = None,
    outline: bool = True,
    size: float | None = None,
    title: str | Sequence[str] | None = None,
    key: str | None = None,
    reference_key: str | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Draw new cells on the map of a reference, after :func:`gsr_sc.tl.map_query`.

    Each cell is a point at its place on the map, over the cells of the reference in grey. Below the panels is how many of the
    variables that the model reads were found, and which were not. On a single line, cells are spread across it.

    Parameters
    ----------
    adata
        The query, placed on a map; nothing of it is changed.
    reference
        The data that the model was fitted on, with the map in it; by default, only the map's outline lies below the query.
    panels
        What to draw, a panel each. `"labels"`: the labels that were carried over, or, without these, the clusters.
        `"confidence"`: how often such labels are right; unsure cells lie on top. `"novelty"`: the share of
        held-out reference cells that look less strange; strange cells lie on top, those without a novelty are light grey.
        By default all that there is.
    groupby
        Column of labels to colour the first panel by instead, such as labels known beforehand.
    groups
        Labels to draw; the other cells are left light grey.
    cmap
        Colour map of confidence and novelty.
    palette
        Colours of the labels: a mapping, a list in category order, or the name of a colour map; by default those of `.uns`
        (`<column>_colors`).
    {outline}
    size
        Area of the points in square points; by default the smaller the more cells there are.
    title
        Titles of the panels.
    key
        What was passed as `key_added` when the query was placed.
    reference_key
        What was passed as `key_added` when the map in `reference` was fitted.
    {show}
    {return_fig}
    {ax}

    Returns
    -------
    {shown}

    Raises
    ------
    KeyError
        If no map is stored under `key`, it is not that of a query, or there is no column `groupby`.
    ValueError
        If the map in `reference` is another one, a panel has nothing to show, or `ax` is given for several panels.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.pl.query(query, reference=reference)  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    table = query_table(adata, key=key)
    report: Mapping[str, Any] = stored.added("query", by="map_query")
    wanted = _panels(table, panels)
    check_ax(ax, len(wanted), "`panels`")
    if size is not None:
        require_number("size", size, above=0)
    layer = Layer.of(stored)
    others = None if reference is None else _of_reference(stored, StoredMap(reference, reference_key), layer)
    column = groupby or (stored.keys.added("label") if "label" in table else stored.keys.cluster)
    labels = read_labels(adata, column, "groupby")
    names = chosen(groups, [labels])[0]
    color_of = label_colors(adata, labels.column, labels.categories, palette)
    counts = dict(zip(labels.categories, labels.counts, strict=True))
    told = Legend("", [(f"{name}  ({counts[name]:,})", color_of[name]) for name in names])
    heads = heading(names_list(title) or None, [column if name == "labels" else name for name in wanted])
    feet = [_foot(name, table, 0 if others is None else len(others)) for name in wanted]
    flat = layer.aspect < 0.25
    width = 4.6 if flat else 2.7
    height = width * layer.aspect
    sides = [told.width + 0.1 if name == "labels" else bar_room() for name in wanted]
    tall = max(height + sized(0.28), *(told.height if name == "labels" else sized(BAR_HEIGHT) for name in wanted))
    over = max(title_height(head, with_dot=False, width=width) for head in heads)
    full = 0.2 + (width + max(sides) if flat else sum(width + side for side in sides))
    note = _genes(report, full - 0.2)
    high = 0.1 + (over + tall) * (len(wanted) if flat else 1) + 0.05 + sized(0.13) * (note.count("\n") + 1)
    place = _places(stored, layer)
    area = float(np.clip(7000 / max(adata.n_obs, 1), 1.5, 9)) if size is None else size
    with canvas(full, high, show=show, return_fig=return_fig, ax=ax) as page:
        left, top = 0.1, 0.1 + over
        for name, head, foot, side in zip(wanted, heads, feet, sides, strict=True):
            panel = ax if ax is not None else page.add(left, top, width, height)
            _ground(panel, layer, others, area, outline=outline)
            if name == "labels":
                picked = [labels.categories.index(one) for one in names]
                colors = np.array([*(color_of[one] for one in labels.categories), to_rgba(NA_COLOR)])
                codes = np.where(np.isin(labels.codes, picked), labels.codes, -1)
                _points(panel, place, colors[codes], area, last=codes >= 0)
                write_legend(panel, told)
            else:
                _shades(panel, place, table[name].to_numpy(dtype=float), name, cmap=colormap(cmap), area=area)
            write_title(panel, head)
            write_foot(panel, foot)
            left, top = (left, top + over + tall) if flat else (left + width + side, top)
        if ax is None:
            write_footnote(page, note)
    return page.result


def _panels(table: pd.DataFrame, panels: Panel | Sequence[Panel] | None) -> list[str]:
    """What to draw, checked to be there."""
    there = {"labels": True, "confidence": "confidence" in table, "novelty": bool(table["novelty"].notna().any())}
    wanted = names_list(panels) or [name for name in _PANELS if there[name]]
    for name in wanted:
        require_choice("panels", name, _PANELS)
        if not there[name]:
            why = "no labels were carried over" if name == "confidence" else "the model does not know what is usual"
            msg = f"`panels` asks for {name!r}, but {why}; choose of {[one for one in _PANELS if there[one]]}."
            raise ValueError(msg)
    return wanted


def _places(stored: StoredMap, layer: Layer) -> NDArray[np.float64]:
    """Places on the map, (n_obs, 2), spread across a single line."""
    place = np.array(stored.map, dtype=np.float64)
    if np.ptp(layer.graph.layout[:, 1]) == 0:
        place[:, 1] += np.random.default_rng(0).uniform(-_SPREAD, _SPREAD, len(place))
    return place


def _of_reference(stored: StoredMap, reference: StoredMap, layer: Layer) -> NDArray[np.float64]:
    one, other = stored.graph, reference.graph
    same = one.names == other.names and one.n_edges == other.n_edges and np.allclose(one.layout, other.layout)
    if not same:
        msg = (
            f"The map in `reference` is not that of the query: {other!r} instead of {one!r}. Write it with "
            "`model.annotate(reference)`, or name another one with `reference_key`."
        )
        raise ValueError(msg)
    return _places(reference, layer)


def _ground(panel: Axes, layer: Layer, others: NDArray[np.float64] | None, area: float, *, outline: bool) -> None:
    """What lies below the query: the layer, and the cells of the reference."""
    layer.prepare(panel, frameon=None)
    if not layer.tiled:
        layer.draw_edges(panel, color=FRAME)
    if others is not None:
        size = float(np.clip(7000 / max(len(others), 1), 1.5, area))
        panel.scatter(
            others[:, 0],
            others[:, 1],
            s=size,
            c=[_REFERENCE],
            linewidths=0,
            zorder=1.5,
            rasterized=True,
            clip_on=False,
            gid="reference",
        )
    if outline:
        layer.draw_outline(panel, color=GREY, linewidth=0.6)


def _points(
    panel: Axes, place: NDArray[np.float64], colors: NDArray[np.float64], area: float, *, last: NDArray[Any]
) -> None:
    """Points of a colour each; those with the highest number on top, equals mixed."""
    order = np.lexsort((np.random.default_rng(0).permutation(len(place)), last))
    panel.scatter(
        place[order, 0],
        place[order, 1],
        s=area,
        c=colors[order],
        # Pale colours are not to be lost on the paper.
        edgecolors=RIM,
        linewidths=0.2,
        zorder=3.5,
        rasterized=True,
        clip_on=False,
        gid="query",
    )


def _shades(
    panel: Axes, place: NDArray[np.float64], values: NDArray[np.float64], name: str, *, cmap: Colormap, area: float
) -> None:
    shades, norm = cmap.with_extremes(bad=NA_COLOR), Normalize(0, 1)
    on_top = values if name == "novelty" else -values
    _points(panel, place, shades(norm(np.ma.masked_invalid(values))), area, last=np.nan_to_num(on_top, nan=-2.0))
    bar_beside(panel, ScalarMappable(norm, shades), _BARS[name], horizontal=False, extend="neither")


def _foot(name: str, table: pd.DataFrame, n_reference: int) -> str:
    """What the cells of a panel come to, in words."""
    if name == "labels":
        return f"{len(table):,} cells" + (f" (grey: {n_reference:,} of the reference)" if n_reference else "")
    known = table[name].dropna()
    if name == "confidence":
        return f"{100 * float((known < _UNSURE).mean()):.0f} % of cells below {_UNSURE:g}"
    # Of more cells of the reference it would be as many as are above the limit.
    share = 100 * float((known > STRANGE).mean())
    return f"{share:.0f} % above {STRANGE:g} ({100 * (1 - STRANGE):.0f} % would be usual)"


def _genes(report: Mapping[str, Any], width: float) -> str:
    """How the variables were matched, in one line or two."""
    n, found = int(report["n_variables"]), int(report["n_matched"])
    text = f"{'all' if found == n else f'{found:,} of'} {n:,} variables of the model found"
    if report["n_extra"]:
        text += f", {int(report['n_extra']):,} others not used"
    lines = [text]
    missing = [str(name) for name in np.asarray(report["missing"])]
    if missing:
        lines.append(listed(f"missing {len(missing):,}", missing, width))
    unseen = [str(name) for name in np.asarray(report["unseen_batches"])]
    if unseen:
        lines.append(listed("batches that the model has not seen", unseen, width))
    return "\n".join(lines)
