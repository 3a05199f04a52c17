"""Neuron graphs, their Laplacians, layouts and symmetries; knows numpy, scipy and networkx only."""

from __future__ import annotations

from ._build import grid, line, ring, torus
from ._custom import from_adjacency, from_networkx
from ._diffusion import diffusion_coordinates
from ._filters import localising_filter
from ._graph import NeuronGraph
from ._groups import indicator_groups
from ._laplacian import HeatKernel, laplacian
from ._neighbours import nearest_neighbours
from ._position import barycentre, branches, order, shares
from ._resolve import default_size, resolve
from ._start import AnnealedMap, fit_annealed_map
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
    "localising_filter",
    "nearest_neighbours",
    "order",
    "resolve",
    "ring",
    "shares",
    "torus",
]
