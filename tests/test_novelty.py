"""Strangeness of cells from their residuals alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import ks_2samp, spearmanr

from gsr_sc._novelty import Novelty, calibrate, usual_residuals

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_GENES, N_AXES = 60, 4
AXES = np.linalg.qr(np.random.default_rng(0).normal(size=(N_GENES, N_AXES)))[0].astype(np.float32)


def residuals(n: int, seed: int, depth: NDArray[np.float64] | None = None) -> NDArray[np.float32]:
    """Noise that is larger where less was seen."""
    noise = np.random.default_rng(seed).normal(size=(n, N_GENES))
    return (noise if depth is None else noise * np.exp(-depth / 2)[:, None]).astype(np.float32)


def depths(n: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=n)


def fitted(n_held_out: int = 300, *, trend: bool = True) -> Novelty:
    usual = usual_residuals(AXES, residuals(500, 1, depths(500, 1)))
    at = depths(n_held_out, 2)
    return calibrate(usual, usual.measure(residuals(n_held_out, 2, at)), at, [], trend=trend)


def novelty(model: Novelty, cells: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float64]:
    return model(model.measure(cells), at)


@pytest.mark.parametrize("n_held_out", [40, 300, 2500])
def test_more_of_the_same_is_uniform_whatever_the_depth(n_held_out: int) -> None:
    model, at = fitted(n_held_out), depths(400, 3)
    values = novelty(model, residuals(400, 3, at), at)
    assert ks_2samp(values, (np.arange(n_held_out) + 0.5) / n_held_out).pvalue > 1e-3
    assert abs(spearmanr(values, at).statistic) < 0.25
    assert len(model.scores) <= 1000


def test_without_the_trend_depth_decides() -> None:
    at = depths(400, 3)
    values = novelty(fitted(trend=False), residuals(400, 3, at), at)
    assert spearmanr(values, at).statistic < -0.8


def test_both_measures_see_what_is_theirs() -> None:
    model, at = fitted(), np.zeros(200)
    usual = residuals(200, 4, at)
    along = usual + 5 * AXES[:, 0]
    one_gene = usual.copy()
    one_gene[:, 7] += 12
    for strange in (along, one_gene):
        assert np.median(novelty(model, strange, at)) > 0.97
    gained = model.measure(along).mean(axis=0) - model.measure(usual).mean(axis=0)
    assert gained[1] > 3 * gained[0]


def test_beyond_the_strangest_cell_it_grows_on_and_stays_below_one() -> None:
    model, at = fitted(40), np.zeros(1)
    cell = residuals(1, 5, at)
    values = [float(novelty(model, cell * factor, at)[0]) for factor in (1, 1.5, 1.6, 1.7, 1e4)]
    assert values == sorted(values)
    assert 40 / 41 < values[1] < values[2] < values[3] <= values[4] < 1


def test_some_variables_stand_for_all() -> None:
    model, at = fitted(), depths(400, 6)
    found = np.random.default_rng(0).random(N_GENES) < 0.6
    values = model(model.measure(residuals(400, 6, at)[:, found], found), at)
    assert 0.35 < values.mean() < 0.65


def test_depths_never_seen_count_as_the_nearest() -> None:
    model, cell = fitted(), residuals(1, 7)
    far, farther = (novelty(model, cell, np.array([at]))[0] for at in (50.0, 500.0))
    assert far == farther
