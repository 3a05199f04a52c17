"""The simulators: what is promised is there, known, the same for a seed, and can be found again."""

from __future__ import annotations

from functools import partial
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gsr_sc import datasets, metrics

SIMULATORS = {
    "line": (datasets.simulate_line, {"time"}),
    "ring": (datasets.simulate_ring, {"angle"}),
    "clusters": (datasets.simulate_clusters, {"cluster", "supercluster"}),
    "tree": (datasets.simulate_tree, {"branch", "time"}),
}
simulators = pytest.mark.parametrize(("simulate", "truth"), SIMULATORS.values(), ids=list(SIMULATORS))


def principal_components(adata: ad.AnnData) -> np.ndarray:
    x = adata.X
    if sparse.issparse(x):
        x = x.toarray() / x.sum(axis=1)
        x = np.log1p(x / x.mean())
    x = np.asarray(x)
    left, values, _ = np.linalg.svd((x - x.mean(axis=0)) / x.std(axis=0), full_matrices=False)
    return (left * values)[:, :20]


@simulators
def test_expression_is_continuous_and_truth_is_stored(simulate: Any, truth: set[str]) -> None:
    adata = simulate(120, 40, rng=3)
    assert adata.shape == (120, 40)
    assert adata.X.dtype == np.float32
    assert (adata.X > 0).all()
    assert set(adata.obs) == truth
    assert adata.obs_names.is_unique
    assert adata.var["informative"].sum() == 20
    assert {"rng": 3, "noise": 0.4, "counts": False}.items() <= adata.uns["simulation"].items()


@simulators
def test_counts_are_overdispersed_counts_of_uneven_depth(simulate: Any, truth: set[str]) -> None:
    adata = simulate(500, 50, counts=True, noise=0)
    assert sparse.issparse(adata.X)
    assert adata.X.format == "csr"
    assert np.issubdtype(adata.X.dtype, np.integer)
    assert adata.X.data.min() >= 1
    depth = np.asarray(adata.X.sum(axis=1)).ravel()
    assert np.log(depth[depth > 0]).std() > 0.3
    flat = adata.X[:, ~adata.var["informative"].to_numpy()].toarray()
    assert (flat.var(axis=0) > 1.2 * flat.mean(axis=0)).mean() > 0.5


@simulators
@pytest.mark.parametrize("counts", [False, True])
def test_a_seed_is_a_data_set_and_a_generator_moves_on(simulate: Any, truth: set[str], counts: bool) -> None:
    make = partial(simulate, 30, 20, counts=counts)
    first, again, other = make(rng=5), make(rng=5), make(rng=6)
    np.testing.assert_array_equal(sparse.csr_matrix(first.X).toarray(), sparse.csr_matrix(again.X).toarray())
    pd.testing.assert_frame_equal(first.obs, again.obs)
    assert (sparse.csr_matrix(first.X) != sparse.csr_matrix(other.X)).nnz > 0
    generator = np.random.default_rng(5)
    moving = make(rng=generator)
    pd.testing.assert_frame_equal(moving.obs, first.obs)
    assert "rng" not in moving.uns["simulation"]
    assert not make(rng=generator).obs.equals(first.obs)


@simulators
def test_simulated_sets_can_be_stored(simulate: Any, truth: set[str], tmp_path: Any) -> None:
    adata = simulate(20, 10, counts=True)
    adata.write_h5ad(tmp_path / "set.h5ad")
    stored = ad.read_h5ad(tmp_path / "set.h5ad")
    assert stored.uns["simulation"]["kind"] == adata.uns["simulation"]["kind"]
    assert not stored.uns["simulation"]["rng"]


@simulators
def test_one_cell_or_one_gene_is_enough(simulate: Any, truth: set[str]) -> None:
    assert simulate(9, 1).shape == (9, 1)
    if simulate is not datasets.simulate_clusters:
        assert simulate(1, 9).shape == (1, 9)


