"""Writing the slots of a fitted map into an AnnData, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..graphs import branch_names
from ._added import remove_added, used_categories
from ._keys import UNASSIGNED, Keys
from ._modifying import modifying
from ._stored import group_names

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from ..graphs import NeuronGraph


@dataclass(frozen=True, kw_only=True)
class MapResults:
    """Everything that a fitted model says about one set of observations.

    Attributes
    ----------
    graph
        The neuron graph.
    group
        Name of the indicator group of each neuron, (n_neurons,).
    activations
        (n_obs, n_neurons) float32.
    map
        (n_obs, 2) float32, in layout units.
    order
        (n_obs,), or None where the graph has no order.
    branch
        Branch names (n_obs,), or None where the graph has no branches.
    neuron
        Number of the winning neuron, (n_obs,).
    cluster
        Name of the indicator group or `unassigned`, (n_obs,).
    confidence
        Share of the activation in the cell's group, (n_obs,).
    indicators
        (n_obs, n_groups) float32, groups in natural order.
    programs
        (n_vars, n_neurons) float32, or None where the input was no set of variables.
    ties
        How often neurons stand for observations that are neighbours in the data, (n_neurons, n_neurons), if known.
    params, history, quality, versions
        What `.uns` keeps.
    label_names, label_probabilities
        Labels that the model tells apart, and the probability of each, (n_obs, n_labels); None without labels.
    """

    graph: NeuronGraph
    group: NDArray[np.str_]
    activations: NDArray[np.float32]
    map: NDArray[np.float32]
    order: NDArray[np.float64] | None
    branch: NDArray[np.str_] | None
    neuron: NDArray[np.intp]
    cluster: NDArray[np.str_]
    confidence: NDArray[np.float64]
    indicators: NDArray[np.float32]
    programs: NDArray[np.float32] | None
    params: dict[str, Any]
    history: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    quality: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    label_names: list[str] = field(default_factory=list)
    label_probabilities: NDArray[np.float32] | None = None
    ties: NDArray[np.float32] | None = None


def require_own(adata: AnnData, keys: Keys) -> None:
    """Raise if writing a map would take the place of something that is no map, such as `.obsm["X_pca"]`.

    Raises
    ------
    ValueError
        Naming what is there.
    """
    there = getattr(adata, "uns", {}).get(keys.uns)
    is_map = isinstance(there, Mapping) and "graph" in there and "params" in there
    obsm = getattr(adata, "obsm", {})
    foreign = f".uns[{keys.uns!r}]" if there is not None and not is_map else None
    # What a map left whose `.uns` was dropped, as when data are put together, is told by its second name.
    if keys.latent in obsm and keys.map not in obsm:
        foreign = f".obsm[{keys.latent!r}]"
    if foreign is not None:
        msg = (
            f"{foreign} is there already and is no map, and `key_added={keys.uns!r}` would write over it. "
            "Choose another `key_added`, or remove it first."
        )
        raise ValueError(msg)


def write_results(adata: AnnData, results: MapResults, keys: Keys) -> None:
    """Write all slots of one map, and remove slots that an earlier map of the same key left and this one lacks."""
    graph = results.graph
    groups = group_names(results.group)
    columns: dict[str, Any] = {
        keys.order: results.order,
        keys.branch: None if results.branch is None else used_categories(results.branch, branch_names(graph) or []),
        keys.neuron: pd.Categorical.from_codes(results.neuron.tolist(), categories=list(graph.names)),
        keys.cluster: used_categories(results.cluster, [*groups, UNASSIGNED]),
        keys.confidence: results.confidence,
        keys.prediction: None,
        keys.prediction_probability: None,
    }
    if results.label_probabilities is not None:
        best = results.label_probabilities.argmax(axis=1)
        columns[keys.prediction] = pd.Categorical.from_codes(best.tolist(), categories=results.label_names)
        columns[keys.prediction_probability] = results.label_probabilities.max(axis=1).astype(np.float64)
    uns = {
        "params": {name: value for name, value in results.params.items() if value is not None},
        "graph": {
            "kind": graph.kind,
            "adjacency": sparse.csr_matrix(graph.adjacency, copy=True),
            "layout": graph.layout.copy(),
            "names": np.array(graph.names, dtype=object),
            "group": np.array(results.group, dtype=object),
        },
        # Copies, so that a change to what is stored changes no model.
        "history": {name: np.array(values) for name, values in results.history.items()},
        "quality": dict(results.quality),
        "versions": dict(results.versions),
    }
    if graph.shape is not None:
        uns["graph"]["shape"] = np.array(graph.shape)
    if results.ties is not None:
        uns["graph"]["ties"] = results.ties.copy()
    with modifying():
        # The first assignment to a view makes it an AnnData of its own; that is what the caller asked for.
        adata.obsm[keys.latent] = results.activations
    adata.obsm[keys.map] = results.map
    adata.obsm[keys.indicators] = results.indicators
    for name, values in columns.items():
        if values is not None:
            adata.obs[name] = values
        elif name in adata.obs:
            del adata.obs[name]
    if results.programs is not None:
        adata.varm[keys.programs] = results.programs
    elif keys.programs in adata.varm:
        del adata.varm[keys.programs]
    # Colours of an earlier map's clusters would be given to other clusters.
    for name in (keys.cluster, keys.neuron, keys.branch):
        adata.uns.pop(f"{name}_colors", None)
    adata.uns[keys.uns] = uns
    remove_added(adata, keys)
