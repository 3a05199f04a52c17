"""No more than a mini-batch of a sparse matrix is ever made dense."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _fits import QUICK
from anndata import AnnData
from scipy import sparse

import gsr_sc

N_OBS = 3000


@pytest.fixture
def dense_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of rows of every sparse matrix of genes that is made dense."""
    rows: list[int] = []

    def watch(kind: Any, name: str) -> None:
        original = getattr(kind, name)

        def noting(self: Any, *args: Any, **options: Any) -> Any:
            if self.shape[1] == 50:
                rows.append(self.shape[0])
            return original(self, *args, **options)

        monkeypatch.setattr(kind, name, noting)

    for kind in (
        sparse.csr_matrix,
        sparse.csr_array,
        sparse.csc_matrix,
        sparse.csc_array,
        sparse.coo_matrix,
        sparse.coo_array,
    ):
        for name in ("toarray", "todense"):
            watch(kind, name)
    return rows


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.csc_array])
@pytest.mark.parametrize("transform", ["zscore", "pearson", "combined", None])
@pytest.mark.parametrize("view", [False, True], ids=["whole", "view"])
def test_only_batches_are_made_dense(dense_rows: list[int], make: Any, transform: Any, view: bool) -> None:
    counts = make(sparse.random(N_OBS, 50, 0.2, format="csr", rng=np.random.default_rng(0)).ceil().astype(np.float32))
    adata = AnnData(counts)
    adata = adata[: N_OBS - 100] if view else adata
    dense_rows.clear()
    model = gsr_sc.GSR(transform=transform, n_neurons=9, **QUICK)
    model.fit(adata).annotate(adata)
    model.transform(adata)
    assert dense_rows, "nothing was noted: the watch is blind"
    assert max(dense_rows) <= 1024


def test_the_matrix_of_the_caller_is_no_larger_afterwards() -> None:
    x = sparse.random(500, 50, 0.2, format="csr", rng=np.random.default_rng(0), dtype=np.float32)
    indices = x.indices.copy()
    adata = AnnData(x)
    gsr_sc.tl.fit(adata, n_neurons=9, **QUICK)
    np.testing.assert_array_equal(adata.X.indices, indices)
    assert adata.X.dtype == np.float32
    assert isinstance(adata.X, sparse.csr_matrix)
