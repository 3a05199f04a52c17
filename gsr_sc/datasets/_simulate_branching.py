"""Simulated processes that fork, with known time and branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._docs import doc_params
from ._measure import measured
from ._process import NOISE, OPTIONS, Trouble, begin, courses, crowded, effect_sizes, informative_genes

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

# Where along a tree it forks, if it forks once.
_FORK = 0.4


@doc_params(options=OPTIONS)
def simulate_tree(
    n_obs: int = 1000,
    n_vars: int = 200,
    *,
    n_branches: int = 2,
    depth: int = 1,
    noise: float = NOISE,
    counts: bool = False,
    density: float = 1.0,
    outliers: float = 0.0,
    doublets: float = 0.0,
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
        Number of fates that each branch forks into, at least 2.
    depth
        Number of forks on the way of each cell. Of more than one, the stretches between them are equally long:
        two forks are at times 1/3 and 2/3.
    noise
        Standard deviation of the log expression (natural log) between cells of the same time and branch.
    counts
        Whether `.X` holds UMI counts (CSR) instead of log-normalised expression; see :func:`simulate_line`.
    {options}
    rng
        Generator or seed.

    Returns
    -------
    AnnData with `.obs["branch"]` (`trunk`, `branch1`, `branch2`, and with more forks `branch1.1`, `branch1.2`, ...;
    categorical), `.obs["time"]` in [0, 1] from the root (both NaN for outliers and doublets),
    `.var["informative"]` and `.uns["simulation"]`.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.datasets.simulate_tree(100, 50).obs["branch"].cat.categories.tolist()
    ['trunk', 'branch1', 'branch2']
    """
    generator, params = begin("tree", n_obs, n_vars, noise, rng)
    trouble = Trouble(density=density, outliers=outliers, doublets=doublets)
    if n_branches < 2:
        msg = f"`n_branches` is {n_branches}; a tree forks into at least 2. For one use `simulate_line`."
        raise ValueError(msg)
    if depth < 1:
        msg = f"`depth` is {depth}; a tree forks at least once on the way to its ends."
        raise ValueError(msg)
    forks = [_FORK] if depth == 1 else [(k + 1) / (depth + 1) for k in range(depth)]
    params |= {"n_branches": n_branches}
    params |= {"fork": _FORK} if depth == 1 else {"depth": depth, "forks": np.array(forks)}
    return _forking(
        "trunk",
        forks,
        n_branches,
        n_obs=n_obs,
        n_vars=n_vars,
        noise=noise,
        counts=counts,
        trouble=trouble,
        rng=generator,
        params=params,
    )


@doc_params(options=OPTIONS)
def simulate_wishbone(
    n_obs: int = 1000,
    n_vars: int = 200,
    *,
    n_branches: int = 2,
    fork: float = 0.5,
    noise: float = NOISE,
    counts: bool = False,
    density: float = 1.0,
    outliers: float = 0.0,
    doublets: float = 0.0,
    rng: int | np.random.Generator = 0,
) -> AnnData:
    """Simulate a stem that splits into branches, as :func:`simulate_tree` with one fork at any time.

    Parameters
    ----------
    n_obs
        Number of cells.
    n_vars
        Number of genes.
    n_branches
        Number of branches, at least 2.
    fork
        Time at which the stem splits, between 0 and 1.
    noise
        Standard deviation of the log expression (natural log) between cells of the same time and branch.
    counts
        Whether `.X` holds UMI counts (CSR) instead of log-normalised expression; see :func:`simulate_line`.
    {options}
    rng
        Generator or seed.

    Returns
    -------
    AnnData with `.obs["branch"]` (`stem`, `branch1`, `branch2`, ...; categorical), `.obs["time"]` in [0, 1] from the root
    (both NaN for outliers and doublets), `.var["informative"]` and `.uns["simulation"]`.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_wishbone(100, 50, n_branches=3, doublets=0.05)
    >>> adata.obs["branch"].cat.categories.tolist(), int(adata.obs["doublet"].sum())
    (['stem', 'branch1', 'branch2', 'branch3'], 5)
    """
    generator, params = begin("wishbone", n_obs, n_vars, noise, rng)
    trouble = Trouble(density=density, outliers=outliers, doublets=doublets)
    if n_branches < 2:
        msg = f"`n_branches` is {n_branches}; a wishbone has at least 2. For one use `simulate_line`."
        raise ValueError(msg)
    if not 0 < fork < 1:
        msg = f"`fork` is {fork}; it is a time between 0 and 1."
        raise ValueError(msg)
    params |= {"n_branches": n_branches, "fork": fork}
    return _forking(
        "stem",
        [fork],
        n_branches,
        n_obs=n_obs,
        n_vars=n_vars,
        noise=noise,
        counts=counts,
        trouble=trouble,
        rng=generator,
        params=params,
    )


