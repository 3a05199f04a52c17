"""Simulated single-cell data whose order, cycle, clusters or branches are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._measure import effect_sizes, informative_genes, measured

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

_NOISE = 0.4
# Where along the tree it forks.
_FORK = 0.4


def simulate_line(
    n_obs: int = 1000,
    n_vars: int = 200,
    *,
    noise: float = _NOISE,
    counts: bool = False,
    rng: int | np.random.Generator = 0,
) -> AnnData:
    """Simulate cells along a process with a beginning and an end.

    Half of the genes switch on or off at some time, or are on for a while; the other half do not depend on it.
    A tenth of all genes also follow a process that has nothing to do with time.

    Parameters
    ----------
    n_obs
        Number of cells.
    n_vars
        Number of genes.
    noise
        Standard deviation of the log expression (natural log) between cells of the same time.
    counts
        Whether `.X` holds UMI counts (negative binomial, CSR, about three counts per gene and cell,
        sequencing depth differing between cells) instead of log-normalised expression (float32).
    rng
        Generator or seed.

    Returns
    -------
    AnnData with `.obs["time"]` in [0, 1], `.var["informative"]` and `.uns["simulation"]`.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.datasets.simulate_line(100, 50).obs["time"].between(0, 1).all()
    np.True_
    """
    generator, params = _begin("line", n_obs, n_vars, noise, rng)
    time = generator.random(n_obs)
    informative = informative_genes(n_vars, generator)
    signal = np.zeros((n_obs, n_vars))
    signal[:, informative] = _courses(time, int(informative.sum()), generator)
    obs = pd.DataFrame({"time": time})
    return measured(signal, obs, informative=informative, noise=noise, counts=counts, rng=generator, params=params)


def simulate_ring(
    n_obs: int = 1000,
    n_vars: int = 200,
    *,
    noise: float = _NOISE,
    counts: bool = False,
    rng: int | np.random.Generator = 0,
) -> AnnData:
    """Simulate cells around a cycle.

    Half of the genes are on during some part of the cycle; the other half do not depend on it.

    Parameters
    ----------
    n_obs
        Number of cells.
    n_vars
        Number of genes.
    noise
        Standard deviation of the log expression (natural log) between cells of the same angle.
    counts
        Whether `.X` holds UMI counts (CSR) instead of log-normalised expression; see :func:`simulate_line`.
    rng
        Generator or seed.

    Returns
    -------
    AnnData with `.obs["angle"]` in [0, 2 pi), `.var["informative"]` and `.uns["simulation"]`.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.datasets.simulate_ring(100, 50).uns["simulation"]["kind"]
    'ring'
    """
    generator, params = _begin("ring", n_obs, n_vars, noise, rng)
    angle = generator.uniform(0, 2 * np.pi, n_obs)
    informative = informative_genes(n_vars, generator)
    n_genes = int(informative.sum())
    peak = generator.uniform(0, 2 * np.pi, n_genes)
    sharpness = generator.uniform(0.5, 4.0, n_genes)
    bump = np.exp(sharpness * (np.cos(angle[:, None] - peak) - 1))
    signal = np.zeros((n_obs, n_vars))
    signal[:, informative] = bump * effect_sizes(n_genes, generator)
    obs = pd.DataFrame({"angle": angle})
    return measured(signal, obs, informative=informative, noise=noise, counts=counts, rng=generator, params=params)


def simulate_clusters(
    n_obs: int = 1000,
    n_vars: int = 200,
    *,
    n_superclusters: int = 3,
    n_clusters: int = 3,
    noise: float = _NOISE,
    counts: bool = False,
    rng: int | np.random.Generator = 0,
) -> AnnData:
    """Simulate cell types within lineages, of different sizes.

    Half of the genes mark a lineage (one in three of them) or a single type; the other half mark nothing.

    Parameters
    ----------
    n_obs
        Number of cells.
    n_vars
        Number of genes.
    n_superclusters
        Number of lineages.
    n_clusters
        Number of types in each lineage.
    noise
        Standard deviation of the log expression (natural log) between cells of the same type.
    counts
        Whether `.X` holds UMI counts (CSR) instead of log-normalised expression; see :func:`simulate_line`.
    rng
        Generator or seed.

    Returns
    -------
    AnnData with `.obs["cluster"]` (`A1`, `A2`, ..., `B1`, ...) and `.obs["supercluster"]` (`A`, `B`, ...), categorical,
    `.var["informative"]` and `.uns["simulation"]`.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.datasets.simulate_clusters(100, 50, n_superclusters=2, n_clusters=2).obs["cluster"].cat.categories.tolist()
    ['A1', 'A2', 'B1', 'B2']
    """
    generator, params = _begin("clusters", n_obs, n_vars, noise, rng)
    total = n_superclusters * n_clusters
    if n_superclusters < 1 or n_clusters < 1 or n_superclusters > 26 or total > n_obs:
        msg = (
            f"`n_superclusters={n_superclusters}` of `n_clusters={n_clusters}` each; 1 to 26 superclusters and at least "
            f"one cluster in each are needed, and no more clusters than the {n_obs} cells."
        )
        raise ValueError(msg)
    size = generator.dirichlet(np.full(total, 5.0))
    # One cell of each type first, so that none is empty.
    cluster = np.concatenate([np.arange(total), generator.choice(total, n_obs - total, p=size)])
    generator.shuffle(cluster)
    informative = informative_genes(n_vars, generator)
    n_genes = int(informative.sum())
    marks_lineage = generator.random(n_genes) < 1 / 3
    lineage, kind = generator.integers(n_superclusters, size=n_genes), generator.integers(total, size=n_genes)
    on = np.where(marks_lineage, cluster[:, None] // n_clusters == lineage, cluster[:, None] == kind)
    signal = np.zeros((n_obs, n_vars))
    signal[:, informative] = on * effect_sizes(n_genes, generator)
    letters = [chr(ord("A") + i) for i in range(n_superclusters)]
    names = [f"{letter}{i + 1}" for letter in letters for i in range(n_clusters)]
    obs = pd.DataFrame(
        {
            "cluster": pd.Categorical.from_codes(cluster.tolist(), categories=names),
            "supercluster": pd.Categorical.from_codes((cluster // n_clusters).tolist(), categories=letters),
        }
    )
    params |= {"n_superclusters": n_superclusters, "n_clusters": n_clusters}
    return measured(signal, obs, informative=informative, noise=noise, counts=counts, rng=generator, params=params)


def simulate_tree(
    n_obs: int = 1000,
    n_vars: int = 200,
    *,
    n_branches: int = 2,
    noise: float = _NOISE,
    counts: bool = False,
    rng: int | np.random.Generator = 0,
) -> AnnData:
    """Simulate a process that forks into fates.

    Cells run along a common trunk until time 0.4 and then along one of the branches.
    Of the half of the genes that are informative, a third change with time on every branch,
    and the others start to change at the fork on one branch only.

    Parameters
    ----------
    n_obs
        Number of cells.
    n_vars
        Number of genes.
    n_branches
        Number of fates, at least 2.
    noise
        Standard deviation of the log expression (natural log) between cells of the same time and branch.
    counts
        Whether `.X` holds UMI counts (CSR) instead of log-normalised expression; see :func:`simulate_line`.
    rng
        Generator or seed.

    Returns
    -------
    AnnData with `.obs["branch"]` (`trunk`, `branch1`, `branch2`, ...; categorical), `.obs["time"]` in [0, 1] from the root,
    `.var["informative"]` and `.uns["simulation"]`.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.datasets.simulate_tree(100, 50).obs["branch"].cat.categories.tolist()
    ['trunk', 'branch1', 'branch2']
    """
    generator, params = _begin("tree", n_obs, n_vars, noise, rng)
    if n_branches < 2:
        msg = f"`n_branches` is {n_branches}; a tree forks into at least 2. For one use `simulate_line`."
        raise ValueError(msg)
    fate = generator.integers(n_branches, size=n_obs)
    # Every stretch of time holds as many cells on the trunk as on each of the branches.
    place = generator.random(n_obs) * (_FORK + n_branches * (1 - _FORK))
    time = np.where(place < _FORK, place, _FORK + (place - _FORK) % (1 - _FORK))
    informative = informative_genes(n_vars, generator)
    n_genes = int(informative.sum())
    common = generator.random(n_genes) < 1 / 3
    of_branch = generator.integers(n_branches, size=n_genes)
    since_fork = np.clip((time - _FORK) / (1 - _FORK), 0, None)
    steepness = generator.uniform(0.3, 1.0, n_genes)
    specific = effect_sizes(n_genes, generator) * (1 - np.exp(-3 * since_fork[:, None] / steepness))
    signal = np.zeros((n_obs, n_vars))
    signal[:, informative] = np.where(
        common, _courses(time, n_genes, generator), specific * (fate[:, None] == of_branch)
    )
    names = ["trunk", *(f"branch{i + 1}" for i in range(n_branches))]
    branch = np.where(time < _FORK, 0, fate + 1)
    obs = pd.DataFrame({"branch": pd.Categorical.from_codes(branch.tolist(), categories=names), "time": time})
    params |= {"n_branches": n_branches, "fork": _FORK}
    return measured(signal, obs, informative=informative, noise=noise, counts=counts, rng=generator, params=params)


def _begin(
    kind: str, n_obs: int, n_vars: int, noise: float, rng: int | np.random.Generator
) -> tuple[np.random.Generator, dict[str, Any]]:
    if n_obs < 1 or n_vars < 1:
        msg = f"`n_obs={n_obs}`, `n_vars={n_vars}`; at least one cell and one gene are needed."
        raise ValueError(msg)
    if not noise >= 0:
        msg = f"`noise` is {noise}; a standard deviation is at least 0."
        raise ValueError(msg)
    params: dict[str, Any] = {"kind": kind}
    if not isinstance(rng, np.random.Generator):
        params["rng"] = int(rng)
    return np.random.default_rng(rng), params


def _courses(time: NDArray[np.float64], n_genes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Expression over time: half of the genes switch once, half are on for a while, shape (n_obs, n_genes)."""
    centre = rng.uniform(-0.1, 1.1, n_genes)
    distance = time[:, None] - centre
    switch = 1 / (1 + np.exp(-distance * rng.choice([-1, 1], n_genes) * rng.uniform(6, 25, n_genes)))
    bump = np.exp(-0.5 * (distance / rng.uniform(0.08, 0.25, n_genes)) ** 2)
    return np.where(rng.random(n_genes) < 0.5, switch, bump) * effect_sizes(n_genes, rng)
