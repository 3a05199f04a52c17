"""A small capsule network (Sabour et al., arXiv 1710.09829) whose digit capsules are tied to each other."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from gsr_sc.nn import GraphSpectralPenalty

PICTURES, LABELS = load_digits(return_X_y=True)
X, Y = torch.from_numpy(PICTURES / 16).float(), torch.from_numpy(LABELS)
ORDER = torch.randperm(len(X), generator=torch.Generator().manual_seed(0))
TRAINING, HELD_OUT = ORDER[:1400], ORDER[1400:]
N_CAPSULES, N_DIMS = 10, 8


def squash(inputs: Tensor) -> Tensor:
    square = inputs.square().sum(dim=-1, keepdim=True)
    return inputs * square / (1 + square) / (square + 1e-9).sqrt()


class CapsuleNetwork(nn.Module):
    """24 primary capsules, routed by agreement to one capsule per digit; the decoder reads that of the true digit."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 32, 3)
        self.primary = nn.Conv2d(32, 48, 3, stride=2)
        self.votes = nn.Parameter(0.1 * torch.randn(24, N_CAPSULES, N_DIMS, 8))
        self.decoder = nn.Sequential(
            nn.Linear(N_CAPSULES * N_DIMS, 64), nn.ReLU(), nn.Linear(64, X.shape[1]), nn.Sigmoid()
        )

    def capsules(self, x: Tensor) -> Tensor:
        hidden = self.primary(self.first(x.reshape(-1, 1, 8, 8)).relu())
        primary = squash(hidden.reshape(len(x), 6, 8, 4).transpose(2, 3).reshape(len(x), 24, 8))
        votes = torch.einsum("icdp,bip->bicd", self.votes, primary)
        agreement = torch.zeros(votes.shape[:3])
        for _ in range(3):
            routed = squash((agreement.softmax(dim=2)[..., None] * votes).sum(dim=1))
            agreement = agreement + (votes * routed[:, None]).sum(dim=-1).detach()
        return routed

    def decode(self, capsules: Tensor, digit: Tensor) -> Tensor:
        chosen = functional.one_hot(digit, N_CAPSULES)[..., None]
        return self.decoder((capsules * chosen).flatten(1))


class Outcome(NamedTuple):
    accuracy: float
    energy: float
    alignment: float


def alignment(network: CapsuleNetwork) -> float:
    """How alike one dimension of any two digits' capsules changes the decoded picture: mean cosine, 0 if unrelated."""
    capsules, digits = network.capsules(X[HELD_OUT]), Y[HELD_OUT]
    effects = []
    for digit in range(N_CAPSULES):
        usual = capsules[digits == digit, digit].mean(dim=0)
        step = 0.2 * torch.eye(N_DIMS)
        moved = torch.zeros(2, N_DIMS, N_CAPSULES, N_DIMS)
        moved[:, :, digit] = usual + torch.stack([step, -step])
        up, down = network.decoder(moved.flatten(2))
        effects.append(functional.normalize((up - down) - (up - down).mean(dim=0), dim=-1))
    return float(np.mean([float((a * b).sum(dim=-1).mean()) for a, b in combinations(effects, 2)]))


def train(weight: float, *, seed: int, n_epochs: int) -> Outcome:
    penalty = GraphSpectralPenalty(nx.complete_graph(N_CAPSULES), dim=1)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = CapsuleNetwork()
        optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
        for _ in range(n_epochs):
            for batch in TRAINING[torch.randperm(len(TRAINING))].split(100):
                capsules = network.capsules(X[batch])
                length, true = capsules.norm(dim=-1), functional.one_hot(Y[batch], N_CAPSULES)
                margin = true * (0.9 - length).relu().square() + 0.5 * (1 - true) * (length - 0.1).relu().square()
                loss = margin.sum(dim=1).mean() + 10 * functional.mse_loss(network.decode(capsules, Y[batch]), X[batch])
                loss = loss + weight * penalty(capsules)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
    with torch.no_grad():
        capsules = network.capsules(X[HELD_OUT])
        accuracy = (capsules.norm(dim=-1).argmax(dim=1) == Y[HELD_OUT]).float().mean()
        return Outcome(float(accuracy), float(penalty(capsules)), alignment(network))


def test_capsules_are_drawn_to_each_other_in_training() -> None:
    free, tied = (train(weight, seed=0, n_epochs=2) for weight in (0.0, 200.0))
    assert tied.energy < 0.2 * free.energy


@pytest.mark.slow
def test_dimensions_of_tied_capsules_come_to_mean_the_same_at_no_cost() -> None:
    free, tied = (
        np.mean([train(weight, seed=seed, n_epochs=12) for seed in range(3)], axis=0) for weight in (0.0, 200.0)
    )
    # The standard error of an accuracy of .95 on 397 digits is .011.
    assert tied[0] > free[0] - 0.022
    assert abs(free[2]) < 0.03
    assert tied[2] > free[2] + 0.03
