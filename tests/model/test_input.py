"""Whatever matrix comes in, the map is the same."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from _arrays import IN_MEMORY, ArrayType, to_type
from _fits import QUICK, activations, busy_cells, cells
from _hash import changed_slots, hash_adata
from anndata import AnnData
from scipy import sparse

import gsr_sc

# Sums over rows run in another order for another container, so the first bits differ and the training carries them on.
SAME = {"rtol": 0, "atol": 1e-4}


def with_matrix(x: Any) -> AnnData:
    adata = cells()
    return AnnData(x, obs=adata.obs[[]], var=adata.var[[]])


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    """Positive real values, half of them zero."""
    rng = np.random.default_rng(0)
    return (np.exp(cells().X / 2) * (rng.random((150, 40)) < 0.5)).astype(np.float32)


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    return cells(counts=True).X


@pytest.mark.parametrize("array_type", IN_MEMORY, ids=str)
@pytest.mark.parametrize("transform", ["zscore", "pearson", "combined", None])
def test_every_container_and_dtype_gives_the_map_of_dense_float32(
    counts: np.ndarray, array_type: ArrayType, transform: Any
) -> None:
    matrix = to_type(counts, array_type)
    as_dense = counts.astype(array_type.dtype).astype(np.float32)
    expected = activations(with_matrix(as_dense), transform=transform)
    np.testing.assert_allclose(activations(with_matrix(matrix), transform=transform), expected, **SAME)
    assert np.abs(expected - expected.mean(axis=0)).max() > 0.005, "a map that shows no difference shows nothing"


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array])
def test_sparse_equals_dense(values: np.ndarray, container: Any) -> None:
    dense = gsr_sc.tl.fit(with_matrix(values), copy=True, **QUICK)
    stored = gsr_sc.tl.fit(with_matrix(container(values)), copy=True, **QUICK)
    assert dense is not None
    assert stored is not None
    for key in ("X_gsr", "X_gsr_map", "X_gsr_indicators"):
        np.testing.assert_allclose(stored.obsm[key], dense.obsm[key], **SAME)
    np.testing.assert_allclose(stored.varm["gsr_programs"], dense.varm["gsr_programs"], rtol=0, atol=1e-3)
    for measure, value in dense.uns["gsr"]["quality"].items():
        assert stored.uns["gsr"]["quality"][measure] == pytest.approx(value, abs=1e-4)


def test_csc_equals_csr_to_the_bit(values: np.ndarray) -> None:
    csr, csc = (activations(with_matrix(container(values))) for container in (sparse.csr_matrix, sparse.csc_array))
    np.testing.assert_array_equal(csr, csc)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "uint16"])
def test_whole_numbers_of_any_type_are_counts(counts: np.ndarray, dtype: str) -> None:
    small = np.minimum(counts, 200)
    expected = activations(with_matrix(small))
    for matrix in (small.astype(dtype), sparse.csr_matrix(small.astype(dtype))):
        adata = with_matrix(matrix)
        gsr_sc.tl.fit(adata, **QUICK)
        assert adata.uns["gsr"]["params"]["counts"]
        assert adata.X.dtype == dtype
        np.testing.assert_allclose(adata.obsm["X_gsr"], expected, **SAME)


def test_column_order_in_memory_does_not_matter(values: np.ndarray) -> None:
    expected = activations(with_matrix(values))
    np.testing.assert_allclose(activations(with_matrix(np.asfortranarray(values))), expected, **SAME)


def test_numpy_matrices_are_read_where_anndata_keeps_them(values: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy and anndata both say that it should be an array
        adata = AnnData(np.matrix(values))
    np.testing.assert_allclose(activations(adata), activations(with_matrix(values)), **SAME)


def test_layer_is_read_instead_of_x(counts: np.ndarray, values: np.ndarray) -> None:
    adata = with_matrix(values)
    adata.layers["counts"] = sparse.csr_matrix(counts)
    np.testing.assert_allclose(activations(adata, layer="counts"), activations(with_matrix(counts)), **SAME)
    adata.X = None
    np.testing.assert_allclose(activations(adata, layer="counts"), activations(with_matrix(counts)), **SAME)


def test_a_representation_is_read_as_it_is(values: np.ndarray) -> None:
    adata = with_matrix(values)
    rep = values[:, :6] + (np.arange(6) == 0)  # no cell without anything
    adata.obsm["X_rep"] = rep
    expected = activations(with_matrix_of(rep), transform=None)
    np.testing.assert_allclose(activations(adata, use_rep="X_rep"), expected, **SAME)
    adata.obsm["X_rep"] = pd.DataFrame(rep, index=adata.obs_names, columns=list("abcdef"))
    np.testing.assert_allclose(activations(adata, use_rep="X_rep"), expected, **SAME)
    adata.obsm["X_rep"] = sparse.csr_matrix(rep)
    np.testing.assert_allclose(activations(adata, use_rep="X_rep"), expected, **SAME)
    fitted = gsr_sc.tl.fit(adata, copy=True, use_rep="X_rep", **QUICK)
    assert fitted is not None
    assert "gsr_programs" not in fitted.varm, "columns of a representation are no genes"
    np.testing.assert_array_equal(activations(adata, use_rep="X"), activations(adata))


def with_matrix_of(x: np.ndarray) -> AnnData:
    return AnnData(x)


def test_mask_by_name_by_array_and_by_default(values: np.ndarray) -> None:
    mask = np.arange(40) % 3 == 0
    expected = activations(with_matrix_of(values[:, mask]))
    adata = with_matrix(values)
    adata.var["chosen"] = mask
    by_name = pd.Series(mask, index=adata.var_names)
    adata.var["nullable"] = pd.array(mask, dtype="boolean")
    for given in ("chosen", "nullable", mask, mask.tolist(), pd.Series(mask), by_name[::-1]):
        np.testing.assert_allclose(activations(adata, mask_var=given), expected, **SAME)
    adata.var["highly_variable"] = mask
    fitted = gsr_sc.tl.fit(adata, copy=True, **QUICK)
    assert fitted is not None
    np.testing.assert_allclose(fitted.obsm["X_gsr"], expected, **SAME)
    programs = fitted.varm["gsr_programs"]
    assert np.isnan(programs[~mask]).all()
    assert np.isfinite(programs[mask]).all()
    everything = activations(adata, mask_var=np.ones(40, dtype=bool))
    np.testing.assert_allclose(everything, activations(with_matrix(values)), **SAME)
    np.testing.assert_allclose(activations(adata, layer=None, use_rep="X", mask_var="chosen"), expected, **SAME)


def test_an_empty_default_mask_is_no_matter_where_another_is_given(values: np.ndarray) -> None:
    adata = with_matrix(values)
    adata.var["highly_variable"] = False
    mask = np.arange(40) < 20
    np.testing.assert_allclose(activations(adata, mask_var=mask), activations(with_matrix_of(values[:, :20])), **SAME)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix, sparse.csc_array])
def test_a_view_is_read_and_becomes_an_anndata_of_its_own(values: np.ndarray, make: Any) -> None:
    parent = busy_cells()
    parent.layers["values"] = make(values)
    before = hash_adata(parent)
    rows, columns = np.arange(140)[::-1], np.arange(3, 40)
    expected = activations(with_matrix_of(values[rows][:, columns]))
    view = parent[rows, columns]
    assert view.is_view
    gsr_sc.tl.fit(view, layer="values", **QUICK)  # warnings are errors: none may say that a view was changed
    assert not view.is_view
    np.testing.assert_allclose(view.obsm["X_gsr"], expected, **SAME)
    assert changed_slots(before, hash_adata(parent)) == set()
    copied = gsr_sc.tl.fit(parent[:140], layer="values", copy=True, **QUICK)
    assert copied is not None
    assert changed_slots(before, hash_adata(parent)) == set()


@pytest.mark.parametrize("graph", ["grid", "torus", "ring", "line"])
@pytest.mark.parametrize("n_obs", [2, 3, 9, 10, 11])
def test_a_handful_of_cells_is_enough(graph: str, n_obs: int, caplog: pytest.LogCaptureFixture) -> None:
    adata = AnnData(np.random.default_rng(0).normal(size=(n_obs, 7)).astype(np.float32))
    gsr_sc.tl.fit(adata, graph=graph, **{**QUICK, "smoothness": "auto"})
    assert adata.obsm["X_gsr"].shape == (n_obs, {"grid": 9, "torus": 9, "ring": 8, "line": 8}[graph])
    assert np.isfinite(adata.obsm["X_gsr"]).all()
    assert np.isfinite(adata.obsm["X_gsr_map"]).all()
    assert adata.uns["gsr"]["params"]["n_held_out"] == (n_obs if n_obs < 10 else 1)


@pytest.mark.parametrize("n_training", [127, 128, 129, 256, 257])
def test_any_number_of_cells_makes_batches(n_training: int) -> None:
    n_obs = next(n for n in range(n_training, 400) if n - max(round(0.1 * n), 1) == n_training)
    adata = cells(n_obs, 10)
    gsr_sc.tl.fit(adata, **QUICK)
    assert n_obs - adata.uns["gsr"]["params"]["n_held_out"] == n_training
    np.testing.assert_allclose((adata.obsm["X_gsr"] ** 2).sum(axis=1), 1, rtol=1e-5)


def test_one_gene_is_a_map_too() -> None:
    adata = AnnData(np.random.default_rng(0).normal(size=(60, 1)).astype(np.float32))
    gsr_sc.tl.fit(adata, graph="line", **QUICK)
    assert np.isfinite(adata.varm["gsr_programs"]).all()


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix])
def test_cells_and_genes_that_carry_nothing_are_named_and_do_no_harm(counts: np.ndarray, make: Any) -> None:
    x = counts.copy()
    x[[4, 70]] = 0
    x[:, [2, 9, 30]] = 0
    adata = with_matrix(make(x))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gsr_sc.tl.fit(adata, **QUICK)
    messages = [str(warning.message) for warning in caught]
    assert any("2 observations are zero throughout X: 'cell4', 'cell70'" in text for text in messages), messages
    assert any("3 variables are zero throughout X: 'gene2', 'gene9', 'gene30'" in text for text in messages), messages
    assert len(messages) == 2
    silent = np.isin(np.arange(150), [4, 70])
    assert (adata.obs["gsr_cluster"][silent] == "unassigned").all()
    assert (adata.obs["gsr_confidence"][silent] == 0).all()
    assert (adata.obs["gsr_confidence"][~silent] > 0).all()
    for key in ("X_gsr", "X_gsr_map", "X_gsr_indicators"):
        assert np.isfinite(adata.obsm[key]).all()
    assert np.isnan(adata.varm["gsr_programs"][[2, 9, 30]]).all()
    assert np.isfinite(np.delete(adata.varm["gsr_programs"], [2, 9, 30], axis=0)).all()


def test_what_carries_nothing_changes_nothing_for_the_rest(counts: np.ndarray) -> None:
    """Silent genes are as if they were not there."""
    x = np.insert(counts, 5, 0, axis=1)
    with pytest.warns(UserWarning, match="1 variable is zero"):
        padded = activations(AnnData(x))
    np.testing.assert_allclose(padded, activations(with_matrix(counts)), **SAME)


def test_a_constant_gene_is_named_and_left_out(values: np.ndarray) -> None:
    x = values.copy()
    x[:, 7] = 2.5
    adata = with_matrix(x)
    with pytest.warns(UserWarning, match=r"1 variable is constant over the training rows of X: 'gene7'; left out"):
        gsr_sc.tl.fit(adata, **QUICK)
    assert np.isnan(adata.varm["gsr_programs"][7]).all()
    assert np.isfinite(np.delete(adata.varm["gsr_programs"], 7, axis=0)).all()


def test_at_most_five_names_are_shown(counts: np.ndarray) -> None:
    x = counts.copy()
    x[:, :8] = 0
    with pytest.warns(UserWarning, match=r"8 variables are .*'gene0', 'gene1', 'gene2', 'gene3', 'gene4' and 3 more;"):
        activations(with_matrix(x))


def test_a_start_is_named_with_or_without_its_prefix(values: np.ndarray) -> None:
    adata = with_matrix(values)
    adata.obsm["X_phate"] = np.random.default_rng(0).normal(size=(len(values), 2))
    named = activations(adata, init="phate")
    np.testing.assert_array_equal(named, activations(adata, init="X_phate"))
    assert not np.array_equal(named, activations(adata))
