"""The parts of a graph: pieces that nothing ties together, branches of what forks."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph

BRANCHING = ("star", "tree", "wishbone")
SEVERAL = ("rings", "lines", "groups")


def pieces(graph: NeuronGraph) -> NDArray[np.intp]:
    """Which connected piece of the graph each neuron is in, numbered by their first neurons, shape (n_neurons,)."""
    return csgraph.connected_components(graph.adjacency, directed=False)[1].astype(np.intp)


def branches(graph: NeuronGraph) -> NDArray[np.intp] | None:
    """Branch of each neuron: stretches between root, forks and ends, numbered from the root outwards.

    Parameters
    ----------
    graph
        The neuron graph.

    Returns
    -------
    Shape (n_neurons,), for star, tree and wishbone; a fork belongs to the branch that leads to it.
    For rings, lines and groups the number of the ring, line or group. None for other graphs.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.branches(gsr_sc.graphs.wishbone(2, 2)).tolist()
    [0, 0, 1, 1, 2, 2]
    >>> gsr_sc.graphs.branches(gsr_sc.graphs.lines(2, 3)).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    if graph.kind in SEVERAL:
        return pieces(graph)
    if graph.kind not in BRANCHING:
        return None
    return stretches(graph, 0)


def stretches(graph: NeuronGraph, root: int) -> NDArray[np.intp]:
    """Stretches between a root, forks and ends, numbered from the root outwards, -1 out of reach, shape (n_neurons,)."""
    degree = np.diff(graph.adjacency.indptr)
    visited, parent = csgraph.breadth_first_order(graph.adjacency, root, directed=False)
    branch = np.full(graph.n_neurons, -1, dtype=np.intp)
    branch[root] = 0
    n_branches = 1
    for node in visited[1:]:
        before = parent[node]
        forks = degree[before] > 2 or (before == root and degree[root] > 1)
        if forks:
            branch[node], n_branches = n_branches, n_branches + 1
        else:
            branch[node] = branch[before]
    return branch


def branch_names(graph: NeuronGraph, *, root: int | None = None) -> list[str] | None:
    """Name of each branch, in the order of their numbers; None where the graph has no branches.

    It is what the names of its neurons begin with, such as `stem` of `stem1`, `stem2`, and the rest of the branch,
    if every branch has such a name of its own; else the number of the branch.

    Parameters
    ----------
    graph
        The neuron graph.
    root
        Number of another neuron to see the branches from. They keep the names that most of their neurons have, so that the same
        stretch is called the same from every root; of a stretch that the root divides, the second half is `stem.2`, and
        the neuron between them `root`.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.branch_names(gsr_sc.graphs.wishbone(2, 5))
    ['stem', 'a', 'b']
    >>> gsr_sc.graphs.branch_names(gsr_sc.graphs.wishbone(2, 5), root=9)
    ['a', 'stem', 'b']
    >>> gsr_sc.graphs.branch_names(gsr_sc.graphs.rings(2, 5))
    ['r1', 'r2']
    """
    branch = branches(graph) if root is None else stretches(graph, root)
    if branch is None:
        return None
    stems: list[Counter[str]] = [Counter() for _ in range(branch.max() + 1)]
    for number, name in zip(branch, graph.names, strict=True):
        if number >= 0:
            stems[number][re.sub(r"[._ -]?\d+$", "", name)] += 1
    numbers = [str(number) for number in range(len(stems))]
    if root is None:
        distinct = set().union(*stems)
        named = all(len(stem) == 1 for stem in stems) and len(distinct) == len(stems) and "" not in distinct
        return [min(stem) for stem in stems] if named else numbers
    called = [stem.most_common(1)[0][0] for stem in stems]
    if "" in called or len(set(called)) == 1:
        return numbers
    divided = int((branch == 0).sum()) == 1 and called.count(called[0]) > 1
    if divided:
        called[0] = "root"
    called = [name if name not in called[:k] else f"{name}.2" for k, name in enumerate(called)]
    return called if len(set(called)) == len(called) else numbers
