"""Dask arrays on a local cluster of two workers: the same results as here, worked out there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
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
from gsr_sc.model._residuals import learn_novelty

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


def assert_workers_did_it(client: Any, stream: Any, rows_read_here: list[int]) -> None:
    """Both workers, which are processes of their own, had their part, and no rows came here."""
    pids = client.run(os.getpid)
    tasks = [task for task in stream.data if "_work_on" in str(task["key"])]
    workers = {pids[task["worker"]] for task in tasks}
    assert len(workers) == 2
    assert os.getpid() not in workers
    assert rows_read_here == []


def row_sums(values: Any) -> Any:
    return values.sum(axis=1)


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


@pytest.mark.parametrize("kind", ["read", "persisted", "of all"])
@pytest.mark.parametrize("which", [None, np.arange(0, N_OBS, 7)], ids=["all", "some"])
def test_small_chunks_are_worked_on_together(client: Any, cells: AnnData, kind: str, which: Any) -> None:
    import dask.array

    x = dask.array.from_array(cells.X.toarray(), chunks=(10, N_VARS // 2))
    if kind == "persisted":
        x = x.persist()
        distributed.wait(x)
    x = x / x.max() if kind == "of all" else x
    with distributed.get_task_stream(client) as stream:
        parts = [part for _, part in open_rows(x).each(row_sums, which)]
    expected = cells.X.toarray().sum(axis=1) / (cells.X.max() if kind == "of all" else 1)
    np.testing.assert_allclose(np.concatenate(parts), expected if which is None else expected[which], rtol=1e-5)
    tasks = [str(task["key"]) for task in stream.data]
    # 155 chunks of two parts each; eight tasks for two threads, and a chunk more than its share in each.
    assert 6 <= sum("_work_on" in key for key in tasks) <= 9
    # Chunks that are read are read by these tasks; those that are there stay there, and what others need too is made once.
    assert (len(tasks) < 10) == (kind == "read")


@pytest.mark.parametrize("container", [dask_dense, dask_csr])
def test_placing_happens_where_the_chunks_are(
    client: Any, cells: AnnData, model: gsr_sc.GSR, rows_read_here: list[int], container: Any
) -> None:
    expected = model.transform(cells)
    with distributed.get_task_stream(client) as stream:
        found = model.transform(chunked(cells, container))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # One look and one placing of each chunk.
    assert_workers_did_it(client, stream, rows_read_here)
    tasks = [task for task in stream.data if "_work_on" in str(task["key"])]
    assert len(tasks) == 2 * -(-N_OBS // CHUNK)


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


def test_statistics_are_worked_out_where_the_chunks_are(
    client: Any, cells: AnnData, model: gsr_sc.GSR, rows_read_here: list[int]
) -> None:
    here, there = cells.copy(), chunked(cells, dask_csr)
    there.obs["donor"] = here.obs["donor"] = [f"donor {number % 6}" for number in range(N_OBS)]
    there.obs["treated"] = here.obs["treated"] = [number % 6 < 3 for number in range(N_OBS)]
    for adata in (here, there):
        model.annotate(adata)
        gsr_sc.tl.order(adata, root=str(here.obs["gsr_neuron"].mode()[0]), groupby="gsr_neuron")
        # Some observations alone are tested, and those by their number are read in another way than all.
        adata.obs.loc[adata.obs_names[5:600:7], "gsr_order"] = np.nan
    with distributed.get_task_stream(client) as stream:
        for adata in (here, there):
            gsr_sc.tl.programs(adata)
            gsr_sc.tl.order_genes(adata)
            gsr_sc.tl.compare(adata, groupby="treated", sample="donor")
    assert_workers_did_it(client, stream, rows_read_here)
    for name in ("gsr_programs_cells", "gsr_programs_cells_groups"):
        np.testing.assert_allclose(there.varm[name], here.varm[name], atol=1e-4)
    np.testing.assert_allclose(there.var["gsr_programs_sd"], here.var["gsr_programs_sd"], rtol=1e-5)
    first, second = (adata.uns["gsr_order_genes"]["table"] for adata in (here, there))
    assert np.isfinite(first["pval"]).any()
    pd.testing.assert_frame_equal(second, first, rtol=1e-6)
    for name in ("neurons", "map"):
        pd.testing.assert_frame_equal(there.uns["gsr_compare"][name], here.uns["gsr_compare"][name], rtol=1e-3)


@pytest.mark.parametrize("n_missing", [0, 5])
def test_strangeness_is_judged_where_the_chunks_are(
    client: Any, cells: AnnData, model: gsr_sc.GSR, rows_read_here: list[int], n_missing: int
) -> None:
    here, there = cells.copy()[:, n_missing:].copy(), chunked(cells, dask_csr)[:, n_missing:].copy()
    # Of more than 1000 cells that are looked at together, chunks give others as a sample.
    gsr_sc.tl.map_query(here, model, together=False)
    with distributed.get_task_stream(client) as stream:
        gsr_sc.tl.map_query(there, model, together=False)
    assert_workers_did_it(client, stream, rows_read_here)
    assert here.obs["gsr_novelty"].nunique() > 100
    # By a rounding error one of the 155 held-out cells more, or less, may be stranger.
    np.testing.assert_allclose(there.obs["gsr_novelty"], here.obs["gsr_novelty"], atol=0.01)


def test_what_is_usual_is_learnt_where_the_chunks_are(
    client: Any, cells: AnnData, model: gsr_sc.GSR, rows_read_here: list[int]
) -> None:
    fitted, rows = model.fitted, np.arange(N_OBS)
    source = MatrixSource(
        open_rows(chunked(cells, dask_csr).X),
        fitted.transform,
        np.asarray(cells.X.sum(axis=1), dtype=np.float64).ravel(),
        conditions=np.eye(2, dtype=np.float32)[(cells.obs["batch"] == "b").to_numpy(dtype=int)],
    )
    with distributed.get_task_stream(client) as stream:
        learnt = learn_novelty(
            fitted.network, source, source._rows, training=rows[:1200], held_out=rows[1200:], group=fitted.group
        )
    assert learnt is not None
    assert learnt.n_held_out == N_OBS - 1200
    # Rows for the axes, and cells with fewer counts, are made here.
    assert_workers_did_it(client, stream, [])
    assert sum(rows_read_here) < 1200 + 2 * 500 + 1


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
