"""A fitted model as a folder: what is written, and how it is put together again."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from scipy import sparse

from ..graphs import NeuronGraph
from ..inputs import Genes
from ..matrices import Transform
from ..stats import Novelty
from ..training import Design
from ._fitted import Fitted
from ._sample import Sample
from ._serialize import read_folder, write_folder

if TYPE_CHECKING:
    import os

_OF_TRANSFORM = ("kind", "counts", "target", "clip", "spread", "log_weight")


def save(state: Fitted, path: str | os.PathLike[str], *, overwrite: bool, cells: bool) -> None:
    """Write a fitted model to a folder, with the cells that it keeps if so asked."""
    adjacency = state.graph.adjacency.tocoo()
    arrays: dict[str, Any] = {
        **{f"network.{name}": value.cpu().numpy() for name, value in state.network.state_dict().items()},
        **{f"history.{name}": value for name, value in state.history.items()},
        **{f"transform.{name}": getattr(state.transform, name) for name in ("columns", "mean", "scale", "baseline")},
        **({} if state.transform.share is None else {"transform.share": state.transform.share}),
        "graph.edges": np.column_stack([adjacency.row, adjacency.col]).astype(np.int64),
        "graph.weights": adjacency.data,
        "graph.layout": state.graph.layout,
        "programs": state.programs,
    }
    if state.ties is not None:
        arrays["ties"] = state.ties
    genes, novelty = state.genes, state.novelty
    if genes is not None and genes.share is not None:
        arrays["genes.share"] = genes.share
    if novelty is not None:
        arrays |= {f"novelty.{name}": np.asarray(value) for name, value in vars(novelty).items()}
    if cells and state.sample is not None:
        arrays |= {f"sample.{name}": value for name, value in state.sample.arrays().items()}
    description = {
        "params": state.params,
        "quality": state.quality,
        "versions": state.versions,
        "graph": {"kind": state.graph.kind, "names": state.graph.names, "shape": state.graph.shape},
        "group": state.group.tolist(),
        "transform": {name: getattr(state.transform, name) for name in _OF_TRANSFORM},
        "batches": state.batches,
        "label_names": state.label_names,
        "var_names": [str(name) for name in state.var_names],
    }
    if genes is not None:
        description["genes"] = {kind: [str(name) for name in names] for kind, names in genes.names.items()}
    write_folder(path, arrays, description, overwrite=overwrite)


def load(path: str | os.PathLike[str], device: torch.device) -> Fitted:
    """Read a fitted model from a folder."""
    arrays, description = read_folder(path)

    def part(prefix: str) -> dict[str, Any]:
        return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}

    stored = description["graph"]
    n_neurons = len(stored["names"])
    edges = arrays["graph.edges"]
    adjacency = sparse.csr_array((arrays["graph.weights"], (edges[:, 0], edges[:, 1])), shape=(n_neurons, n_neurons))
    shape = None if stored["shape"] is None else (stored["shape"][0], stored["shape"][1])
    graph = NeuronGraph(
        stored["kind"], adjacency, arrays["graph.layout"].astype(np.float64), tuple(stored["names"]), shape=shape
    )
    transform = Transform(**description["transform"], **part("transform."))
    weights = {name: torch.from_numpy(value) for name, value in part("network.").items()}
    # Models of the first release name the widths beside the parameters.
    params = description["params"]
    params.setdefault("hidden", description.get("hidden"))
    if "graph_n_neighbours" in params:  # as it was spelled before
        params["graph_n_neighbors"] = params.pop("graph_n_neighbours")
    # Models without batches or labels, such as those of the first release, need not name them.
    batches, label_names = description.get("batches", {}), description.get("label_names", [])
    # Its weights are replaced at once; torch's global generator is left alone.
    network = Design.from_params(params).network(
        transform.n_inputs,
        graph,
        torch.Generator(),
        n_conditions=sum(len(names) for names in batches.values()),
        n_labels=len(label_names),
    )
    network.load_state_dict(weights)
    return Fitted(
        network=network.to(device).eval(),
        graph=graph,
        group=np.array(description["group"]),
        transform=transform,
        var_names=pd.Index(description["var_names"]),
        programs=arrays["programs"].astype(np.float32),
        ties=arrays["ties"].astype(np.float32) if "ties" in arrays else None,
        genes=_genes(description, arrays),
        novelty=_novelty(part("novelty.")),
        sample=Sample.of(part("sample."), transform.n_inputs),
        params=params,
        history=part("history."),
        quality=description["quality"],
        versions=description["versions"],
        batches=batches,
        label_names=label_names,
    )


def _genes(description: dict[str, Any], arrays: dict[str, Any]) -> Genes | None:
    """Names of variables; None in folders of earlier versions."""
    if "genes" not in description:
        return None
    names = {kind: pd.Index(names) for kind, names in description["genes"].items()}
    return Genes(names=names, n_read=len(description["var_names"]), share=arrays.get("genes.share"))


def _novelty(stored: dict[str, Any]) -> Novelty | None:
    """What is usual; None in folders of earlier versions, and where too few cells were held out."""
    if stored:
        # Earlier folders lack what matters only where cells are looked at together, and is then learnt anew.
        stored.setdefault("alone", np.array([0.0, 1.0]))
    if set(stored) != {field.name for field in fields(Novelty)}:
        return None
    return Novelty(**{**stored, "n_held_out": int(stored["n_held_out"].item())})
