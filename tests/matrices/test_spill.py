"""Results of rows on disk lie on disk as well, and are arrays like any other."""

from __future__ import annotations

import errno
import pickle
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pytest

import gsr_sc
from gsr_sc.matrices import _spill, release
from gsr_sc.matrices._spill import room_on_disk

if TYPE_CHECKING:
    from anndata import AnnData

on_linux = pytest.mark.skipif(not hasattr(_spill.os, "posix_fallocate"), reason="results stay in memory there")


@pytest.fixture
def every_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Folder of temporary files, which small arrays are put into as well."""
    monkeypatch.setattr(_spill, "_LEAST", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def lies_in_a_file(array: np.ndarray) -> bool:
    """Whether some part of the chain of owners is no array."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base is not None


def resident() -> float:
    """Memory of this process, MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _spill.mmap.PAGESIZE / 1e6


@on_linux
def test_what_is_released_takes_no_memory_and_is_still_there() -> None:
    array = room_on_disk((20_000, 1000))
    assert lies_in_a_file(array)
    before = resident()
    array[:] = np.arange(1000)
    assert resident() - before > 70
    release(array)
    assert resident() - before < 10
    assert (array == np.arange(1000)).all()
    # By a part of it, too.
    assert resident() - before > 70
    release(array[5:, 3])
    assert resident() - before < 10


def test_small_arrays_are_in_memory() -> None:
    array = room_on_disk((20, 1000))
    assert not lies_in_a_file(array)
    array[:] = 1
    release(array)
    assert (array == 1).all()


@on_linux
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EOPNOTSUPP])
def test_without_space_for_a_file_results_are_in_memory(
    error: int, every_size: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_space(*_: int) -> None:
        raise OSError(error, "no")

    monkeypatch.setattr(_spill.os, "posix_fallocate", no_space)
    with caplog.at_level("INFO", "gsr_sc"):
        array = room_on_disk((20, 1000))
    assert not lies_in_a_file(array)
    assert f"stay in memory: no room in {every_size}" in caplog.text


@on_linux
def test_nothing_is_left_in_the_folder_and_the_array_can_travel(every_size: Path) -> None:
    array = room_on_disk((20, 3))
    array[:] = np.arange(3)
    assert lies_in_a_file(array)
    assert list(every_size.iterdir()) == []
    for other in (array.copy(), pickle.loads(pickle.dumps(array))):
        np.testing.assert_array_equal(other, array)
        assert not lies_in_a_file(other)


@on_linux
def test_a_fit_of_a_file_has_its_activations_in_one(every_size: Path) -> None:
    adata = gsr_sc.datasets.simulate_line(300, 40)
    adata.write_h5ad(every_size / "cells.h5ad")
    backed = ad.read_h5ad(every_size / "cells.h5ad", backed="r")
    for each in (adata, backed):
        gsr_sc.tl.fit(each, graph="line", max_epochs=2, n_jobs=1, device="cpu")
    assert lies_in_a_file(backed.obsm["X_gsr"])
    assert not lies_in_a_file(adata.obsm["X_gsr"])
    expected = gsr_sc.GSR(graph="line", max_epochs=2, n_jobs=1, device="cpu").fit(backed).transform(backed)
    for each in (backed, backed.to_memory(), written(backed, every_size)):
        np.testing.assert_array_equal(each.obsm["X_gsr"], expected)
    backed.file.close()


def written(adata: AnnData, folder: Path) -> AnnData:
    """The same out of a new file."""
    adata.to_memory().write_h5ad(folder / "copy.h5ad")
    return ad.read_h5ad(folder / "copy.h5ad")
