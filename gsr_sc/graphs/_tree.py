"""Groups of neurons as a tree: which merge first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._groups import merge_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST = 1e-2


def group_tree(ties: NDArray[np.floating], group: NDArray[np.integer]) -> NDArray[np.float64]:
    """Merge neurons within their groups first, then the groups, the most tied first.

    Parameters
    ----------
    ties
        From :func:`neuron_ties`, (n_neurons, n_neurons).
    group
        Number of the group of each neuron, (n_neurons,), from 0 without gaps.

    Returns
    -------
    As from :func:`scipy.cluster.hierarchy.linkage`, (n_neurons - 1, 4); heights are logarithms of how many times less often
    than the most tied two neurons are tied, relative to chance, and never fall.
    """
    n = len(ties)
    rows: list[tuple[float, float, float, float]] = []
    tops = []
    for number in range(int(group.max()) + 1):
        members = np.flatnonzero(group == number)
        tops.append(_merge(rows, ties[np.ix_(members, members)], [(int(at), 1) for at in members], n))
    member = np.eye(len(tops))[group]
    _merge(rows, member.T @ ties @ member, tops, n)
    tree = np.array(rows).reshape(-1, 4)
    if not len(tree):
        return tree
    # The heights within a group and between groups are each against their own chance: brought onto one scale, and upwards.
    heights = tree[:, 2] - tree[:, 2].min()
    for step in range(len(tree)):
        below = [heights[int(part) - n] for part in tree[step, :2] if part >= n]
        heights[step] = max(heights[step], *below, 0.0) if below else heights[step]
    tree[:, 2] = heights
    # scipy takes steps by rising height.
    order = np.argsort(heights, kind="stable")
    renumbered = np.arange(n + len(tree))
    renumbered[n + order] = n + np.arange(len(tree))
    tree = tree[order]
    tree[:, :2] = renumbered[tree[:, :2].astype(int)]
    return tree


def _merge(
    rows: list[tuple[float, float, float, float]], ties: NDArray[np.floating], parts: list[tuple[int, int]], n: int
) -> tuple[int, int]:
    """Merge parts, each a number and a size, into one; append the steps and return what they made."""
    if len(parts) == 1:
        return parts[0]
    made = list(parts)
    spread = ties if np.sum(ties) > 0 else np.ones_like(ties)
    for first, second, against_chance in merge_steps(spread):
        (one, size), (other, more) = made[first], made[second]
        rows.append((one, other, -float(np.log(max(against_chance, _LEAST))), size + more))
        made.append((n + len(rows) - 1, size + more))
    return made[-1]
