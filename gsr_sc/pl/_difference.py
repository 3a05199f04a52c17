"""How conditions differ, painted on the layer of neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from .._checks import require_choice, require_number
from .._docs import doc_params
from ..get import compare as compared
from ..get._values import names_list, picked
from ..slots import StoredMap
from ._canvas import check_ax
from ._color_panels import heading
from ._colors import colormap
from ._layer import Layer
from ._marked_panels import MarkedPanel, draw_marked
from ._norm import beyond, scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize

    from ._canvas import Shown
    from ._norm import Bound

_LABEL = "log2 fold change"


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
    {outline}
    title
        Titles of the panels instead of the conditions.
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
    wanted = picked(condition, overall.index, "`condition`")
    check_ax(ax, len(wanted), "`condition`")
    reference = str(overall["reference"].iloc[0])
    titles = heading(None if title is None else names_list(title), [f"{name} against {reference}" for name in wanted])
    parts = [_of_neurons(stored, table[table["condition"] == name], of) for name in wanted]
    values = np.concatenate([part["log2_fold_change"].to_numpy() for part in parts])
    asked = not (norm is None and vmin is None and vmax is None)
    shades = scale(values, norm=norm, vmin=vmin, vmax=vmax, vcenter=None if asked else 0)
    panels = [
        MarkedPanel(
            text,
            _foot(overall.loc[name]),
            part["log2_fold_change"].to_numpy(),
            part["pval_adj"].to_numpy() < alpha,
        )
        for name, text, part in zip(wanted, titles, parts, strict=True)
    ]
    return draw_marked(
        Layer.of(stored),
        panels,
        dot=f"false discovery rate below {alpha:g}" if table["pval_adj"].notna().any() else "",
        gid="significant",
        cmap=colormap(cmap, diverging=True),
        norm=shades,
        label=_LABEL,
        extend=beyond(shades, values),
        outline=outline,
        frameon=frameon,
        ncols=ncols,
        size=size,
        show=show,
        return_fig=return_fig,
        ax=ax,
    )


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
