"""What the encoder sees, against the same computed naively on the whole dense matrix."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from gsr_sc.matrices import MatrixSource, fit_transform, open_rows
from gsr_sc.matrices._transform import CLIP

if TYPE_CHECKING:
    from gsr_sc.matrices import Transform, TransformKind

N_OBS, N_VARS = 1500, 23  # more than one block


def negative_binomial(seed: int = 0, overdispersion: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mean = np.outer(rng.lognormal(0, 0.4, N_OBS), rng.lognormal(0, 1, N_VARS))
    counts = rng.poisson(mean * rng.gamma(1 / overdispersion, overdispersion, mean.shape)).astype(np.float32)
    counts[0] = 0  # a cell without counts
    return counts


def learn(
    x: Any, kind: TransformKind, *, counts: bool, columns: np.ndarray | None = None
) -> tuple[Transform, np.ndarray]:
    rows = open_rows(x)
    training = np.arange(1, rows.shape[0], 2)
    columns = np.arange(rows.shape[1]) if columns is None else columns
    totals = np.asarray(x.sum(axis=1), dtype=np.float64).ravel()
    learnt = fit_transform(rows, kind=kind, counts=counts, columns=columns, training=training, totals=totals)
    seen = np.concatenate(list(MatrixSource(rows, learnt, totals).blocks()))
    return learnt, seen


def naive_zscore(x: np.ndarray) -> np.ndarray:
    return (x - x[1::2].mean(axis=0)) / x[1::2].std(axis=0)


def naive_target(x: np.ndarray) -> float:
    """Median total over what is added to the counts: 1 / 2 alpha, or what a usual gene counts if that is more.

    Alpha is the excess of the variance over Poisson noise in the training cells.
    """
    training = x[1::2].astype(np.float64)
    totals = training.sum(axis=1)
    median = np.median(totals[totals > 0])
    factor = np.divide(median, totals, out=np.zeros_like(totals), where=totals > 0)
    scaled = training * factor[:, None]
    poisson = (training * factor[:, None] ** 2).mean(axis=0)
    alpha = (scaled.var(axis=0) - poisson).sum() / (scaled.mean(axis=0) ** 2).sum()
    return float(median / max(1 / (2 * np.clip(alpha, 0.05, 5)), np.median(scaled.mean(axis=0))))


CONTAINERS = (np.asarray, np.asfortranarray, sparse.csr_matrix, sparse.csc_array)


@pytest.mark.parametrize("container", CONTAINERS)
def test_zscore_of_values(container: Any) -> None:
    x = np.random.default_rng(0).gamma(2, 2, (N_OBS, N_VARS)).astype(np.float32)
    learnt, seen = learn(container(x), "zscore", counts=False)
    expected = np.clip(naive_zscore(x.astype(np.float64)), -CLIP, CLIP)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen, expected, atol=1e-5)
    np.testing.assert_allclose(learnt.baseline, expected[1::2].mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("kind", ["zscore", "combined"])
def test_an_outlier_is_clipped_on_either_side(kind: TransformKind) -> None:
    x = np.random.default_rng(0).normal(size=(N_OBS, 3)).astype(np.float32)
    x[2], x[4] = 1e4, -1e4  # not among the training rows
    seen = learn(x, kind, counts=False)[1]
    np.testing.assert_array_equal(seen[2], CLIP)
    np.testing.assert_array_equal(seen[4], -CLIP)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("overdispersion", [1e-3, 0.4, 20])
def test_zscore_of_counts(container: Any, overdispersion: float) -> None:
    x = negative_binomial(overdispersion=overdispersion)
    learnt, seen = learn(container(x), "zscore", counts=True)
    assert learnt.target == pytest.approx(naive_target(x), rel=1e-4)
    totals = x.sum(axis=1, keepdims=True, dtype=np.float64)
    logged = np.log1p(np.divide(learnt.target * x, totals, out=np.zeros(x.shape), where=totals > 0))
    np.testing.assert_allclose(seen, np.minimum(naive_zscore(logged), CLIP), atol=2e-4)


@pytest.mark.parametrize("container", CONTAINERS)
def test_pearson_residuals(container: Any) -> None:
    x = negative_binomial()
    learnt, seen = learn(container(x), "pearson", counts=True)
    training = x[1::2].astype(np.float64)
    share = training.sum(axis=0) / training.sum()
    mu = x.sum(axis=1, keepdims=True, dtype=np.float64) * share
    mu = np.maximum(mu, 1e-12)
    clip = np.sqrt(len(training))
    expected = np.clip((x - mu) / np.sqrt(mu + mu**2 / 100), -clip, clip)
    np.testing.assert_allclose(seen, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(learnt.baseline, expected[1::2].mean(axis=0), atol=1e-4)
    assert learnt.clip == pytest.approx(clip)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("overdispersion", [0.5, 4])
def test_combined_is_a_mean_of_both_at_equal_variance(container: Any, overdispersion: float) -> None:
    x = negative_binomial(overdispersion=overdispersion)
    x[2, 3] = 5000  # clipped in the residuals
    logs = learn(x, "zscore", counts=True)[1].astype(np.float64)
    residuals = np.clip(learn(x, "pearson", counts=True)[1].astype(np.float64), -CLIP, CLIP)
    residuals /= np.sqrt(residuals[1::2].var(axis=0).mean())
    learnt, seen = learn(container(x), "combined", counts=True)
    expected = learnt.log_weight * logs + (1 - learnt.log_weight) * residuals
    np.testing.assert_allclose(seen, expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(learnt.baseline, seen[1::2].mean(axis=0), atol=1e-4)
    assert residuals[1::2].var(axis=0).max() > 1.4, "else equal variance of each gene would pass as well"


@pytest.mark.parametrize("container", CONTAINERS)
def test_combined_values_say_more_the_more_they_vary(container: Any) -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(N_OBS, N_VARS)) * rng.lognormal(0, 1, N_VARS) + 3).astype(np.float32)
    learnt, seen = learn(container(x), "combined", counts=False)
    spread, before = seen[1::2].std(axis=0), x[1::2].std(axis=0)
    np.testing.assert_allclose(spread / spread[0], np.cbrt(before / before[0]), rtol=1e-3)
    assert (spread**2).mean() == pytest.approx(1, rel=1e-3)
    np.testing.assert_allclose(seen[1::2].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(learnt.baseline, 0, atol=1e-5)
    constant = learn(np.ones((N_OBS, 3), dtype=np.float32), "combined", counts=False)[1]
    assert constant.shape == (N_OBS, 0)


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100))
def test_combined_values_ignore_a_unit_that_all_share(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 4)) * [1, 3, 0.2, 1] + rng.normal(size=4)
    first, second = (learn((factor * x).astype(np.float32), "combined", counts=False)[1] for factor in (1, scale))
    np.testing.assert_allclose(second, first, atol=2e-3)


def test_combined_takes_only_variables_that_both_take() -> None:
    x = negative_binomial()
    x[1::2, 6] = 3  # varies once cells are rescaled to equal totals
    logs, both = (learn(x, kind, counts=True)[0].columns.tolist() for kind in ("zscore", "combined"))
    assert set(logs) - set(both) == {6}
    alone = learn(x, "combined", counts=True, columns=np.array([6]))[1]
    assert alone.shape == (N_OBS, 0)


def test_pearson_residuals_are_those_of_scanpy_when_all_cells_are_used() -> None:
    import scanpy as sc
    from anndata import AnnData

    x = negative_binomial()[1:]
    rows, totals = open_rows(x), x.sum(axis=1, dtype=np.float64)
    columns = np.arange(N_VARS)
    learnt = fit_transform(
        rows, kind="pearson", counts=True, columns=columns, training=np.arange(len(x)), totals=totals
    )
    theirs = sc.experimental.pp.normalize_pearson_residuals(AnnData(x.copy()), inplace=False)["X"]
    np.testing.assert_allclose(learnt(x.copy(), totals), theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("container", CONTAINERS)
def test_as_given(container: Any) -> None:
    x = np.random.default_rng(0).gamma(2, 2, (N_OBS, N_VARS)).astype(np.float32)
    learnt, seen = learn(container(x), "none", counts=False)
    trained = x[1::2].astype(np.float64)
    unit = np.sqrt(trained.var(axis=0).mean())
    np.testing.assert_allclose(seen, (x - trained.mean(axis=0)) / unit, atol=1e-5)
    np.testing.assert_allclose(learnt.baseline, 0, atol=1e-6)
    np.testing.assert_allclose(learnt.given_back(seen), x, atol=1e-5)
    np.testing.assert_allclose(learnt.given_back(seen - seen[0], differences=True), x - x[0], atol=1e-5)
    np.testing.assert_array_equal(learnt.as_given(container(x.copy())), x)


@given(seed=st.integers(0, 1000), shift=st.floats(-50, 50), scale=st.floats(1e-9, 1e9))
def test_as_given_ignores_the_origin_and_one_unit_for_all(seed: int, shift: float, scale: float) -> None:
    x = np.random.default_rng(seed).normal(size=(60, 4)) * [1, 2, 5, 0.1]
    seen = learn(x.astype(np.float32), "none", counts=False)[1]
    moved = learn((scale * (x + shift)).astype(np.float32), "none", counts=False)[1]
    np.testing.assert_allclose(moved, seen, atol=1e-4)


def test_a_variable_on_another_scale_drowns_no_other() -> None:
    x = np.random.default_rng(0).normal(size=(N_OBS, N_VARS)).astype(np.float32)
    usual = learn(x, "combined", counts=False)[1]
    x[:, 3] *= 1e6
    seen = learn(x, "combined", counts=False)[1]
    share = seen.var(axis=0) / seen.var(axis=0).sum()
    assert share[3] < 0.35
    # The others stay as they are to each other.
    rest = np.delete(np.arange(N_VARS), 3)
    np.testing.assert_allclose(seen[:, rest] / seen[:, [5]], usual[:, rest] / usual[:, [5]], rtol=1e-3)


@pytest.mark.parametrize("kind", ["zscore", "pearson", "none"])
def test_masked_and_constant_columns_are_left_out(kind: TransformKind) -> None:
    x = negative_binomial()
    x[:, 4] = 0
    x[1::2, 6] = 3  # varies among held-out rows only
    if kind == "none":
        x[:, 8] = 2.5
    learnt, seen = learn(x, kind, counts=kind != "none", columns=np.array([1, 4, 6, 7, 20]))
    varies = [1, 6, 7, 20] if kind == "zscore" else [1, 7, 20]
    assert learnt.columns.tolist() == varies, "rescaled to equal totals, a constant count varies"
    assert seen.shape == (N_OBS, len(varies)) == (N_OBS, learnt.n_inputs)
    assert np.isfinite(seen).all()


@given(seed=st.integers(0, 1000), shift=st.floats(-50, 50), scale=st.floats(0.01, 100))
def test_zscore_ignores_units(seed: int, shift: float, scale: float) -> None:
    x = np.random.default_rng(seed).normal(size=(60, 4))
    seen = learn(x.astype(np.float32), "zscore", counts=False)[1]
    moved = learn((scale * (x + shift)).astype(np.float32), "zscore", counts=False)[1]
    np.testing.assert_allclose(moved, seen, atol=2e-3)


def test_a_batch_is_the_same_rows_in_any_order() -> None:
    x = sparse.csr_matrix(negative_binomial())
    rows = open_rows(x)
    totals = np.asarray(x.sum(axis=1)).ravel().astype(np.float64)
    learnt, seen = learn(x, "zscore", counts=True)
    source = MatrixSource(rows, learnt, totals)
    index = np.array([77, 3, 1499, 3])
    np.testing.assert_array_equal(source.batch(index), seen[index])
    np.testing.assert_array_equal(np.concatenate(list(source.blocks(np.arange(5, 1400, 3)))), seen[5:1400:3])
    assert len(source) == N_OBS
    assert source.n_inputs == N_VARS
    np.testing.assert_array_equal(source.baseline, learnt.baseline)


@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
@pytest.mark.parametrize("kind", ["zscore", "pearson", "combined", "none"])
@given(order=st.permutations(range(N_VARS)), n_unused=st.integers(0, N_VARS - 1))
def test_inputs_are_found_wherever_their_variables_lie(
    container: Any, kind: TransformKind, order: list[int], n_unused: int
) -> None:
    """As when cells of another study, with their genes in another order, are placed on a map."""
    x = negative_binomial()
    learnt = learn(x, kind, counts=kind != "none", columns=np.arange(N_VARS - n_unused))[0]
    totals = x[:40].sum(axis=1, dtype=np.float64)
    elsewhere = replace(learnt, columns=np.argsort(order)[learnt.columns])
    expected = learnt(container(x[:40]), totals)
    np.testing.assert_array_equal(elsewhere(container(x[:40][:, order]), totals), expected)


def test_totals_count_genes_that_are_not_used() -> None:
    x = negative_binomial()
    few = learn(x, "zscore", counts=True, columns=np.array([0, 1]))[1]
    whole = learn(x, "zscore", counts=True)[1]
    alone = learn(x[:, :2], "zscore", counts=True)[1]
    assert np.corrcoef(few[:, 0], whole[:, 0])[0, 1] > 0.98
    assert np.corrcoef(few[:, 0], alone[:, 0])[0, 1] < 0.98
