"""Neuron graphs by name and size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Literal, get_args

from ._branching import star, tree, wishbone
from ._build import grid, hexagonal, line, require_size, ring, torus
from ._several import groups, lines, rings

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._graph import NeuronGraph

GraphKind = Literal["grid", "torus", "hex", "ring", "rings", "line", "lines", "star", "tree", "wishbone", "groups"]

# One neuron for about four observations: neighbouring neurons share what they know of the data, so that few will do for
# each, and the map is as fine as can be, up to the size beyond which maps of thousands of cells gained nothing.
_CELLS_PER_NEURON = 4
# Groups and learned graphs have no such neighbours to begin with.
_CELLS_PER_NEURON_ALONE = 8
_MIN_SIDE, _MAX_SIDE = 3, 12
_MIN_LEARNED, _MAX_LEARNED = 8, 64
# What a graph looks like that is asked for by its name; the functions make any other.
_N_PIECES, _N_ARMS, _N_PER_GROUP = 3, 4, 4
# Trunk, two branches, four ends.
_N_STRETCHES = 7


@dataclass(frozen=True, kw_only=True)
class _Named:
    """How a graph is made from a number of neurons.

    Attributes
    ----------
    build
        Makes the graph of so many neurons, or returns None where there is none.
    fewest
        Number of neurons of the smallest graph of this kind.
    limits
        Smallest and largest number of neurons that is chosen by the number of observations.
    step
        Numbers of neurons are chosen that are the smallest one and any number of these.
    rule
        Which numbers there are.
    call
        What makes any other graph of this kind.
    """

    build: Callable[[int], Callable[[], NeuronGraph] | None]
    fewest: int
    limits: tuple[int, int]
    step: int = 1
    rule: str = ""
    call: str = ""


def default_size(kind: str, n_obs: int) -> int:
    """Number of neurons for a named graph and a number of observations, within limits.

    One for four observations where neighbours are known from the start, one for eight in groups and learned graphs.

    Parameters
    ----------
    kind
        Name of the graph.
    n_obs
        Number of observations.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.default_size("grid", 500), gsr_sc.graphs.default_size("ring", 700)
    (121, 32)
    """
    if kind in ("grid", "torus", "hex"):
        return min(max(math.isqrt(n_obs // _CELLS_PER_NEURON), _MIN_SIDE), _MAX_SIDE) ** 2
    if kind == "learned":
        return min(max(n_obs // _CELLS_PER_NEURON_ALONE, _MIN_LEARNED), _MAX_LEARNED)
    wanted = n_obs // (_CELLS_PER_NEURON_ALONE if kind == "groups" else _CELLS_PER_NEURON)
    smallest, largest = _NAMED[kind].limits
    size = min(max(wanted, smallest), largest)
    return size - (size - smallest) % _NAMED[kind].step


def named(kind: GraphKind, n_neurons: int) -> NeuronGraph:
    """Graph of a kind with exactly so many neurons.

    Raises
    ------
    ValueError
        If there is none.
    """
    made = _NAMED[kind]
    require_size(kind, n_neurons, made.fewest)
    build = made.build(n_neurons)
    if build is None:
        below = next(n for n in range(n_neurons - 1, 0, -1) if made.build(n))
        above = next(n for n in count(n_neurons + 1) if made.build(n))
        msg = (
            f"`n_neurons={n_neurons}` makes no {kind}: {made.rule}. "
            f"Take {below} or {above}, or pass `gsr_sc.graphs.{made.call}` as graph."
        )
        raise ValueError(msg)
    return build()


def _lattice(build: Callable[[int, int], NeuronGraph], shortest: int) -> Callable[[int], partial[NeuronGraph] | None]:
    def sides(n: int) -> partial[NeuronGraph] | None:
        rows = max(side for side in range(1, math.isqrt(n) + 1) if n % side == 0)
        return partial(build, rows, n // rows) if rows >= shortest or n <= 3 else None

    return sides


def _equal(
    build: Callable[[int, int], NeuronGraph], n_pieces: int, over: int = 0
) -> Callable[[int], partial[NeuronGraph] | None]:
    return lambda n: None if (n - over) % n_pieces else partial(build, n_pieces, (n - over) // n_pieces)


def _groups(n: int) -> partial[NeuronGraph] | None:
    return None if n % _N_PER_GROUP else partial(groups, n // _N_PER_GROUP, _N_PER_GROUP)


def _tree(n: int) -> partial[NeuronGraph] | None:
    if (n + 1).bit_count() == 1:
        return partial(tree, 2, n.bit_length() - 1)
    n_per_branch, rest = divmod(n, _N_STRETCHES)
    return None if rest else partial(tree, 2, 2, n_per_branch=n_per_branch, n_stem=n_per_branch)


def _wishbone(n: int) -> partial[NeuronGraph]:
    # Three equal parts; what is left over goes to the stem.
    return partial(wishbone, 2, n // 3, n_stem=n - 2 * (n // 3)) if n > 4 else partial(wishbone, 2, 1)


_SIDE_LIMITS = (_MIN_SIDE**2, _MAX_SIDE**2)
_NAMED: dict[str, _Named] = {
    "grid": _Named(
        build=_lattice(grid, 2),
        fewest=2,
        limits=_SIDE_LIMITS,
        rule="it is no product of two sides of at least 2",
        call="grid(n_rows, n_columns)",
    ),
    "torus": _Named(
        build=_lattice(torus, 3),
        fewest=9,
        limits=_SIDE_LIMITS,
        rule="it is no product of two sides of at least 3",
        call="torus(n_rows, n_columns)",
    ),
    "hex": _Named(
        build=_lattice(hexagonal, 2),
        fewest=2,
        limits=_SIDE_LIMITS,
        rule="it is no product of two sides of at least 2",
        call="hexagonal(n_rows, n_columns)",
    ),
    "ring": _Named(build=lambda n: partial(ring, n), fewest=3, limits=(8, 32)),
    "rings": _Named(
        build=_equal(rings, _N_PIECES),
        fewest=3 * _N_PIECES,
        limits=(12, 48),
        step=_N_PIECES,
        rule=f"there are {_N_PIECES} rings of the same size",
        call="rings(n_rings, n_per_ring)",
    ),
    "line": _Named(build=lambda n: partial(line, n), fewest=2, limits=(8, 32)),
    "lines": _Named(
        build=_equal(lines, _N_PIECES),
        fewest=2 * _N_PIECES,
        limits=(12, 48),
        step=_N_PIECES,
        rule=f"there are {_N_PIECES} lines of the same length",
        call="lines(n_lines, n_per_line)",
    ),
    "star": _Named(
        build=_equal(star, _N_ARMS, over=1),
        fewest=1 + _N_ARMS,
        limits=(9, 49),
        step=_N_ARMS,
        rule=f"there are {_N_ARMS} arms of the same length and a hub",
        call="star(n_arms, n_per_arm)",
    ),
    "tree": _Named(
        build=_tree,
        fewest=3,
        # An even number for each branch: 63 neurons that all fork are a tree as well, and another one.
        limits=(2 * _N_STRETCHES, 12 * _N_STRETCHES),
        step=2 * _N_STRETCHES,
        rule="there are 3, 7, 15, 31, ... neurons that all fork in two, or 7 branches of the same length",
        call="tree(arity, depth, n_per_branch=...)",
    ),
    "wishbone": _Named(build=_wishbone, fewest=4, limits=(9, 48)),
    "groups": _Named(
        build=_groups,
        fewest=2 * _N_PER_GROUP,
        limits=(8, 48),
        step=_N_PER_GROUP,
        rule=f"there are groups of {_N_PER_GROUP}",
        call="groups(n_groups, n_per_group)",
    ),
}
assert set(_NAMED) == set(get_args(GraphKind))
