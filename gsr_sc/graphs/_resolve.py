"""From what a user may pass as `graph` to a neuron graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast, get_args

import networkx as nx
import numpy as np
from scipy import sparse

from ._custom import from_adjacency, from_networkx
from ._graph import NeuronGraph
from ._learned import LearnedGraph
from ._named import GraphKind, default_size, named


def resolve(graph: Any, *, n_neurons: int | None, n_obs: int) -> NeuronGraph | LearnedGraph:
    """Turn what a user may pass as `graph` into a :class:`NeuronGraph`, or how it is to be learned, its size settled.

    Parameters
    ----------
    graph
        A name, a :class:`NeuronGraph`, a networkx graph, or a dense or sparse adjacency.
        `"grid"`, `"torus"` and `"hex"` are as square as their number of neurons allows, `"rings"` and `"lines"` are three,
        a `"star"` has four arms, a `"wishbone"` two branches as long as its stem (what cannot be divided by three is
        left to the stem), a `"tree"` a trunk, two branches and four ends of the same length, or, of 7, 15, 31, ...
        neurons, one neuron for each branch; `"groups"` are of four neurons.
    n_neurons
        Number of neurons for a named graph; by default chosen by `n_obs`.
    n_obs
        Number of observations the layer will be trained on.

    Raises
    ------
    ValueError
        If the name is unknown, if there is no such graph of `n_neurons`, or if it contradicts the graph.
    TypeError
        If `graph` is none of the above.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.resolve("grid", n_neurons=12, n_obs=100)
    NeuronGraph: grid of 12 neurons, 17 edges
    """
    if isinstance(graph, str):
        if graph not in (*get_args(GraphKind), "learned"):
            msg = (
                f"`graph` is {graph!r}; named graphs are {[*get_args(GraphKind), 'learned']}. "
                "Any other shape can be passed as a networkx graph or an adjacency matrix."
            )
            raise ValueError(msg)
        n_neurons = default_size(graph, n_obs) if n_neurons is None else n_neurons
        return LearnedGraph(n_neurons=n_neurons) if graph == "learned" else named(cast("GraphKind", graph), n_neurons)
    built: NeuronGraph | LearnedGraph
    if isinstance(graph, LearnedGraph):
        built = (
            graph
            if graph.n_neurons is not None
            else replace(graph, n_neurons=n_neurons or default_size("learned", n_obs))
        )
    elif isinstance(graph, NeuronGraph):
        built = graph
    elif isinstance(graph, nx.Graph):
        built = from_networkx(graph)
    elif isinstance(graph, np.ndarray | list | tuple) or sparse.issparse(graph):
        built = from_adjacency(graph)
    else:
        msg = (
            f"`graph` is a {type(graph).__name__}; pass one of {[*get_args(GraphKind), 'learned']}, a `gsr_sc.graphs` object, "
            "a networkx graph, or a dense or sparse adjacency."
        )
        raise TypeError(msg)
    if isinstance(built, NeuronGraph) and built.n_edges == 0:
        msg = "The neuron graph has no edges, so it ties no neurons together; pass another, or learn one anew."
        raise ValueError(msg)
    if n_neurons is not None and n_neurons != built.n_neurons:
        msg = f"`n_neurons={n_neurons}`, but the graph passed has {built.n_neurons} neurons; leave `n_neurons` out."
        raise ValueError(msg)
    return built
