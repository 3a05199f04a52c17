"""The sets in `data/` are those that the package makes."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gsr_sc import datasets
from gsr_sc.datasets.__main__ import main

DATA = Path(__file__).parents[2] / "data"
NAMES = ["line", "ring", "clusters", "tree"]


def dense(adata: ad.AnnData) -> np.ndarray:
    return adata.X.toarray() if sparse.issparse(adata.X) else np.asarray(adata.X)


def assert_same(stored: ad.AnnData, made: ad.AnnData) -> None:
    assert stored.X.dtype == made.X.dtype
    # Exponentials differ in the last digit between processors.
    np.testing.assert_allclose(dense(stored), dense(made), rtol=1e-5)
    assert stored.obs_names.tolist() == made.obs_names.tolist()
    assert stored.var_names.tolist() == made.var_names.tolist()
    for left, right in ((stored.obs, made.obs), (stored.var, made.var)):
        pd.testing.assert_frame_equal(
            left.reset_index(drop=True), right.reset_index(drop=True), check_dtype=False, check_categorical=False
        )
    assert {key: str(value) for key, value in stored.uns["simulation"].items()} == {
        key: str(value) for key, value in made.uns["simulation"].items()
    }


@pytest.mark.skipif(not DATA.exists(), reason="the data folder is in the repository only")
@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_is_what_is_made(name: str) -> None:
    assert_same(ad.read_h5ad(DATA / f"simulated_{name}.h5ad"), datasets.bundled()[name])


@pytest.mark.skipif(not DATA.exists(), reason="the data folder is in the repository only")
def test_the_folder_is_small_and_holds_nothing_else() -> None:
    files = {path.name: path.stat().st_size for path in DATA.iterdir() if path.is_file()}
    assert set(files) == {"README.md", *(f"simulated_{name}.h5ad" for name in NAMES)}
    assert sum(files.values()) < 1_000_000


def test_the_command_writes_all_of_them(tmp_path: Path) -> None:
    main([str(tmp_path / "new" / "folder")])
    written = {path.stem.removeprefix("simulated_"): path for path in (tmp_path / "new" / "folder").iterdir()}
    assert set(written) == set(NAMES)
    for name, made in datasets.bundled().items():
        assert_same(ad.read_h5ad(written[name]), made)


def test_real_cells_come_with_scanpy() -> None:
    adata = datasets.pbmc68k()
    assert adata.shape == (700, 765)
    assert adata.obs["bulk_labels"].nunique() == 10
