"""Scores of several batches: what batches shift is taken off, what only one of them holds stays."""

from __future__ import annotations

import numpy as np
import pytest

from gsr_sc.matrices import fit_integration
from gsr_sc.metrics import knn_purity

N_TYPES, N_DIMENSIONS = 4, 12


def simulate(types: np.ndarray, batches: np.ndarray, *, shift: float = 3.0, common: float = 0.0) -> np.ndarray:
    """Cells around the centre of their type, moved by their batch: all alike, and every type in a way of its own."""
    rng = np.random.default_rng(0)

    def directions(*shape: int, length: float) -> np.ndarray:
        x = rng.normal(size=(*shape, N_DIMENSIONS))
        return length * x / np.linalg.norm(x, axis=-1, keepdims=True)

    move = directions(2, N_TYPES, length=shift) + directions(2, 1, length=common)
    x = directions(N_TYPES, length=8)[types] + move[batches, types] + rng.normal(size=(len(types), N_DIMENSIONS))
    return np.asarray(x - x.mean(axis=0))


def shares(n_obs: int = 600, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, N_TYPES, n_obs), rng.integers(0, 2, n_obs)


@pytest.mark.parametrize("common", [0.0, 20.0], ids="shift of all {}".format)
def test_batches_mix_and_types_stay_apart(common: float) -> None:
    types, batches = shares()
    scores, design = simulate(types, batches, common=common), np.eye(2)[batches]
    corrected = fit_integration(scores, design)(scores, design)
    assert knn_purity(scores, batches) > 0.85
    assert knn_purity(corrected, batches) < 0.7
    assert knn_purity(corrected, types) > 0.97


def test_a_type_of_one_batch_is_not_merged_with_others() -> None:
    types, batches = shares(900)
    types[(batches == 0) & (types == 2)] = 1
    scores, design = simulate(types, batches), np.eye(2)[batches]
    corrected = fit_integration(scores, design)(scores, design)
    assert knn_purity(corrected, types) > 0.95
    alone = types == 2
    assert batches[alone].min() == 1
    assert knn_purity(corrected[~alone], batches[~alone]) < 0.65


def test_without_a_shift_little_moves() -> None:
    types, batches = shares()
    scores, design = simulate(types, batches, shift=0.0), np.eye(2)[batches]
    corrected = fit_integration(scores, design)(scores, design)
    assert np.square(corrected - scores).sum() < 0.03 * np.square(scores - scores.mean(axis=0)).sum()


def test_two_batch_variables_at_once() -> None:
    types, first = shares(900)
    second = np.random.default_rng(5).integers(0, 2, 900)
    scores = simulate(types, first) + 5 * np.eye(N_DIMENSIONS)[0] * second[:, None]
    design = np.concatenate([np.eye(2)[first], np.eye(2)[second]], axis=1)
    corrected = fit_integration(scores, design)(scores, design)
    for batches in (first, second):
        assert knn_purity(scores, batches) > 0.7
        assert knn_purity(corrected, batches) < 0.62
    assert knn_purity(corrected, types) > 0.95


def test_other_cells_are_corrected_alike_and_nothing_is_drawn() -> None:
    types, batches = shares(900)
    scores, design = simulate(types, batches), np.eye(2)[batches]
    learnt = fit_integration(scores[:600], design[:600])
    corrected = learnt(scores, design)
    assert knn_purity(corrected[600:], batches[600:]) < 0.65
    np.testing.assert_allclose(learnt(scores[600:], design[600:]), corrected[600:], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(fit_integration(scores[:600], design[:600])(scores, design), corrected)


@pytest.mark.parametrize("n_obs", [2, 5, 31])
def test_few_cells(n_obs: int) -> None:
    types, batches = shares(n_obs)
    batches[:2] = [0, 1]
    scores, design = simulate(types, batches), np.eye(2)[batches]
    assert np.isfinite(fit_integration(scores, design)(scores, design)).all()
