"""Large simulated data, written in parts: no more than a part is ever in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from pathlib import Path

_PART = 10_000
_N_LINEAGES, _N_TYPES = 8, 40
# What the counts of a cell are scaled to before the logarithm.
_TOTAL = 1e4
# Share of non-zero counts about a quarter, as among the variable genes of a droplet experiment.
_DEPTH, _LEVEL = 0.5, (-1.5, 1.2)


class Cells:
    """Counts of cells of 40 types in 8 lineages, the rarest one in a thousand, with six gradual processes across them.

    `gsr_sc.datasets.simulate_clusters` draws all cells at once; here the types are drawn first and cells in any number after.
    """

    def __init__(self, n_vars: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        share = rng.lognormal(0, 1.2, _N_TYPES)
        self.share = share / share.sum()
        self.n_vars = n_vars
        self.level = rng.normal(*_LEVEL, n_vars)
        self.lineage = rng.normal(0, 0.6, (_N_LINEAGES, n_vars)) * (rng.random((_N_LINEAGES, n_vars)) < 0.3)
        self.type = rng.normal(0, 0.5, (_N_TYPES, n_vars)) * (rng.random((_N_TYPES, n_vars)) < 0.1)
        self.process = rng.normal(0, 0.4, (6, n_vars)) * (rng.random((6, n_vars)) < 0.2)

    def draw(self, n_obs: int, rng: np.random.Generator) -> tuple[sparse.csr_matrix, np.ndarray]:
        """Counts, float32 CSR (n_obs, n_vars), and the type of each cell."""
        kind = rng.choice(_N_TYPES, n_obs, p=self.share)
        log = (
            self.level + self.lineage[kind % _N_LINEAGES] + self.type[kind] + rng.normal(size=(n_obs, 6)) @ self.process
        )
        mean = np.exp(log)
        mean *= _DEPTH * self.n_vars * np.exp(rng.normal(0, 0.4, (n_obs, 1))) / mean.sum(axis=1, keepdims=True)
        mean *= rng.standard_gamma(2.0, mean.shape) / 2
        return sparse.csr_matrix(rng.poisson(mean).astype(np.float32)), kind


def write_h5ad(path: Path, n_obs: int, n_vars: int, *, log: bool = False) -> None:
    """Write counts of simulated cells, or their logarithms, as an h5ad file, part by part; `.obs["type"]` is the truth."""
    cells, rng = Cells(n_vars), np.random.default_rng(1)
    kinds = []
    partial = path.with_suffix(".partial")
    with h5py.File(partial, "w") as file:
        for start in range(0, n_obs, _PART):
            x, kind = cells.draw(min(_PART, n_obs - start), rng)
            kinds.append(kind)
            if log:
                x = sparse.csr_matrix(x.multiply(_TOTAL / np.maximum(x.sum(axis=1), 1))).log1p().astype(np.float32)
            if start == 0:
                ad.io.write_elem(file, "X", x, dataset_kwargs={"chunks": (65_536,)})
            else:
                ad.io.sparse_dataset(file["X"]).append(x)
        types = pd.Categorical.from_codes(np.concatenate(kinds), [f"type{i}" for i in range(_N_TYPES)])
        obs = pd.DataFrame({"type": types}, index=[f"cell{i}" for i in range(n_obs)])
        var = pd.DataFrame(index=[f"gene{i}" for i in range(n_vars)])
        ad.io.write_elem(file, "obs", obs)
        ad.io.write_elem(file, "var", var)
        file.attrs["encoding-type"], file.attrs["encoding-version"] = "anndata", "0.1.0"
    partial.rename(path)
