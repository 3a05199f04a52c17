"""Neuron graphs that branch from a root: star, tree, wishbone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._build import letters, require_size, symmetric
from ._graph import NeuronGraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Neighbouring branches at this angle begin one unit apart.
_ANGLE = np.pi / 3


def star(n_arms: int, n_per_arm: int) -> NeuronGraph:
    """Lines that meet in a hub, for states that all come from one.

    The first neuron is the `hub`; those of the arms are `a1`, `a2`, ..., `b1`, ... from the hub outwards.

    Parameters
    ----------
    n_arms
        Number of arms, at least 3.
    n_per_arm
        Number of neurons on each arm, the hub not counted.

    Raises
    ------
    ValueError
        If there are fewer than three arms, or none has a neuron.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.star(3, 2).names
    ('hub', 'a1', 'a2', 'b1', 'b2', 'c1', 'c2')
    """
    require_size("star", n_arms, 3, "n_arms")
    require_size("star", n_per_arm, 1, "n_per_arm")
    return _branching("star", ["hub"], n_arms, 1, n_per_arm)


def tree(arity: int = 2, depth: int = 3, *, n_per_branch: int = 1, n_stem: int = 1) -> NeuronGraph:
    """Balanced tree: every branch forks into as many, until all have forked `depth` times.

    The first neuron is the root, called `root` or, with a stem, `stem1`. The branches from the first fork are
    `a`, `b`, ..., those that `b` forks into `ba`, `bb`, ..., with numbers where a branch has several neurons.

    Parameters
    ----------
    arity
        Number of branches that each branch forks into, at least 2.
    depth
        Number of forks between the root and each of the `arity ** depth` ends, at least 1.
    n_per_branch
        Number of neurons on each branch. By default every neuron but those at the ends is a fork.
    n_stem
        Number of neurons from the root to the first fork, both counted. By default the root forks.

    Raises
    ------
    ValueError
        If it does not fork, or a branch has no neuron.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.tree(2, 2).names
    ('root', 'a', 'b', 'aa', 'ab', 'ba', 'bb')
    >>> gsr_sc.graphs.tree(3, 1, n_per_branch=4, n_stem=5).n_neurons
    17
    """
    require_size("tree", arity, 2, "arity")
    require_size("tree", depth, 1, "depth")
    require_size("tree", n_per_branch, 1, "n_per_branch")
    require_size("tree", n_stem, 1, "n_stem")
    return _branching("tree", _stem(n_stem), arity, depth, n_per_branch)


def wishbone(n_branches: int = 2, n_per_branch: int = 10, *, n_stem: int | None = None) -> NeuronGraph:
    """Stem that splits into branches, for a process with several outcomes.

    The first neuron, `stem1`, is the root; the last one of the stem is the fork.
    The branches are `a1`, `a2`, ..., `b1`, ... from the fork outwards.

    Parameters
    ----------
    n_branches
        Number of branches, at least 2.
    n_per_branch
        Number of neurons on each branch.
    n_stem
        Number of neurons on the stem, at least 2; by default as many as on a branch.

    Raises
    ------
    ValueError
        If there are fewer than two branches, or too few neurons on one or on the stem.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.wishbone(2, 2).names
    ('stem1', 'stem2', 'a1', 'a2', 'b1', 'b2')
    """
    require_size("wishbone", n_branches, 2, "n_branches")
    require_size("wishbone", n_per_branch, 1, "n_per_branch")
    n_stem = max(n_per_branch, 2) if n_stem is None else n_stem
    require_size("wishbone", n_stem, 2, "n_stem")
    return _branching("wishbone", _stem(n_stem), n_branches, 1, n_per_branch)


def _stem(n_stem: int) -> list[str]:
    return ["root"] if n_stem == 1 else [f"stem{k + 1}" for k in range(n_stem)]


def _branching(kind: str, stem: list[str], arity: int, depth: int, n_per_branch: int) -> NeuronGraph:
    names = list(stem)
    start, stop = list(range(len(stem) - 1)), list(range(1, len(stem)))
    # Letters alone tell up to 26 branches of a fork apart.
    dot = "." if arity > 26 and depth > 1 else ""
    forks = [("", len(stem) - 1)]
    for _ in range(depth):
        ends = []
        for path, fork in forks:
            for child in range(arity):
                branch = f"{path}{dot if path else ''}{letters(child).lower()}"
                own = range(len(names), len(names) + n_per_branch)
                names += (
                    [branch] if n_per_branch == 1 and kind == "tree" else [f"{branch}{k + 1}" for k in range(len(own))]
                )
                start += [fork, *own[:-1]]
                stop += own
                ends.append((branch, own[-1]))
        forks = ends
    layout = _layout(len(stem), arity, depth, n_per_branch)
    return NeuronGraph(kind, symmetric(len(names), start, stop), layout, tuple(names))


def _layout(n_stem: int, arity: int, depth: int, n_per_branch: int) -> NDArray[np.float64]:
    """First fork in the middle, branches outwards in circles and clockwise, the stem straight down."""
    below = -np.arange(n_stem - 1, -1, -1.0)
    if n_stem == 1:
        wedge, first = 2 * np.pi, np.pi / 2
    else:
        # A stem takes the room of one branch at least; two or three branches do not need all that is left.
        wedge = 2 * np.pi * arity / (arity + 1)
        wedge = min(wedge, arity * _ANGLE) if depth == 1 else wedge
        first = np.pi / 2 + wedge * (1 - 1 / arity) / 2
    parts = [np.column_stack([np.zeros(n_stem), below])]
    before, radius = np.zeros(1), 0.0
    for generation in range(1, depth + 1):
        n_branches = arity**generation
        angles = first - wedge * ((np.arange(n_branches) + 0.5) / n_branches - 0.5 / arity)
        forks = np.repeat(before, arity) if generation > 1 else angles
        radii = []
        for _ in range(n_per_branch):
            # Each circle is wide enough for its neurons.
            radius = max(radius + 1, n_branches / wedge)
            radii.append(radius)
        # Turning evenly on the way out, a branch leaves its fork beside the others and ends in the middle of its share.
        along = np.arange(1, n_per_branch + 1) / n_per_branch
        theta = forks[:, None] + (angles - forks)[:, None] * along
        parts.append(
            np.stack([np.cos(theta), np.sin(theta)], axis=2).reshape(-1, 2) * np.tile(radii, n_branches)[:, None]
        )
        before = angles
    return np.concatenate(parts)
