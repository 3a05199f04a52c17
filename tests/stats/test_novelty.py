"""Strangeness of cells from their residuals alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import ks_2samp, spearmanr

from gsr_sc.stats import Company, Look, Novelty, Together, calibrate, shared_axes, shift_agreement, usual_looks, where

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_GENES, N_AXES, N_NEURONS = 60, 4, 5
AXES = np.linalg.qr(np.random.default_rng(0).normal(size=(N_GENES, N_AXES)))[0].astype(np.float32)


def residuals(n: int, seed: int, depth: NDArray[np.float64] | None = None) -> NDArray[np.float32]:
    """Noise that is larger where less was seen."""
    noise = np.random.default_rng(seed).normal(size=(n, N_GENES))
    return (noise if depth is None else noise * np.exp(-depth / 2)[:, None]).astype(np.float32)


def look(cells: NDArray[np.float32], *, along: float = 0.0, evidence: float = 0.0) -> Look:
    """Two groups, apart along the first axis and in the evidence for neurons, and all cells moved off both of them."""
    rng = np.random.default_rng(len(cells))
    group = np.arange(len(cells)) % 2
    scores = cells @ AXES
    scores[:, 0] += 10 * group
    scores[:, 1] += along
    drive = (rng.normal(size=(len(cells), N_NEURONS)) * cells.std(axis=1, keepdims=True)).astype(np.float32)
    drive[:, 0] += 10 * group
    drive[:, 1] += evidence
    return Look(cells, scores, drive)


def depths(n: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=n)


def fitted(n_held_out: int = 300, *, trend: bool = True) -> Novelty:
    usual = usual_looks(AXES, look(residuals(500, 1, depths(500, 1))), np.arange(500) % 2)
    at = depths(n_held_out, 2)
    return calibrate(usual, usual.measure(look(residuals(n_held_out, 2, at))), at, [], trend=trend)


def novelty(model: Novelty, cells: NDArray[np.float32], at: NDArray[np.float64], **moved: float) -> NDArray[np.float64]:
    return model(model.measure(look(cells, **moved)), at)


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


def test_every_measure_sees_what_is_its_own_and_one_is_enough() -> None:
    model, at = fitted(), np.zeros(200)
    usual = residuals(200, 4, at)
    one_gene = usual.copy()
    one_gene[:, 7] += 12
    before = model.measure(look(usual)).mean(axis=0)
    strange = {0: look(one_gene), 1: look(usual, along=8), 2: look(usual, evidence=8)}
    for measure, shown in strange.items():
        shown = shown if measure else Look(one_gene, look(usual).along, look(usual).evidence)
        gained = model.measure(shown).mean(axis=0) - before
        assert np.flatnonzero(gained > 0.5).tolist() == [measure]
        assert np.median(model(model.measure(shown), at)) > 0.97


def test_what_cells_have_in_common_is_seen_and_noise_stays_noise() -> None:
    rng = np.random.default_rng(0)
    usual = usual_looks(AXES, look(residuals(500, 1)), np.arange(500) % 2)
    false, found = [], []
    for seed in range(20):
        held_out, more, new = residuals(100, seed), residuals(100, seed + 100), residuals(60, seed + 200)
        new += 0.6 * rng.normal(size=N_GENES).astype(np.float32)
        at = np.zeros(100)
        axes = shared_axes(np.concatenate([held_out, more, new]))
        query, known = look(np.concatenate([more, new])), look(residuals(500, 1))
        company = Company.of(where(query, axes), where(known, axes))
        for shared in (None, Together(axes, company)):
            model = calibrate(usual, usual.measure(look(held_out), shared=shared), at, [])
            false.append((model(usual.measure(look(more), shared=shared), at) > 0.9).mean())
            found.append((model(usual.measure(look(new), shared=shared), at[:60]) > 0.9).mean())
    assert np.mean(false[1::2]) == pytest.approx(0.1, abs=0.04)
    assert np.mean(found[1::2]) > np.mean(found[::2]) + 0.15
    assert shared_axes(held_out[:3]).shape == (N_GENES, 3)


def test_cells_between_groups_are_far_from_both() -> None:
    model, at = fitted(), np.zeros(200)
    cells = residuals(200, 4, at)
    shown = look(cells)
    group = np.arange(200) % 2
    values = novelty(model, cells, at)
    assert abs(values[group == 0].mean() - values[group == 1].mean()) < 0.15
    between = shown.along.copy()
    between[:, 0] += 5 - 10 * group
    assert np.median(model(model.measure(shown._replace(along=between)), at)) > 0.97


def test_beyond_the_strangest_cell_it_grows_on_and_stays_below_one() -> None:
    model, at = fitted(40), np.zeros(1)
    cell = residuals(1, 5, at)
    values = [float(novelty(model, cell * factor, at)[0]) for factor in (1, 1.3, 1.35, 1.4, 1e4)]
    assert values == sorted(values)
    assert 40 / 41 < values[1] < values[2] < values[3] <= values[4] < 1


def test_some_variables_stand_for_all() -> None:
    model, at = fitted(), depths(400, 6)
    found = np.random.default_rng(0).random(N_GENES) < 0.6
    cells = residuals(400, 6, at)
    part = look(cells)._replace(residuals=cells[:, found])
    assert 0.3 < model(model.measure(part, found), at).mean() < 0.6


def test_depths_never_seen_count_as_the_nearest() -> None:
    model, cell = fitted(), residuals(1, 7)
    far, farther = (novelty(model, cell, np.array([at]))[0] for at in (50.0, 500.0))
    assert far == farther


@pytest.mark.parametrize(
    ("shifted", "least", "most"), [("none", -0.4, 0.2), ("all", 0.7, 1.0), ("one group", -0.4, 0.2)]
)
def test_a_shift_is_one_that_most_groups_have(shifted: str, least: float, most: float) -> None:
    rng = np.random.default_rng(0)
    cells, others = rng.normal(size=(2, 400, 50)).astype(np.float32)
    groups, groups_of_others = rng.integers(5, size=(2, 400))
    shift = rng.normal(size=50).astype(np.float32)
    moved = {"none": np.zeros(400, bool), "all": np.ones(400, bool), "one group": groups == 0}[shifted]
    cells[moved] += shift
    assert least < shift_agreement(cells, groups, others, groups_of_others) <= most


def test_without_groups_on_both_sides_nothing_is_said_of_a_shift() -> None:
    cells = np.random.default_rng(0).normal(size=(60, 20)).astype(np.float32)
    groups = np.repeat(["a", "b", "c"], 20)
    assert shift_agreement(cells + 1, groups, cells, np.repeat(["a", "b", "d"], 20)) == 0
