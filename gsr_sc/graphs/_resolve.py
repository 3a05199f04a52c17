"""From what a user may pass as `graph` to a neuron graph."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import networkx as nx
import numpy as np
from scipy import sparse

from ._build import grid, line, require_size, ring, torus
from ._custom import from_adjacency, from_networkx
from ._graph import NeuronGraph

GraphKind = Literal["grid", "torus", "ring", "line"]

# One neuron for about eight observations, up to the size beyond which maps of thousands of cells gained nothing.
_CELLS_PER_NEURON = 8
_MAX_SIDE, _MIN_SIDE = 12, 3
_MAX_CHAIN, _MIN_CHAIN = 32, 8


def resolve(graph: Any, *, n_neurons: int | None, n_obs: int) -> NeuronGraph:
    """Turn what a user may pass as `graph` into a :class:`NeuronGraph`.

    Parameters
    ----------
    graph
        A name, a :class:`NeuronGraph`, a networkx graph, or a dense or sparse adjacency.
    n_neurons
        Number of neurons for a named graph; by default chosen by `n_obs`.
    n_obs
        Number of observations the layer will be trained on.

    Raises
    ------
    ValueError
        If the name is unknown, or `n_neurons` contradicts the graph.
    TypeError
        If `graph` is none of the above.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.resolve("grid", n_neurons=12, n_obs=100)
    NeuronGraph: grid of 12 neurons, 17 edges
    """
    if isinstance(graph, str):
        if graph not in get_args(GraphKind):
            msg = (
                f"`graph` is {graph!r}; named graphs are {list(get_args(GraphKind))}. "
                "Any other shape can be passed as a networkx graph or an adjacency matrix."
            )
            raise ValueError(msg)
        return _named(graph, default_size(graph, n_obs) if n_neurons is None else n_neurons)
    if isinstance(graph, NeuronGraph):
        built = graph
    elif isinstance(graph, nx.Graph):
        built = from_networkx(graph)
    elif isinstance(graph, np.ndarray | list | tuple) or sparse.issparse(graph):
        built = from_adjacency(graph)
    else:
        msg = (
            f"`graph` is a {type(graph).__name__}; pass one of {list(get_args(GraphKind))}, a `gsr_sc.graphs` object, "
            "a networkx graph, or a dense or sparse adjacency."
        )
        raise TypeError(msg)
    if n_neurons is not None and n_neurons != built.n_neurons:
        msg = f"`n_neurons={n_neurons}`, but the graph passed has {built.n_neurons} neurons; leave `n_neurons` out."
        raise ValueError(msg)
    return built


def default_size(kind: str, n_obs: int) -> int:
    """Number of neurons for a named graph and a number of observations: one for eight, within limits.

    Parameters
    ----------
    kind
        Name of the graph.
    n_obs
        Number of observations.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.default_size("grid", 700), gsr_sc.graphs.default_size("ring", 700)
    (81, 32)
    """
    wanted = n_obs // _CELLS_PER_NEURON
    if kind in ("grid", "torus"):
        return min(max(math.isqrt(wanted), _MIN_SIDE), _MAX_SIDE) ** 2
    return min(max(wanted, _MIN_CHAIN), _MAX_CHAIN)


def _named(kind: str, n_neurons: int) -> NeuronGraph:
    if kind == "ring":
        return ring(n_neurons)
    if kind == "line":
        return line(n_neurons)
    shortest = 3 if kind == "torus" else 2
    require_size(kind, n_neurons, shortest**2 if kind == "torus" else 2)
    rows = max(side for side in range(1, math.isqrt(n_neurons) + 1) if n_neurons % side == 0)
    if rows < shortest and n_neurons > 3:
        msg = (
            f"`n_neurons={n_neurons}` makes no {kind}, as it is no product of two sides of at least {shortest}; "
            f"take one such as {math.isqrt(n_neurons) ** 2}, or pass `gsr_sc.graphs.{kind}(rows, columns)`."
        )
        raise ValueError(msg)
    return (torus if kind == "torus" else grid)(rows, n_neurons // rows)
