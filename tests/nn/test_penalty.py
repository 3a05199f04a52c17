"""The penalty against its definition, and its promises to whoever builds it into a network."""

from __future__ import annotations

import copy
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from gsr_sc import graphs
from gsr_sc.nn import GraphSpectralPenalty

KINDS = ("unnormalised", "symmetric", "random_walk")

weights = st.integers(2, 8).flatmap(
    lambda n: arrays.arrays(np.float64, (n, n), elements=st.floats(0, 4).map(lambda w: 0.0 if w < 1 else w))
)


def symmetric(half: np.ndarray) -> np.ndarray:
    adjacency = np.triu(half, k=1)
    adjacency[0, 1] = 1.0  # a graph has an edge
    return adjacency + adjacency.T


def naive_energy(z: np.ndarray, adjacency: np.ndarray) -> float:
    """Mean over rows of 1/2 sum_ij A_ij (z_i - z_j)^2 over the trace of the Laplacian, term by term."""
    n = len(adjacency)
    per_row = [
        0.5 * sum(adjacency[i, j] * (row[i] - row[j]) ** 2 for i in range(n) for j in range(n))
        for row in z.astype(np.float64)
    ]
    return float(np.mean(per_row) / adjacency.sum())


@given(half=weights, seed=st.integers(0, 2**16), n_rows=st.integers(1, 5))
def test_is_the_dirichlet_energy_over_the_trace(half: np.ndarray, seed: int, n_rows: int) -> None:
    adjacency = symmetric(half)
    z = np.random.default_rng(seed).normal(size=(n_rows, len(adjacency)))
    value = GraphSpectralPenalty(adjacency)(torch.from_numpy(z))
    assert float(value) == pytest.approx(naive_energy(z, adjacency), rel=1e-5, abs=1e-7)


@given(half=weights, seed=st.integers(0, 2**16))
def test_gradient_is_twice_the_laplacian(half: np.ndarray, seed: int) -> None:
    adjacency = symmetric(half)
    z = torch.from_numpy(np.random.default_rng(seed).normal(size=(3, len(adjacency)))).requires_grad_()
    GraphSpectralPenalty(adjacency)(z).backward()
    laplacian = np.diag(adjacency.sum(axis=0)) - adjacency
    expected = 2 * z.detach().numpy() @ laplacian / np.trace(laplacian) / 3
    assert z.grad is not None
    np.testing.assert_allclose(z.grad.numpy(), expected, rtol=1e-4, atol=1e-6)


@given(half=weights, seed=st.integers(0, 2**16), kind=st.sampled_from(KINDS))
def test_never_negative_and_zero_only_without_differences(half: np.ndarray, seed: int, kind: Any) -> None:
    adjacency = symmetric(half)
    penalty = GraphSpectralPenalty(adjacency, laplacian=kind)
    z = torch.from_numpy(np.random.default_rng(seed).normal(size=(4, len(adjacency))))
    if kind != "random_walk":  # its symmetric part is no energy
        assert float(penalty(z)) >= -1e-7
    if kind == "unnormalised":
        assert float(penalty(torch.full((2, len(adjacency)), 3.0))) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_other_laplacians_are_those_of_graphs(kind: Any) -> None:
    graph = graphs.grid(3, 4)
    matrix = graphs.laplacian(graph.adjacency, kind).toarray()
    z = np.random.default_rng(0).normal(size=(5, 12))
    expected = np.einsum("bi,ij,bj->b", z, matrix, z).mean() / np.trace(matrix)
    assert float(GraphSpectralPenalty(graph, laplacian=kind)(torch.from_numpy(z))) == pytest.approx(expected, rel=1e-5)


def test_unrelated_neurons_cost_about_one_on_any_graph() -> None:
    for graph in (graphs.grid(6), graphs.ring(30), graphs.from_networkx(nx.balanced_tree(2, 4))):
        z = torch.randn(4000, graph.n_neurons, generator=torch.Generator().manual_seed(0))
        assert float(GraphSpectralPenalty(graph)(z)) == pytest.approx(1, abs=0.05)


