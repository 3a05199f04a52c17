"""Neuron graphs of one piece without branches: grid, hexagonal lattice, torus, ring, line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ._graph import NeuronGraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def grid(n_rows: int, n_columns: int | None = None) -> NeuronGraph:
    """Rectangular grid; every neuron is tied to those above, below, left and right of it.

    Neurons are named as the wells of a plate: `A1` at the top left, letters for rows, numbers for columns.

    Parameters
    ----------
    n_rows
        Number of rows.
    n_columns
        Number of columns; as many as rows by default.

    Raises
    ------
    ValueError
        If there are too few rows or columns.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.grid(2, 3).names
    ('A1', 'A2', 'A3', 'B1', 'B2', 'B3')
    """
    return _lattice("grid", n_rows, n_columns)


def hexagonal(n_rows: int, n_columns: int | None = None) -> NeuronGraph:
    """Hexagonal lattice; every neuron inside it is tied to six others, all of them one unit away.

    Every other row is shifted to the right by half a unit. Neurons are named as those of :func:`grid`.

    Parameters
    ----------
    n_rows
        Number of rows.
    n_columns
        Number of neurons in each row; as many as rows by default.

    Raises
    ------
    ValueError
        If there are too few rows or columns.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.hexagonal(3)
    NeuronGraph: hex of 9 neurons, 16 edges
    """
    return _lattice("hex", n_rows, n_columns)


def torus(n_rows: int, n_columns: int | None = None) -> NeuronGraph:
    """Grid whose opposite sides are joined, so that no neuron is at an edge.

    Parameters
    ----------
    n_rows
        Number of rows, at least 3.
    n_columns
        Number of columns, at least 3; as many as rows by default.

    Raises
    ------
    ValueError
        If there are too few rows or columns.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.torus(4).n_edges
    32
    """
    return _lattice("torus", n_rows, n_columns)


def ring(n_neurons: int) -> NeuronGraph:
    """Closed chain of neurons, for cyclic processes.

    Parameters
    ----------
    n_neurons
        Number of neurons, at least 3.

    Raises
    ------
    ValueError
        If `n_neurons` is no whole number of at least 3.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.ring(8).n_edges
    8
    """
    require_size("ring", n_neurons, 3)
    angle = 2 * np.pi * np.arange(n_neurons) / n_neurons
    index = np.arange(n_neurons)
    adjacency = symmetric(n_neurons, index, (index + 1) % n_neurons)
    # A radius of n / 2 pi puts neighbours one unit apart, as on a grid.
    layout = n_neurons / (2 * np.pi) * np.column_stack([np.cos(angle), np.sin(angle)])
    return NeuronGraph("ring", adjacency, layout)


def line(n_neurons: int) -> NeuronGraph:
    """Open chain of neurons, for processes with a beginning and an end.

    Parameters
    ----------
    n_neurons
        Number of neurons, at least 2.

    Raises
    ------
    ValueError
        If `n_neurons` is no whole number of at least 2.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.line(5).edges.tolist()
    [[0, 1], [1, 2], [2, 3], [3, 4]]
    """
    require_size("line", n_neurons, 2)
    index = np.arange(n_neurons)
    adjacency = symmetric(n_neurons, index[:-1], index[1:])
    return NeuronGraph("line", adjacency, np.column_stack([index, np.zeros(n_neurons)]))


def _lattice(kind: str, n_rows: int, n_columns: int | None) -> NeuronGraph:
    n_columns = n_rows if n_columns is None else n_columns
    smallest = 3 if kind == "torus" else 1
    require_size(kind, n_rows, smallest, "n_rows")
    require_size(kind, n_columns, smallest, "n_columns")
    node = np.arange(n_rows * n_columns).reshape(n_rows, n_columns)
    right, down = np.roll(node, -1, axis=1), np.roll(node, -1, axis=0)
    keep_columns, keep_rows = (n_columns, n_rows) if kind == "torus" else (n_columns - 1, n_rows - 1)
    ties = [(node[:, :keep_columns], right[:, :keep_columns]), (node[:keep_rows], down[:keep_rows])]
    row, column = np.divmod(node.ravel(), n_columns)
    # y grows upwards, as in every scatter plot, and row A is at the top, as on a plate.
    layout = np.column_stack([column, n_rows - 1 - row]).astype(float)
    if kind == "hex":
        # Straight down is one of the two below: that on the right of an even row, that on the left of a shifted one.
        even, shifted = node[:-1:2], node[1:-1:2]
        ties += [(even[:, 1:], node[1::2, :-1][: len(even)]), (shifted[:, :-1], node[2::2, 1:])]
        layout = layout * [1, np.sqrt(3) / 2] + np.column_stack([row % 2 / 2, np.zeros(node.size)])
    start, stop = (np.concatenate([side.ravel() for side in sides]) for sides in zip(*ties, strict=True))
    names = tuple(f"{letters(r)}{c + 1}" for r, c in zip(row.tolist(), column.tolist(), strict=True))
    return NeuronGraph(kind, symmetric(node.size, start, stop), layout, names, shape=(n_rows, n_columns))


def letters(number: int) -> str:
    """A, B, ..., Z, AA, AB, ... for 0, 1, ..."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def symmetric(
    n: int, start: Sequence[int] | NDArray[np.intp], stop: Sequence[int] | NDArray[np.intp]
) -> sparse.csr_array:
    """Adjacency of weight 1 between each start and its stop."""
    half = sparse.coo_array((np.ones(len(start)), (start, stop)), shape=(n, n))
    return sparse.csr_array(half + half.T)


def require_size(kind: str, value: int, smallest: int, name: str = "n_neurons") -> None:
    """Raise unless `value` is a whole number of at least `smallest`."""
    if not isinstance(value, int | np.integer) or value < smallest:
        subject = f"{kind} need" if kind in ("rings", "lines", "groups") else f"a {kind} needs"
        msg = f"`{name}` is {value!r}; {subject} a whole number of at least {smallest}."
        raise ValueError(msg)
