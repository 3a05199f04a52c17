"""The cells of the reference that a model keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gsr_sc.matrices import MatrixSource, fit_transform, open_rows
from gsr_sc.model._sample import Sample, keep_sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_OBS = 1500
HELD_OUT = np.arange(0, N_OBS, 10)
TRAINING = np.setdiff1d(np.arange(N_OBS), HELD_OUT)


def matrix(kind: str, n_vars: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    values: NDArray[Any] = rng.normal(size=(N_OBS, n_vars)) if kind == "values" else rng.poisson(3, (N_OBS, n_vars))
    if kind == "large counts":
        values[0, 9] = 1000
    return values.astype(np.float32)


def kept(values: NDArray[np.float32], *, counts: bool) -> Sample | None:
    totals, columns = values.sum(axis=1, dtype=np.float64), np.arange(5, values.shape[1])
    rows = open_rows(values)
    transform = fit_transform(
        rows, kind="zscore", counts=counts, columns=columns, training=np.arange(N_OBS), totals=totals
    )
    return keep_sample(MatrixSource(rows, transform, totals), TRAINING, HELD_OUT)


@pytest.mark.parametrize(
    ("kind", "dtype"), [("counts", np.uint8), ("large counts", np.uint16), ("values", np.float32)], ids=str
)
def test_held_out_cells_come_first_and_all_take_a_megabyte_at_most(kind: str, dtype: type[Any]) -> None:
    values = matrix(kind, 1005)
    sample = kept(values, counts=kind != "values")
    assert sample is not None
    arrays = sample.arrays()
    assert arrays["data"].dtype == dtype
    assert 950_000 < arrays["data"].nbytes + arrays["indices"].nbytes <= 1_000_000
    assert sample.n_held_out == len(HELD_OUT)
    np.testing.assert_array_equal(sample.values[: len(HELD_OUT)].toarray(), values[HELD_OUT, 5:])
    if kind == "values":
        assert sample.totals is None
    else:
        assert sample.totals is not None
        np.testing.assert_array_equal(sample.totals[: len(HELD_OUT)], values[HELD_OUT].sum(axis=1))
    again = Sample.of(arrays, 1000)
    assert again is not None
    np.testing.assert_array_equal(again.values.toarray(), sample.values.toarray())
    assert again.n_held_out == sample.n_held_out


def test_of_small_data_five_hundred_of_each_are_kept_and_of_too_wide_none(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = kept(matrix("counts", 30), counts=True)
    assert sample is not None
    assert (sample.n_held_out, sample.values.shape) == (len(HELD_OUT), (len(HELD_OUT) + 500, 25))
    # As if there were a hundred times as many variables.
    monkeypatch.setattr("gsr_sc.model._sample._MAX_BYTES", 10_000)
    assert kept(matrix("values", 120), counts=False) is None


def test_without_held_out_cells_nothing_is_kept() -> None:
    values = matrix("counts", 30)
    rows, totals = open_rows(values), values.sum(axis=1, dtype=np.float64)
    transform = fit_transform(rows, kind="none", counts=True, columns=np.arange(30), training=TRAINING, totals=totals)
    source = MatrixSource(rows, transform, totals)
    assert keep_sample(source, TRAINING, TRAINING) is None
    assert keep_sample(source, TRAINING, HELD_OUT[:18]) is None
    assert Sample.of({}, 30) is None
