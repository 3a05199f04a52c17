"""The annealed start: deterministic, indifferent to the order of cells, and in the right order."""

from __future__ import annotations

import numpy as np
import pytest
from _scores import principal_components

from gsr_sc import datasets, graphs, metrics
from gsr_sc.graphs import diffusion_coordinates, fit_annealed_map
from gsr_sc.graphs._position import order


@pytest.mark.parametrize("graph", [graphs.line(16), graphs.ring(16), graphs.grid(5), graphs.torus(4)], ids=str)
def test_the_same_cells_give_the_same_map_in_any_order(graph: graphs.NeuronGraph) -> None:
    x = principal_components(datasets.simulate_line(300, 60, rng=1).X)
    fitted = fit_annealed_map(x, graph)
    np.testing.assert_array_equal(fitted.prototypes, fit_annealed_map(x, graph).prototypes)
    rows = np.random.default_rng(0).permutation(len(x))
    shuffled = fit_annealed_map(x[rows], graph)
    # The sweeps are in single precision, and another order of the cells sums in another order. A ring turns freely, so that
    # rounding moves it along itself.
    atol = 1e-3 if graph.kind == "ring" else 1e-5
    np.testing.assert_allclose(shuffled.prototypes, fitted.prototypes, atol=atol)
    np.testing.assert_allclose(shuffled.responsibilities(x), fitted.responsibilities(x), atol=atol)


@pytest.mark.parametrize("graph", [graphs.line(16), graphs.ring(16), graphs.grid(5), graphs.torus(4)], ids=str)
def test_responsibilities_and_targets_are_shares(graph: graphs.NeuronGraph) -> None:
    x = principal_components(datasets.simulate_ring(200, 50, rng=2).X)
    fitted = fit_annealed_map(x, graph)
    for shares in (fitted.responsibilities(x), fitted.targets(x)):
        assert shares.shape == (200, graph.n_neurons)
        assert (shares >= 0).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    assert 0 < fitted.quantisation_error < 1


def test_of_several_starts_the_best_is_kept_and_one_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    x, graph = principal_components(datasets.simulate_clusters(200, 50, rng=0).X), graphs.grid(5)
    noise = np.random.default_rng(0).normal(size=x.shape)
    best = fit_annealed_map(x, graph)
    for candidates in ([x, noise], [noise[:, ::-1], x]):
        found = fit_annealed_map(x, graph, candidates=candidates)
        worst = max(fit_annealed_map(x, graph, candidates=[one]).quantisation_error for one in candidates)
        assert best.quantisation_error <= found.quantisation_error * 1.05
        assert found.quantisation_error <= worst * 1.05
    # Neighbours, which only a choice needs, are dear.
    monkeypatch.setattr(graphs._start, "nearest_neighbours", None)
    np.testing.assert_array_equal(fit_annealed_map(x, graph, candidates=[x]).prototypes, best.prototypes)
    with pytest.raises(TypeError):
        fit_annealed_map(x, graph, candidates=[x, noise])


def starts(x: np.ndarray) -> list[np.ndarray]:
    return [x, diffusion_coordinates(x)]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_a_simulated_line_is_recovered(seed: int) -> None:
    adata = datasets.simulate_line(rng=seed)
    x, graph = principal_components(adata.X), graphs.line(32)
    fitted = fit_annealed_map(x, graph, candidates=starts(x))
    position = order(graph, fitted.responsibilities(x))
    assert metrics.order_agreement(position, adata.obs["time"]) >= 0.98


@pytest.mark.parametrize("seed", range(5))
def test_the_angles_of_a_simulated_ring_are_recovered(seed: int) -> None:
    adata = datasets.simulate_ring(rng=seed)
    x, graph = principal_components(adata.X), graphs.ring(32)
    fitted = fit_annealed_map(x, graph, candidates=starts(x))
    angle = order(graph, fitted.responsibilities(x))
    assert metrics.circular_concordance(angle, adata.obs["angle"]) >= 0.98


def test_a_map_on_scrambled_neurons_has_no_order() -> None:
    adata = datasets.simulate_line(rng=0)
    x, graph = principal_components(adata.X), graphs.line(32)
    shares = fit_annealed_map(x, graph.permuted(0)).responsibilities(x)
    assert metrics.order_agreement(order(graph, shares), adata.obs["time"]) < 0.9


def test_clusters_light_up_patches_of_a_grid() -> None:
    adata = datasets.simulate_clusters(rng=0)
    x, graph = principal_components(adata.X), graphs.grid(8)
    shares = fit_annealed_map(x, graph).responsibilities(x)
    assert metrics.indicator_auroc(shares, adata.obs["cluster"]) > 0.95
    assert metrics.moran_i(shares, graph.adjacency, labels=adata.obs["cluster"]) > 0.4


@pytest.mark.parametrize("n_obs", [2, 3, 5, 17])
@pytest.mark.parametrize("graph", [graphs.line(16), graphs.ring(16), graphs.grid(3), graphs.torus(3)], ids=str)
def test_few_cells_and_coordinates_are_enough(graph: graphs.NeuronGraph, n_obs: int) -> None:
    for n_coordinates in (1, 2, 5):
        x = np.random.default_rng(0).normal(size=(n_obs, n_coordinates))
        shares = fit_annealed_map(x, graph).responsibilities(x)
        assert np.isfinite(shares).all()


def test_diffusion_coordinates_follow_a_bent_line() -> None:
    t = np.sort(np.random.default_rng(0).random(300))
    bent = np.column_stack([np.cos(4 * t), np.sin(4 * t), t])
    assert metrics.order_agreement(diffusion_coordinates(bent)[:, 0], t) > 0.999


@pytest.mark.parametrize("n_obs", [2, 3, 4, 6, 20, 40])
def test_diffusion_coordinates_are_finite_for_few_cells(n_obs: int) -> None:
    coordinates = diffusion_coordinates(np.random.default_rng(0).normal(size=(n_obs, 3)))
    assert coordinates.shape == (n_obs, min(4, n_obs - 2))
    assert np.isfinite(coordinates).all()


@pytest.mark.parametrize(
    "x",
    [
        np.repeat(np.random.default_rng(0).normal(size=(30, 3)), 4, axis=0),
        np.concatenate([np.zeros((60, 3)), np.random.default_rng(0).normal(size=(40, 3))]),
        np.concatenate(
            [np.random.default_rng(0).normal(size=(50, 3)), 1e3 + np.random.default_rng(1).normal(size=(50, 3))]
        ),
        np.zeros((40, 3)),
        np.repeat(1e3 * np.arange(6.0), 20)[:, None],
    ],
    ids=["each cell four times", "many alike", "two islands", "all alike", "six islands of cells that are alike"],
)
def test_diffusion_coordinates_are_finite_where_cells_coincide_or_fall_apart(x: np.ndarray) -> None:
    coordinates = diffusion_coordinates(x)
    assert coordinates.shape == (len(x), 4)
    assert np.isfinite(coordinates).all()
    np.testing.assert_array_equal(coordinates, diffusion_coordinates(x))
