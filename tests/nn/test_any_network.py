"""The penalty and the layer in networks that are no autoencoders of ours: a classifier, convolution channels, capsules."""

from __future__ import annotations

from typing import NamedTuple

import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from gsr_sc import graphs, metrics
from gsr_sc.nn import GraphLayer, GraphSpectralPenalty

GRID = graphs.grid(8)
PICTURES, LABELS = load_digits(return_X_y=True)
X, Y = torch.from_numpy(PICTURES / 16).float(), torch.from_numpy(LABELS)
ORDER = torch.randperm(len(X), generator=torch.Generator().manual_seed(0))
TRAINING, HELD_OUT = ORDER[:1400], ORDER[1400:]


class Classifier(nn.Module):
    """Digits through a hidden layer that can be looked at as an 8 x 8 picture."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 64)
        self.layer = GraphLayer(64, 64, activation="relu")
        self.head = nn.Linear(64, 10)

    def pictures(self, x: Tensor) -> Tensor:
        return self.layer.units(self.layer.logits(self.first(x).relu()))


class Outcome(NamedTuple):
    accuracy: float
    moran: float


def train_classifier(weight: float, graph: graphs.NeuronGraph = GRID) -> Outcome:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network, penalty = Classifier(), GraphSpectralPenalty(graph, measure="rayleigh")
        optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
        for _ in range(15):
            for batch in TRAINING[torch.randperm(len(TRAINING))].split(100):
                z = network.pictures(X[batch])
                loss = functional.cross_entropy(network.head(network.layer.perturb(z)), Y[batch]) + weight * penalty(z)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
    with torch.no_grad():
        z = network.pictures(X[HELD_OUT])
        accuracy = (network.head(z).argmax(dim=1) == Y[HELD_OUT]).float().mean()
    return Outcome(float(accuracy), metrics.moran_i(z.numpy(), GRID.adjacency))


@pytest.fixture(scope="module")
def plain() -> Outcome:
    return train_classifier(0.0)


@pytest.fixture(scope="module")
def smooth() -> Outcome:
    return train_classifier(0.3)


def test_a_classifier_becomes_a_picture_at_no_cost(plain: Outcome, smooth: Outcome) -> None:
    # 397 held-out digits: the standard error of an accuracy of .95 is .011.
    assert plain.accuracy > 0.93
    assert smooth.accuracy > plain.accuracy - 0.022
    assert smooth.moran > 0.5
    assert plain.moran < 0.2


def test_it_is_the_graph_that_makes_the_picture(smooth: Outcome) -> None:
    assert train_classifier(0.3, GRID.permuted(0)).moran < 0.25 < smooth.moran


def channels_of(weight: float) -> np.ndarray:
    """Correlations of the eight channels of a small convolutional classifier over held-out digits, (8, 8)."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        convolution = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())
        head = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 10))
        penalty = GraphSpectralPenalty(graphs.ring(8), measure="rayleigh", dim=1)
        optimiser = torch.optim.Adam([*convolution.parameters(), *head.parameters()], lr=1e-2)
        for _ in range(5):
            for batch in TRAINING[torch.randperm(len(TRAINING))].split(100):
                channels = convolution(X[batch].reshape(-1, 1, 8, 8))
                loss = functional.cross_entropy(head(channels), Y[batch]) + weight * penalty(channels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
    with torch.no_grad():
        z = convolution(X[HELD_OUT].reshape(-1, 1, 8, 8)).movedim(1, 0).flatten(1)
    return np.corrcoef(z.numpy() + 1e-6 * np.random.default_rng(0).normal(size=z.shape))


def test_channels_of_a_convolution_can_sit_on_a_ring() -> None:
    z = torch.randn(3, 8, 4, 5, generator=torch.Generator().manual_seed(0))
    rows = z.movedim(1, -1).reshape(-1, 8)
    on_channels = GraphSpectralPenalty(graphs.ring(8), dim=1)
    torch.testing.assert_close(on_channels(z), GraphSpectralPenalty(graphs.ring(8))(rows))
    steps = np.abs(np.arange(8)[:, None] - np.arange(8))
    steps = np.minimum(steps, 8 - steps)
    lead = {}
    for weight in (0.0, 1.0):
        correlations = channels_of(weight)
        lead[weight] = correlations[steps == 1].mean() - correlations[steps > 1].mean()
    assert lead[1.0] > 0.2
    assert lead[0.0] < 0.1


def test_capsules_can_be_tied_along_either_axis() -> None:
    capsules = torch.randn(4, 10, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)
    across, within = GraphSpectralPenalty(nx.complete_graph(10), dim=1), GraphSpectralPenalty(graphs.line(6), dim=2)
    same_everywhere = torch.randn(4, 1, 6, generator=torch.Generator().manual_seed(1)).expand(4, 10, 6)
    assert float(across(same_everywhere)) == pytest.approx(0, abs=1e-6)
    assert float(within(same_everywhere)) > 0.3
    across(capsules).backward()
    assert capsules.grad is not None
    # On a complete graph the gradient draws every capsule to the mean capsule of its observation, in each dimension.
    to_mean = (capsules - capsules.mean(dim=1, keepdim=True)).detach()
    torch.testing.assert_close(capsules.grad, to_mean * capsules.grad.norm() / to_mean.norm())
