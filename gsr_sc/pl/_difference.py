"""How conditions differ, painted on the layer of neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from .._checks import require_choice, require_number, unknown
from .._docs import doc_params
from .._stored import StoredMap
from ..get import compare as compared
from ..get._values import names_list
from ._canvas import canvas, check_ax
from ._color_panels import BAR_HEIGHT, bar_beside, heading
from ._colors import GREY, colormap
from ._layer import DOT, Layer
from ._norm import beyond, scale
from ._sheet import SMALL_SIZE, Sheet, columns_for, text_width, title_height, write_foot, write_footnote, write_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize

    from ._canvas import Shown
    from ._norm import Bound

_LABEL = "log2 fold change"
# Inches for the names of neurons that tell nothing.
_NOTE = 2.6


@doc_params()
def difference(
    adata: AnnData,
    *,
    condition: str | Sequence[str] | None = None,
    of: Literal["neurons", "groups"] = "neurons",
    alpha: float = 0.1,
    key: str | None = None,
    cmap: str | Colormap | None = None,
    vmin: Bound = None,
    vmax: Bound = None,
    norm: Normalize | None = None,
    outline: bool = True,
    title: str | Sequence[str] | None = None,
    ncols: int | None = None,
    size: float | None = None,
    frameon: bool | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Paint how conditions differ on the layer of neurons, after :func:`gsr_sc.tl.compare`.

    Each neuron has the colour of the log2 fold change of its share of the activation between a condition and the reference,
    on one scale about 0 for all panels. A dot marks what differs at the chosen false discovery rate; below
    each panel is whether the map differs at all. Dead neurons are grey with a small cross.

    Parameters
    ----------
    adata
        Annotated data with a fitted map on which conditions were compared; nothing of it is changed.
    condition
        Conditions to draw, a panel each; by default all but the reference.
    of
        Whether to draw differences of single `"neurons"`, or to give all neurons of an indicator group that of the
        `"groups"`.
    alpha
        False discovery rate below which a difference gets a dot.
    {key}
    cmap
        Diverging colour map.
    vmin, vmax
        Ends of the colour scale: numbers, percentiles such as `"p99"`, or functions of the values. By default the
        largest difference on either side, and the same on the other.
    {norm}
    outline
        Whether to draw thin lines between neighbouring neurons of different indicator groups.
    title
        Titles of the panels instead of the conditions.
    ncols
        Panels per row.
    size
        Width of a panel in inches.
    frameon
        Whether to draw a frame; by default round tiles only.
    {show}
    {return_fig}
    {ax}

    Returns
    -------
    None if shown; with `return_fig` the figure; else the axes, as a list if there are several panels.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or nothing was compared.
    ValueError
        If a condition was not compared, or an option is out of range.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.pl.difference(adata, alpha=0.05)  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    require_choice("of", of, ("neurons", "groups"))
    require_number("alpha", alpha, lowest=0, highest=1)
    table, overall = compared(adata, of=of, key=key), compared(adata, of="map", key=key).set_index("condition")
    wanted = names_list(condition) or [str(name) for name in overall.index]
    missing = [name for name in wanted if name not in overall.index]
    if missing:
        raise ValueError(unknown("`condition`", missing, overall.index))
    check_ax(ax, len(wanted), "`condition`")
    reference = str(overall["reference"].iloc[0])
    titles = heading(None if title is None else names_list(title), [f"{name} against {reference}" for name in wanted])
    drawn = Layer.of(stored)
    parts = [_of_neurons(stored, table[table["condition"] == name], of) for name in wanted]
    values = np.concatenate([part["log2_fold_change"].to_numpy() for part in parts])
    asked = not (norm is None and vmin is None and vmax is None)
    shades = scale(values, norm=norm, vmin=vmin, vmax=vmax, vcenter=None if asked else 0)
    feet = [_foot(overall.loc[name]) for name in wanted]
    notes = [f"{DOT}  false discovery rate below {alpha:g}"] * bool(table["pval_adj"].notna().any())
    notes += drawn.notes(_NOTE)
    sheet = plan(drawn, titles, feet, "    ".join(notes), ncols=ncols, size=size)
    with canvas(*sheet.size, show=show, return_fig=return_fig, ax=ax) as page:
        for number, (part, text, foot, spot) in enumerate(zip(parts, titles, feet, sheet.places(0), strict=True)):
            panel = ax if ax is not None else page.add(*spot, sheet.width, sheet.height)
            drawn.prepare(panel, frameon=frameon)
            if not drawn.tiled:
                drawn.draw_edges(panel)
            change = np.where(drawn.dead, np.nan, part["log2_fold_change"].to_numpy())
            painted = drawn.paint(panel, change, cmap=colormap(cmap, diverging=True), norm=shades)
            if outline:
                drawn.draw_outline(panel, color=GREY, linewidth=0.6)
            drawn.mark_dead(panel)
            drawn.mark(panel, part["pval_adj"].to_numpy() < alpha, gid="significant")
            write_title(panel, text)
            write_foot(panel, foot)
            if number == min(len(parts), sheet.ncols) - 1:
                bar_beside(panel, painted, _LABEL, horizontal=False, extend=beyond(shades, values))
        if ax is None:
            write_footnote(page, "    ".join(notes))
    return page.result


def _of_neurons(stored: StoredMap, table: pd.DataFrame, of: str) -> pd.DataFrame:
    """One row for each neuron, in graph order."""
    if of == "neurons":
        return table.set_index("neuron").loc[list(stored.graph.names)]
    return table.set_index("group").loc[stored.group.tolist()]


def _foot(row: pd.Series[float]) -> str:
    counts = f"{int(row['n_samples'])} and {int(row['n_samples_reference'])} samples"
    if row["method"] == "none":
        return "effects only: too few samples to test"
    return f"whole map: p = {row['pval']:.2g}, {counts}"


def plan(
    layer: Layer, titles: list[str], feet: list[str], note: str, *, ncols: int | None, size: float | None
) -> Sheet:
    """Places for panels of the layer with a text below each, a colour bar beside them and a note below all."""
    flat = layer.aspect < 0.25
    width = (4.6 if flat else 2.4) if size is None else size
    height = width * layer.aspect
    ncols = (1 if flat else min(columns_for(len(titles)), 4)) if ncols is None else ncols
    # A picture that is narrower than what is written below it.
    gap = max(0.2, max(text_width(foot, SMALL_SIZE) for foot in feet) + 0.15 - width)
    panels = min(ncols, len(titles)) * (width + gap) - gap
    return Sheet(
        (tuple(title_height(title, with_dot=False, width=width) for title in titles),),
        ncols,
        width,
        height,
        gap_x=gap,
        gap_y=0.03,
        foot=max(0.2, BAR_HEIGHT - height + 0.1),
        right=max(0.75, gap, 1.05 * text_width(note, SMALL_SIZE) + 0.15 - panels),
        bottom=0.2 if note else 0.0,
    )
