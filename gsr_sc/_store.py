"""Writing a map's slots into an AnnData, in one place."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import ImplicitModificationWarning
from scipy import sparse

from ._keys import (
    ADDED_OBS,
    ADDED_OBSM,
    ADDED_UNS,
    ADDED_VAR,
    ADDED_VARM,
    UNASSIGNED,
    UNASSIGNED_COLOR,
    Keys,
)
from ._stored import group_names
from .graphs import branch_names

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from .graphs import NeuronGraph, Reading


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


def write_results(adata: AnnData, results: MapResults, keys: Keys) -> None:
    """Write all slots of one map, and remove slots that an earlier map of the same key left and this one lacks."""
    graph = results.graph
    groups = group_names(results.group)
    columns: dict[str, Any] = {
        keys.order: results.order,
        keys.branch: None if results.branch is None else _used(results.branch, branch_names(graph) or []),
        keys.neuron: pd.Categorical.from_codes(results.neuron.tolist(), categories=list(graph.names)),
        keys.cluster: _used(results.cluster, [*groups, UNASSIGNED]),
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
    with warnings.catch_warnings():
        # The first assignment to a view makes it an AnnData of its own; that is what the caller asked for.
        warnings.simplefilter("ignore", ImplicitModificationWarning)
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
    _remove_added(adata, keys)


def write_query(
    adata: AnnData,
    keys: Keys,
    *,
    novelty: NDArray[np.float64],
    report: dict[str, Any],
    label: pd.Categorical | None = None,
    label_confidence: NDArray[np.float64] | None = None,
    colors: list[str] | None = None,
) -> None:
    """Write what is known of observations that were placed on a map of others, beside their places."""
    adata.obs[keys.added("novelty")] = novelty
    if label is not None:
        adata.obs[keys.added("label")] = label
        adata.obs[keys.added("label_confidence")] = label_confidence
        if colors is not None:
            adata.uns[f"{keys.added('label')}_colors"] = colors
    adata.uns[keys.added("query")] = report


def _remove_added(adata: AnnData, keys: Keys) -> None:
    """Remove what functions on an earlier map of the same key have added."""
    _remove_levels(adata, keys)
    for name in ADDED_UNS:
        adata.uns.pop(keys.added(name), None)
    for name in ADDED_OBSM:
        adata.obsm.pop(keys.added_obsm(name), None)
    for name in ADDED_VARM:
        adata.varm.pop(keys.added(name), None)
    for name in ADDED_VAR:
        if keys.added(name) in adata.var:
            del adata.var[keys.added(name)]
    for name in ADDED_OBS:
        if keys.added(name) in adata.obs:
            del adata.obs[keys.added(name)]
        adata.uns.pop(f"{keys.added(name)}_colors", None)


def _remove_levels(adata: AnnData, keys: Keys) -> None:
    level = 0
    while keys.cluster_level(level) in adata.obs:
        for name in (keys.cluster_level(level), keys.confidence_level(level)):
            if name in adata.obs:
                del adata.obs[name]
        adata.uns.pop(f"{keys.cluster_level(level)}_colors", None)
        level += 1


def _used(values: NDArray[np.str_], names: list[str]) -> pd.Categorical:
    """Categories in the order of the names, those that do not occur left out."""
    occur = set(values.tolist())
    return pd.Categorical(values, categories=[name for name in names if name in occur])


def write_levels(
    adata: AnnData,
    keys: Keys,
    groups: list[NDArray[np.str_]],
    confidence: list[NDArray[np.float64]],
    *,
    colors: list[list[str]],
    resolutions: list[float],
    least: float,
    nothing: NDArray[np.bool_],
) -> None:
    """Write the levels of a hierarchy of indicator groups, and remove those of an earlier one.

    `groups` holds the group of each neuron, `confidence` that of each observation in each group, and `colors` that of each
    group, by level;
    observations with less than `least`, or with `nothing` in them, are unassigned.
    """
    _remove_levels(adata, keys)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImplicitModificationWarning)
        for level, (group, sure, shades) in enumerate(zip(groups, confidence, colors, strict=True)):
            names = group_names(group)
            highest = np.where(nothing, 0.0, np.clip(sure.max(axis=1), 0, 1))
            cluster = np.where((highest >= least) & ~nothing, np.array(names)[sure.argmax(axis=1)], UNASSIGNED)
            found = _used(cluster, [*names, UNASSIGNED])
            color_of = dict(zip(names, shades, strict=True)) | {UNASSIGNED: UNASSIGNED_COLOR}
            adata.obs[keys.cluster_level(level)] = found
            adata.uns[f"{keys.cluster_level(level)}_colors"] = [color_of[name] for name in found.categories]
            adata.obs[keys.confidence_level(level)] = highest
        adata.uns[keys.added("indicators")] = {
            "resolution": np.array(resolutions),
            "group": np.column_stack([group.astype(np.int64) for group in groups]),
            "min_confidence": least,
        }


def write_added(
    adata: AnnData,
    keys: Keys,
    *,
    uns: dict[str, Any] | None = None,
    obs: dict[str, Any] | None = None,
    obsm: dict[str, Any] | None = None,
    var: dict[str, Any] | None = None,
    varm: dict[str, Any] | None = None,
) -> None:
    """Write what a function on a stored map adds, by the names that :mod:`gsr_sc._keys` has for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImplicitModificationWarning)
        for name, values in (obsm or {}).items():
            adata.obsm[keys.added_obsm(name)] = values
        for name, values in (obs or {}).items():
            adata.obs[keys.added(name)] = values
        for name, values in (varm or {}).items():
            adata.varm[keys.added(name)] = values
        for name, values in (var or {}).items():
            adata.var[keys.added(name)] = values
        for name, values in (uns or {}).items():
            adata.uns[keys.added(name)] = values


def write_order(adata: AnnData, keys: Keys, reading: Reading, branch_names: list[str], entry: dict[str, Any]) -> None:
    """Write positions anew, with the branches that belong to them, and say in `.uns` how they were read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImplicitModificationWarning)
        adata.obs[keys.order] = reading.order
        adata.obs[keys.added("order_confidence")] = reading.confidence
        if reading.branch is None:
            if keys.branch in adata.obs:
                del adata.obs[keys.branch]
        else:
            names = np.array([*branch_names, ""], dtype=object)
            adata.obs[keys.branch] = _used(names[reading.branch], branch_names)
        # Colours of other branches, and genes that change along another order.
        adata.uns.pop(f"{keys.branch}_colors", None)
        adata.uns.pop(keys.added("order_genes"), None)
        adata.uns[keys.added("order")] = entry
