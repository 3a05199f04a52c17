"""Branching graphs start with the right branches together, whatever hides the tips of the data."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from _scores import principal_components

from gsr_sc import datasets, graphs, metrics
from gsr_sc.graphs import _slender, _tips, fit_annealed_map
from gsr_sc.graphs._tips import assign_by_tips
from gsr_sc.graphs._unfold import unfold

SIMULATORS = {"wishbone": datasets.simulate_wishbone, "tree": partial(datasets.simulate_tree, depth=2)}
GRAPHS = {"wishbone": graphs.wishbone(2, 16), "tree": graphs.tree(2, 2, n_per_branch=12, n_stem=12)}


def agreement(kind: str, seed: int, trouble: dict[str, float]) -> float:
    """Of positions from where the early cells are with the known time."""
    adata, graph = SIMULATORS[kind](rng=seed, **trouble), GRAPHS[kind]
    x, time = principal_components(adata.X), adata.obs["time"].to_numpy()
    share = fit_annealed_map(x, graph).responsibilities(x)
    known = np.isfinite(time)
    mass = share[known].sum(axis=0)
    root = graphs.find_root(graph, share[time < 0.1].sum(axis=0) / np.maximum(mass, 1e-12), mass)
    return metrics.order_agreement(graphs.course(graph, root=root).read(np.sqrt(share)).order[known], time[known])


@pytest.mark.parametrize("seed", [0, 2])
def test_branches_that_doublets_tie_together_the_wrong_way_are_told_by_the_tear(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert agreement("tree", seed, {"doublets": 0.05}) > 0.97
    monkeypatch.setattr(_tips, "_MAX_RETURNED", 1)
    assert agreement("tree", seed, {"doublets": 0.05}) < 0.8


@pytest.mark.parametrize(("kind", "seed"), [("wishbone", 5), ("tree", 1), ("tree", 9)])
def test_the_end_of_a_branch_with_few_cells_is_no_outlying_cluster(
    kind: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = agreement(kind, seed, {"density": 5.0})
    assert whole > 0.98
    monkeypatch.setattr(_slender, "unfold", lambda x, **_: unfold(x))
    assert agreement(kind, seed, {"density": 5.0}) < whole - 0.008


def test_what_a_few_neighbours_tie_belongs_to_the_rest_if_asked_for() -> None:
    x = principal_components(datasets.simulate_wishbone(rng=5, density=5.0).X)
    away = np.full(x.shape[1], 50.0) + np.random.default_rng(0).normal(size=(40, x.shape[1]))
    both = np.concatenate([x, away])
    assert len(unfold(both).kept) < len(x)
    np.testing.assert_array_equal(unfold(both, bridges=True).kept, np.arange(len(x)))


@pytest.mark.parametrize("graph", [graphs.wishbone(2, 6), graphs.tree(2, 2), graphs.star(8, 3)], ids=repr)
def test_first_guesses_differ_and_are_the_same_twice(graph: graphs.NeuronGraph) -> None:
    space = unfold(principal_components(datasets.simulate_wishbone(300, 50, n_branches=3, rng=0).X))
    found, again = assign_by_tips(graph, space), assign_by_tips(graph, space)
    assert 2 <= len(found) <= 2 * _tips._MAX_RETURNED
    np.testing.assert_array_equal(found, again)
    assert all(nodes.shape == (len(space.kept),) and nodes.max() < graph.n_neurons for nodes in found)


def test_of_ways_that_a_symmetry_tells_apart_one_is_tried() -> None:
    ends = np.flatnonzero(np.diff(graphs.star(4, 3).adjacency.indptr) == 1)
    wanted = np.where(np.eye(len(ends)), 0, 6.0)
    assert len(_tips._matches(wanted + np.triu(np.ones((4, 4)), 1), wanted)) == 1
