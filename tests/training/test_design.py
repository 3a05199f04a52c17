"""What a design makes: the network, its penalty, and itself again from what was stored."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from gsr_sc import graphs
from gsr_sc.nn import ActivityPenalty, GraphSpectralPenalty
from gsr_sc.training import Design

GRAPH = graphs.grid(4)


def widths(design: Design) -> list[int]:
    network = design.network(30, GRAPH, torch.Generator().manual_seed(0))
    linear = [module for module in network.modules() if isinstance(module, torch.nn.Linear)]
    assert [module.out_features for module in linear][:-1] == [module.in_features for module in linear][1:]
    return [module.out_features for module in linear]


@pytest.mark.parametrize(
    ("hidden", "hidden_decoder", "expected"),
    [
        ((20, 10), None, [20, 10, 16, 10, 20, 30]),
        ((), None, [16, 30]),
        ((20, 5), (20,), [20, 5, 16, 20, 30]),  # behind a bottleneck
        ((20,), (5, 20), [20, 16, 5, 20, 30]),  # before one
        ((), (5,), [16, 5, 30]),  # the first hidden layer
        ((20, 5), (), [20, 5, 16, 30]),  # the last
    ],
)
def test_any_hidden_layer_can_be_the_one_on_the_graph(hidden: tuple, hidden_decoder: tuple, expected: list) -> None:
    assert widths(Design(hidden=hidden, hidden_decoder=hidden_decoder)) == expected


def test_the_penalty_is_what_was_asked_for() -> None:
    z = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
    for design, expected in [
        (Design(), GraphSpectralPenalty(GRAPH)),
        (Design(penalty="rayleigh"), GraphSpectralPenalty(GRAPH, measure="rayleigh")),
        (Design(laplacian="symmetric"), GraphSpectralPenalty(GRAPH, laplacian="symmetric")),
        (
            Design(penalty="rayleigh", laplacian="random_walk"),
            GraphSpectralPenalty(GRAPH, laplacian="random_walk", measure="rayleigh"),
        ),
        (Design(penalty="l1"), ActivityPenalty(order=1)),
        (Design(penalty="l2"), ActivityPenalty(order=2)),
    ]:
        assert float(design.penalty_on(GRAPH, n_training=10)(z)) == float(expected(z))


@pytest.mark.parametrize("hidden_decoder", [None, (), (3, 4)])
def test_what_was_stored_is_read_back(hidden_decoder: tuple | None) -> None:
    design = Design(activation="relu", hidden=(7,), hidden_decoder=hidden_decoder, penalty="l1", laplacian="symmetric")
    assert Design.from_params(json.loads(json.dumps(design.params()))) == design
    # What a model of the first release does not name is as it was then.
    first = replace(Design(), activation="relu", unit_length=False)
    assert Design.from_params({"activation": "relu", "n_obs": 3}) == first
