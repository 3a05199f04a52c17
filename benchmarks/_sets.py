"""The data sets: where labels, orders and branches are, and how each method gets the values."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import scanpy as sc
from scipy import sparse
from scipy.spatial.distance import pdist, squareform

if TYPE_CHECKING:
    from pathlib import Path

# Where a file's labels are not in `cell_type`.
LABELS = {"paul15_myeloid": "paul15_clusters", "wishbone_thymus_masscyt": "gate", "pbmc68k_reduced": "bulk_labels"}
# Files in which a molecule count is one of few fluorescent spots or proteins: other targets hold than for expression.
CYTOMETRY = ("levine_bm_cytof_3clusters", "wishbone_thymus_masscyt")

# Added to the name of a part in which views far from each other look the same.
LOOK_ALIKE = " (look-alike views)"


@dataclass(frozen=True)
class Truth:
    """A known order: the graph whose positions should follow it, and where it stands in `.obs`."""

    graph: str
    time: str
    branch: str | None = None
    """Column of known branches, for graphs that have some."""
    within: str | None = None
    """Column whose values each have an order of their own, so that one map is fitted to each."""
    root: str | None = None
    """Column that is true for the first cell; by default the middle of the earliest cells."""


ORDERS = {
    "schlitzer_dc_progenitors": Truth("line", "stage"),
    # Cells of the embryo part twice.
    "guo_mouse_embryo_qpcr": Truth("tree", "stage"),
    "buettner_mesc_cellcycle": Truth("line", "stage"),
    "wishbone_thymus_masscyt": Truth("wishbone", "wishbone_trajectory", branch="wishbone_branch", root="is_start_cell"),
    "peco_fucci_ipsc": Truth("ring", "phase_theta"),
    "coil20_objects01_10": Truth("ring", "phase_theta", within="cell_type"),
}


@dataclass
class DataSet:
    """One file, and what is known of its observations."""

    name: str
    adata: ad.AnnData
    truth: Truth | None = field(init=False)
    label: str | None = field(init=False)

    def __post_init__(self) -> None:
        self.truth = ORDERS.get(self.name)
        label = LABELS.get(self.name, "cell_type")
        self.label = label if label in self.adata.obs else None

    @property
    def known(self) -> np.ndarray:
        """Which observations have a label."""
        return self.adata.obs[self.label].notna().to_numpy()

    @property
    def labels(self) -> np.ndarray:
        """Labels of those that have one."""
        return self.adata.obs[self.label].astype(str).to_numpy()[self.known]

    @property
    def counts(self) -> bool:
        """Whether X holds counts."""
        values = _values(self.adata)
        return bool((values >= 0).all() and (values == np.round(values)).all() and values.max() > 1)

    @property
    def fingerprint(self) -> str:
        """Short hash of values and labels, so that kept results are never those of other data of the same name."""
        known = hashlib.sha256(np.ascontiguousarray(_values(self.adata), dtype=np.float32).tobytes())
        known.update(str(self.adata.shape).encode())
        for column in [self.label, *([self.truth.time, self.truth.branch] if self.truth else [])]:
            if column is not None:
                known.update("|".join(self.adata.obs[column].astype(str)).encode())
        return known.hexdigest()[:12]

    def given(self, how: str) -> tuple[ad.AnnData, dict[str, Any]]:
        """Return a copy of the data as `how` says, and the options of `gsr_sc.tl.fit` that go with it."""
        if how == "counts":
            adata = self.log()
            return adata, {"layer": "counts"}
        if how == "lengths":
            return self.per_length(), {}
        if how == "corrected":
            return self.corrected(), {}
        return self.log(), {}

    def per_length(self) -> ad.AnnData:
        """Return a copy with log(1 + values per million) of counts that were divided by made-up lengths of genes."""
        adata = self.log()
        lengths = np.random.default_rng(0).lognormal(0, 0.7, adata.n_vars)
        values = sparse.csr_matrix(adata.layers["counts"]).astype(np.float64).multiply(1 / lengths).tocsr()
        adata.X = values.astype(np.float32)
        adata.uns.pop("log1p")
        sc.pp.normalize_total(adata, target_sum=1e6)
        sc.pp.log1p(adata)
        return adata

    def corrected(self) -> ad.AnnData:
        """Return a copy with counts less a random part of each, up to .4 of it, as where the ambient part was removed."""
        adata = self.adata.copy()
        values = sparse.csr_matrix(adata.X).astype(np.float32)
        values.data *= np.random.default_rng(0).uniform(0.6, 1, values.nnz).astype(np.float32)
        adata.X = values
        return adata

    def log(self) -> ad.AnnData:
        """Return a copy with log-normalised values as X, where it holds counts; values of other kinds as they are."""
        adata = self.adata.copy()
        if self.counts:
            adata.layers["counts"] = adata.X.copy()
            sc.pp.normalize_total(adata)
            sc.pp.log1p(adata)
        return adata

    def components(self) -> np.ndarray:
        """50 principal components of log-normalised values, as scanpy computes them; small panels as they are."""
        adata = self.log()
        if adata.n_vars <= 50:
            return np.asarray(adata.X.toarray() if hasattr(adata.X, "toarray") else adata.X, dtype=np.float64)
        sc.pp.pca(adata, n_comps=min(50, min(adata.shape) - 1))
        return np.asarray(adata.obsm["X_pca"], dtype=np.float64)

    def parts(self) -> list[DataSet]:
        """One data set for each value of the column that the order is within, named after it.

        The name says so if some observations cannot be told from others far from them: no order can be found there.
        """
        assert self.truth is not None
        column = self.adata.obs[self.truth.within]
        found = []
        for value in sorted(set(column.dropna().astype(str)), key=lambda text: (len(text), text)):
            part = DataSet(value, self.adata[(column.astype(str) == value).to_numpy()].copy())
            part.truth = self.truth
            part.name += LOOK_ALIKE if part.ambiguous() else ""
            found.append(part)
        return found

    def ambiguous(self) -> bool:
        """Whether an observation is more like one at least 30 degrees away than like any next to it, within 5 degrees."""
        assert self.truth is not None
        angle = self.adata.obs[self.truth.time].to_numpy(dtype=float)
        apart = np.abs(np.angle(np.exp(1j * (angle[:, None] - angle))))
        distance = squareform(pdist(np.asarray(self.adata.X, dtype=np.float64)))
        near = np.where((apart > 0) & (apart < np.deg2rad(5.5)), distance, np.inf).min(axis=1)
        return bool((np.where(apart > np.deg2rad(29.5), distance, np.inf).min(axis=1) < near).any())

    def first_cell(self) -> int:
        """Number of the cell that an order starts from: the one given, or the most central of the earliest cells."""
        assert self.truth is not None
        if self.truth.root is not None:
            return int(np.flatnonzero(self.adata.obs[self.truth.root].to_numpy(dtype=bool))[0])
        time = self.adata.obs[self.truth.time].to_numpy(dtype=float)
        earliest = np.flatnonzero(time == np.nanmin(time))
        points = self.components()[earliest]
        return int(earliest[np.square(points - np.median(points, axis=0)).sum(axis=1).argmin()])


def data_sets(folder: Path | None, wanted: list[str] | None) -> dict[str, Any]:
    """Name and loader of every data set: the files of a folder, or else the one that scanpy bundles."""
    sets: dict[str, Any] = {"pbmc68k_reduced": sc.datasets.pbmc68k_reduced}
    if folder is not None:
        for path in sorted(folder.glob("*.h5ad")):
            sets[path.stem] = lambda path=path: ad.read_h5ad(path)
    if wanted:
        missing = sorted(set(wanted) - set(sets))
        if missing:
            sys.exit(f"No such data set: {missing}. There are {sorted(sets)}.")
        sets = {name: sets[name] for name in wanted}
    return {name: lambda name=name, load=load: DataSet(name, load()) for name, load in sets.items()}


def _values(adata: ad.AnnData) -> np.ndarray:
    return adata.X.data if hasattr(adata.X, "tocsr") else np.asarray(adata.X)
