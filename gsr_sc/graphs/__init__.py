"""Neuron graphs, their Laplacians, layouts and symmetries; knows numpy, scipy and networkx only."""

from __future__ import annotations

from ._build import default_size, from_adjacency, from_networkx, grid, line, resolve, ring, torus
from ._graph import NeuronGraph
from ._laplacian import HeatKernel, laplacian

__all__ = [
    "HeatKernel",
    "NeuronGraph",
    "default_size",
    "from_adjacency",
    "from_networkx",
    "grid",
    "laplacian",
    "line",
    "resolve",
    "ring",
    "torus",
]
