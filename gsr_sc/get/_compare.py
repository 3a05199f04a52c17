"""How conditions differ, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .._checks import require_choice
from .._docs import doc_params
from ..slots import StoredMap

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData


@doc_params()
def compare(
    adata: AnnData, *, of: Literal["neurons", "groups", "map", "samples", "genes"] = "neurons", key: str | None = None
) -> pd.DataFrame:
    """How conditions differ on the map, after :func:`gsr_sc.tl.compare`.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    of
        `"neurons"` or `"groups"`: one row for each condition and neuron, or indicator group. `"map"`: one row for each
        condition, whether the map differs anywhere. `"samples"`: the replicates. `"genes"`: one row for each
        condition, indicator group and gene, if genes were compared.
    {key}

    Returns
    -------
    A copy of the table, see :func:`gsr_sc.tl.compare`.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or nothing was compared, or no genes.
    ValueError
        If `of` is none of those.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.compare(adata, of="groups").query("pval_adj < 0.1")  # doctest: +SKIP
    """
    require_choice("of", of, ("neurons", "groups", "map", "samples", "genes"))
    tables = StoredMap(adata, key).added("compare", by="compare")
    if of not in tables:
        msg = "Genes were not compared; run `gsr_sc.tl.compare(adata, ..., genes=True)` first."
        raise KeyError(msg)
    table: pd.DataFrame = tables[of]
    return table.copy()
