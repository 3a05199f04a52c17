"""Neuron graphs of several pieces of one kind: rings, lines, groups."""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from ._build import letters, line, require_size, ring
from ._graph import NeuronGraph

# Space between two pieces; more than between neighbours, so that it is seen that nothing ties them.
_GAP = 1.5
_MAX_IN_A_ROW = 4


def rings(n_rings: int, n_per_ring: int) -> NeuronGraph:
    """Several closed chains of neurons, for cyclic processes that run in several kinds of cells.

    The fifth neuron of the first ring is called `r1.5`.

    Parameters
    ----------
    n_rings
        Number of rings, at least 2.
    n_per_ring
        Number of neurons on each ring, at least 3.

    Raises
    ------
    ValueError
        If there are fewer than two rings, or one has fewer than three neurons.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.rings(2, 3).names
    ('r1.1', 'r1.2', 'r1.3', 'r2.1', 'r2.2', 'r2.3')
    """
    require_size("graph of rings", n_rings, 2, "n_rings")
    require_size("graph of rings", n_per_ring, 3, "n_per_ring")
    prefixes = [f"r{number + 1}." for number in range(n_rings)]
    return _copies("rings", ring(n_per_ring), prefixes, n_columns=_columns(n_rings))


def lines(n_lines: int, n_per_line: int) -> NeuronGraph:
    """Several open chains of neurons, for processes that run side by side.

    The neurons of the first line are `a1`, `a2`, ..., those of the second `b1`, ...; each line has its own root.

    Parameters
    ----------
    n_lines
        Number of lines, at least 2.
    n_per_line
        Number of neurons on each line, at least 2.

    Raises
    ------
    ValueError
        If there are fewer than two lines, or one has fewer than two neurons.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.lines(2, 3).edges.tolist()
    [[0, 1], [1, 2], [3, 4], [4, 5]]
    """
    require_size("graph of lines", n_lines, 2, "n_lines")
    require_size("graph of lines", n_per_line, 2, "n_per_line")
    return _copies("lines", line(n_per_line), _letters(n_lines), n_columns=1)


def groups(n_groups: int, n_per_group: int) -> NeuronGraph:
    """Groups of neurons that are all tied to each other and to no others: one group for each cluster.

    The neurons of the first group are `a1`, `a2`, ..., those of the second `b1`, ...

    Parameters
    ----------
    n_groups
        Number of groups, at least 2.
    n_per_group
        Number of neurons in each group, at least 2.

    Raises
    ------
    ValueError
        If there are fewer than two groups, or one has fewer than two neurons.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.groups(5, 4)
    NeuronGraph: groups of 20 neurons, 30 edges
    """
    require_size("graph of groups", n_groups, 2, "n_groups")
    require_size("graph of groups", n_per_group, 2, "n_per_group")
    everyone = sparse.csr_array(np.ones((n_per_group, n_per_group)))
    # On a circle with neighbours one unit apart; the top is an edge or a corner, so that four are a square.
    around = 2 * np.pi * (np.arange(n_per_group) - (0.5 if n_per_group % 2 == 0 else 0)) / n_per_group
    layout = np.column_stack([np.sin(around), np.cos(around)]) / (2 * np.sin(np.pi / n_per_group))
    group = NeuronGraph("groups", everyone, layout)
    return _copies("groups", group, _letters(n_groups), n_columns=_columns(n_groups))


def _copies(kind: str, piece: NeuronGraph, prefixes: list[str], *, n_columns: int) -> NeuronGraph:
    """Pieces in rows from the top left; neurons are numbered within their piece."""
    adjacency = sparse.csr_array(sparse.kron(sparse.eye_array(len(prefixes)), piece.adjacency))
    row, column = np.divmod(np.arange(len(prefixes)), n_columns)
    width, height = np.ptp(piece.layout, axis=0) + _GAP
    corners = np.column_stack([column * width, -row * height])
    layout = (corners[:, None] + piece.layout).reshape(-1, 2)
    names = tuple(f"{prefix}{k + 1}" for prefix in prefixes for k in range(piece.n_neurons))
    return NeuronGraph(kind, adjacency, layout, names)


def _columns(n_pieces: int) -> int:
    return n_pieces if n_pieces <= _MAX_IN_A_ROW else math.ceil(math.sqrt(n_pieces))


def _letters(n: int) -> list[str]:
    return [letters(number).lower() for number in range(n)]
