"""Which genes differ between conditions, and where on the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._checks import require_number
from .._docs import doc_params
from ..get import compare as compared
from ..get._values import names_list, picked
from ..slots import StoredMap
from ._canvas import check_ax
from ._color_panels import heading
from ._colors import colormap
from ._gene_panels import GenePanel, draw_genes
from ._norm import centred

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize

    from ._canvas import Shown
    from ._norm import Bound


@doc_params()
def difference_genes(
    adata: AnnData,
    *,
    condition: str | Sequence[str] | None = None,
    groups: str | Sequence[str] | None = None,
    genes: str | Sequence[str] | None = None,
    n_genes: int = 30,
    alpha: float = 0.1,
    key: str | None = None,
    cmap: str | Colormap | None = None,
    vmin: Bound = None,
    vmax: Bound = None,
    norm: Normalize | None = None,
    title: str | Sequence[str] | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Draw which genes differ between conditions in which indicator group, after `tl.compare(..., genes=True)`.

    A row for each gene and a column for each group, in the colour of the log2 fold change between a condition and the
    reference; a dot marks what differs at the chosen false discovery rate. The bars above tell for each group how many of
    all its genes do, upwards and downwards, so that the picture shows what the chosen rows leave out.

    Parameters
    ----------
    adata
        Annotated data with a fitted map on which genes were compared; nothing of it is changed.
    condition
        Conditions to draw, a panel each with the same rows; by default all but the reference.
    groups
        Indicator groups to draw, in this order; by default all in which genes could be tested.
    genes
        Genes to draw, in this order. By default the surest of each group in turn: first those that differ in more than half
        of the groups, then by the group that they change in most, those that rise first.
    n_genes
        How many genes are drawn if none are named.
    alpha
        False discovery rate below which a difference gets a dot, and is counted.
    {key}
    cmap
        Diverging colour map.
    vmin, vmax
        Ends of the colour scale: numbers, percentiles such as `"p99"`, or functions of the values. By default what 98 %
        of the differences are within, on both sides of 0.
    {norm}
    title
        Titles of the panels instead of the conditions.
    {show}
    {return_fig}
    {ax}

    Returns
    -------
    {shown}

    Raises
    ------
    KeyError
        If no map is stored under `key`, nothing was compared or no genes, or a gene was tested nowhere.
    ValueError
        If no gene could be tested, a condition or group is not among those tested, or an option is out of range.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.tl.compare(adata, groupby="treated", sample="donor", genes=True)  # doctest: +SKIP
    >>> gsr_sc.pl.difference_genes(adata, n_genes=20)  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    require_number("n_genes", n_genes, lowest=1, whole=True)
    require_number("alpha", alpha, lowest=0, highest=1)
    table = compared(adata, of="genes", key=key)
    if not len(table):
        msg = (
            "No gene could be tested: no indicator group holds enough cells of two samples on either side. Lower `min_cells` "
            "in `gsr_sc.tl.compare(adata, ..., genes=True)`, or compare with more samples."
        )
        raise ValueError(msg)
    tested = {str(name) for name in table["condition"]}
    conditions = [name for name in compared(adata, of="map", key=key)["condition"].astype(str) if name in tested]
    wanted = picked(condition, conditions, "`condition` among those with genes")
    check_ax(ax, len(wanted), "`condition`")
    among = {str(name) for name in table["group"]}
    columns = picked(groups, [name for name in stored.groups if name in among], "`groups` among those with genes")
    table = table[table["condition"].isin(wanted) & table["group"].isin(columns)]
    table = table.assign(significant=table["pval_adj"] < alpha)
    if not len(table):
        msg = f"No gene was tested in {columns} for {wanted}; choose others of `groups` or `condition`."
        raise ValueError(msg)
    rows = _surest(table, columns, n_genes) if genes is None else _named(table, names_list(genes))
    reference = str(table["reference"].iloc[0])
    titles = heading(None if title is None else names_list(title), [f"{name} against {reference}" for name in wanted])
    panels = [
        _panel(table[table["condition"] == name], text, rows, columns)
        for name, text in zip(wanted, titles, strict=True)
    ]
    values = np.concatenate([panel.effects.ravel() for panel in panels])
    return draw_genes(
        stored,
        panels,
        rows,
        columns,
        alpha=alpha,
        cmap=colormap(cmap, diverging=True),
        norm=centred(values, 98, norm=norm, vmin=vmin, vmax=vmax),
        show=show,
        return_fig=return_fig,
        ax=ax,
    )


def _named(table: pd.DataFrame, genes: list[str]) -> list[str]:
    if not genes:
        msg = "`genes` is empty; name at least one, or leave it out to draw those that differ most surely."
        raise ValueError(msg)
    return list(dict.fromkeys(picked(genes, table["gene"].unique(), "`genes` among those tested", error=KeyError)))


def _surest(table: pd.DataFrame, columns: list[str], n: int) -> list[str]:
    """Genes of the lowest p values, of all groups and conditions in turn; in the order that they are drawn in."""
    table = table.sort_values("pval", kind="stable")
    turn = table.groupby(["condition", "group"], observed=True).cumcount()
    # Where nothing is sure in a group, others may have more.
    turns = table.assign(turn=turn).sort_values(["significant", "turn", "pval"], ascending=[False, True, True])
    chosen = list(dict.fromkeys(turns["gene"].astype(str)))[:n]
    own = table[table["gene"].isin(chosen)].assign(size=table["log2_fold_change"].abs())
    best = own.sort_values(["significant", "size"], ascending=False, kind="stable").drop_duplicates("gene")
    place = best["group"].astype(str).map({name: number for number, name in enumerate(columns)}).astype(int)
    share = (
        own.groupby("gene", observed=True)["significant"].sum()
        / table[["condition", "group"]].drop_duplicates().shape[0]
    )
    everywhere = best["gene"].map(share).astype(float) > 0.5
    sorted_rows = best.assign(place=place.mask(everywhere, -1), falls=best["log2_fold_change"] < 0).sort_values(
        ["place", "falls", "size"], ascending=[True, True, False], kind="stable"
    )
    return [str(name) for name in sorted_rows["gene"]]


def _panel(table: pd.DataFrame, title: str, rows: list[str], columns: list[str]) -> GenePanel:
    sure = table[table["significant"]]
    counts = [
        sure[(sure["log2_fold_change"] > 0) == rises]["group"].astype(str).value_counts().reindex(columns, fill_value=0)
        for rises in (True, False)
    ]
    effects = np.full((len(rows), len(columns)), np.nan)
    marked = np.zeros(effects.shape, dtype=bool)
    # Names of genes need not be unique.
    few = table[table["gene"].isin(rows)].drop_duplicates(["gene", "group"])
    at = [rows.index(str(name)) for name in few["gene"]], [columns.index(str(name)) for name in few["group"]]
    effects[at], marked[at] = few["log2_fold_change"], few["significant"]
    return GenePanel(title, effects, marked, counts[0].to_numpy(), counts[1].to_numpy())
