"""The layer as a picture: one for each group of observations, or one for each colouring of the neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .._checks import require_choice, require_number
from .._docs import doc_params
from ..get._values import names_list
from ..slots import StoredMap
from ._canvas import check_places
from ._color_panels import draw_colors
from ._group_panels import StandardScale, draw_groups, read_sections
from ._layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize

    from ._canvas import Shown
    from ._colors import Palette
    from ._norm import Bound


@doc_params()
def latent_grid(
    adata: AnnData,
    *,
    groupby: str | Sequence[str] | None = None,
    color: str | Sequence[str] | None = None,
    key: str | None = None,
    groups: str | Sequence[str] | None = None,
    layer: str | None = None,
    use_raw: bool = False,
    standard_scale: StandardScale | None = None,
    outline: bool | None = None,
    ncols: int | None = None,
    cmap: str | Colormap | Sequence[str | Colormap] | None = None,
    palette: Palette = None,
    vmin: Bound | Sequence[Bound] = None,
    vmax: Bound | Sequence[Bound] = None,
    vcenter: Bound | Sequence[Bound] = None,
    norm: Normalize | Sequence[Normalize] | None = None,
    title: str | Sequence[str] | None = None,
    legend_loc: Literal["right margin", "on data", "none"] | None = None,
    colorbar_loc: Literal["right", "bottom"] | None = "right",
    size: float | None = None,
    wspace: float | None = None,
    hspace: float | None = None,
    frameon: bool | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Draw the layer of neurons: what each group of observations lights up, or what each neuron stands for.

    With `groupby`, there is one small picture of the layer per group, in which each neuron has the colour of its
    mean activation over the observations of that group; all pictures share one colour scale.
    Without it, there is one picture per entry of `color`, in which each neuron has the colour of what it stands for.

    Neurons of a grid or torus are squares without gaps, `A1` at the top left;
    those of any other graph are nodes where its layout has them, with its edges behind.
    Neurons that carry nothing, so-called dead ones, are grey with a small cross.

    Parameters
    ----------
    adata
        Annotated data with a fitted map; nothing of it is changed.
    groupby
        Categorical, boolean, string or whole-number column of `.obs`, or several of them: a block of pictures each.
        Observations without a value are left out.
    color
        What to colour neurons by, one or several of: a gene or a numeric column of `.obs` (mean over observations,
        weighted by their activation of the neuron), or a column of labels (the label with the largest share of the
        activation, paler where the neuron is shared between labels).
        By default their indicator group, with the colours of the `gsr_cluster` column.
    {key}
    groups
        Labels to draw, in this order; by default all that occur, in category order.
    layer
        Layer to take genes from instead of X.
    use_raw
        Whether to take genes from `.raw`.
    standard_scale
        Bring the means to 0 to 1 within each `"group"` (where does it light up most) or each `"neuron"`
        (which group lights it up most).
    outline
        Whether to draw thin lines between neighbouring neurons of different indicator groups.
        By default only where neurons are coloured by gene or column.
    ncols
        Panels per row; by default about five.
    cmap
        Colour map for numbers; by default from nearly white to nearly black, or diverging for values about 0.
    palette
        Colours of labels: a mapping, a list in category order, or the name of a colour map;
        by default those of `.uns` (`<column>_colors`).
    vmin, vmax, vcenter
        Limits and middle of the colour scale: numbers, percentiles such as `"p99"`, or functions of the values;
        a list gives each key its own. By default from 0 to the largest value; with `groupby` to the median of the
        largest values of the groups, so that a few very concentrated groups leave no other pale.
    norm
        A matplotlib scale, or a list of them, instead of limits.
    title
        Titles of the panels instead of the names of groups or colours.
    legend_loc
        Where labels are told: `"right margin"`, `"on data"`, or `"none"`.
        By default on the data for indicator groups, else in the margin.
    colorbar_loc
        Where the colour bar is, or None for none.
    size
        Width of a panel in inches; by default by the number of panels.
    wspace, hspace
        Space between panels as a part of their width and height.
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
        If no map is stored under `key`, or if a column, gene or layer does not exist.
    ValueError
        If options contradict each other or name groups that do not occur.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.pl.latent_grid(adata, groupby="cell_type")  # doctest: +SKIP
    >>> gsr_sc.pl.latent_grid(adata, color=["CD3D", "cell_type"])  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    _check(
        groupby=groupby,
        color=color,
        standard_scale=standard_scale,
        legend_loc=legend_loc,
        colorbar_loc=colorbar_loc,
        ncols=ncols,
        size=size,
        ax=ax,
    )
    drawn = Layer.of(stored)
    limits = {"vmin": vmin, "vmax": vmax, "vcenter": vcenter, "norm": norm}
    titles = None if title is None else names_list(title)
    if groupby is None:
        return draw_colors(
            stored,
            drawn,
            names_list(color),
            groups=groups,
            layer=layer,
            use_raw=use_raw,
            titles=titles,
            ncols=ncols,
            cmap=cmap,
            palette=palette,
            limits=limits,
            outline=outline,
            legend_loc=legend_loc,
            colorbar_loc=colorbar_loc,
            size=size,
            wspace=wspace,
            hspace=hspace,
            frameon=frameon,
            show=show,
            return_fig=return_fig,
            ax=ax,
        )
    sections = read_sections(stored, names_list(groupby), groups=groups, palette=palette, standard_scale=standard_scale)
    return draw_groups(
        drawn,
        sections,
        titles=titles,
        ncols=ncols,
        cmap=cmap,
        limits=limits,
        scaled=standard_scale,
        outline=bool(outline),
        size=size,
        wspace=wspace,
        hspace=hspace,
        frameon=frameon,
        colorbar_loc=colorbar_loc,
        show=show,
        return_fig=return_fig,
        ax=ax,
    )


def _check(
    *,
    groupby: str | Sequence[str] | None,
    color: object,
    standard_scale: object,
    legend_loc: object,
    colorbar_loc: object,
    ncols: int | None,
    size: float | None,
    ax: object,
) -> None:
    """Refuse options that are none, or that contradict each other."""
    require_choice("standard_scale", standard_scale, (None, "group", "neuron"))
    check_places(legend_loc=legend_loc, colorbar_loc=colorbar_loc)
    if groupby is not None and color is not None:
        msg = "`groupby` draws activations per group, `color` colours neurons: choose one of them."
        raise ValueError(msg)
    if groupby is not None and not names_list(groupby):
        msg = "`groupby` is an empty list; name at least one column of .obs."
        raise ValueError(msg)
    if groupby is None and standard_scale is not None:
        msg = "`standard_scale` compares groups, so it needs `groupby`."
        raise ValueError(msg)
    if ncols is not None:
        require_number("ncols", ncols, lowest=1, whole=True)
    if size is not None and ax is not None:
        msg = "`size` is the width of new panels, and `ax` has a size of its own; choose one."
        raise ValueError(msg)
