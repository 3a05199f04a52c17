"""Which neurons follow depth, batch or cell cycle, painted on the layer of neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.colors import Normalize

from .._checks import require_choice, require_number
from .._docs import doc_params
from ..get import nuisances as nuisance_table
from ..get._values import names_list, picked
from ..slots import StoredMap
from ._canvas import check_ax
from ._color_panels import heading
from ._colors import colormap
from ._layer import Layer
from ._marked_panels import MarkedPanel, draw_marked
from ._norm import beyond

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

    from ._canvas import Shown

Share = Literal["share", "share_within"]


@doc_params()
def nuisances(
    adata: AnnData,
    *,
    names: str | Sequence[str] | None = None,
    share: Share | None = None,
    key: str | None = None,
    cmap: str | Colormap | None = None,
    vmax: float | None = None,
    outline: bool = True,
    title: str | Sequence[str] | None = None,
    ncols: int | None = None,
    size: float | None = None,
    frameon: bool | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Paint the share of each neuron's variance that a nuisance explains on the layer, after :func:`gsr_sc.tl.nuisances`.

    A panel for each nuisance, all on one scale. A dot marks the neurons that were flagged; below each panel are their number and
    the share of the map as a whole. Dead neurons are grey with a small cross, constant ones with a dash.

    Parameters
    ----------
    adata
        Annotated data with a fitted map; nothing of it is changed.
    names
        Nuisances to draw; by default all that were looked at.
    share
        `"share"` of all variance, or `"share_within"` labels; by default what neurons were flagged by: within labels, if
        `tl.nuisances` was given some.
    {key}
    cmap
        Colour map.
    vmax
        Upper end of the colour scale, which begins at 0; by default the largest share, or the threshold if that is larger.
    {outline}
    title
        Titles of the panels instead of the names.
    ncols
        Panels per row.
    size
        Width of a panel in inches.
    {frameon}
    {show}
    {return_fig}
    {ax}

    Returns
    -------
    {shown}

    Raises
    ------
    KeyError
        If no map is stored under `key`, or :func:`gsr_sc.tl.nuisances` was not run.
    ValueError
        If a nuisance was not looked at, or there are no shares within labels.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.tl.nuisances(adata, keys=["total_counts", "batch"], groupby="cell_type")  # doctest: +SKIP
    >>> gsr_sc.pl.nuisances(adata)  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    params = stored.added("nuisances", by="nuisances")["params"]
    table, whole = nuisance_table(adata, key=key), nuisance_table(adata, of="map", key=key)
    whole = whole.set_index("nuisance")
    wanted = picked(names, whole.index, "`names`")
    decides = "share_within" if "groupby" in params else "share"
    drawn_share = decides if share is None else share
    require_choice("share", drawn_share, ("share", "share_within"))
    if drawn_share not in table:
        msg = "`share` is 'share_within', but no labels were given; run `gsr_sc.tl.nuisances(adata, groupby=...)`."
        raise ValueError(msg)
    if vmax is not None:
        require_number("vmax", vmax, above=0)
    check_ax(ax, len(wanted), "`names`")
    threshold = float(params["threshold"])
    parts = [table[table["nuisance"] == name].set_index("neuron").loc[list(stored.graph.names)] for name in wanted]
    values = np.concatenate([part[drawn_share].to_numpy(dtype=float) for part in parts])
    norm = Normalize(0, float(np.nanmax(np.r_[values, threshold])) if vmax is None else vmax)
    within = f" within {params['groupby']}" if drawn_share == "share_within" else ""
    heads = heading(None if title is None else names_list(title), wanted)
    panels = [
        MarkedPanel(
            head,
            f"{100 * max(float(whole[drawn_share][name]), 0.0):.0f} % of the map{within}, "
            f"{int(whole['n_flagged'][name])} flagged",
            # What is corrected for chance may be a little below 0.
            np.clip(part[drawn_share].to_numpy(dtype=float), 0, None),
            part["flagged"].to_numpy(dtype=bool),
        )
        for name, head, part in zip(wanted, heads, parts, strict=True)
    ]
    of_flagged = f" within {params['groupby']}" if decides == "share_within" else ""
    return draw_marked(
        Layer.of(stored),
        panels,
        dot=f"flagged: share{of_flagged} of at least {threshold:g}",
        gid="flagged",
        cmap=colormap(cmap),
        norm=norm,
        label="share of variance" + within,
        extend=beyond(norm, np.clip(values, 0, None)),
        outline=outline,
        frameon=frameon,
        ncols=ncols,
        size=size,
        show=show,
        return_fig=return_fig,
        ax=ax,
    )
