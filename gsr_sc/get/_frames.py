"""Activations, gene programs, quality and history as tidy pandas objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._stored import StoredMap, group_names
from ._neurons import neurons

if TYPE_CHECKING:
    from typing import Any

    from anndata import AnnData


def activations(adata: AnnData, *, key: str | None = None) -> pd.DataFrame:
    """Activations of the neurons, observations by neurons.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    key
        What was passed as `key_added` when the map was fitted.

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


def programs(
    adata: AnnData,
    *,
    key: str | None = None,
    groups: bool = False,
    tidy: bool = False,
    n_top: int | None = None,
) -> pd.DataFrame:
    """Signed effect of every neuron, or of every group of neurons, on every gene.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    key
        What was passed as `key_added` when the map was fitted.
    groups
        Whether to give one program per indicator group: the mean of its neurons, weighted by how active they are.
    tidy
        Whether to give one row per gene and neuron instead of a matrix.
    n_top
        Keep only so many genes of each neuron, those with the largest effect up or down.
        By default all are kept. Implies `tidy`.

    Returns
    -------
    Table of shape (n_vars, n_neurons), or (n_vars, n_groups), with NaN where a gene was not used.
    With `tidy`, the columns `neuron` (or `group`), `gene` and `effect`, neurons in graph order,
    within each the largest effect first; genes that were not used are left out.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or if it has no gene programs.
    ValueError
        If `n_top` is not a positive number.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.programs(adata, groups=True, n_top=10)  # doctest: +SKIP
    """
    if n_top is not None and n_top < 1:
        msg = f"`n_top` is {n_top!r}; it is a number of genes of at least 1, or None for all."
        raise ValueError(msg)
    stored = StoredMap(adata, key)
    effects = np.asarray(stored.programs)
    unit, names = "neuron", list(stored.graph.names)
    if groups:
        unit, names = "group", group_names(stored.group)
        effects = effects @ _group_weights(adata, key, names).astype(effects.dtype)
    matrix = pd.DataFrame(effects.copy(), index=adata.var_names, columns=pd.Index(names, name=unit))
    return _long(matrix, unit, n_top) if tidy or n_top is not None else matrix


def quality(adata: AnnData, *, key: str | None = None) -> pd.Series[Any]:
    """How good the map is: held-out explained variance, order, dead neurons.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    key
        What was passed as `key_added` when the map was fitted.

    Returns
    -------
    One float per measure, with the names of the measures as index.

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
    return pd.Series(values, name=stored.keys.uns, dtype=np.float64)


def history(adata: AnnData, *, key: str | None = None) -> pd.DataFrame:
    """How the training went, one row per epoch.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    key
        What was passed as `key_added` when the map was fitted.

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


def _group_weights(adata: AnnData, key: str | None, names: list[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    table = neurons(adata, key=key)
    member = table["group"].astype(str).to_numpy()[:, None] == np.array(names)[None, :]
    use = np.abs(table["mean_activation"].to_numpy())[:, None]
    # A group of neurons without any activation counts each of them the same.
    weights = member * np.where((member * use).sum(axis=0) > 0, use, 1.0)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float64)


def _long(matrix: pd.DataFrame, unit: str, n_top: int | None) -> pd.DataFrame:
    parts = []
    for name in matrix.columns:
        effect = matrix[name].dropna()
        if n_top is not None:
            # By position: gene names need not be unique.
            effect = effect.iloc[np.argsort(-effect.abs().to_numpy(), kind="stable")[:n_top]]
        effect = effect.sort_values(ascending=False, kind="stable")
        parts.append(pd.DataFrame({unit: name, "gene": effect.index.astype(str), "effect": effect.to_numpy()}))
    table = pd.concat(parts, ignore_index=True)
    table[unit] = pd.Categorical(table[unit], categories=list(matrix.columns))
    return table
