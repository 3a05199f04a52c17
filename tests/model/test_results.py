"""What activations are read as: place, neuron, cluster, confidence, programs."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gsr_sc import graphs
from gsr_sc.model._results import gene_programs, read_activations

GRAPH = graphs.grid(2, 3)
GROUP = np.array(["0", "0", "10", "2", "2", "2"])


def read(
    activations: np.ndarray, silent: np.ndarray | None = None, graph: graphs.NeuronGraph = GRAPH
) -> dict[str, np.ndarray]:
    x = np.asarray(activations, dtype=np.float32)
    group = GROUP if graph is GRAPH else np.repeat(["0"], graph.n_neurons)
    return read_activations(graph, group, x, np.zeros(len(x), dtype=bool) if silent is None else silent)


def test_a_cell_belongs_to_the_group_that_clearly_leads() -> None:
    results = read(
        [
            [0.36, 0.24, 0.4, 0, 0, 0],
            [0, 0, 0.4, 0.2, 0.2, 0.2],
            [0.3, 0.25, 0.45, 0, 0, 0],
            [0.3, 0.3, 0.15, 0.25, 0, 0],
        ]
    )
    assert results["cluster"].tolist() == ["0", "2", "unassigned", "0"]
    np.testing.assert_allclose(results["confidence"], [0.6, 0.6, 0.55, 0.6], rtol=1e-6)
    assert results["neuron"].tolist() == [2, 2, 2, 0]
    np.testing.assert_allclose(results["indicators"][0], [0.6, 0, 0.4], rtol=1e-6)
    assert results["indicators"].dtype == results["map"].dtype == np.float32
    assert results["order"] is None
    assert results["branch"] is None


def test_columns_of_indicators_are_in_natural_order() -> None:
    assert read(np.eye(6))["indicators"].tolist() == [[1, 0, 0]] * 2 + [[0, 0, 1]] + [[0, 1, 0]] * 3, "0, 2, 10"


def test_silent_cells_and_cells_that_light_nothing_belong_nowhere() -> None:
    results = read([[1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]], np.array([True, False, False]))
    assert results["cluster"].tolist() == ["unassigned", "unassigned", "0"]
    assert results["confidence"].tolist() == [0, 0, 1]
    assert np.isfinite(results["map"]).all()


@given(arrays.arrays(np.float32, (4, 6), elements=st.floats(-5, 5, width=32)))
def test_laws_for_any_units(activations: np.ndarray) -> None:
    results = read(activations)
    assert ((results["confidence"] >= 0) & (results["confidence"] <= 1)).all()
    low, high = GRAPH.layout.min(axis=0), GRAPH.layout.max(axis=0)
    assert ((results["map"] >= low - 1e-5) & (results["map"] <= high + 1e-5)).all()
    np.testing.assert_allclose(results["indicators"].sum(axis=1), activations.sum(axis=1), atol=1e-4)
    assert set(results["cluster"]) <= {"0", "2", "10", "unassigned"}
    assert (results["cluster"][results["confidence"] > 0.6] != "unassigned").all(), "0.6 leads whatever the rest does"
    assert (results["cluster"][results["confidence"] == 0] == "unassigned").all()


def test_order_and_branch_where_the_graph_has_them() -> None:
    line = read(np.eye(5), graph=graphs.line(5))
    np.testing.assert_allclose(line["order"], [0, 0.25, 0.5, 0.75, 1])
    ring = read(np.eye(4), graph=graphs.ring(4))
    np.testing.assert_allclose(ring["order"], [0, np.pi / 2, np.pi, 3 * np.pi / 2], atol=1e-6)
    tree = graphs.from_networkx(nx.balanced_tree(2, 2))
    results = read(np.eye(7), graph=tree)
    np.testing.assert_allclose(results["order"], [0, 0.5, 0.5, 1, 1, 1, 1])
    assert len(set(results["branch"])) == 7, "root, two forks and four leaves, each a stretch of its own"
    assert ring["branch"] is None


def test_programs_are_the_difference_that_lighting_a_neuron_makes() -> None:
    """With a linear decoder and cells that light one neuron each they are columns of the decoder, centred."""
    rng = np.random.default_rng(0)
    decoder = rng.normal(size=(6, 9)).astype(np.float32)
    activations = np.eye(6, dtype=np.float32)[np.repeat(np.arange(6), [5, 4, 3, 2, 1, 5])]
    programs = gene_programs(activations, lambda pictures: pictures @ decoder + 3.0)
    assert programs.shape == (9, 6)
    assert programs.dtype == np.float32
    np.testing.assert_allclose(programs, (decoder - activations.mean(axis=0) @ decoder).T, atol=1e-4)


def test_programs_of_dead_neurons_are_small_not_nan() -> None:
    activations = np.zeros((10, 4), dtype=np.float32)
    activations[:, :2] = [[0.9, 0.1]] * 5 + [[0.1, 0.9]] * 5
    programs = gene_programs(activations, lambda pictures: pictures @ np.ones((4, 3), dtype=np.float32))
    assert np.isfinite(programs).all()
    np.testing.assert_allclose(programs[:, 2:], 0, atol=1e-6)


@pytest.mark.parametrize("negative", [False, True])
def test_one_cell_is_enough(negative: bool) -> None:
    results = read(np.array([[1, 2, 3, 4, 5, 6.0]]) * (-1 if negative else 1))
    assert results["map"].shape == (1, 2)
    assert results["neuron"].tolist() == [0 if negative else 5]


@given(arrays.arrays(np.float32, (5, 6), elements=st.floats(-5, 5, width=32)))
def test_a_cell_is_read_the_same_alone_and_among_others(activations: np.ndarray) -> None:
    together = read(activations)
    alone = [read(row[None]) for row in activations]
    for name in ("map", "confidence", "indicators"):
        np.testing.assert_allclose(np.concatenate([one[name] for one in alone]), together[name], atol=1e-5)
    assert [one["cluster"][0] for one in alone] == together["cluster"].tolist()
