"""Gene programs from the cells, beside those of the decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from _fits import fitted
from _hash import hash_adata
from _maps import KINDS, MapKind, make_map
from scipy import sparse

import gsr_sc
from gsr_sc import get
from gsr_sc.slots._added import remove_added
from gsr_sc.slots._keys import Keys

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


@pytest.fixture(scope="module")
def adata() -> AnnData:
    adata = make_map("grid")
    gsr_sc.tl.programs(adata)
    return adata


@pytest.mark.parametrize("kind", KINDS)
def test_markers_are_found_where_their_type_is(kind: MapKind) -> None:
    adata = make_map(kind)
    gsr_sc.tl.programs(adata)
    cells = get.programs(adata, by="cells")
    for k, home in enumerate(adata.uns["home"]):
        marker = cells.iloc[:, home]
        assert marker.idxmax() == f"gene{k}"
        assert marker[f"gene{k}"] > 0.35
        others = [f"gene{j}" for j in range(4) if j != k]
        assert (marker[others] < 0.1).all()
    groups = get.programs(adata, by="cells", groups=True)
    assert list(groups.idxmax()) == [f"gene{k}" for k in range(4)]
    # Genes that no type has more of are all but gone.
    assert cells.iloc[4:].abs().mean().mean() < 0.25 * cells.iloc[:4].abs().mean().mean()


def test_tables_say_how_many_cells_and_whether_the_decoder_agrees(adata: AnnData) -> None:
    tables = adata.uns["gsr_programs"]
    assert set(tables) == {"neurons", "groups", "params"}
    assert tables["params"] == {"where": "X", "is_log": True, "min_agreement": 0.5}
    neurons = tables["neurons"]
    assert list(neurons.index) == list(adata.uns["gsr"]["graph"]["names"])
    assert neurons["shrinkage"].between(0, 1).all()
    assert (neurons["n_effective"] <= adata.n_obs + 1e-6).all()
    assert list(neurons.index[neurons["agreement"].isna()]) == ["E5", "E6"], "dead"
    assert list(tables["groups"].index) == ["0", "1", "2", "3"]


def test_agreement_is_the_correlation_over_genes(adata: AnnData) -> None:
    decoder, cells = (get.programs(adata, by=by) for by in ("decoder", "cells"))  # type: ignore[arg-type]
    table = adata.uns["gsr_programs"]["neurons"]
    alive = table["agreement"].dropna()
    np.testing.assert_allclose(alive, [decoder[name].corr(cells[name]) for name in alive.index], atol=1e-4)
    assert (table["agrees"] == ~(table["agreement"] < 0.5)).all()


def test_disagreement_is_told_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    # The decoder of a made-up map is noise.
    adata = make_map("line")
    gsr_sc.tl.programs(adata)
    told = capsys.readouterr().err
    table = adata.uns["gsr_programs"]["neurons"]
    assert (
        f"disagree on the genes of {(~table['agrees']).sum()} of 10 neurons: {table.index[~table['agrees']][0]}" in told
    )
    gsr_sc.tl.programs(adata, min_agreement=-1)
    assert "disagree" not in capsys.readouterr().err


def test_a_trained_decoder_agrees() -> None:
    adata = fitted(max_epochs=40).copy()
    gsr_sc.tl.programs(adata)
    table = adata.uns["gsr_programs"]["neurons"]
    assert table["agreement"].median() > 0.8
    # Of which there is more in one is more in the other.
    both = get.programs(adata, by="both")
    decoder, cells = (get.programs(adata, by=by) for by in ("decoder", "cells"))  # type: ignore[arg-type]
    same = np.sign(decoder) == np.sign(cells)
    assert (both.where(~same, 0) == 0).all().all()
    np.testing.assert_allclose(both.abs()[same], np.sqrt(decoder.abs() * cells.abs())[same], rtol=1e-4)
    np.testing.assert_array_equal(np.sign(both.to_numpy()[same]), np.sign(cells.to_numpy()[same]))


def test_sparse_dense_and_log_normalised_values_say_the_same() -> None:
    adata = make_map("ring")
    gsr_sc.tl.programs(adata)
    dense = make_map("ring")
    dense.X = dense.X.toarray()
    gsr_sc.tl.programs(dense)
    np.testing.assert_allclose(dense.varm["gsr_programs_cells"], adata.varm["gsr_programs_cells"], atol=1e-4)
    counts = adata.X.toarray()
    total = counts.sum(axis=1, keepdims=True)
    adata.layers["log"] = sparse.csc_matrix(np.log1p(counts * np.median(total) / np.maximum(total, 1)))
    logged = gsr_sc.tl.programs(adata, layer="log", copy=True)
    assert logged is not None
    np.testing.assert_allclose(logged.varm["gsr_programs_cells"], adata.varm["gsr_programs_cells"], atol=1e-4)


def test_every_parameter_changes_something(adata: AnnData) -> None:
    before = adata.varm["gsr_programs_cells"].copy()
    other = adata.copy()
    other.layers["half"] = other.X.copy()
    other.layers["half"].data[::2] = 0
    gsr_sc.tl.programs(other, layer="half")
    assert not np.allclose(before, other.varm["gsr_programs_cells"])
    assert other.uns["gsr_programs"]["params"]["where"] == "layer 'half'"
    other.uns["gsr"]["params"]["layer"] = "half"
    gsr_sc.tl.programs(other, layer="X")
    np.testing.assert_array_equal(before, other.varm["gsr_programs_cells"])
    gsr_sc.tl.programs(other)
    assert not np.allclose(before, other.varm["gsr_programs_cells"]), "what the map was fitted on"
    gsr_sc.tl.programs(other, min_agreement=-1)
    assert other.uns["gsr_programs"]["neurons"]["agrees"].all()
    named = make_map("ring", key="k")
    assert gsr_sc.tl.programs(named, key="k", copy=True).varm["k_programs_cells"].shape == (8, 12)  # type: ignore[union-attr]
    assert "k_programs_cells" not in named.varm
    with pytest.raises(ValueError, match="`min_agreement` is 2"):
        gsr_sc.tl.programs(other, min_agreement=2)
    with pytest.raises(KeyError, match="no such"):
        gsr_sc.tl.programs(other, layer="no such")


def test_works_on_views_and_without_a_decoder() -> None:
    adata = make_map("tree")
    whole = hash_adata(adata)
    view = adata[adata.obs["cell_type"] != "type 0"]
    gsr_sc.tl.programs(view)
    assert "gsr_programs_cells" in view.varm
    assert hash_adata(adata) == whole
    del view.varm["gsr_programs"]
    gsr_sc.tl.programs(view)
    assert view.uns["gsr_programs"]["neurons"]["agreement"].isna().all()
    assert view.uns["gsr_programs"]["neurons"]["agrees"].all()
    with pytest.raises(KeyError, match="use_rep"):
        get.programs(view, by="both")


def test_values_with_negative_ones_have_no_fold_change(adata: AnnData) -> None:
    table = get.programs(adata, by="cells", tidy=True)
    row = table.iloc[0]
    sd = adata.var.loc[row["target"], "gsr_programs_sd"]
    assert row["log2_fold_change"] == pytest.approx(row["weight"] * sd / np.log(2), rel=1e-4)
    scaled = adata.copy()
    scaled.X = scaled.X.toarray() - 0.5
    gsr_sc.tl.programs(scaled)
    assert "log2_fold_change" not in get.programs(scaled, by="cells", tidy=True)
    assert "log2_fold_change" not in get.programs(adata, tidy=True), "of the decoder"


def test_network_is_as_decoupler_takes_it(adata: AnnData) -> None:
    net = get.programs(adata, groups=True, by="cells", tidy=True)
    assert list(net.columns[:3]) == ["source", "target", "weight"]
    assert not net.duplicated(["source", "target"]).any()
    assert all(isinstance(name, str) for column in ("source", "target") for name in net[column])
    assert net["weight"].dtype.kind == "f"
    assert np.isfinite(net["weight"]).all()
    # As decoupler does: a matrix of targets by sources.
    matrix = net.pivot_table(columns="source", index="target", values="weight")
    np.testing.assert_allclose(
        matrix.loc[adata.var_names, ["0", "1", "2", "3"]].to_numpy(), adata.varm["gsr_programs_cells_groups"]
    )


def test_rankings_and_sets_are_as_gseapy_takes_them(adata: AnnData) -> None:
    ranking = get.programs(adata)["A1"].dropna()
    assert isinstance(ranking, pd.Series)
    assert ranking.index.equals(adata.var_names[:7])
    sets = get.gene_sets(adata, n_top=2, by="cells")
    assert list(sets) == ["0", "1", "2", "3"]
    assert [genes[0] for genes in sets.values()] == ["gene0", "gene1", "gene2", "gene3"]
    assert all(isinstance(gene, str) and len(genes) <= 2 for genes in sets.values() for gene in genes)
    down = get.gene_sets(adata, direction="down", n_top=3, by="cells")
    assert all(f"gene{k}" not in down.get(str(k), []) for k in range(4))
    assert set(get.gene_sets(adata, groups=False)) <= set(adata.uns["gsr"]["graph"]["names"])
    with pytest.raises(ValueError, match="`direction` is 'both'"):
        get.gene_sets(adata, direction="both")  # type: ignore[arg-type]


def test_direction_keeps_one_sign(adata: AnnData) -> None:
    up, down, both = (get.programs(adata, direction=d, tidy=True) for d in ("up", "down", "both"))  # type: ignore[arg-type]
    assert (up["weight"] > 0).all()
    assert (down["weight"] < 0).all()
    assert len(up) + len(down) == len(both)
    assert all(part["weight"].is_monotonic_increasing for _, part in down.groupby("source"))
    top = get.programs(adata, direction="down", n_top=1).set_index("source")["weight"]
    np.testing.assert_array_equal(top, get.programs(adata).min()[top.index])
    for name, value in (("direction", "sideways"), ("by", "magic")):
        with pytest.raises(ValueError, match=f"`{name}` is"):
            get.programs(adata, **{name: value})


def test_tl_programs_comes_before_what_cells_say() -> None:
    with pytest.raises(KeyError, match=r"gsr_sc.tl.programs\(adata\)"):
        get.programs(make_map("ring"), by="cells")


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_survives_files_and_goes_with_a_new_map(suffix: str, adata: AnnData, tmp_path: Path) -> None:
    path = tmp_path / f"map.{suffix}"
    getattr(adata, f"write_{suffix}")(path)
    back = getattr(ad, f"read_{suffix}")(path)
    for by in ("cells", "both"):
        pd.testing.assert_frame_equal(get.programs(adata, by=by), get.programs(back, by=by), check_index_type=False)  # type: ignore[arg-type]
    for name in ("neurons", "groups"):
        pd.testing.assert_frame_equal(
            adata.uns["gsr_programs"][name], back.uns["gsr_programs"][name], check_index_type=False
        )
    remove_added(back, Keys.of(None))
    assert not {"gsr_programs_cells", "gsr_programs_cells_groups"} & set(back.varm)
    assert "gsr_programs_sd" not in back.var
    assert "gsr_programs" not in back.uns
