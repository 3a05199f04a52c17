"""A collection of many files, read by annbatch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from _fits import QUICK
from _source import ROOT

import gsr_sc

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

SCRIPT = """
import os, warnings
import numpy as np
warnings.simplefilter("ignore")
import annbatch
import gsr_sc
from gsr_sc.matrices import _source
from gsr_sc.matrices._collection import CollectionReader
from gsr_sc.training import _loop

# As data too large to be held are.
_source._MOST_HELD = 0
rank = os.environ.get("RANK", "0")
asked, read, epochs = [], [], []
batches, parts, train = _loop.Reader._read, CollectionReader._parts, _loop.Loop.train_epoch

def noting(self, index, slot, *, with_start, noise):
    if noise is not None:
        asked.append(index)
    return batches(self, index, slot, with_start=with_start, noise=noise)

def counting(self, spans):
    read.append(sum(stop - start for start, stop in spans))
    return parts(self, spans)

def training(self, *args, **options):
    asked.clear(), read.clear()
    losses = train(self, *args, **options)
    epochs.append((np.concatenate(asked), sum(read)))
    return losses

_loop.Reader._read, CollectionReader._parts, _loop.Loop.train_epoch = noting, counting, training
collection = annbatch.DatasetCollection("cells.zarr", mode="r")
mapped = gsr_sc.tl.fit(collection, n_neurons=9, max_epochs=2, smoothness=0.25, n_jobs=1, save_model="model")
np.savez(f"rank{rank}.npz", activations=mapped.obsm["X_gsr"], loss=mapped.uns["gsr"]["history"]["loss"],
         read=[n for _, n in epochs], **{f"epoch{i}": rows for i, (rows, _) in enumerate(epochs)})
"""

annbatch = pytest.importorskip("annbatch", reason="for Python 3.12 or newer: extra `scale`")


@pytest.fixture(scope="module")
def cells() -> AnnData:
    adata = gsr_sc.datasets.simulate_clusters(1200, 20, counts=True)
    adata.X = adata.X.astype(np.float32)
    return adata


@pytest.fixture(params=["csr", "dense"])
def collection(cells: AnnData, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    paths = []
    with warnings.catch_warnings():
        # Those of annbatch and zarr are theirs.
        warnings.simplefilter("ignore")
        for number, rows in enumerate((slice(0, 500), slice(500, 1200))):
            paths.append(tmp_path / f"part{number}.h5ad")
            part = cells[rows].copy()
            part.X = part.X.toarray() if request.param == "dense" else part.X
            part.write_h5ad(paths[-1])
        collection = annbatch.DatasetCollection(tmp_path / "cells.zarr")
        return collection.add_adatas(paths, dataset_size=400, shuffle_chunk_size=50, rng=np.random.default_rng(0))


def test_fit_on_many_files_gives_rows_in_the_order_of_the_files(cells: AnnData, collection: Any) -> None:
    mapped = gsr_sc.tl.fit(collection, n_neurons=9, **QUICK)
    assert mapped is not None
    assert mapped.shape == cells.shape
    assert list(mapped.obs_names) == list(collection.obs().index)
    assert list(mapped.obs_names) != list(cells.obs_names), "annbatch has shuffled them"
    model = gsr_sc.GSR(n_neurons=9, **QUICK).fit(cells)
    np.testing.assert_allclose(
        model.transform(collection), model.transform(cells[list(mapped.obs_names)].copy()), atol=1e-5
    )
    expected = gsr_sc.tl.fit(cells, n_neurons=9, copy=True, **QUICK)
    found = mapped.obsm["X_gsr"]
    order = cells.obs_names.get_indexer(mapped.obs_names)
    assert np.corrcoef(found.ravel(), expected.obsm["X_gsr"][order].ravel())[0, 1] > 0.98


def test_a_collection_has_no_place_for_results(cells: AnnData, collection: Any) -> None:
    with pytest.raises(TypeError, match="no place for results"):
        gsr_sc.GSR(n_neurons=9, **QUICK).fit(cells).annotate(collection)


@pytest.mark.slow
def test_each_process_reads_its_share_of_every_epoch(cells: AnnData, collection: Any, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent), "OMP_NUM_THREADS": "1"}

    def run(*command: str) -> None:
        done = subprocess.run(
            [sys.executable, *command, "script.py"],
            cwd=tmp_path,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-3000:]

    run()
    alone = dict(np.load(tmp_path / "rank0.npz"))
    shutil.rmtree(tmp_path / "model")
    run("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    first, second = (dict(np.load(tmp_path / f"rank{rank}.npz")) for rank in (0, 1))
    epochs = [name for name in alone if name.startswith("epoch")]
    assert len(epochs) > 2
    for name in epochs:
        rows = np.concatenate([first[name], second[name]])
        # Every training row once, whichever process has it, and never one that was held out.
        np.testing.assert_array_equal(np.sort(rows), np.sort(alone[name]))
        assert len(np.unique(rows)) == len(rows) == 1080
        assert abs(len(first[name]) - len(second[name])) <= 2
    for mine in (first, second):
        assert (mine["read"] < 0.7 * alone["read"]).all()
    # Inference gives each row once, in the order of the files, and the same in both.
    np.testing.assert_array_equal(first["activations"], second["activations"])
    in_order = cells[list(collection.obs().index)].copy()
    placed = gsr_sc.GSR.load(tmp_path / "model").transform(in_order)
    np.testing.assert_allclose(first["activations"], placed, atol=1e-5)
    np.testing.assert_array_equal(first["loss"], second["loss"])
    np.testing.assert_allclose(first["loss"], alone["loss"], rtol=0.02)
