"""What a fit leaves: the state that places, decodes, and travels in a model folder."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..matrices import release
from ..metrics import dead_neurons, dirichlet_energy, moran_i
from ..slots import MapResults
from ._results import gene_programs, read_activations

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from ..graphs import NeuronGraph
    from ..inputs import Genes
    from ..matrices import MatrixSource, Transform
    from ..nn import GraphAutoencoder
    from ..stats import Novelty
    from ..training import Fit
    from ._sample import Sample

_PACKAGES = ("gsr-sc", "torch", "numpy", "scipy", "anndata")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A fitted model.

    Attributes
    ----------
    network
        The network, in evaluation mode.
    graph
        The neuron graph.
    group
        Indicator group of each neuron, (n_neurons,).
    transform
        What the network sees of a row.
    var_names
        Variables that the network reads, (n_inputs,).
    programs
        Signed effect of each neuron on each of them, (n_inputs, n_neurons).
    batches
        Categories of each batch variable that the network is told, by column of `.obs`.
    label_names
        Labels that the network tells apart.
    params, history, quality, versions
        As they are stored in `.uns`.
    ties
        How often neurons stand for observations that are neighbours in the data, (n_neurons, n_neurons).
    genes
        Names of the variables of the reference, and how they are counted; None in folders of earlier versions.
    novelty
        How strange a cell may look; None in folders of earlier versions and where too few cells were held out.
    sample
        Cells of the reference that a query is looked at beside; None in folders that were written without them.
    """

    network: GraphAutoencoder
    graph: NeuronGraph
    group: NDArray[np.str_]
    transform: Transform
    var_names: pd.Index[str]
    programs: NDArray[np.float32]
    params: dict[str, Any]
    history: dict[str, NDArray[np.float64]]
    quality: dict[str, Any]
    versions: dict[str, str]
    batches: dict[str, list[str]] = field(default_factory=dict)
    label_names: list[str] = field(default_factory=list)
    ties: NDArray[np.float32] | None = None
    genes: Genes | None = None
    novelty: Novelty | None = None
    sample: Sample | None = None


def encode(
    network: GraphAutoencoder, source: MatrixSource, rows: NDArray[np.intp] | None = None
) -> NDArray[np.float32]:
    """Activations of all rows of a source, or of sorted row numbers, (n_rows, n_neurons)."""
    n_rows = len(source) if rows is None else len(rows)
    activations: NDArray[np.float32] | None = None
    for where, block in source.each(_Encoder(network), rows):
        if activations is None:
            activations = source.room(n_rows, block.shape[1])
        activations[where] = block
        release(activations)
    return np.empty((0, 0), dtype=np.float32) if activations is None else activations


@dataclass(frozen=True)
class _Encoder:
    """A network that places rows, wherever they are."""

    network: GraphAutoencoder

    @torch.no_grad()
    def __call__(self, inputs: NDArray[np.float32], conditions: NDArray[np.float32] | None) -> NDArray[np.float32]:
        device = next(self.network.parameters()).device
        told = None if conditions is None else torch.from_numpy(conditions).to(device)
        return self.network.encode(torch.from_numpy(inputs).to(device), told).cpu().numpy()

    def __getstate__(self) -> dict[str, Any]:
        return as_it_travels(self)


def as_it_travels(work: Any) -> dict[str, Any]:
    """State of something with a network, for where there may be no GPU."""
    return {**vars(work), "network": deepcopy(work.network).cpu()}


@torch.no_grad()
def decode(
    network: GraphAutoencoder, activations: NDArray[np.float32], *, as_effects: bool = False
) -> NDArray[np.float32]:
    """Decoded activations, (n, n_inputs); `as_effects` on the scale on which differences are effects."""
    read = network.effects if as_effects else network.decode
    device = next(network.parameters()).device
    return read(torch.from_numpy(np.ascontiguousarray(activations)).to(device)).cpu().numpy()


def require_activations(activations: ArrayLike, n_neurons: int) -> NDArray[np.float32]:
    """Activations as an array; raises unless there is one column per neuron.

    Raises
    ------
    ValueError
        If the shape is another one.
    """
    array = np.asarray(activations, dtype=np.float32)
    if array.ndim != 2 or array.shape[1] != n_neurons:
        msg = f"`activations` has shape {array.shape}; it has to be (n, {n_neurons})."
        raise ValueError(msg)
    return array


def decoded(state: Fitted, activations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decoded activations as users see them, (n, n_inputs)."""
    found = decode(state.network, activations)
    return state.transform.given_back(found) if state.network.likelihood.kind == "gaussian" else found


def programs(network: GraphAutoencoder, transform: Transform, activations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Signed effect of each neuron on each input, (n_inputs, n_neurons)."""
    found = gene_programs(activations, lambda pictures: decode(network, pictures, as_effects=True))
    if network.likelihood.kind != "gaussian":
        return found
    return np.ascontiguousarray(transform.given_back(found.T, differences=True).T)


def quality(result: Fit, graph: NeuronGraph, activations: NDArray[np.float32]) -> dict[str, Any]:
    """Figures that say how far to trust a map."""
    explained = {
        "explained_variance": float(result.run.explained_variance),
        "explained_variance_unregularised": float(result.unregularised),
    }
    if result.network.likelihood.kind != "gaussian":
        explained["deviance_explained"] = float(result.run.deviance_explained)
        explained["deviance_explained_unregularised"] = float(result.plain.deviance_explained)
    return explained | {
        # A learned graph without edges has no energy, and no neighbours to be alike.
        "dirichlet_energy": dirichlet_energy(activations, graph.adjacency) if graph.n_edges else 0.0,
        "moran_i": moran_i(activations, graph.adjacency) if graph.n_edges else float("nan"),
        "n_dead": int(dead_neurons(activations).sum()),
    }


def versions() -> dict[str, str]:
    """Versions of what the result depends on."""
    return {name: _version(name) for name in _PACKAGES}


# Looking one up takes milliseconds, and some functions fit many times.
@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


@torch.no_grad()
def label_probabilities(network: GraphAutoencoder, activations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability of each label, (n_obs, n_labels)."""
    device = next(network.parameters()).device
    logits = network.label_logits(torch.from_numpy(np.ascontiguousarray(activations)).to(device))
    return torch.softmax(logits, dim=-1).cpu().numpy()


def predict(state: Fitted, activations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability of each label, (n_obs, n_labels).

    Raises
    ------
    ValueError
        If the model knows no labels.
    """
    if not state.label_names:
        msg = "This model was fitted without labels; fit with `labels_key=` to predict them."
        raise ValueError(msg)
    return label_probabilities(state.network, activations)


def results(
    state: Fitted,
    activations: NDArray[np.float32],
    silent: NDArray[np.bool_],
    *,
    columns: NDArray[np.intp],
    n_vars: int,
) -> MapResults:
    """Everything to be stored about some observations; `columns` of their variables are those read, -1 where missing."""
    stored_programs = None
    if state.params.get("use_rep") in (None, "X"):
        stored_programs = np.full((n_vars, state.graph.n_neurons), np.nan, dtype=np.float32)
        stored_programs[columns[columns >= 0]] = state.programs[columns >= 0]
    return MapResults(
        graph=state.graph,
        group=state.group,
        programs=stored_programs,
        params=state.params,
        history=state.history,
        quality=state.quality,
        versions=state.versions,
        label_names=state.label_names,
        label_probabilities=predict(state, activations) if state.label_names else None,
        ties=state.ties,
        **read_activations(state.graph, state.group, activations, silent, power=state.params.get("sharpness", 1.0)),
    )
