"""Neuron graphs, their Laplacians, layouts and symmetries; knows numpy, scipy and networkx only."""

from __future__ import annotations

from ._build import default_size, from_adjacency, from_networkx, grid, line, resolve, ring, torus
from ._graph import NeuronGraph
from ._groups import indicator_groups
from ._laplacian import HeatKernel, laplacian
from ._position import barycentre, branches, order, shares
from ._start import AnnealedMap, diffusion_coordinates, fit_annealed_map
from ._symmetry import align, automorphisms

__all__ = [
    "AnnealedMap",
    "HeatKernel",
    "NeuronGraph",
    "align",
    "automorphisms",
    "barycentre",
    "branches",
    "default_size",
    "diffusion_coordinates",
    "fit_annealed_map",
    "from_adjacency",
    "from_networkx",
    "grid",
    "indicator_groups",
    "laplacian",
    "line",
    "order",
    "resolve",
    "ring",
    "shares",
    "torus",
]
