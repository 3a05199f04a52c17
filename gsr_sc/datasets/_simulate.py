"""Simulated single-cell data whose order, cycle or clusters are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._docs import doc_params
from ._measure import measured
from ._process import NOISE, OPTIONS, Trouble, begin, courses, crowded, effect_sizes, informative_genes

if TYPE_CHECKING:
    from anndata import AnnData


@doc_params(options=OPTIONS)
def simulate_line(
    n_obs: int = 1000,
    n_vars: int = 200,
    *,
    noise: float = NOISE,
    counts: bool = False,
    density: float = 1.0,
    outliers: float = 0.0,
    doublets: float = 0.0,
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
    {options}
    rng
        Generator or seed.

    Returns
    -------
    AnnData with `.obs["time"]` in [0, 1] (NaN for outliers and doublets), `.var["informative"]` and `.uns["simulation"]`.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.datasets.simulate_line(100, 50).obs["time"].between(0, 1).all()
    np.True_
    """
    generator, params = begin("line", n_obs, n_vars, noise, rng)
    trouble = Trouble(density=density, outliers=outliers, doublets=doublets)
    time = crowded(generator.random(n_obs), lambda place: density**-place)
    informative = informative_genes(n_vars, generator)
    signal = np.zeros((n_obs, n_vars))
    signal[:, informative] = courses(time, int(informative.sum()), generator)
    obs = pd.DataFrame({"time": time})
    return measured(
        signal,
        obs,
        informative=informative,
        noise=noise,
        counts=counts,
        rng=generator,
        params=params,
        trouble=trouble,
    )


@doc_params(options=OPTIONS)
def simulate_ring(
    n_obs: int = 1000,
    n_vars: int = 200,
    *,
    noise: float = NOISE,
    counts: bool = False,
    density: float = 1.0,
    outliers: float = 0.0,
    doublets: float = 0.0,
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
    {options}
    rng
        Generator or seed.

    Returns
    -------
    AnnData with `.obs["angle"]` in [0, 2 pi) (NaN for outliers and doublets), `.var["informative"]` and `.uns["simulation"]`.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.datasets.simulate_ring(100, 50).uns["simulation"]["kind"]
    'ring'
    """
    generator, params = begin("ring", n_obs, n_vars, noise, rng)
    trouble = Trouble(density=density, outliers=outliers, doublets=doublets)
    angle = generator.uniform(0, 2 * np.pi, n_obs)
    if density != 1:
        angle = 2 * np.pi * crowded(angle / (2 * np.pi), lambda place: density ** (0.5 * np.cos(2 * np.pi * place)))
    informative = informative_genes(n_vars, generator)
    n_genes = int(informative.sum())
    peak = generator.uniform(0, 2 * np.pi, n_genes)
    sharpness = generator.uniform(0.5, 4.0, n_genes)
    bump = np.exp(sharpness * (np.cos(angle[:, None] - peak) - 1))
    signal = np.zeros((n_obs, n_vars))
    signal[:, informative] = bump * effect_sizes(n_genes, generator)
    obs = pd.DataFrame({"angle": angle})
    return measured(
        signal,
        obs,
        informative=informative,
        noise=noise,
        counts=counts,
        rng=generator,
        params=params,
        trouble=trouble,
    )


def simulate_clusters(
    n_obs: int = 1000,
    n_vars: int = 200,
    *,
    n_superclusters: int = 3,
    n_clusters: int = 3,
    noise: float = NOISE,
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

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.datasets.simulate_clusters(100, 50, n_superclusters=2, n_clusters=2).obs["cluster"].cat.categories.tolist()
    ['A1', 'A2', 'B1', 'B2']
    """
    generator, params = begin("clusters", n_obs, n_vars, noise, rng)
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
