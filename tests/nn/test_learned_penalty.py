"""The penalty on a learned graph: its memory, its refresh, and its place in anyone's network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gsr_sc import graphs
from gsr_sc.nn import GraphSpectralPenalty, LearnedGraphPenalty


def activations(n_obs: int = 200, n_neurons: int = 6, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    pairs = rng.random((n_obs, n_neurons // 2)) > 0.5
    return torch.from_numpy((np.repeat(pairs, 2, axis=1) + 0.3 * rng.random((n_obs, n_neurons))).astype(np.float32))


@given(cuts=st.lists(st.integers(1, 199), max_size=8, unique=True), offset=st.sampled_from([0.0, 100.0]))
@settings(max_examples=25, deadline=None)
def test_memory_that_forgets_nothing_is_the_whole_data(cuts: list[int], offset: float) -> None:
    z = activations() + offset
    penalty = LearnedGraphPenalty(6)
    for batch in torch.tensor_split(z, sorted(cuts)):
        penalty.observe(batch)
    assert float(penalty.mass) == 200
    np.testing.assert_allclose(penalty.mean, z.mean(dim=0), rtol=1e-5)
    np.testing.assert_allclose(penalty.covariance, np.cov(z.double().numpy().T, bias=True), atol=2e-5)
    expected = graphs.coactivation_graph(z.double().numpy()).adjacency.toarray()
    np.testing.assert_allclose(penalty.refresh().toarray(), expected, atol=2e-3)


def test_memory_forgets_exponentially() -> None:
    old, new = activations(seed=0), activations(seed=1)[:, [0, 3, 1, 4, 2, 5]]
    penalty = LearnedGraphPenalty(6, memory=100)
    penalty.observe(old)
    penalty.observe(new)
    weight = np.concatenate([np.full(200, np.exp(-200 / 100)), np.ones(200)])
    both = np.concatenate([old, new]).astype(np.float64)
    np.testing.assert_allclose(penalty.covariance, np.cov(both.T, aweights=weight, ddof=0), atol=1e-5)
    for_ever = LearnedGraphPenalty(6)
    for_ever.observe(old)
    for_ever.observe(new)
    assert not torch.allclose(penalty.covariance, for_ever.covariance, atol=1e-2)


def test_no_ties_before_the_first_refresh_and_then_those_of_the_memory() -> None:
    z = activations()
    penalty = LearnedGraphPenalty(6, n_neighbors=1)
    assert float(penalty(z)) == 0
    adjacency = penalty.refresh()
    assert adjacency.nnz == 6
    assert float(penalty(z)) == pytest.approx(float(GraphSpectralPenalty(adjacency)(z)))
    np.testing.assert_array_equal(penalty.adjacency.numpy(), adjacency.toarray().astype(np.float32))


def test_remembers_in_training_only_and_without_a_gradient() -> None:
    penalty = LearnedGraphPenalty(6).eval()
    penalty(activations())
    assert float(penalty.mass) == 0
    penalty.train()
    z = activations().requires_grad_()
    penalty(z)
    assert float(penalty.mass) == 200
    assert not penalty.covariance.requires_grad
    penalty.refresh()
    penalty(z).backward()
    assert z.grad is not None
    assert bool(z.grad.any())


def test_a_graph_without_ties_costs_nothing() -> None:
    penalty = LearnedGraphPenalty(5)
    penalty(torch.eye(5))
    assert penalty.refresh().nnz == 0
    assert float(penalty(torch.randn(3, 5, generator=torch.Generator().manual_seed(0)))) == 0


@pytest.mark.parametrize(
    "options", [{"kernel": "knn"}, {"n_neighbors": 3}, {"laplacian": "symmetric"}, {"measure": "rayleigh"}], ids=str
)
def test_every_option_counts(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    z = torch.from_numpy(rng.random((200, 3)) @ rng.random((3, 8))).float()

    def value(**options: Any) -> float:
        penalty = LearnedGraphPenalty(8, **options)
        penalty(z)
        penalty.refresh()
        return float(penalty(z))

    assert value(**options) != pytest.approx(value(), rel=1e-3)


def test_neurons_along_any_axis() -> None:
    z = activations()
    penalty = LearnedGraphPenalty(6, dim=1)
    penalty(z.reshape(100, 2, 6).movedim(-1, 1))
    plain = LearnedGraphPenalty(6)
    plain(z)
    torch.testing.assert_close(penalty.covariance, plain.covariance)


def test_state_travels() -> None:
    penalty = LearnedGraphPenalty(6)
    penalty(activations())
    penalty.refresh()
    other = LearnedGraphPenalty(6)
    other.load_state_dict(penalty.state_dict())
    z = activations(seed=3)
    assert float(other(z)) == float(penalty(z)) > 0
    np.testing.assert_array_equal(other.refresh().toarray(), penalty.refresh().toarray())


def test_wrong_options_are_named() -> None:
    with pytest.raises(ValueError, match="`memory` is 0"):
        LearnedGraphPenalty(4, memory=0)
    with pytest.raises(ValueError, match="`kernel`"):
        LearnedGraphPenalty(4, kernel="rbf")  # type: ignore[arg-type]


def test_any_penalty_takes_another_graph() -> None:
    z = activations()
    penalty = GraphSpectralPenalty(graphs.line(6), laplacian="symmetric")
    before = float(penalty(z))
    penalty.update(graphs.ring(6))
    assert float(penalty(z)) == float(GraphSpectralPenalty(graphs.ring(6), laplacian="symmetric")(z)) != before
    penalty.update(np.zeros((6, 6)))
    assert float(penalty(z)) == 0
    with pytest.raises(ValueError, match="5 neurons"):
        penalty.update(graphs.ring(5))


def test_a_power_compares_the_tops_of_activations() -> None:
    z = torch.rand(50, 5, generator=torch.Generator().manual_seed(0)) - 0.2
    raised, squares = LearnedGraphPenalty(5, power=2.0), LearnedGraphPenalty(5)
    raised(z)
    squares(z.clamp_min(0).square())
    torch.testing.assert_close(raised.covariance, squares.covariance)
    plain = LearnedGraphPenalty(5)
    plain(z)
    assert not torch.allclose(raised.covariance, plain.covariance)
