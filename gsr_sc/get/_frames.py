"""Activations, quality and history as tidy pandas objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._docs import doc_params
from ..slots import StoredMap

if TYPE_CHECKING:
    from typing import Any

    from anndata import AnnData

# What a map is judged by comes first; files keep names in the order of the alphabet.
_QUALITY = (
    "explained_variance",
    "explained_variance_unregularised",
    "deviance_explained",
    "deviance_explained_unregularised",
    "dirichlet_energy",
    "moran_i",
    "n_dead",
)


@doc_params()
def activations(adata: AnnData, *, key: str | None = None) -> pd.DataFrame:
    """Activations of the neurons, observations by neurons.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    {key}

    Returns
    -------
    Table of shape (n_obs, n_neurons), float32, with observation names as index and neuron names as columns.

    Raises
    ------
    KeyError
        If no map is stored under `key`.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.activations(adata).idxmax(axis="columns")  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    columns = pd.Index(stored.graph.names, name="neuron")
    return pd.DataFrame(stored.activations.copy(), index=adata.obs_names, columns=columns)


@doc_params()
def quality(adata: AnnData, *, key: str | None = None) -> pd.Series[Any]:
    """How good the map is: held-out explained variance, order, dead neurons.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    {key}

    Returns
    -------
    One float per measure, with the names of the measures as index, explained variances first.

    Raises
    ------
    KeyError
        If no map is stored under `key`.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.quality(adata)["explained_variance"]  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    values = {str(name): float(value) for name, value in stored.uns.get("quality", {}).items()}
    names = [name for name in _QUALITY if name in values]
    names += sorted(set(values) - set(names))
    return pd.Series(values, index=names, name=stored.keys.uns, dtype=np.float64)


@doc_params()
def history(adata: AnnData, *, key: str | None = None) -> pd.DataFrame:
    """How the training went, one row per epoch.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    {key}

    Returns
    -------
    Table with the epoch as index and one column per recorded quantity.

    Raises
    ------
    KeyError
        If no map is stored under `key`.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.history(adata)["validation_loss"].idxmin()  # doctest: +SKIP
    """
    recorded = StoredMap(adata, key).uns.get("history", {})
    table = pd.DataFrame({str(name): np.asarray(values) for name, values in recorded.items()})
    if "epoch" in table:
        return table.set_index("epoch")
    return table.rename_axis("epoch")
