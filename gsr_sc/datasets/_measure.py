"""From what a cell ought to express to what is measured of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from ._process import effect_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._process import Trouble

# Negative binomial shape of the counts of one gene: variance = mean + mean^2 / 5, as of UMI counts of medium genes.
_SHAPE = 5.0
# Mean counts per gene and cell, and spread (natural log) of the total between cells: variable genes of a droplet experiment.
_DEPTH, _DEPTH_SPREAD = 3.0, 0.4
# Mean and spread (natural log) of how highly the genes are expressed.
_LEVEL, _LEVEL_SPREAD = 0.5, 0.8
# A process that has nothing to do with the truth, such as stress: share of genes that follow it, and how strongly.
_NUISANCE_SHARE, _NUISANCE_EFFECT = 0.1, 0.4
# Share of genes in which cells of another type differ from those of the process.
_MARKER_SHARE = 0.4


def measured(
    signal: NDArray[np.float64],
    obs: pd.DataFrame,
    *,
    informative: NDArray[np.bool_],
    noise: float,
    counts: bool,
    rng: np.random.Generator,
    params: dict[str, Any],
    trouble: Trouble | None = None,
) -> AnnData:
    """Measure cells whose log expression follows `signal`, shape (n_obs, n_vars), about the level of each gene."""
    if trouble is not None and trouble.outliers:
        _put_outliers(signal, obs, trouble.outliers, rng)
    n_obs, n_vars = signal.shape
    level = rng.normal(_LEVEL, _LEVEL_SPREAD, n_vars)
    follows = rng.random(n_vars) < _NUISANCE_SHARE
    nuisance = rng.normal(size=(n_obs, 1)) * np.where(follows, rng.normal(0, _NUISANCE_EFFECT, n_vars), 0)
    expression = np.exp(level + signal + nuisance + rng.normal(0, noise, (n_obs, n_vars)))
    n_cells = np.ones((n_obs, 1))
    if trouble is not None and trouble.doublets:
        n_cells = _put_doublets(expression, obs, trouble.doublets, rng)
    if counts:
        depth = _DEPTH * n_vars * np.exp(rng.normal(0, _DEPTH_SPREAD, (n_obs, 1)))
        mean = expression / expression.sum(axis=1, keepdims=True) * depth * n_cells
        x = sparse.csr_matrix(rng.poisson(mean * rng.gamma(_SHAPE, 1 / _SHAPE, mean.shape)).astype(np.int32))
    else:
        x = np.log1p(expression).astype(np.float32)
    obs.index = pd.Index([f"cell{i}" for i in range(n_obs)])
    var = pd.DataFrame({"informative": informative}, index=pd.Index([f"gene{j}" for j in range(n_vars)]))
    simulation = {**params, "noise": float(noise), "counts": counts, **(trouble.params if trouble else {})}
    return AnnData(x, obs=obs, var=var, uns={"simulation": simulation})


def _put_outliers(signal: NDArray[np.float64], obs: pd.DataFrame, share: float, rng: np.random.Generator) -> None:
    """Make some cells another type: all alike but for noise, with genes on that are off in the process, and the reverse."""
    chosen = _chosen(len(signal), share, rng)
    typical = signal.mean(axis=0)
    markers = rng.random(signal.shape[1]) < _MARKER_SHARE
    change = effect_sizes(signal.shape[1], rng) * rng.choice([-1, 1], signal.shape[1])
    signal[chosen] = typical + np.where(markers, change, 0)
    _name(obs, "outlier", chosen)


def _put_doublets(
    expression: NDArray[np.float64], obs: pd.DataFrame, share: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Make some cells the mean of themselves and another; how many cells each is, (n_obs, 1)."""
    chosen = _chosen(len(expression), share, rng)
    partner = rng.integers(len(expression), size=int(chosen.sum()))
    expression[chosen] = (expression[chosen] + expression[partner]) / 2
    _name(obs, "doublet", chosen)
    return np.where(chosen[:, None], 2.0, 1.0)


def _chosen(n_obs: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    chosen = np.zeros(n_obs, dtype=bool)
    chosen[rng.permutation(n_obs)[: round(share * n_obs)]] = True
    return chosen


def _name(obs: pd.DataFrame, column: str, chosen: NDArray[np.bool_]) -> None:
    """Say which cells they are; they have no place in the process any more."""
    for truth in [name for name in obs.columns if obs[name].dtype != bool]:
        obs.loc[chosen, truth] = np.nan
    obs[column] = chosen
