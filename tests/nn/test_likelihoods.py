"""Losses against the distributions that they claim to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gsr_sc import nn
from gsr_sc.nn._likelihoods import Likelihood, make_likelihood

KINDS = ("gaussian", "nb", "poisson", "bernoulli")


def example(kind: str, seed: int = 0, shape: tuple[int, int] = (7, 5)) -> tuple[Likelihood, torch.Tensor, torch.Tensor]:
    """A loss, an output, and values that it allows."""
    rng = np.random.default_rng(seed)
    loss = make_likelihood(kind, shape[1])  # type: ignore[arg-type]
    if isinstance(loss, nn.NegativeBinomialLoss):
        with torch.no_grad():
            loss.log_theta.copy_(torch.from_numpy(rng.normal(size=shape[1])))
    observed = {
        "gaussian": rng.normal(size=shape),
        "nb": rng.negative_binomial(1, 0.2, shape),
        "poisson": rng.poisson(3, shape),
        "bernoulli": rng.random(shape),
    }[kind]
    output = torch.from_numpy(rng.normal(size=shape).astype(np.float32)).requires_grad_()
    return loss, output, torch.from_numpy(observed.astype(np.float32))


def by_definition(loss: Likelihood, output: torch.Tensor, observed: torch.Tensor) -> float:
    x, o = observed.numpy().astype(np.float64), output.detach().numpy().astype(np.float64)
    if isinstance(loss, nn.GaussianLoss):
        return float(((x - o) ** 2).mean())
    if isinstance(loss, nn.BernoulliLoss):
        p = 1 / (1 + np.exp(-o))
        return float(-(x * np.log(p) + (1 - x) * np.log1p(-p)).mean())
    share = np.exp(o) / np.exp(o).sum(axis=1, keepdims=True)
    mean = share * x.sum(axis=1, keepdims=True)
    if isinstance(loss, nn.NegativeBinomialLoss):
        theta = loss.theta.detach().numpy().astype(np.float64)
        return float(-stats.nbinom.logpmf(x, theta, theta / (theta + mean)).mean())
    return float(-stats.poisson.logpmf(x, mean).mean())


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_loss_is_the_negative_log_likelihood(kind: str, seed: int) -> None:
    loss, output, observed = example(kind, seed)
    assert float(loss(output, observed).detach()) == pytest.approx(by_definition(loss, output, observed), rel=1e-4)


@pytest.mark.parametrize("kind", ["nb", "poisson"])
def test_gradients_are_those_of_the_distribution_of_torch(kind: str) -> None:
    loss, output, observed = example(kind)
    mean = torch.softmax(output, -1) * observed.sum(-1, keepdim=True)
    parameters = [output, *loss.parameters()]
    if isinstance(loss, nn.NegativeBinomialLoss):
        # torch counts successes: its mean is total_count * exp(logits).
        reference: Any = torch.distributions.NegativeBinomial(loss.theta, logits=(mean / loss.theta).log())
    else:
        reference = torch.distributions.Poisson(mean)
    expected = torch.autograd.grad(-reference.log_prob(observed).mean(), parameters)
    for ours, theirs in zip(torch.autograd.grad(loss(output, observed), parameters), expected, strict=True):
        assert theirs.abs().max() > 1e-3
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_nothing_is_better_than_every_value_its_own_mean(kind: str, seed: int) -> None:
    loss, output, observed = example(kind, seed)
    if kind in ("nb", "poisson"):
        own = observed.clamp_min(1e-6).log()
    else:
        own = loss.output_of(observed.clamp(1e-4, 1 - 1e-4)) if kind == "bernoulli" else observed
    with torch.no_grad():
        saturated = float(loss.saturated(observed))
        assert float(loss(output, observed)) >= saturated - 1e-5
        assert float(loss(own, observed)) == pytest.approx(saturated, abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_output_of_a_mean_has_that_mean(kind: str) -> None:
    loss, _, observed = example(kind)
    mean = observed.mean(dim=0)
    mean = mean / mean.sum() if kind in ("nb", "poisson") else mean
    torch.testing.assert_close(loss.mean(loss.output_of(mean)), mean)


@pytest.mark.parametrize("kind", ["nb", "poisson"])
def test_depth_explains_nothing(kind: str) -> None:
    loss, output, observed = example(kind)
    with torch.no_grad():
        torch.testing.assert_close(loss(output, observed), loss(output + 3.0, observed))
        expected = loss.expected(output, observed)
    torch.testing.assert_close(expected.sum(-1), observed.sum(-1))
    torch.testing.assert_close(loss.mean(output).sum(-1), torch.ones(len(output)))
    difference = loss.natural(output) - loss.natural(output * 0)
    torch.testing.assert_close(difference, loss.mean(output).log() - loss.mean(output * 0).log())


def test_dispersion_is_learnt() -> None:
    rng = np.random.default_rng(0)
    theta, mean = np.array([0.3, 1.0, 5.0]), 20.0
    counts = rng.negative_binomial(theta, theta / (theta + mean), (3000, 3))
    observed = torch.from_numpy(counts.astype(np.float32))
    loss = nn.NegativeBinomialLoss(3)
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.05)
    log_mean = torch.full_like(observed, float(np.log(mean)))
    for _ in range(100):
        optimiser.zero_grad()
        loss._loss(log_mean, observed).backward()
        optimiser.step()
    np.testing.assert_allclose(loss.theta.detach().numpy(), theta, rtol=0.2)


@pytest.mark.parametrize("kind", ["nb", "poisson"])
def test_extreme_outputs_and_empty_rows_stay_finite(kind: str) -> None:
    loss, _, observed = example(kind)
    observed[2] = 0
    for scale in (0.0, 1e3):
        output = (scale * torch.randn(observed.shape, generator=torch.Generator().manual_seed(0))).requires_grad_()
        value = loss(output, observed)
        value.backward()
        assert torch.isfinite(value)
        assert output.grad is not None
        assert torch.isfinite(output.grad).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_learns_with_it(kind: str) -> None:
    loss, _, observed = example(kind, shape=(60, 8))
    generator = torch.Generator().manual_seed(0)
    network = nn.GraphAutoencoder(8, 9, hidden=(16,), likelihood=kind, generator=generator)  # type: ignore[arg-type]
    assert type(network.likelihood) is type(loss)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    values = []
    for _ in range(40):
        optimiser.zero_grad()
        value = network.likelihood(network(observed, generator).reconstruction, observed)
        value.backward()
        optimiser.step()
        values.append(float(value.detach()))
    assert np.mean(values[-5:]) < 0.95 * values[0]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="`likelihood` is 'zinb'; it is one of"):
        nn.GraphAutoencoder(3, 4, likelihood="zinb")  # type: ignore[arg-type]
