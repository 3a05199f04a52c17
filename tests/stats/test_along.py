"""A test of change along a position: uniform where nothing but depth changes, and powerful where something does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats

from gsr_sc.stats import change_along, periodic_basis, spline_basis

N_VARS = 600


def null_counts(n_obs: int, *, overdispersed: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positions, and counts of a constant composition at a depth that grows with the position."""
    rng = np.random.default_rng(seed)
    position = rng.random(n_obs)
    depth = np.exp(7.5 + 1.6 * (position - 0.5) + 0.35 * rng.normal(size=n_obs))
    share = rng.lognormal(0, 1.3, N_VARS)
    mean = depth[:, None] * share / share.sum()
    if overdispersed:
        mean = mean * rng.gamma(1.0, 1.0, mean.shape)
    return position, rng.poisson(mean)


def log_normalised(counts: np.ndarray) -> np.ndarray:
    return np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)


def assert_uniform(p: np.ndarray) -> None:
    p = p[np.isfinite(p)]
    assert len(p) > 400
    assert stats.kstest(p, "uniform").statistic < 0.08
    assert 0.02 < (p < 0.05).mean() < 0.08
    assert (p < 0.001).mean() < 0.006


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("overdispersed", [False, True])
@pytest.mark.parametrize("n_obs", [200, 1000])
def test_uniform_where_genes_follow_depth_alone(n_obs: int, overdispersed: bool, periodic: bool) -> None:
    position, counts = null_counts(n_obs, overdispersed=overdispersed)
    position = 2 * np.pi * position if periodic else position
    total = counts.sum(axis=1)
    assert_uniform(change_along(counts, position, depth=total, counts=True, periodic=periodic).pval)
    detected = (counts > 0).sum(axis=1)
    assert_uniform(change_along(log_normalised(counts), position, depth=detected, periodic=periodic).pval)


def test_without_depth_it_would_not_be() -> None:
    position, counts = null_counts(1000, overdispersed=False)
    p = change_along(log_normalised(counts), position).pval
    assert (p[np.isfinite(p)] < 0.05).mean() > 0.3


def test_uniform_where_the_variance_follows_the_position() -> None:
    rng = np.random.default_rng(1)
    position = rng.random(300)
    assert_uniform(change_along(rng.normal(size=(300, N_VARS)) * (0.2 + position[:, None] ** 2), position).pval)


def test_power_peak_and_effect() -> None:
    rng = np.random.default_rng(2)
    position, counts = null_counts(600, overdispersed=True)
    depth = counts.sum(axis=1)
    rate = 2 + 6 * np.exp(-0.5 * ((position[:, None] - np.linspace(0.1, 0.9, 40)) / 0.15) ** 2)
    scaled = rate * (depth / depth.mean())[:, None]
    counts = np.hstack([rng.poisson(scaled * rng.gamma(5, 0.2, scaled.shape)), counts])
    found = change_along(counts, position, depth=depth, counts=True)
    p = found.pval
    adjusted = stats.false_discovery_control(p[np.isfinite(p)])
    assert (adjusted[:40] < 0.05).mean() > 0.95
    assert (adjusted[40:] < 0.05).mean() < 0.02
    assert np.abs(found.peak[5:35] - np.linspace(0.1, 0.9, 40)[5:35]).max() < 0.15
    assert np.nanmedian(found.explained[:40]) > 5 * np.nanmedian(found.explained[40:])
    assert np.nanmedian(found.amplitude[:40]) > np.nanmedian(found.amplitude[40:])


def test_a_peak_across_the_seam_of_a_ring() -> None:
    rng = np.random.default_rng(3)
    angle = rng.uniform(0, 2 * np.pi, 500)
    y = np.cos(angle - np.array([[0.1], [3.0]])).T + rng.normal(0, 0.3, (500, 2))
    found = change_along(y, angle, periodic=True)
    assert (found.pval < 1e-10).all()
    np.testing.assert_allclose(np.cos(found.peak - [0.1, 3.0]), 1, atol=0.02)
    assert ((found.peak >= 0) & (found.peak < 2 * np.pi)).all()


def test_sparse_equals_dense_and_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    position, counts = null_counts(150, overdispersed=True)
    depth = counts.sum(axis=1)
    whole = change_along(counts, position, depth=depth, counts=True)
    monkeypatch.setattr("gsr_sc.stats._along._BLOCK", N_VARS * 7)
    blocks = change_along(sparse.csr_matrix(counts), position, depth=depth, counts=True)
    for name in ("statistic", "pval", "explained", "amplitude", "peak", "mean", "n_obs"):
        np.testing.assert_allclose(getattr(whole, name), getattr(blocks, name), rtol=1e-6, atol=1e-9)


def test_every_option_changes_something() -> None:
    position, counts = null_counts(150, overdispersed=True)
    depth = counts.sum(axis=1)
    base = change_along(counts, position, depth=depth, counts=True)
    assert change_along(counts, position, depth=depth, counts=True, df=2).df == 2 < base.df
    strict = change_along(counts, position, depth=depth, counts=True, min_obs=60)
    assert np.isnan(strict.pval).sum() > np.isnan(base.pval).sum()
    assert not np.allclose(change_along(counts, position, depth=depth).pval, base.pval, equal_nan=True)


def test_constants_and_too_few_observations() -> None:
    rng = np.random.default_rng(4)
    y = np.column_stack([np.full(100, 3.7), rng.normal(size=100)])
    found = change_along(y, rng.random(100))
    assert np.isnan(found.pval).tolist() == [True, False]
    assert found.mean[0] == pytest.approx(3.7)
    with pytest.raises(ValueError, match="too few"):
        change_along(y[:20], rng.random(20))
    with pytest.raises(ValueError, match="too few"):
        change_along(y, np.zeros(100))
    with pytest.raises(ValueError, match="depth"):
        change_along(y, rng.random(100), counts=True)


def test_splines_are_straight_outside_and_waves_close() -> None:
    basis = spline_basis(np.array([-3.0, -2, -1, 2, 3, 4]), [0, 0.3, 0.6, 1])
    np.testing.assert_allclose(np.diff(basis[:3], 2, axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.diff(basis[3:], 2, axis=0), 0, atol=1e-9)
    assert basis.shape[1] == 3
    assert spline_basis([0.0, 1], [0, 1]).tolist() == [[0], [1]]
    np.testing.assert_allclose(periodic_basis([0.0], 2), periodic_basis([2 * np.pi], 2), atol=1e-12)
