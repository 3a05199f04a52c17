"""Groups of neurons that act together: the cluster indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._checks import require_number
from ._communities import communities
from ._position import shares
from ._ties import neuron_ties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ._graph import NeuronGraph

_MAX_SWEEPS = 50
_SILENT = 1e-3
# Between how far neurons overlap (0) and chance (1), the ties that leave a part of data without clusters are at .54 to .79, those
# of groups of real cells at most at .46.
_LOOSE = 0.5
_SAMPLE = 2000


def indicator_groups(
    graph: NeuronGraph,
    activations: NDArray[np.floating],
    *,
    resolution: float = 1.0,
    ties: NDArray[np.floating] | None = None,
) -> NDArray[np.str_]:
    """Group neurons that stand for the same observations.

    Groups are merged, the most tied first, as long as they are tied more than `resolution` times as often as they would
    be if all observations were mixed; then single neurons move to the group they are tied to more, until the
    modularity does not grow any more. Where neighbours in the data made the ties, those
    that leave a group are compared with chance and with what the overlap of neurons explains: a group nearer to chance
    joins the one that it is tied to most, so that data without clusters are one group. There is nothing random in it.

    Parameters
    ----------
    graph
        The neuron graph.
    activations
        Shape (n_obs, n_neurons).
    resolution
        Larger values give more and smaller groups.
    ties
        From :func:`neuron_ties`, if they are known already. A learned graph tells who acts with whom itself, and its own
        communities are the groups where no ties are given.

    Returns
    -------
    Name of the group of each neuron, (n_neurons,): `"0"` is the group with the most activation, then `"1"`, ...

    Raises
    ------
    ValueError
        If `resolution` is not a positive number.

    Examples
    --------
    >>> import gsr_sc
    >>> activations = [[0.6, 0.4, 0, 0], [0.4, 0.6, 0, 0], [0, 0, 0.5, 0.5]]
    >>> gsr_sc.graphs.indicator_groups(gsr_sc.graphs.line(4), activations).tolist()
    ['0', '0', '1', '1']
    """
    require_number("resolution", resolution, above=0)
    if graph.kind == "learned" and ties is None:
        return _named(_communities(graph, activations, resolution), shares(activations).sum(axis=0))
    tied = with_silent(graph, neuron_ties(activations) if ties is None else np.asarray(ties, dtype=np.float64))
    if graph.kind == "learned":
        tied = _with_loose(graph, activations, tied)
    group = merged(tied, resolution)
    while True:
        group = _moved(tied, group, resolution)
        member = np.eye(group.max() + 1)[group]
        between = merged(member.T @ tied @ member, resolution)
        if between.max() == group.max():
            break
        group = between[group]
    return _named(_set_apart(tied, group, _overlaps(activations), resolution), tied.sum(axis=1))


def nested_groups(
    graph: NeuronGraph,
    activations: NDArray[np.floating],
    *,
    resolutions: Sequence[float],
    ties: NDArray[np.floating] | None = None,
) -> list[NDArray[np.str_]]:
    """Groups at several levels, coarse to fine: every finer group lies within one coarser group.

    The finest level is that of :func:`indicator_groups`; its groups are merged further for each coarser one.

    Parameters
    ----------
    graph
        The neuron graph.
    activations
        Shape (n_obs, n_neurons).
    resolutions
        One for each level, in any order.
    ties
        From :func:`neuron_ties`, if they are known already.

    Returns
    -------
    For each level the name of the group of each neuron, (n_neurons,), by falling mass as in :func:`indicator_groups`.

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> ties = np.kron(np.eye(2), np.ones((2, 2))) + 0.1
    >>> line = gsr_sc.graphs.line(4)
    >>> coarse, fine = gsr_sc.graphs.nested_groups(line, np.eye(4), resolutions=[0.1, 1], ties=ties)
    >>> coarse.tolist(), fine.tolist()
    (['0', '0', '0', '0'], ['0', '0', '1', '1'])
    """
    found = neuron_ties(activations) if ties is None else np.asarray(ties, dtype=np.float64)
    wanted = sorted(resolutions)
    levels = [indicator_groups(graph, activations, resolution=wanted[-1], ties=found)]
    tied, overlaps = with_silent(graph, found), _overlaps(activations)
    for resolution in wanted[-2::-1]:
        finer = levels[0].astype(np.intp)
        member = np.eye(finer.max() + 1)[finer]
        group = merged(member.T @ tied @ member, resolution)[finer]
        levels.insert(0, _named(_set_apart(tied, group, overlaps, resolution), tied.sum(axis=1)))
    return levels


def merge_steps(ties: NDArray[np.floating]) -> list[tuple[int, int, float]]:
    """Merge the two groups that are tied most, relative to chance, until one is left.

    Parameters
    ----------
    ties
        Symmetric, shape (n, n).

    Returns
    -------
    n - 1 steps: the two groups that merge, and how many times as often as by chance they are tied. Groups are
    numbered as in :mod:`scipy.cluster.hierarchy`: 0 to n - 1 are the single ones, n + i is what step i made.
    """
    between = np.asarray(ties, dtype=np.float64) / np.sum(ties)
    n = len(between)
    mass = np.maximum(between.sum(axis=1), 1e-15)
    against_chance = between / np.outer(mass, mass)
    np.fill_diagonal(against_chance, -1)
    number, alive = np.arange(n), np.ones(n, dtype=bool)
    steps = []
    for step in range(n - 1):
        first, second = sorted(divmod(int(against_chance.argmax()), n))
        steps.append((int(number[first]), int(number[second]), float(against_chance[first, second])))
        number[first], alive[second] = n + step, False
        between[first] += between[second]
        between[:, first] += between[:, second]
        mass[first] += mass[second]
        row = np.where(alive, between[first] / (mass[first] * mass), -1.0)
        row[first] = -1
        against_chance[first], against_chance[:, first] = row, row
        against_chance[second], against_chance[:, second] = -1, -1
    return steps


def merged(ties: NDArray[np.floating], resolution: float) -> NDArray[np.intp]:
    """Number of the group of each of n things after all merges above a resolution, (n,)."""
    n = len(ties)
    members = {i: [i] for i in range(n)}
    for step, (first, second, against_chance) in enumerate(merge_steps(ties)):
        if against_chance < resolution:
            break
        members[n + step] = members.pop(first) + members.pop(second)
    group = np.empty(n, dtype=np.intp)
    for number, neurons in enumerate(members.values()):
        group[neurons] = number
    return group


def with_silent(graph: NeuronGraph, ties: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ties that sum to 1, with those of silent neurons to their neighbours on the graph."""
    mass = ties.sum(axis=1)
    # Neurons that no observation uses belong with the neighbours they sit among.
    silent = mass < _SILENT * mass.mean()
    link = np.where(silent[:, None] | silent, _SILENT * mass.mean() * graph.adjacency.toarray(), 0)
    tied = ties + link
    return np.asarray(tied / tied.sum())


