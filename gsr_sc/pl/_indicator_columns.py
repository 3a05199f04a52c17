"""Columns of a picture of indicators: neurons or groups in the order of a tree, and the colours of their levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgba
from scipy.cluster.hierarchy import dendrogram

from ..graphs._groups import with_silent
from ..graphs._tree import group_tree
from ..slots import group_names
from ._colors import EDGE, label_colors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..get._levels import Units
    from ..slots import StoredMap
    from ._layer import Layer


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of the picture from left to right.

    Attributes
    ----------
    units
        Neurons or groups.
    order
        Numbers of the units, (n_units,).
    lines
        Lines of the dendrogram, in columns and heights from 0 to 1.
    strips
        Colour of each column at each level, coarse first, (n_levels, n_units, 4).
    silent
        Units that carry nothing, and units that are the same in all observations, each (n_units,).
    """

    units: Units
    order: NDArray[np.intp]
    lines: list[NDArray[np.float64]]
    strips: NDArray[np.float64]
    silent: tuple[NDArray[np.bool_], NDArray[np.bool_]]


def read_columns(stored: StoredMap, layer: Layer, units: Units) -> Columns:
    """Order, tree and colours of the neurons, or of groups of them."""
    levels = _levels(stored)
    finest, ties = levels[-1][0], with_silent(stored.graph, stored.ties)
    if units.kind == "neuron":
        tree = group_tree(ties, finest)
        first = np.arange(len(units.names))
        silent = layer.dead, layer.constant
    else:
        member = np.eye(len(units.names))[units.number]
        tree = group_tree(member.T @ ties @ member, np.zeros(len(units.names), dtype=np.intp))
        first = np.array([int(np.flatnonzero(units.number == unit)[0]) for unit in range(len(units.names))])
        # A group is silent if all of its neurons are.
        silent = tuple(
            (member * mask[:, None]).sum(axis=0) == member.sum(axis=0) for mask in (layer.dead, layer.constant)
        )
        # Levels finer than the groups have no one colour for them.
        levels = [
            level
            for level in levels
            if all(len(set(level[0][units.number == u])) == 1 for u in np.unique(units.number))
        ]
    if len(units.names) == 1:
        order, lines = np.zeros(1, dtype=np.intp), []
    else:
        drawn = dendrogram(tree, no_plot=True)
        order = np.array(drawn["leaves"], dtype=np.intp)
        # scipy puts leaves 10 apart, the first at 5.
        highest = max(float(tree[-1, 2]), 1e-12)
        lines = [
            np.column_stack([np.array(x) / 10 - 0.5, np.array(y) / highest])
            for x, y in zip(drawn["icoord"], drawn["dcoord"], strict=True)
        ]
    strips = [np.array([colors[group[neuron]] for neuron in first[order]]) for group, colors in levels]
    return Columns(units, order, lines, np.array(strips).reshape(-1, len(order), 4), silent)


def _levels(stored: StoredMap) -> list[tuple[NDArray[np.intp], list[Any]]]:
    """Group of each neuron and colour of each group, for each level that is stored, else for the groups of the fit."""
    added = stored.adata.uns.get(stored.keys.added("indicators"))
    if added is None:
        names = group_names(stored.group)
        return [(np.array([names.index(name) for name in stored.group]), _colors(stored, stored.keys.cluster, names))]
    columns = np.asarray(added["group"]).astype(np.intp).T
    return [
        (group, _colors(stored, stored.keys.cluster_level(level), [str(number) for number in range(group.max() + 1)]))
        for level, group in enumerate(columns)
    ]


def _colors(stored: StoredMap, column: str, names: list[str]) -> list[Any]:
    cluster = stored.adata.obs[column]
    categories = [str(name) for name in cluster.cat.categories] if hasattr(cluster, "cat") else []
    known = label_colors(stored.adata, column, categories)
    # A group that no cell is assigned to has no colour of its own.
    return [known.get(name, to_rgba(EDGE)) for name in names]
