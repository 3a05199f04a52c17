"""Neurons in a row, so that neighbours on the graph stand side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..graphs import NeuronGraph

# Their neurons are numbered along the graph.
_IN_ORDER = ("line", "lines", "ring", "rings", "star", "tree", "wishbone", "groups")


def neuron_order(graph: NeuronGraph, group: NDArray[np.str_]) -> NDArray[np.intp]:
    """Numbers of the neurons in the order of a row, (n_neurons,).

    Along lines, rings and branches as they are numbered. On a sheet, which has no such order, every indicator group is one
    stretch, groups that are neighbours are near, and so are the neurons within: the leaves of a tree of
    clusters by distance on the layout, turned so that adjacent ones are close (Bar-Joseph et al. 2001).
    """
    if graph.kind in _IN_ORDER or graph.n_neurons < 3:
        return np.arange(graph.n_neurons)
    distance = pdist(graph.layout)
    apart = pdist((group[:, None] == np.unique(group)[None, :]).astype(float)) > 0
    tree = hierarchy.linkage(distance + apart * 2 * distance.max(), "average", optimal_ordering=True)
    return np.asarray(hierarchy.leaves_list(tree), dtype=np.intp)
