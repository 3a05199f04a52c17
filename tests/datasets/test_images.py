"""Simulated images: the object turns, evenly and all the way round."""

from __future__ import annotations

import numpy as np
import pytest

from gsr_sc.datasets import simulate_rotation


def test_the_nearest_views_are_those_before_and_after() -> None:
    adata = simulate_rotation(36, noise=0)
    assert (adata.X.min(), adata.X.max()) == (0, 1)
    distance = np.linalg.norm(adata.X[:, None] - adata.X, axis=2)
    nearest = np.sort(distance.argsort(axis=1)[:, 1:3], axis=1)
    view = np.arange(36)
    np.testing.assert_array_equal(nearest, np.sort(np.column_stack([(view - 1) % 36, (view + 1) % 36]), axis=1))
    np.testing.assert_allclose(np.diff(adata.obs["angle"]), 2 * np.pi / 36)
    np.testing.assert_allclose(adata.X[0].reshape(20, 20)[::-1, ::-1], adata.X[18].reshape(20, 20), atol=0.02)


def test_size_noise_and_seed_are_as_asked() -> None:
    quiet, loud, again, other = (
        simulate_rotation(12, 10, noise=noise, rng=rng) for noise, rng in [(0, 0), (0.3, 0), (0.3, 0), (0.3, 1)]
    )
    assert quiet.shape == (12, 100)
    np.testing.assert_array_equal(loud.X, again.X)
    assert np.abs(loud.X - other.X).max() > 0.1
    grey = (quiet.X > 0.3) & (quiet.X < 0.7)
    assert (loud.X - quiet.X)[grey].std() == pytest.approx(0.3, rel=0.2)
    assert 0 <= loud.X.min() < loud.X.max() <= 1


@pytest.mark.parametrize("wrong", [{"n_views": 2}, {"n_pixels": 7}, {"noise": -1}], ids=str)
def test_what_makes_no_images_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}={next(iter(wrong.values()))}`"):
        simulate_rotation(**wrong)