@given(scale=st.floats(1e-2, 1e3), kind=st.sampled_from(KINDS))
def test_rayleigh_ignores_the_scale_and_dirichlet_squares_it(scale: float, kind: Any) -> None:
    graph = graphs.ring(9)
    z = torch.randn(6, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rayleigh = GraphSpectralPenalty(graph, laplacian=kind, measure="rayleigh")
    dirichlet = GraphSpectralPenalty(graph, laplacian=kind)
    assert float(rayleigh(scale * z)) == pytest.approx(float(rayleigh(z)), rel=1e-6)
    assert float(dirichlet(scale * z)) == pytest.approx(scale**2 * float(dirichlet(z)), rel=1e-6)


def test_rayleigh_is_the_quotient_and_survives_silence() -> None:
    graph = graphs.line(5)
    z = np.random.default_rng(0).normal(size=(7, 5))
    laplacian = graph.laplacian().toarray() / graph.total_degree
    quotient = np.mean([row @ laplacian @ row / np.mean(row**2) for row in z])
    penalty = GraphSpectralPenalty(graph, measure="rayleigh")
    assert float(penalty(torch.from_numpy(z))) == pytest.approx(quotient, rel=1e-5)
    silent = torch.zeros(2, 5, requires_grad=True)
    penalty(silent).backward()
    assert silent.grad is not None
    assert torch.isfinite(silent.grad).all()


def test_neurons_may_lie_along_any_axis() -> None:
    graph = graphs.ring(6)
    capsules = torch.randn(4, 3, 6, generator=torch.Generator().manual_seed(0))
    flat = GraphSpectralPenalty(graph)(capsules.reshape(12, 6))
    torch.testing.assert_close(GraphSpectralPenalty(graph)(capsules), flat)
    torch.testing.assert_close(GraphSpectralPenalty(graph, dim=2)(capsules), flat)
    torch.testing.assert_close(GraphSpectralPenalty(graph, dim=1)(capsules.movedim(2, 1)), flat)
    torch.testing.assert_close(GraphSpectralPenalty(graph, dim=-1)(capsules[0, 0]), flat * 0 + naive(capsules[0, 0]))


def naive(row: torch.Tensor) -> float:
    return naive_energy(row[None].numpy(), graphs.ring(6).adjacency.toarray())


@pytest.mark.parametrize(
    "graph",
    [
        graphs.ring(4),
        nx.cycle_graph(4),
        graphs.ring(4).adjacency,
        sparse.csc_matrix(graphs.ring(4).adjacency),
        graphs.ring(4).adjacency.toarray(),
        graphs.ring(4).adjacency.toarray().tolist(),
    ],
    ids=["NeuronGraph", "networkx", "csr_array", "csc_matrix", "numpy", "list"],
)
def test_any_spelling_of_a_graph_gives_the_same(graph: Any) -> None:
    z = torch.tensor([[1.0, 2.0, 4.0, 8.0]])
    assert float(GraphSpectralPenalty(graph)(z)) == pytest.approx((1 + 4 + 16 + 49) / 8)


def test_refuses_what_is_no_graph_and_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="no edges"):
        GraphSpectralPenalty(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="symmetric"):
        GraphSpectralPenalty(np.array([[0, 1.0], [0, 0]]))
    with pytest.raises(ValueError, match="negative"):
        GraphSpectralPenalty(np.array([[0, -1.0], [-1.0, 0]]))
    with pytest.raises(ValueError, match=r"'spectral'; it is one of .*'symmetric'"):
        GraphSpectralPenalty(graphs.ring(4), laplacian="spectral")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"'l2'; it is one of .*'rayleigh'"):
        GraphSpectralPenalty(graphs.ring(4), measure="l2")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"\(2, 5\), 5 entries along dim -1; the graph has 4 neurons"):
        GraphSpectralPenalty(graphs.ring(4))(torch.zeros(2, 5))


def test_is_a_module_like_any_other() -> None:
    penalty = GraphSpectralPenalty(graphs.ring(5), laplacian="symmetric")
    assert list(penalty.parameters()) == []
    assert list(penalty.state_dict()) == ["operator"]
    twin = GraphSpectralPenalty(graphs.line(5))
    twin.load_state_dict(penalty.state_dict())
    torch.testing.assert_close(twin.operator, penalty.operator, rtol=0, atol=0)
    assert penalty.double().operator.dtype == torch.float64
    assert penalty.to("meta").operator.device.type == "meta"
    assert "n_neurons=5, laplacian='symmetric'" in repr(copy.deepcopy(twin.cpu())).replace(
        "'unnormalised'", "'symmetric'"
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_keeps_the_dtype_of_the_activations(dtype: torch.dtype) -> None:
    value = GraphSpectralPenalty(graphs.ring(5))(torch.eye(5, dtype=dtype))
    assert value.dtype == dtype
    assert float(value) == pytest.approx(0.2, rel=0.02)
