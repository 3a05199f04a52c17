"""The targets of the warm-up: the annealed map of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gsr_sc import datasets, graphs, metrics
from gsr_sc.matrices import MatrixSource, fit_transform, open_rows
from gsr_sc.training import _start as module
from gsr_sc.training import annealed_targets


@pytest.fixture(scope="module")
def source() -> MatrixSource:
    rows = open_rows(datasets.simulate_line(400, 60).X)
    learnt = fit_transform(
        rows, kind="zscore", counts=False, columns=np.arange(60), training=np.arange(400), totals=np.zeros(400)
    )
    return MatrixSource(rows, learnt)


@pytest.mark.parametrize("init", ["auto", "pca", "spectral"])
def test_targets_are_shares_in_the_order_of_the_line_also_of_rows_not_trained_on(
    source: MatrixSource, init: Any
) -> None:
    targets = annealed_targets(source, graphs.line(12), training=np.arange(0, 400, 2), init=init)
    assert targets is not None
    held_out = np.arange(1, 400, 2)
    shares = targets(held_out, source.batch(held_out))
    assert shares.shape == (200, 12)
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    time = datasets.simulate_line(400, 60).obs["time"].to_numpy()
    assert metrics.order_agreement(shares @ np.arange(12), time[held_out]) > 0.95
    np.testing.assert_array_equal(targets(held_out[[5, 2]], source.batch(held_out[[5, 2]])), shares[[5, 2]])


def test_a_random_start_has_no_targets(source: MatrixSource) -> None:
    assert annealed_targets(source, graphs.line(12), training=np.arange(400), init="random") is None


def test_own_coordinates_decide_where_the_line_runs(source: MatrixSource) -> None:
    """Both ends of the given coordinate come to both ends of the line."""
    time = datasets.simulate_line(400, 60).obs["time"].to_numpy()
    for sign in (1, -1):
        own = annealed_targets(
            source, graphs.line(12), training=np.arange(400), init="auto", coordinates=sign * time[:, None]
        )
        assert own is not None
        position = own(np.arange(400), source.batch(np.arange(400))) @ np.arange(12)
        assert np.corrcoef(position, sign * time)[0, 1] > 0.9


def test_a_large_data_set_is_laid_out_on_a_sample(source: MatrixSource, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    anneal = module.fit_annealed_map

    def noting(x: np.ndarray, *args: Any, **options: Any) -> Any:
        seen.append(len(x))
        return anneal(x, *args, **options)

    monkeypatch.setattr(module, "fit_annealed_map", noting)
    monkeypatch.setattr(module, "_MAX_ROWS", 100)
    annealed_targets(source, graphs.grid(4), training=np.arange(400), init="auto")
    assert seen == [100]
    monkeypatch.setattr(module, "_MAX_ROWS_SLENDER", 150)
    targets = annealed_targets(source, graphs.line(12), training=np.arange(400), init="auto")
    assert seen == [100, 150]
    assert targets is not None
    time = datasets.simulate_line(400, 60).obs["time"].to_numpy()
    assert metrics.order_agreement(targets(np.arange(400), source.batch(np.arange(400))) @ np.arange(12), time) > 0.95


@pytest.mark.parametrize("graph", [graphs.grid(4), graphs.line(12), graphs.wishbone(2, 4)])
@pytest.mark.parametrize("batches", [None, 2])
def test_rows_are_placed_alike_all_at_once_and_one_by_one(
    source: MatrixSource, monkeypatch: pytest.MonkeyPatch, graph: graphs.NeuronGraph, batches: int | None
) -> None:
    conditions = None if batches is None else np.eye(batches, dtype=np.float32)[np.arange(400) % batches]
    index, found = np.array([399, 3, 200]), []
    for most in (400, 399):
        monkeypatch.setattr(module, "_MOST_HELD", most * graph.n_neurons)
        targets = annealed_targets(source, graph, training=np.arange(0, 400, 2), init="auto", conditions=conditions)
        assert targets is not None
        # What the rows are read as matters where they are not placed beforehand, and only there.
        found.append(targets(index, source.batch(index)))
        other = targets(index, source.batch(index[::-1]))
        assert np.array_equal(other, found[-1]) == (most == 400)
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


@pytest.mark.parametrize("graph", [graphs.grid(4), graphs.wishbone(2, 4)])
def test_rows_that_are_not_learnt_from_are_placed_where_they_are(
    source: MatrixSource, monkeypatch: pytest.MonkeyPatch, graph: graphs.NeuronGraph
) -> None:
    """No process reads all rows for the start: that is work that can be dealt out."""
    training, read = np.arange(0, 400, 2), []
    blocks = MatrixSource.blocks

    def noting(self: MatrixSource, rows: np.ndarray | None = None) -> Any:
        read.append(np.arange(len(self)) if rows is None else rows)
        return blocks(self, rows)

    monkeypatch.setattr(MatrixSource, "blocks", noting)
    targets = annealed_targets(source, graph, training=training, init="auto")
    assert targets is not None
    assert read
    assert all(np.isin(rows, training).all() for rows in read)


@pytest.mark.parametrize(
    ("graph", "n_vars", "options", "expected"),
    [
        (graphs.wishbone(2, 4), 60, {}, True),
        (graphs.wishbone(2, 4), 30, {}, False),  # the components are the variables
        (graphs.wishbone(2, 4), 60, {"init": "pca"}, False),
        (graphs.line(12), 60, {}, False),
        (graphs.grid(4), 60, {}, False),
    ],
)
def test_branches_are_read_from_all_variables(
    graph: graphs.NeuronGraph, n_vars: int, options: dict[str, Any], expected: bool
) -> None:
    x = np.asarray(datasets.simulate_wishbone(300, n_vars).X)
    learnt = fit_transform(
        open_rows(x),
        kind="zscore",
        counts=False,
        columns=np.arange(n_vars),
        training=np.arange(300),
        totals=np.zeros(300),
    )
    given = MatrixSource(open_rows(x), learnt)
    targets = annealed_targets(given, graph, training=np.arange(300), **{"init": "auto", **options})
    assert targets is not None
    assert targets.by_curves == expected


def test_batches_are_taken_off_all_variables_too() -> None:
    """Cells of two batches that differ in every variable are placed by time, as the same cells without the difference."""
    adata = datasets.simulate_wishbone(600, 100)
    batch = np.arange(600) % 2
    shift = np.random.default_rng(3).normal(size=100)
    x = np.asarray(adata.X) + 2 * np.outer(batch, shift).astype(np.float32)
    learnt = fit_transform(
        open_rows(x), kind="zscore", counts=False, columns=np.arange(100), training=np.arange(600), totals=np.zeros(600)
    )
    given, graph, every = MatrixSource(open_rows(x), learnt), graphs.wishbone(2, 8), np.arange(600)
    conditions = np.eye(2, dtype=np.float32)[batch]
    targets = annealed_targets(given, graph, training=every, init="auto", conditions=conditions)
    assert targets is not None
    assert targets.by_curves
    share = targets(every, given.batch(every))
    usual = share.mean(axis=0)
    for which in (0, 1):
        assert np.abs(share[batch == which].mean(axis=0) - usual).sum() < 0.25
