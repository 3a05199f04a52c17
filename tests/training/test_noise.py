"""How much of the data counts as noise."""

from __future__ import annotations

import numpy as np
import pytest

from gsr_sc.matrices import MatrixSource, fit_transform, open_rows
from gsr_sc.training import noise_share


def share(values: np.ndarray) -> float:
    n = len(values)
    training, held_out = np.arange(n * 3 // 4), np.arange(n * 3 // 4, n)
    rows, totals = open_rows(values.astype(np.float32)), np.zeros(n)
    columns = np.arange(values.shape[1])
    transform = fit_transform(rows, kind="none", counts=False, columns=columns, training=training, totals=totals)
    return noise_share(MatrixSource(rows, transform, totals), training=training, held_out=held_out)


@pytest.mark.parametrize("noise", [0.1, 0.5, 0.9])
def test_it_is_the_share_that_was_added(noise: float) -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(4000, 5)) @ rng.normal(size=(5, 400)) / np.sqrt(5)
    values = np.sqrt(1 - noise) * signal + np.sqrt(noise) * rng.normal(size=signal.shape)
    assert share(values) == pytest.approx(noise, abs=0.08)


def test_few_variables_are_not_noise() -> None:
    assert share(np.random.default_rng(0).normal(size=(200, 10))) == pytest.approx(0, abs=1e-5)


def test_learning_by_heart_is_no_signal() -> None:
    """As many components as rows hold the rows they were found in, and nothing of others."""
    assert share(np.random.default_rng(0).normal(size=(40, 1000))) > 0.9