@pytest.mark.parametrize("seed", range(3))
def test_truth_is_in_the_genes_called_informative_and_not_in_the_others(seed: int) -> None:
    adata = datasets.simulate_clusters(rng=seed)
    informative = adata.var["informative"].to_numpy()
    chance = (adata.obs["cluster"].value_counts(normalize=True) ** 2).sum()
    inside, outside = (
        metrics.knn_purity(principal_components(adata[:, genes]), adata.obs["cluster"])
        for genes in (informative, ~informative)
    )
    assert inside > 0.9
    assert outside == pytest.approx(chance, abs=0.1)


@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_neighbours_know_the_truth_better_than_two_components_do(seed: int, counts: bool) -> None:
    adata = datasets.simulate_clusters(rng=seed, counts=counts)
    x = principal_components(adata)
    purity, purity_of_two = (metrics.knn_purity(view, adata.obs["cluster"]) for view in (x, x[:, :2]))
    assert purity > 0.7
    assert purity > purity_of_two + 0.2
    assert metrics.knn_purity(x, adata.obs["supercluster"]) > max(purity, 0.9)


@pytest.mark.parametrize("counts", [False, True])
def test_neighbours_in_expression_are_neighbours_in_time_and_angle(counts: bool) -> None:
    from sklearn.neighbors import NearestNeighbors

    def by_neighbours(adata: ad.AnnData, values: np.ndarray) -> np.ndarray:
        x = principal_components(adata)
        return values[NearestNeighbors(n_neighbors=15).fit(x).kneighbors(return_distance=False)].mean(axis=1)

    line, ring = datasets.simulate_line(counts=counts), datasets.simulate_ring(counts=counts)
    time = line.obs["time"].to_numpy()
    assert metrics.order_agreement(by_neighbours(line, time), time) > 0.96
    angle = ring.obs["angle"].to_numpy()
    assert metrics.circular_concordance(np.angle(by_neighbours(ring, np.exp(1j * angle))), angle) > 0.95


def test_a_tree_has_cells_on_every_branch_in_order() -> None:
    adata = datasets.simulate_tree(2000, 60, n_branches=3)
    fork = adata.uns["simulation"]["fork"]
    trunk = adata.obs["branch"] == "trunk"
    assert adata.obs["branch"].cat.categories.tolist() == ["trunk", "branch1", "branch2", "branch3"]
    assert (adata.obs["time"][trunk] < fork).all()
    assert (adata.obs["time"][~trunk] >= fork).all()
    assert adata.obs["time"].max() <= 1
    assert adata.obs["branch"].value_counts().min() > 300


def test_clusters_lie_in_their_superclusters_and_none_is_empty() -> None:
    adata = datasets.simulate_clusters(60, 30, n_superclusters=4, n_clusters=5)
    assert (adata.obs["cluster"].astype(str).str[0] == adata.obs["supercluster"].astype(str)).all()
    assert adata.obs["cluster"].nunique() == 20


@simulators
def test_noise_hides_the_truth(simulate: Any, truth: set[str]) -> None:
    name = min(truth)

    def purity(noise: float) -> float:
        adata = simulate(300, 40, noise=noise)
        labels = adata.obs[name]
        if labels.dtype != "category":
            labels = pd.qcut(labels, 5).astype(str)
        return metrics.knn_purity(principal_components(adata), labels)

    assert purity(0.1) > purity(1.0) + 0.05 > purity(4.0)


@pytest.mark.parametrize(
    ("simulate", "options", "message"),
    [
        (datasets.simulate_line, {"noise": -1}, "`noise` is -1"),
        (datasets.simulate_line, {"noise": np.nan}, "`noise` is nan"),
        (datasets.simulate_ring, {"n_obs": 0}, "`n_obs=0`"),
        (datasets.simulate_tree, {"n_branches": 1}, "`n_branches` is 1"),
        (datasets.simulate_clusters, {"n_obs": 8}, "no more clusters than the 8 cells"),
        (datasets.simulate_clusters, {"n_clusters": 0}, "`n_clusters=0` each"),
    ],
)
def test_impossible_wishes_are_named(simulate: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate(**options)
