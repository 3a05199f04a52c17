"""Agreement of two maps up to the symmetries of their graph."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsr_sc import graphs, metrics

GRAPHS = {
    "line": graphs.line(5),
    "ring": graphs.ring(6),
    "grid": graphs.grid(3),
    "torus": graphs.torus(3, 5),
    "tree": graphs.from_networkx(nx.balanced_tree(2, 2)),
}


@pytest.mark.parametrize("kind", list(GRAPHS))
@given(seed=st.integers(0, 2**32 - 1))
def test_a_symmetry_is_no_disagreement(kind: str, seed: int) -> None:
    graph = GRAPHS[kind]
    rng = np.random.default_rng(seed)
    z = rng.random((30, graph.n_neurons))
    symmetries = graphs.automorphisms(graph)
    agreement = metrics.seed_agreement(z, z[:, symmetries[rng.integers(len(symmetries))]], graph)
    assert agreement == pytest.approx((1, 1))


def test_what_is_no_symmetry_is_disagreement() -> None:
    graph = graphs.line(5)
    z = np.random.default_rng(0).random((200, 5))
    agreement = metrics.seed_agreement(z, z[:, [1, 0, 2, 3, 4]], graph)
    assert agreement.neurons == pytest.approx(3 / 5, abs=0.1)
    assert agreement.map < 0.95


def test_unrelated_maps_hardly_agree() -> None:
    rng = np.random.default_rng(0)
    agreement = metrics.seed_agreement(rng.random((500, 9)), rng.random((500, 9)), graphs.grid(3))
    assert abs(agreement.neurons) < 0.1
    assert abs(agreement.map) < 0.2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neurons_dead_in_both_are_left_out_and_dead_in_one_count_nothing(dtype: str) -> None:
    rng = np.random.default_rng(0)
    z = rng.random((50, 4)).astype(dtype)
    z[:, 0] = 0.1
    assert metrics.seed_agreement(z, z, graphs.line(4)).neurons == pytest.approx(1)
    half = z.copy()
    half[:, 1] = 0.3
    assert metrics.seed_agreement(z, half, graphs.line(4)).neurons == pytest.approx(2 / 3)
    assert np.isnan(metrics.seed_agreement(z * 0, z * 0, graphs.line(4)).neurons)


def test_maps_across_the_seam_of_a_torus_agree() -> None:
    graph = graphs.torus(6)
    rng = np.random.default_rng(0)
    centre = rng.uniform(0, 6, (300, 2))
    gap = np.abs((graph.layout - centre[:, None] + 3) % 6 - 3)
    z = np.exp(-(gap**2).sum(axis=2))
    nearly = z + rng.normal(0, 0.01, z.shape).clip(0)
    assert metrics.seed_agreement(z, nearly, graph).map > 0.98


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"got \(2, 4\) and \(3, 4\)"):
        metrics.seed_agreement(np.ones((2, 4)), np.ones((3, 4)), graphs.line(4))