def _forking(
    trunk: str,
    forks: list[float],
    n_branches: int,
    *,
    n_obs: int,
    n_vars: int,
    noise: float,
    counts: bool,
    trouble: Trouble,
    rng: np.random.Generator,
    params: dict[str, Any],
) -> AnnData:
    depth = len(forks)
    fate = _fates(n_branches**depth, n_obs, trouble.density, rng)
    generation, time = _places(forks, n_branches, rng.random(n_obs), trouble.density)
    informative = informative_genes(n_vars, rng)
    n_genes = int(informative.sum())
    common = rng.random(n_genes) < 1 / 3
    # Which branch each of the other genes belongs to: of all but the trunk, those of the first fork first.
    sizes = n_branches ** np.arange(1, depth + 1)
    of_branch = rng.integers(int(sizes.sum()), size=n_genes)
    level = np.searchsorted(np.cumsum(sizes), of_branch, side="right")
    start = np.array(forks)[level]
    since_fork = np.clip((time[:, None] - start) / (1 - start), 0, None)
    on_it = fate[:, None] // n_branches ** (depth - 1 - level) == of_branch - (np.cumsum(sizes) - sizes)[level]
    steepness = rng.uniform(0.3, 1.0, n_genes)
    specific = effect_sizes(n_genes, rng) * (1 - np.exp(-3 * since_fork / steepness))
    signal = np.zeros((n_obs, n_vars))
    signal[:, informative] = np.where(common, courses(time, n_genes, rng), specific * on_it)
    obs = pd.DataFrame({"branch": _branch(trunk, n_branches, depth, generation, fate), "time": time})
    return measured(
        signal, obs, informative=informative, noise=noise, counts=counts, rng=rng, params=params, trouble=trouble
    )


def _fates(n_ends: int, n_obs: int, density: float, rng: np.random.Generator) -> NDArray[np.intp]:
    if density == 1:
        return rng.integers(n_ends, size=n_obs)
    weight = density ** -np.linspace(0, 1, n_ends)
    return rng.choice(n_ends, n_obs, p=weight / weight.sum())


def _places(
    forks: list[float], n_branches: int, uniform: NDArray[np.float64], density: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """How often each cell's branch has forked before it, and the cell's time."""
    start = np.array([0.0, *forks])
    width = np.diff([*start, 1.0])
    # Every stretch of time holds as many cells on the trunk as on each of the branches.
    length = width * n_branches ** np.arange(len(start))
    begins = np.cumsum(length) - length

    def read(place: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        generation = np.searchsorted(begins, place, side="right") - 1
        return generation, start[generation] + (place - begins[generation]) % width[generation]

    total = length.sum()
    return read(crowded(uniform, lambda place: density ** -read(place * total)[1]) * total)


def _branch(
    trunk: str, n_branches: int, depth: int, generation: NDArray[np.intp], fate: NDArray[np.intp]
) -> pd.Categorical:
    names, first = [trunk], [0]
    paths = [""]
    for _ in range(depth):
        first.append(len(names))
        paths = [f"{path}{'.' if path else ''}{k + 1}" for path in paths for k in range(n_branches)]
        names += [f"branch{path}" for path in paths]
    code = np.array(first)[generation] + np.where(generation > 0, fate // n_branches ** (depth - generation), 0)
    return pd.Categorical.from_codes(code.tolist(), categories=names)
