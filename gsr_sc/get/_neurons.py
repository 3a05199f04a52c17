"""Neurons as a table and as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._docs import doc_params
from ..metrics import constant_neurons, dead_neurons
from ..slots import StoredMap, group_names

if TYPE_CHECKING:
    from typing import Any

    import networkx as nx
    from anndata import AnnData


@doc_params()
def neurons(adata: AnnData, *, key: str | None = None) -> pd.DataFrame:
    """One row per neuron: its group, its place, and how much it is used by the observations at hand.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    {key}

    Returns
    -------
    Table with neuron names as index and the columns

    `group`
        indicator group, categorical;
    `x`, `y`
        place on the layout;
    `n_cells`, `use`
        number and share of observations whose winning neuron it is;
    `mean_activation`
        mean over observations;
    `is_dead`
        True where no observation has it as winner and its mean absolute activation is below 1 %
        of the mean over neurons. On a subset, this speaks of the subset;
    `is_constant`
        True where it is active, but the same in all observations: its spread is below 1 % of the average neuron's.

    Raises
    ------
    KeyError
        If no map is stored under `key`.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.neurons(adata).query("is_dead")  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    graph = stored.graph
    winners = adata.obs[stored.keys.neuron].astype(str)
    n_cells = winners.value_counts().reindex(graph.names, fill_value=0).to_numpy(dtype=np.int64)
    activations = stored.activations
    return pd.DataFrame(
        {
            "group": pd.Categorical(stored.group.tolist(), categories=group_names(stored.group)),
            "x": graph.layout[:, 0],
            "y": graph.layout[:, 1],
            "n_cells": n_cells,
            "use": n_cells / max(adata.n_obs, 1),
            "mean_activation": activations.mean(axis=0, dtype=np.float64),
            "is_dead": (n_cells == 0) & dead_neurons(activations),
            "is_constant": constant_neurons(activations),
        },
        index=pd.Index(graph.names, name="neuron"),
    )


@doc_params()
def graph(adata: AnnData, *, key: str | None = None) -> nx.Graph[Any]:
    """Neuron graph for networkx, nodes named as the neurons.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    {key}

    Returns
    -------
    Undirected graph with `weight` on edges and on nodes `pos` (place on the layout), `group` (indicator group),
    `use` (share of observations whose winning neuron it is) and `is_dead`.

    Raises
    ------
    KeyError
        If no map is stored under `key`.

    Examples
    --------
    >>> import gsr_sc, networkx as nx
    >>> nx.number_connected_components(gsr_sc.get.graph(adata))  # doctest: +SKIP
    """
    table = neurons(adata, key=key)
    result = StoredMap(adata, key).graph.to_networkx()
    for name, group, use, is_dead in zip(table.index, table["group"], table["use"], table["is_dead"], strict=True):
        result.nodes[name].update(group=str(group), use=float(use), is_dead=bool(is_dead))
    return result
