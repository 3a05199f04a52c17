"""Neuron graphs, their Laplacians, layouts and symmetries; knows numpy, scipy and networkx only."""

from __future__ import annotations

from ._branches import branch_names, branches
from ._branching import star, tree, wishbone
from ._build import grid, hexagonal, line, ring, torus
from ._communities import communities
from ._course import Course, Reading, course
from ._curve_map import CurveMap, curve_map
from ._custom import from_adjacency, from_networkx
from ._diffusion import diffusion_coordinates
from ._filters import localising_filter
from ._graph import NeuronGraph
from ._groups import indicator_groups, nested_groups
from ._laplacian import HeatKernel, laplacian
from ._learned import LearnedGraph, coactivation_graph, learned
from ._named import default_size
from ._neighbours import nearest_neighbours
from ._position import barycentre, neuron_places, order, shares, sharpened
from ._resolve import resolve
from ._route import edge_lengths, find_root
from ._several import groups, lines, rings
from ._slender import is_branching, is_slender
from ._soft_map import AnnealedMap
from ._start import fit_annealed_map
from ._symmetry import align, automorphisms
from ._ties import group_shares, neuron_ties, sharpness
from ._unordered import fit_unordered_map

__all__ = [
    "AnnealedMap",
    "Course",
    "CurveMap",
    "HeatKernel",
    "LearnedGraph",
    "NeuronGraph",
    "Reading",
    "align",
    "automorphisms",
    "barycentre",
    "branch_names",
    "branches",
    "coactivation_graph",
    "communities",
    "course",
    "curve_map",
    "default_size",
    "diffusion_coordinates",
    "edge_lengths",
    "find_root",
    "fit_annealed_map",
    "fit_unordered_map",
    "from_adjacency",
    "from_networkx",
    "grid",
    "group_shares",
    "groups",
    "hexagonal",
    "indicator_groups",
    "is_branching",
    "is_slender",
    "laplacian",
    "learned",
    "line",
    "lines",
    "localising_filter",
    "nearest_neighbours",
    "nested_groups",
    "neuron_places",
    "neuron_ties",
    "order",
    "resolve",
    "ring",
    "rings",
    "shares",
    "sharpened",
    "sharpness",
    "star",
    "torus",
    "tree",
    "wishbone",
]