def _moved(ties: NDArray[np.float64], group: NDArray[np.intp], resolution: float) -> NDArray[np.intp]:
    """Move single neurons to other groups as long as the modularity grows."""
    mass = ties.sum(axis=1)
    above_chance = ties - resolution * np.outer(mass, mass)
    np.fill_diagonal(above_chance, 0)
    group = group.copy()
    gain = above_chance @ np.eye(group.max() + 1)[group]
    for _ in range(_MAX_SWEEPS):
        stays = True
        for neuron in np.argsort(-mass, kind="stable"):
            best, own = int(gain[neuron].argmax()), group[neuron]
            if gain[neuron, best] > gain[neuron, own] + 1e-12:
                gain[:, own] -= above_chance[:, neuron]
                gain[:, best] += above_chance[:, neuron]
                group[neuron], stays = best, False
        if stays:
            break
    return np.unique(group, return_inverse=True)[1].ravel()


def _overlaps(activations: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ties as they would be if the only neighbour of each observation were itself, (n_neurons, n_neurons)."""
    rows = np.asarray(activations)[:: max(len(activations) // _SAMPLE, 1)]
    return neuron_ties(rows, np.arange(len(rows))[:, None])


def _set_apart(
    ties: NDArray[np.float64], group: NDArray[np.intp], overlaps: NDArray[np.float64], resolution: float
) -> NDArray[np.intp]:
    """Merge groups that are tied to the rest nearly as often as by chance, the loosest first."""
    if not np.diag(ties).any():
        # Ties by overlap alone: these tell no gaps.
        return group
    # Finer levels show what is less apart; coarser ones are coarse enough.
    most = _LOOSE * max(resolution, 1.0)
    while group.max() > 0:
        member = np.eye(group.max() + 1)[group]
        between = member.T @ ties @ member
        blurred = _outside(member.T @ overlaps @ member)
        looseness = _outside(between) - blurred - most * (1 - blurred)
        loosest = int(looseness.argmax())
        if looseness[loosest] <= 0:
            break
        against_chance = between[loosest] / np.maximum(between.sum(axis=1), 1e-15)
        against_chance[loosest] = -1
        group = np.where(group == loosest, against_chance.argmax(), group)
        group = np.unique(group, return_inverse=True)[1].ravel()
    return group


def _outside(between: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ties of each group to all others, as a share of those by chance."""
    between = between / between.sum()
    mass = between.sum(axis=1)
    return np.asarray((mass - np.diag(between)) / np.maximum(mass * (1 - mass), 1e-15))


def _named(group: NDArray[np.intp], mass: NDArray[np.float64]) -> NDArray[np.str_]:
    """Names by falling mass; of equal ones the group of the first neuron comes first."""
    # Rounded, so that groups that differ by the order of a sum alone count as equal.
    total = np.round(np.bincount(group, weights=mass) / mass.sum(), 12)
    first = [int(np.flatnonzero(group == number)[0]) for number in range(len(total))]
    rank = np.empty(len(total), dtype=np.intp)
    rank[np.lexsort((np.array(first), -total))] = np.arange(len(total))
    return rank[group].astype(str)


def _communities(graph: NeuronGraph, activations: NDArray[np.floating], resolution: float) -> NDArray[np.intp]:
    """Communities of a learned graph, which holds who acts with whom already."""
    affinity = graph.adjacency.toarray() + _with_the_nearest(activations, _loose(graph, activations))
    group = np.empty(graph.n_neurons, dtype=np.intp)
    for number, nodes in enumerate(communities(affinity, resolution=resolution)):
        group[nodes] = number
    return group


def _with_loose(
    graph: NeuronGraph, activations: NDArray[np.floating], ties: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Ties that sum to 1, with those of neurons which neither observations nor the learned graph tie to others."""
    linked = ties + _with_the_nearest(activations, _loose(graph, activations)) * ties.sum(axis=1).mean()
    return np.asarray(linked / linked.sum())


def _loose(graph: NeuronGraph, activations: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Neurons that no observation uses and no edge ties, (n_neurons,)."""
    mass = shares(activations).sum(axis=0)
    return np.asarray((mass < _SILENT * mass.mean()) & ~graph.adjacency.toarray().any(axis=1))


def _with_the_nearest(activations: NDArray[np.floating], loose: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Ties of loose neurons to the one that is active with them the most."""
    activations = np.asarray(activations, dtype=np.float64)
    together = activations[:, loose].T @ activations
    together[:, loose] = -1.0
    ties = np.zeros((len(loose), len(loose)))
    if not loose.all():
        # Weak, so that they move no one else.
        ties[np.flatnonzero(loose), together.argmax(axis=1)] = 1e-3
    return ties + ties.T
