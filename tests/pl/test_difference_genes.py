"""What the picture of differential genes shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from _look import artists, collisions
from _maps import make_map
from scipy import sparse

import gsr_sc
from gsr_sc import get, graphs, pl

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

N_GROUPS, N_GENES = 12, 60


@pytest.fixture(scope="module")
def study() -> AnnData:
    """Three conditions of three samples. Gene 0 rises everywhere, gene k falls in group k, and gene 20 is hardly there."""
    # Another seed than that of the map, or samples would follow types.
    rng = np.random.default_rng(7)
    adata = make_map(graphs.grid(8, 8), n_obs=3000, n_types=N_GROUPS, n_dead=0)
    label = adata.obs["cell_type"].cat.codes.to_numpy()
    sample = rng.integers(9, size=len(label))
    level = np.full((len(label), N_GENES), 2.0)
    treated = sample % 3 == 1
    level[treated, 0] *= 3
    for group in range(1, N_GROUPS):
        level[treated & (label == group), group] /= 4
    level[:, 20] = 0.5 * (label == 3)
    level[:, 30:] *= 1.5
    counts = sparse.csr_matrix(rng.poisson(level).astype(np.float32))
    made = ad.AnnData(counts, obs=adata.obs.copy(), var=pd.DataFrame(index=[f"gene{j}" for j in range(N_GENES)]))
    made.obsm, made.uns = adata.obsm, adata.uns
    made.obs["sample"] = [f"s{k}" for k in sample]
    made.obs["condition"] = pd.Categorical(np.array(["control", "drug", "placebo"])[sample % 3])
    gsr_sc.tl.compare(made, groupby="condition", sample="sample", genes=True, n_permutations=0)
    return made


def tiles(panel: Axes) -> Any:
    (image,) = artists(panel, "genes")
    return image


def rows(panel: Axes) -> list[str]:
    return [text.get_text() for text in panel.get_yticklabels()]


def test_tiles_have_the_colour_of_the_fold_change(study: AnnData) -> None:
    panel = pl.difference_genes(study, condition="drug", show=False)
    shown = np.ma.filled(tiles(panel).get_array(), np.nan)
    table = get.compare(study, of="genes").query("condition == 'drug'").astype({"gene": str, "group": str})
    known = table.set_index(["gene", "group"])["log2_fold_change"]
    groups = list(dict.fromkeys(table["group"]))
    for row, gene in enumerate(rows(panel)):
        for column, group in enumerate(groups):
            assert shown[row, column] == pytest.approx(known.get((gene, group), np.nan), nan_ok=True)
    norm = tiles(panel).norm
    assert norm.vmin == -norm.vmax, "centred on no change"


def test_what_differs_is_drawn_in_the_order_of_the_groups(study: AnnData) -> None:
    panel = pl.difference_genes(study, condition="drug", show=False, n_genes=N_GROUPS)
    assert rows(panel)[0] == "gene0", "what rises everywhere first"
    assert rows(panel) == [f"gene{k}" for k in range(N_GROUPS)]


def test_dots_and_counts_tell_what_is_significant(study: AnnData) -> None:
    table = get.compare(study, of="genes").query("condition == 'drug'")
    for alpha in (0.1, 1e-4):
        panel = pl.difference_genes(study, condition="drug", alpha=alpha, n_genes=N_GENES, show=False)
        found = table[table["pval_adj"] < alpha]
        (dots,) = artists(panel, "significant")
        assert len(dots.get_offsets()) == len(found) > 10
        # Whatever is drawn, all genes are counted.
        panel = pl.difference_genes(study, condition="drug", alpha=alpha, genes="gene0", show=False)
        (box,) = artists(panel, "counts")
        heights = [bar.get_height() for gid in ("rising", "falling") for bar in artists(box, gid)]
        assert sum(heights) == (found["log2_fold_change"] > 0).sum() - (found["log2_fold_change"] < 0).sum()
        assert np.abs(heights).sum() == len(found)


def test_what_was_not_tested_is_crossed_out(study: AnnData) -> None:
    panel = pl.difference_genes(study, condition="drug", genes=["gene20", "gene0"], show=False)
    assert np.ma.getmaskarray(tiles(panel).get_array())[0].sum() == N_GROUPS - 1
    (crosses,) = artists(panel, "untested")
    assert len(crosses.get_offsets()) == N_GROUPS - 1
    assert any("not tested" in text.get_text() for text in panel.figure.texts)
    panel = pl.difference_genes(study, condition="drug", genes="gene0", show=False)
    assert not any("not tested" in text.get_text() for text in panel.figure.texts)


def test_panels_share_rows_and_scale(study: AnnData) -> None:
    drug, placebo = pl.difference_genes(study, show=False)
    assert [drug.get_title(), placebo.get_title()] == ["drug against control", "placebo against control"]
    assert tiles(drug).norm.vmax == tiles(placebo).norm.vmax
    assert tiles(drug).get_array().shape == tiles(placebo).get_array().shape
    assert len(artists(placebo, "significant")[0].get_offsets()) < 5, "nothing differs there"
    assert any(rows(drug))
    assert not any(rows(placebo)), "names once"


@pytest.mark.parametrize("size", [10, 14])
def test_a_dozen_groups_and_thirty_genes_can_be_read(study: AnnData, size: int) -> None:
    with mpl.rc_context({"font.size": size}):
        figure = pl.difference_genes(study, condition="drug", return_fig=True)
        assert collisions(figure) == []
    width, height = figure.get_size_inches()
    assert width < 7
    assert height < 9


def test_every_option_changes_something(study: AnnData) -> None:
    options: dict[str, Any] = {"vmin": -1, "vmax": 2, "cmap": "PiYG_r", "title": "mine"}
    panel = pl.difference_genes(
        study, condition="drug", groups=["3", "1"], genes=["gene5", "gene3"], show=False, **options
    )
    assert (tiles(panel).norm.vmin, tiles(panel).norm.vmax) == (-1, 2)
    assert tiles(panel).cmap.name == "PiYG_r"
    assert panel.get_title() == "mine"
    assert rows(panel) == ["gene5", "gene3"]
    (strip,) = artists(panel, "groups")
    assert [text.get_text() for text in strip.get_xticklabels()] == ["3", "1"]
    assert tiles(panel).get_array()[1, 0] < -1, "gene 3 falls in group 3"
    for wrong, error, message in (
        ({"condition": "z"}, ValueError, "`condition` among those with genes: 'z' not found"),
        ({"groups": "z"}, ValueError, "`groups` among those with genes: 'z' not found"),
        ({"genes": "z"}, KeyError, "`genes` among those tested: 'z' not found"),
        ({"genes": []}, ValueError, "`genes` is empty"),
        ({"n_genes": 0}, ValueError, "`n_genes` is 0"),
        ({"alpha": 2}, ValueError, "`alpha` is 2"),
    ):
        with pytest.raises(error, match=message):
            pl.difference_genes(study, show=False, **wrong)


def test_what_to_do_where_there_are_no_genes() -> None:
    adata = make_map()
    adata.obs["sample"] = [f"s{k % 6}" for k in range(adata.n_obs)]
    adata.obs["condition"] = [f"c{k % 2}" for k in range(adata.n_obs)]
    options: dict[str, Any] = {"groupby": "condition", "sample": "sample", "n_permutations": 0}
    gsr_sc.tl.compare(adata, **options)
    with pytest.raises(KeyError, match="genes=True"):
        pl.difference_genes(adata, show=False)
    gsr_sc.tl.compare(adata, **options, genes=True, min_cells=30)
    with pytest.raises(ValueError, match="Lower `min_cells`"):
        pl.difference_genes(adata, show=False)
