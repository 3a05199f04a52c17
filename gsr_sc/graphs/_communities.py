"""Communities of neurons that are tied to each other more than to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def communities(adjacency: ArrayLike | sparse.sparray, *, resolution: float = 1.0) -> list[list[int]]:
    """Divide neurons by modularity (Louvain); the same weights give the same communities.

    Parameters
    ----------
    adjacency
        Symmetric weights >= 0, shape (n_neurons, n_neurons).
    resolution
        Larger values give more and smaller communities.

    Returns
    -------
    Sorted numbers of the neurons of each, the community of the first neuron first. A neuron without ties is one by itself.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.graphs.communities([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    [[0, 1], [2, 3]]
    """
    found = nx.community.louvain_communities(_networkx(adjacency), resolution=resolution, seed=0)
    return sorted(sorted(nodes) for nodes in found)


def describe_graph(adjacency: sparse.csr_array) -> dict[str, float]:
    """Numbers of edges, components and communities, and the modularity of the communities."""
    parts = communities(adjacency)
    return {
        "n_edges": adjacency.nnz / 2,
        "n_components": float(csgraph.connected_components(adjacency, directed=False)[0]),
        "n_communities": float(len(parts)),
        "modularity": float(nx.community.modularity(_networkx(adjacency), parts)) if adjacency.nnz else 0.0,
    }


def _networkx(adjacency: ArrayLike | sparse.sparray) -> nx.Graph[int]:
    return nx.from_scipy_sparse_array(sparse.csr_array(adjacency))
