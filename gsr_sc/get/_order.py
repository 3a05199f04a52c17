"""Position along the map, and the genes that change along it, as tidy frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .._checks import require_number
from .._docs import doc_params
from ..slots import StoredMap

if TYPE_CHECKING:
    from anndata import AnnData


@doc_params()
def order(adata: AnnData, *, key: str | None = None) -> pd.DataFrame:
    """Position of each observation along the map.

    Parameters
    ----------
    adata
        Annotated data with a fitted map that has an order.
    {key}

    Returns
    -------
    Table with observation names as index and the columns `order`, `branch` (where there are branches) and
    `confidence` (after :func:`gsr_sc.tl.order`).

    Raises
    ------
    KeyError
        If no map is stored under `key`, or if it has no order.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.order(adata).sort_values("order")  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    columns = {"order": stored.order}
    table = pd.DataFrame(columns, index=adata.obs_names)
    for name, slot in (("branch", stored.keys.branch), ("confidence", stored.keys.added("order_confidence"))):
        if slot in adata.obs:
            table[name] = adata.obs[slot]
    return table


@doc_params()
def order_genes(adata: AnnData, *, key: str | None = None, max_pval_adj: float | None = None) -> pd.DataFrame:
    """Genes that change along the order, those that change most surely first.

    Parameters
    ----------
    adata
        Annotated data on which :func:`gsr_sc.tl.order_genes` was run.
    {key}
    max_pval_adj
        Keep only genes with at most this false discovery rate. By default all are kept, those not tested last.

    Returns
    -------
    Table with the columns `gene`, `branch` (if tested by branch), `peak`, `statistic`, `pval`, `pval_adj`, `explained`,
    `amplitude`, `mean` and `n_cells`; see :func:`gsr_sc.tl.order_genes`. Of equal `pval`, the gene of which more is
    explained comes first.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or if no genes were tested.
    ValueError
        If `max_pval_adj` is not in (0, 1].

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.order_genes(adata, max_pval_adj=0.05).head()  # doctest: +SKIP
    """
    if max_pval_adj is not None:
        require_number("max_pval_adj", max_pval_adj, above=0, highest=1)
    table = StoredMap(adata, key).added("order_genes", by="order_genes")["table"].copy()
    table = table.sort_values(["pval", "explained"], ascending=[True, False], kind="stable", ignore_index=True)
    return table if max_pval_adj is None else table[table["pval_adj"] <= max_pval_adj]
