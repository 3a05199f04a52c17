"""Reading and writing a map's slots in an AnnData, in one place."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import ImplicitModificationWarning
from scipy import sparse

from ._keys import UNASSIGNED, Keys
from .graphs import NeuronGraph, branch_names, neuron_ties

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData
    from numpy.typing import NDArray


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


def group_names(group: NDArray[np.str_]) -> list[str]:
    """Names of the indicator groups in natural order: `0`, `1`, ..., `10`."""
    from natsort import natsorted

    return [str(name) for name in natsorted(set(group.tolist()))]


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


def _used(values: NDArray[np.str_], names: list[str]) -> pd.Categorical:
    """Categories in the order of the names, those that do not occur left out."""
    occur = set(values.tolist())
    return pd.Categorical(values, categories=[name for name in names if name in occur])


@dataclass(frozen=True, eq=False)
class StoredMap:
    """A map as it was stored in an AnnData; what `pl` and `get` read.

    Parameters
    ----------
    adata
        The annotated data.
    key
        What was passed as `key_added` when the map was fitted; None for the default.

    Raises
    ------
    KeyError
        If no map is stored under that key.
    """

    adata: AnnData
    key: str | None = None

    def __post_init__(self) -> None:
        uns = self.adata.uns.get(self.keys.uns)
        if not (hasattr(uns, "keys") and "graph" in uns and self.keys.latent in self.adata.obsm):
            stored = [
                name
                for name, value in self.adata.uns.items()
                if hasattr(value, "keys") and {"graph", "quality", "params"} <= set(value.keys())
            ]
            hint = (
                f"Maps stored here: {stored}; choose one with `key=`."
                if stored
                else "Run `gsr_sc.tl.fit(adata)` first."
            )
            msg = f"No map is stored under {self.keys.uns!r} in this AnnData. {hint}"
            raise KeyError(msg)

    @cached_property
    def keys(self) -> Keys:
        """Names of the slots."""
        return Keys.of(self.key)

    @property
    def uns(self) -> Mapping[str, Any]:
        """The entry of `.uns`: `params`, `graph`, `history`, `quality`, `versions`."""
        entry: Mapping[str, Any] = self.adata.uns[self.keys.uns]
        return entry

    @cached_property
    def graph(self) -> NeuronGraph:
        """The neuron graph."""
        stored = self.uns["graph"]
        shape = tuple(int(side) for side in stored["shape"]) if "shape" in stored else None
        return NeuronGraph(
            str(stored["kind"]),
            sparse.csr_array(stored["adjacency"]),
            np.asarray(stored["layout"]),
            tuple(str(name) for name in stored["names"]),
            shape=shape,  # type: ignore[arg-type]
        )

    @cached_property
    def group(self) -> NDArray[np.str_]:
        """Name of the indicator group of each neuron, (n_neurons,)."""
        return np.array([str(name) for name in self.uns["graph"]["group"]])

    @cached_property
    def ties(self) -> NDArray[np.float64]:
        """How often neurons stand for observations that are neighbours, (n_neurons, n_neurons), summing to 1."""
        stored = self.uns["graph"].get("ties")
        # Maps of earlier versions, and those without a start from the data, have only their activations to tell.
        return neuron_ties(self.activations) if stored is None else np.asarray(stored, dtype=np.float64)

    @property
    def groups(self) -> list[str]:
        """Names of the indicator groups in the order of the columns of :attr:`indicators`."""
        return group_names(self.group)

    @property
    def activations(self) -> NDArray[np.float32]:
        """Activations, (n_obs, n_neurons)."""
        return np.asarray(self.adata.obsm[self.keys.latent])

    @property
    def map(self) -> NDArray[np.float32]:
        """Coordinates on the layout, (n_obs, 2)."""
        return np.asarray(self.adata.obsm[self.keys.map])

    @property
    def indicators(self) -> NDArray[np.float32]:
        """Activation of each indicator group, (n_obs, n_groups)."""
        return np.asarray(self.adata.obsm[self.keys.indicators])

    @property
    def programs(self) -> NDArray[np.float32]:
        """Signed effect of each neuron on each gene, (n_vars, n_neurons)."""
        if self.keys.programs not in self.adata.varm:
            msg = (
                f"No gene programs are stored in .varm[{self.keys.programs!r}]: "
                "the map was fitted on a representation (`use_rep`) or on other genes. Fit on X or on a layer to have them."
            )
            raise KeyError(msg)
        return np.asarray(self.adata.varm[self.keys.programs])

    @property
    def cluster(self) -> pd.Series[Any]:
        """Indicator group of each observation, categorical."""
        return self.adata.obs[self.keys.cluster]


def write_levels(
    adata: AnnData,
    keys: Keys,
    groups: list[NDArray[np.str_]],
    confidence: list[NDArray[np.float64]],
    *,
    resolutions: list[float],
    least: float,
    nothing: NDArray[np.bool_],
) -> None:
    """Write the levels of a hierarchy of indicator groups, and remove those of an earlier one.

    `groups` holds the group of each neuron and `confidence` that of each observation in each group, by level;
    observations with less than `least`, or with `nothing` in them, are unassigned.
    """
    earlier = 0
    while keys.cluster_level(earlier) in adata.obs:
        earlier += 1
    for level in range(earlier):
        for name in (keys.cluster_level(level), keys.confidence_level(level)):
            if name in adata.obs:
                del adata.obs[name]
        adata.uns.pop(f"{keys.cluster_level(level)}_colors", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImplicitModificationWarning)
        for level, (group, sure) in enumerate(zip(groups, confidence, strict=True)):
            names = group_names(group)
            highest = np.where(nothing, 0.0, np.clip(sure.max(axis=1), 0, 1))
            cluster = np.where((highest >= least) & ~nothing, np.array(names)[sure.argmax(axis=1)], UNASSIGNED)
            adata.obs[keys.cluster_level(level)] = _used(cluster, [*names, UNASSIGNED])
            adata.obs[keys.confidence_level(level)] = highest
        adata.uns[f"{keys.uns}_indicators"] = {
            "resolution": np.array(resolutions),
            "group": np.column_stack([group.astype(np.int64) for group in groups]),
        }
