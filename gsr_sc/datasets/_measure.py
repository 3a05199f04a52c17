"""From what a cell ought to express to what is measured of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Negative binomial shape of the counts of one gene: variance = mean + mean^2 / 5, as of UMI counts of medium genes.
_SHAPE = 5.0
# Mean counts per gene and cell, and spread (natural log) of the total between cells: variable genes of a droplet experiment.
_DEPTH, _DEPTH_SPREAD = 3.0, 0.4
# Mean and spread (natural log) of how highly the genes are expressed.
_LEVEL, _LEVEL_SPREAD = 0.5, 0.8
# A process that has nothing to do with the truth, such as stress: share of genes that follow it, and how strongly.
_NUISANCE_SHARE, _NUISANCE_EFFECT = 0.1, 0.4
# Share of genes that follow the truth.
_INFORMATIVE_SHARE = 0.5


def informative_genes(n_vars: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which genes follow the truth, shape (n_vars,)."""
    chosen = np.zeros(n_vars, dtype=bool)
    chosen[rng.permutation(n_vars)[: max(1, round(_INFORMATIVE_SHARE * n_vars))]] = True
    return chosen


def effect_sizes(n_genes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Change of expression between off and on, natural log: few strong genes, many weak ones, shape (n_genes,)."""
    return rng.gamma(2.0, 0.6, n_genes)


def measured(
    signal: NDArray[np.float64],
    obs: pd.DataFrame,
    *,
    informative: NDArray[np.bool_],
    noise: float,
    counts: bool,
    rng: np.random.Generator,
    params: dict[str, Any],
) -> AnnData:
    """Measure cells whose log expression follows `signal`, shape (n_obs, n_vars), about the level of each gene."""
    n_obs, n_vars = signal.shape
    level = rng.normal(_LEVEL, _LEVEL_SPREAD, n_vars)
    follows = rng.random(n_vars) < _NUISANCE_SHARE
    nuisance = rng.normal(size=(n_obs, 1)) * np.where(follows, rng.normal(0, _NUISANCE_EFFECT, n_vars), 0)
    expression = np.exp(level + signal + nuisance + rng.normal(0, noise, (n_obs, n_vars)))
    if counts:
        depth = _DEPTH * n_vars * np.exp(rng.normal(0, _DEPTH_SPREAD, (n_obs, 1)))
        mean = expression / expression.sum(axis=1, keepdims=True) * depth
        x = sparse.csr_matrix(rng.poisson(mean * rng.gamma(_SHAPE, 1 / _SHAPE, mean.shape)).astype(np.int32))
    else:
        x = np.log1p(expression).astype(np.float32)
    obs.index = pd.Index([f"cell{i}" for i in range(n_obs)])
    var = pd.DataFrame({"informative": informative}, index=pd.Index([f"gene{j}" for j in range(n_vars)]))
    simulation = {**params, "noise": float(noise), "counts": counts}
    return AnnData(x, obs=obs, var=var, uns={"simulation": simulation})
