"""Gene programs: genes by neurons in graph order, or genes painted on the layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._checks import require_choice, require_number, unknown
from .._docs import doc_params
from ..get import programs as stored_programs
from ..get._values import names_list
from ..slots import StoredMap
from ._color_panels import heading
from ._program_panels import draw_heatmap, draw_maps

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize

    from ._canvas import Shown
    from ._norm import Bound

_TITLES = {"decoder": "gene programs of the decoder", "cells": "gene programs in the cells", "both": "gene programs"}
_UNITS = {"decoder": "effect", "cells": "effect (SD of the gene)", "both": "effect"}
# As many genes as can be read in one picture.
_GENES, _MAPS = 60, 12


@doc_params()
def programs(
    adata: AnnData,
    *,
    genes: str | Sequence[str] | None = None,
    n_top: int | None = None,
    by: Literal["decoder", "cells", "both"] = "decoder",
    kind: Literal["heatmap", "maps"] = "heatmap",
    standard_scale: Literal["gene"] | None = "gene",
    key: str | None = None,
    cmap: str | Colormap | None = None,
    vmin: Bound = None,
    vmax: Bound = None,
    norm: Normalize | None = None,
    title: str | Sequence[str] | None = None,
    ncols: int | None = None,
    size: float | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Draw what neurons do to genes, so that programs are seen to move across the map.

    As a heatmap, neurons stand in the order of the graph (on a sheet: group by group, neighbours side by side), with their
    indicator groups below, and genes are sorted by where they peak. As maps, each gene is painted on the layer: what it
    is in the mean is shown by :func:`gsr_sc.pl.latent_grid`, here it is how far a neuron raises or lowers it.

    Parameters
    ----------
    adata
        Annotated data with a fitted map; nothing of it is changed.
    genes
        Genes to draw. By default the top genes of each indicator group.
    n_top
        How many genes of each group that are; by default up to five, fewer if there are many groups.
    by
        What tells the effects: the `"decoder"`, the `"cells"`, or what `"both"` say; see :func:`gsr_sc.get.programs`.
    kind
        `"heatmap"`, or `"maps"`: one panel per gene.
    standard_scale
        Divide by the largest effect of each `"gene"`, so that weak genes are seen beside strong ones; None for effects as
        they are.
    {key}
    cmap
        Diverging colour map.
    vmin, vmax
        Ends of the colour scale: numbers, percentiles such as `"p99"`, or functions of the values. By default
        the 99th percentile of the effects that are drawn, up and down.
    {norm}
    title
        Title of the heatmap, or titles of the maps.
    ncols
        Maps per row.
    size
        Width of the heatmap, or of each map, in inches.
    {show}
    {return_fig}
    {ax}

    Returns
    -------
    {shown}

    Raises
    ------
    KeyError
        If no map is stored under `key`, it has no such programs, or a gene does not exist.
    ValueError
        If an option is none of those allowed, or a gene was not used.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.pl.programs(adata, n_top=3)  # doctest: +SKIP
    >>> gsr_sc.pl.programs(adata, genes=["Elane", "Car1"], kind="maps")  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    require_choice("kind", kind, ("heatmap", "maps"))
    require_choice("standard_scale", standard_scale, ("gene", None))
    if n_top is not None:
        require_number("n_top", n_top, lowest=1, whole=True)
    table = stored_programs(adata, by=by, key=key)
    limit = _GENES if kind == "heatmap" else _MAPS
    table = _chosen(table, names_list(genes)) if genes is not None else _top(stored, table, by, n_top, limit)
    unit = _UNITS[by]
    if standard_scale == "gene":
        largest = table.abs().max(axis=1)
        table, unit = table.div(largest.where(largest > 0, 1), axis=0), "effect / largest of the gene"
    options: dict[str, Any] = {"cmap": cmap, "vmin": vmin, "vmax": vmax, "norm": norm, "size": size}
    options |= {"show": show, "return_fig": return_fig, "ax": ax}
    titles = None if title is None else names_list(title)
    if kind == "heatmap":
        return draw_heatmap(stored, table, heading(titles, [_TITLES[by]])[0], unit=unit, **options)
    heads = heading(titles, [str(name) for name in table.index])
    return draw_maps(stored, table, heads, unit=unit, ncols=ncols, **options)


def _chosen(table: pd.DataFrame, genes: list[str]) -> pd.DataFrame:
    """Rows of some genes, the first where a name is not unique."""
    if not genes:
        msg = "`genes` is empty; name at least one gene, or leave it out to draw the top of each group."
        raise ValueError(msg)
    missing = [name for name in genes if name not in table.index]
    if missing:
        raise KeyError(unknown("`genes` in .var_names", missing, table.index))
    rows = table.iloc[[int(np.flatnonzero(table.index == name)[0]) for name in genes]]
    unused = [str(name) for name in rows.index[rows.isna().any(axis=1)]]
    if unused:
        msg = f"`genes` names {unused}, which the map did not use. Leave them out, or draw `by='cells'`."
        raise ValueError(msg)
    return rows


def _top(stored: StoredMap, table: pd.DataFrame, by: str, n_top: int | None, limit: int) -> pd.DataFrame:
    """Rows of the genes that each group raises most, none twice."""
    of_groups = stored_programs(stored.adata, by=by, groups=True, key=stored.key).to_numpy()  # type: ignore[arg-type]
    n_top = max(1, min(5, limit // of_groups.shape[1])) if n_top is None else n_top
    known = np.isfinite(of_groups).all(axis=1)
    best = np.argsort(np.where(known[:, None], -of_groups, np.inf), axis=0, kind="stable")[:n_top]
    numbers = dict.fromkeys(best.T.ravel().tolist())
    return table.iloc[[number for number in numbers if known[number]]]
