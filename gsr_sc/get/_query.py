"""What is known of cells that were placed on a map of others, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..slots import StoredMap

if TYPE_CHECKING:
    from anndata import AnnData


def query(adata: AnnData, *, key: str | None = None) -> pd.DataFrame:
    """Where every cell of a query is, what it is called and how strange it looks, after :func:`gsr_sc.tl.map_query`.

    Parameters
    ----------
    adata
        Annotated data placed on a map.
    key
        What was passed as `key_added` when it was placed.

    Returns
    -------
    One row per observation, with the columns `neuron`, `cluster`, `novelty` and, where labels were carried over, `label` and
    `confidence`.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or it is one that was fitted on these observations.

    Examples
    --------
    >>> import gsr_sc
    >>> table = gsr_sc.get.query(adata)  # doctest: +SKIP
    >>> table.groupby("label", observed=True)["novelty"].median()  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    stored.added("query", by="map_query")
    keys = stored.keys
    columns = {"neuron": keys.neuron, "cluster": keys.cluster, "novelty": keys.added("novelty")}
    if keys.added("label") in adata.obs:
        columns |= {"label": keys.added("label"), "confidence": keys.added("label_confidence")}
    return pd.DataFrame({name: adata.obs[slot] for name, slot in columns.items()}, index=adata.obs_names)
