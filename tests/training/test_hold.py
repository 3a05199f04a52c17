"""Observations are held where the annealed map places them, on graphs whose order is their result."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gsr_sc import datasets, graphs
from gsr_sc.matrices import MatrixSource, fit_transform, open_rows
from gsr_sc.nn import GraphAutoencoder
from gsr_sc.nn._autoencoder import Pass
from gsr_sc.training import Design, Progress, TrainingPlan, annealed_targets, fit
from gsr_sc.training import _fit as module
from gsr_sc.training._batch import Batch
from gsr_sc.training._terms import Hold

LINE, RING, WISHBONE = graphs.line(9), graphs.ring(12), graphs.wishbone(2, 6)
NOTHING = torch.zeros(1, 1)


def away(graph: graphs.NeuronGraph, picture: np.ndarray, target: np.ndarray | None) -> float:
    """What a picture costs that should be another."""
    hold = Hold(torch.from_numpy(graphs.neuron_places(graph)), circular=graph.kind == "ring")
    logits = torch.log(torch.from_numpy(np.atleast_2d(picture)).clamp_min(1e-30))
    targets = None if target is None else torch.from_numpy(np.atleast_2d(target))
    return float(hold(Pass(logits, NOTHING, NOTHING, None), Batch(NOTHING, None, targets)))


@settings(max_examples=20)
@given(st.integers(0, 8), st.integers(0, 8))
def test_a_neuron_of_a_line_costs_its_squared_share_of_the_way_once_for_each_end(lit: int, wanted: int) -> None:
    assert away(LINE, np.eye(9)[lit], np.eye(9)[wanted]) == pytest.approx(2 * ((lit - wanted) / 8) ** 2, abs=1e-9)


@pytest.mark.parametrize(("graph", "at"), [(LINE, 4), (RING, 0), (WISHBONE, 8)])
def test_width_costs_nothing_and_place_does(graph: graphs.NeuronGraph, at: int) -> None:
    narrow, wide = np.eye(graph.n_neurons)[at], np.zeros(graph.n_neurons)
    wide[graph.adjacency[[at]].indices] = 0.25
    wide[at] = 0.5
    assert away(graph, wide, narrow) == pytest.approx(0, abs=1e-9)
    aside = np.eye(graph.n_neurons)[graph.adjacency[[at]].indices[0]]
    assert away(graph, aside, narrow) > 1e-3


@settings(max_examples=20)
@given(st.integers(0, 11), st.integers(1, 6))
def test_on_a_ring_both_ways_round_are_alike(at: int, steps: int) -> None:
    picture = np.eye(12)
    one, other = (away(RING, picture[(at + way * steps) % 12], picture[at]) for way in (-1, 1))
    assert one == pytest.approx(other)
    # The chord over half the way round, which is the longest.
    assert one == pytest.approx((2 * np.sin(np.pi * steps / 12) / np.pi) ** 2, abs=1e-9)


def test_another_arm_is_farther_than_the_fork() -> None:
    picture = np.eye(WISHBONE.n_neurons)
    own, fork, other = 8, 5, 14
    assert away(WISHBONE, picture[other], picture[own]) > away(WISHBONE, picture[fork], picture[own]) > 0


def test_nothing_is_held_without_an_annealed_map() -> None:
    assert away(LINE, np.eye(9)[0], None) == 0


@pytest.mark.parametrize("activation", ["simplex", "heat", "wavelet", "linear", "relu"])
@pytest.mark.parametrize("graph", [LINE, RING, WISHBONE, graphs.grid(3), graphs.rings(2, 5), graphs.learned(9)])
def test_cells_are_held_on_slender_graphs_by_units_that_share_a_softmax(
    graph: graphs.NeuronGraph | graphs.LearnedGraph, activation: str
) -> None:
    if isinstance(graph, graphs.LearnedGraph) and activation in ("heat", "wavelet"):
        pytest.skip("these units need a graph")
    own = None if isinstance(graph, graphs.LearnedGraph) else graph
    random = torch.Generator().manual_seed(0)
    network = GraphAutoencoder(4, graph.n_neurons or 9, activation=activation, graph=own, generator=random)  # type: ignore[arg-type]
    hold = module._hold(network, graph, torch.device("cpu"))
    wanted = own is not None and own.kind in ("line", "ring", "wishbone") and activation not in ("linear", "relu")
    assert (hold is not None) == wanted
    assert hold is None or hold.circular == (own is not None and own.kind == "ring")


@cache
def moved(kind: str, hold: float) -> float:
    """How far cells are from where the annealed map places them after a training, root mean square share of the way."""
    simulate, graph = {
        "line": (datasets.simulate_line, graphs.line(16)),
        "ring": (datasets.simulate_ring, graphs.ring(16)),
    }[kind]
    n_obs, training = 300, np.arange(250)
    rows = open_rows(simulate(n_obs, 60, noise=0.8).X)
    options = {"kind": "zscore", "counts": False, "columns": np.arange(60), "training": training}
    source = MatrixSource(rows, fit_transform(rows, totals=np.zeros(n_obs), **options))  # type: ignore[arg-type]
    targets = annealed_targets(source, graph, training=training, init="auto")
    assert targets is not None
    result = fit(
        source,
        graph,
        training=training,
        held_out=np.arange(250, n_obs),
        targets=targets,
        smoothness=0,
        tolerance=0.02,
        design=Design(),
        plan=TrainingPlan(warm_up_epochs=6, max_epochs=20, hold=hold),
        seed=0,
        device=torch.device("cpu"),
        progress=Progress(show=False),
    )
    x = source.batch(np.arange(n_obs))
    with torch.no_grad():
        share = result.network.encode(torch.from_numpy(x)).numpy() ** 2
    share /= share.sum(axis=1, keepdims=True)
    places = graphs.neuron_places(graph)
    is_at, belongs = share @ places, targets(np.arange(n_obs), x) @ places
    if kind == "ring":
        is_at, belongs = (values / np.linalg.norm(values, axis=1, keepdims=True) / np.pi for values in (is_at, belongs))
    return float(np.sqrt(((is_at - belongs) ** 2).mean()))


@pytest.mark.parametrize("kind", ["line", "ring"])
def test_training_moves_cells_less_where_they_are_held(kind: str) -> None:
    free, tightly = (moved(kind, hold) for hold in (0.0, 10.0))
    assert tightly < 0.8 * free
