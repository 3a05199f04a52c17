"""Dask arrays on a local cluster of two workers: the same results as here, worked out there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from _arrays import dask_csr, dask_dense
from anndata import AnnData
from scipy import sparse

import gsr_sc
from gsr_sc.inputs._input import read_input
from gsr_sc.inputs._validate import examine
from gsr_sc.matrices import MatrixSource, fit_transform, open_rows
from gsr_sc.matrices._dask import DaskReader
from gsr_sc.matrices._disk import DiskRows

if TYPE_CHECKING:
    from collections.abc import Iterator

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.slow  # workers import torch: they take seconds to start

# Chunks of 300 rows and a last one of 50.
N_OBS, N_VARS, CHUNK = 1550, 20, 300
OPTIONS: dict[str, Any] = {"n_neurons": 9, "max_epochs": 2, "smoothness": 0.25, "n_jobs": 1}


@pytest.fixture
def _global_randomness_untouched() -> None:
    """The scheduler, a thread of this process, draws from Python's `random` itself."""


@pytest.fixture(scope="module")
def cells() -> AnnData:
    adata = gsr_sc.datasets.simulate_clusters(N_OBS, N_VARS, counts=True)
    adata.X = adata.X.astype(np.float32)
    adata.obs["batch"] = np.where(np.arange(N_OBS) % 3, "a", "b")
    return adata


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, scheduler_port=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def model(cells: AnnData) -> gsr_sc.GSR:
    return gsr_sc.GSR(batch_key="batch", **OPTIONS).fit(cells)


def chunked(cells: AnnData, container: Any) -> AnnData:
    import dask.array

    width = -(-N_VARS // 2) if container is dask_dense else N_VARS
    x = dask.array.from_array(cells.X.toarray(), chunks=(CHUNK, width))
    x = x if container is dask_dense else x.map_blocks(sparse.csr_matrix)
    return AnnData(x, obs=cells.obs.copy(), var=cells.var.copy())


@pytest.fixture
def rows_read_here(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows come to this process each time that it asks for some."""
    read, found = DaskReader.read, []

    def noting(self: Any, spans: Any) -> Any:
        rows = read(self, spans)
        found.append(rows.shape[0])
        return rows

    monkeypatch.setattr(DaskReader, "read", noting)
    return found


@pytest.mark.parametrize(
    "which", [None, slice(250, 1300), np.arange(0, N_OBS, 7), np.arange(3)], ids=["all", "slice", "some", "few"]
)
def test_blocks_are_worked_on_by_the_workers(
    client: Any, cells: AnnData, rows_read_here: list[int], which: Any
) -> None:
    def work(values: Any, along: Any, nothing: Any) -> Any:
        return values.sum(axis=1) + along, nothing, os.getpid()

    rows, along = open_rows(chunked(cells, dask_dense).X), np.arange(N_OBS)
    expected = cells.X.toarray().sum(axis=1) + along
    expected = expected if which is None else expected[which]
    found, position, workers = [], 0, set()
    for where, (result, nothing, worker) in rows.each(work, which, along, None):
        assert (where.start, nothing) == (position, None)
        found.append(result)
        workers.add(worker)
        position = where.stop
    np.testing.assert_allclose(np.concatenate(found), expected)
    pids = set(client.run(os.getpid).values())
    assert workers <= pids
    assert workers == pids or len(expected) <= CHUNK
    assert rows_read_here == []


@pytest.mark.parametrize("container", [dask_dense, dask_csr])
def test_placing_happens_where_the_chunks_are(
    client: Any, cells: AnnData, model: gsr_sc.GSR, rows_read_here: list[int], container: Any
) -> None:
    expected = model.transform(cells)
    with distributed.get_task_stream(client) as stream:
        found = model.transform(chunked(cells, container))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # One look and one placing of each chunk, by both workers; no rows came here.
    tasks = [task for task in stream.data if "_work_on" in str(task["key"])]
    assert len({task["worker"] for task in tasks}) == 2
    assert len(tasks) == 2 * -(-N_OBS // CHUNK)
    assert rows_read_here == []


def test_what_is_known_of_the_values_is_the_same(client: Any, cells: AnnData, rows_read_here: list[int]) -> None:
    stored = chunked(cells, dask_csr)
    here, there = (examine(read_input(adata), report=False) for adata in (cells, stored))
    assert there.kind == here.kind == "counts"
    np.testing.assert_allclose(there.totals, here.totals)
    np.testing.assert_array_equal(there.silent, here.silent)
    np.testing.assert_array_equal(there.unseen, here.unseen)
    options: Any = {"columns": np.arange(N_VARS), "training": np.arange(0, N_OBS, 2), "totals": here.totals}
    for kind in ("zscore", "pearson", "combined"):
        first, second = (
            fit_transform(open_rows(adata.X), kind=kind, counts=True, **options) for adata in (cells, stored)
        )
        for name in ("mean", "scale", "baseline", "target", "spread"):
            np.testing.assert_allclose(getattr(second, name), getattr(first, name), rtol=1e-5, atol=1e-6, err_msg=name)
    assert rows_read_here == []
    # Twice the same bits, whichever worker was faster.
    again = fit_transform(open_rows(stored.X), kind="combined", counts=True, **options)
    np.testing.assert_array_equal(again.baseline, second.baseline)
    assert len(MatrixSource(open_rows(stored.X), again, here.totals)) == N_OBS


def test_a_fit_reads_no_more_than_it_trains_on(
    client: Any, cells: AnnData, model: gsr_sc.GSR, rows_read_here: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(rows: Any, index: slice) -> Any:
        pytest.fail(f"{index} is read here, as a pass over all rows does")

    monkeypatch.setattr(DiskRows, "_read_slice", refuse)
    # As data too large to be held are.
    monkeypatch.setattr("gsr_sc.matrices._source._MOST_HELD", 0)
    stored = chunked(cells, dask_csr)
    gsr_sc.tl.fit(stored, batch_key="batch", **OPTIONS)
    expected = model.transform(cells)
    # Rows are shuffled in another way, so that no two weights are the same.
    assert np.corrcoef(stored.obsm["X_gsr"].ravel(), expected.ravel())[0, 1] > 0.98
    assert rows_read_here
    assert isinstance(stored.X, type(chunked(cells, dask_csr).X))


def test_errors_of_workers_come_back(client: Any, cells: AnnData, model: gsr_sc.GSR) -> None:
    broken = cells.copy()
    values = broken.X.toarray()
    values[700, 3] = np.nan
    broken.X = sparse.csr_matrix(values)
    with pytest.raises(
        ValueError, match=f"NaN or infinite.*{broken.obs_names[700]!r}, variable {broken.var_names[3]!r}"
    ):
        model.transform(chunked(broken, dask_csr))


def test_another_scheduler_of_choice_is_used(client: Any, cells: AnnData, model: gsr_sc.GSR) -> None:
    import dask

    stored = chunked(cells, dask_csr)
    with dask.config.set(scheduler="synchronous"), distributed.get_task_stream(client) as stream:
        found = model.transform(stored)
    np.testing.assert_allclose(found, model.transform(cells), atol=1e-5)
    assert list(stream.data) == []
