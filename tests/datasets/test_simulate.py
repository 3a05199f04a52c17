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
    "tree2": (partial(datasets.simulate_tree, depth=2), {"branch", "time"}),
    "wishbone": (datasets.simulate_wishbone, {"branch", "time"}),
}
PROCESSES = {name: SIMULATORS[name] for name in SIMULATORS if name != "clusters"}
processes = pytest.mark.parametrize(("simulate", "truth"), PROCESSES.values(), ids=list(PROCESSES))
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
        (datasets.simulate_tree, {"depth": 0}, "`depth` is 0"),
        (datasets.simulate_wishbone, {"n_branches": 1}, "`n_branches` is 1; a wishbone"),
        (datasets.simulate_wishbone, {"fork": 1.0}, "`fork` is 1.0"),
        (datasets.simulate_line, {"density": 0}, "`density` is 0"),
        (datasets.simulate_ring, {"outliers": 1}, "`outliers` is 1"),
        (datasets.simulate_tree, {"doublets": -0.1}, "`doublets` is -0.1"),
        (datasets.simulate_clusters, {"n_obs": 8}, "no more clusters than the 8 cells"),
        (datasets.simulate_clusters, {"n_clusters": 0}, "`n_clusters=0` each"),
    ],
)
def test_impossible_wishes_are_named(simulate: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate(**options)


def test_a_wishbone_splits_when_asked_to() -> None:
    adata = datasets.simulate_wishbone(2000, 40, n_branches=3, fork=0.7)
    stem = adata.obs["branch"] == "stem"
    assert adata.obs["branch"].cat.categories.tolist() == ["stem", "branch1", "branch2", "branch3"]
    assert 0.69 < adata.obs["time"][stem].max() < 0.7 <= adata.obs["time"][~stem].min()
    assert {"n_branches": 3, "fork": 0.7, "kind": "wishbone"}.items() <= adata.uns["simulation"].items()


def test_a_deeper_tree_forks_again_and_branches_of_a_branch_are_alike() -> None:
    adata = datasets.simulate_tree(3000, 150, depth=2, noise=0.2)
    branch, time = adata.obs["branch"], adata.obs["time"]
    ends = [f"branch{i}.{j}" for i in (1, 2) for j in (1, 2)]
    assert branch.cat.categories.tolist() == ["trunk", "branch1", "branch2", *ends]
    assert branch.value_counts().min() > 300
    for names, start in ((["trunk"], 0), (["branch1", "branch2"], 1), (ends, 2)):
        assert time[branch.isin(names)].between(start / 3, (start + 1) / 3).all()
    late = time > 0.85
    mean = {end: np.asarray(adata.X)[late & (branch == end)].mean(axis=0) for end in ends}
    near = np.linalg.norm(mean["branch1.1"] - mean["branch1.2"])
    far = np.linalg.norm(mean["branch1.1"] - mean["branch2.1"])
    assert 0 < near < 0.9 * far


@processes
@pytest.mark.parametrize("counts", [False, True])
def test_trouble_is_what_it_says(simulate: Any, truth: set[str], counts: bool) -> None:
    easy = simulate(400, 60, counts=counts)
    assert {"density", "outliers", "doublets"}.isdisjoint(easy.uns["simulation"])
    adata = simulate(400, 60, counts=counts, outliers=0.1, doublets=0.05)
    outlier, doublet = adata.obs["outlier"].to_numpy(), adata.obs["doublet"].to_numpy()
    assert (outlier.sum(), doublet.sum()) == (40, 20)
    for name in truth:
        np.testing.assert_array_equal(adata.obs[name].isna(), outlier | doublet)
    assert adata.uns["simulation"]["outliers"] == 0.1
    x = principal_components(adata)
    # Among singlets, as half of some doublets is an outlier.
    assert metrics.knn_purity(x[~doublet], outlier[~doublet].astype(str)) > 0.93
    if counts:
        depth = np.asarray(adata.X.sum(axis=1)).ravel()
        assert 1.5 < np.median(depth[doublet]) / np.median(depth[~doublet]) < 2.7


@processes
def test_density_crowds_the_beginning(simulate: Any, truth: set[str]) -> None:
    even, crowded = simulate(4000, 5), simulate(4000, 5, density=8.0)
    name = max(truth)
    if name == "angle":
        for adata, ratio in ((even, 1), (crowded, 8)):
            near = (np.cos(adata.obs["angle"]) > 0.95).mean() / (np.cos(adata.obs["angle"]) < -0.95).mean()
            assert near == pytest.approx(ratio, rel=0.3)
        return
    assert crowded.obs["time"].median() < even.obs["time"].median() - 0.1
    assert crowded.obs["time"].between(0, 1).all()
    if "branch" in truth:
        last = crowded.obs["branch"].value_counts().reindex(crowded.obs["branch"].cat.categories).to_numpy()
        assert last[-2] > 1.5 * last[-1]


def test_doublets_of_log_values_lie_between_cells() -> None:
    single, double = (datasets.simulate_line(300, 40, noise=0, doublets=share, rng=1) for share in (0.0, 0.2))
    where = double.obs["doublet"].to_numpy()
    x, y = np.expm1(np.asarray(single.X)), np.expm1(np.asarray(double.X))
    np.testing.assert_allclose(x[~where], y[~where], rtol=1e-4)
    # Half of each doublet is the cell it was.
    assert (y[where] >= 0.5 * x[where] - 1e-4).all()
    assert (np.abs(y[where] - x[where]).max(axis=1) > 0.05).mean() > 0.9
