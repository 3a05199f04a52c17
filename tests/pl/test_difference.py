"""What the picture of differences shows."""

from __future__ import annotations

import numpy as np
import pytest
from _look import artists, neurons, numbers, texts
from _maps import KINDS, MapKind, add_comparison, make_map

import gsr_sc
from gsr_sc import get, pl


@pytest.fixture(scope="module")
def adata() -> object:
    adata = make_map("grid")
    add_comparison(adata)
    return adata


@pytest.mark.parametrize("kind", KINDS)
def test_neurons_have_the_colour_of_their_change(kind: MapKind) -> None:
    adata = make_map(kind)
    add_comparison(adata)
    panel = pl.difference(adata, condition="c", show=False)
    table = get.compare(adata)
    change = table.loc[table["condition"] == "c", "log2_fold_change"].to_numpy()
    shown = numbers(panel)
    np.testing.assert_allclose(np.sort(shown[np.isfinite(shown)]), np.sort(change[np.isfinite(change)]))
    norm = neurons(panel).norm
    assert norm.vmin == -norm.vmax, "centred on no change"
    assert norm.vmax == pytest.approx(np.nanmax(np.abs(change)))
    assert artists(panel, "dead")


def test_dots_mark_what_is_significant(adata: object) -> None:
    table = get.compare(adata).query("condition == 'b'")
    level = float(table["pval_adj"].min()) + 1e-9
    (dots,) = artists(pl.difference(adata, condition="b", alpha=level, show=False), "significant")
    assert len(dots.get_offsets()) == (table["pval_adj"] < level).sum() > 0
    (dots,) = artists(pl.difference(adata, condition="b", alpha=0, show=False), "significant")
    assert len(dots.get_offsets()) == 0


def test_panels_share_a_scale_and_say_what_they_are(adata: object) -> None:
    panels = pl.difference(adata, show=False)
    assert [panel.get_title(loc="left") or panel.get_title() for panel in panels] == ["b against a", "c against a"]
    assert len({neurons(panel).norm.vmax for panel in panels}) == 1
    assert all("whole map: p = " in " ".join(texts(panel)) for panel in panels)
    assert all("3 and 3 samples" in " ".join(texts(panel)) for panel in panels)


def test_groups_give_their_neurons_one_colour(adata: object) -> None:
    shown = numbers(pl.difference(adata, condition="b", of="groups", show=False))
    table = get.compare(adata, of="groups").query("condition == 'b'").set_index("group")
    group = adata.uns["gsr"]["graph"]["group"]  # type: ignore[attr-defined]
    dead = get.neurons(adata)["is_dead"].to_numpy()
    np.testing.assert_allclose(shown[~dead], table.loc[group, "log2_fold_change"].to_numpy()[~dead])


def test_without_replicates_the_picture_says_so() -> None:
    adata = make_map("ring")
    with pytest.warns(UserWarning, match="no replicates"):
        gsr_sc.tl.compare(adata, groupby="batch")
    panel = pl.difference(adata, show=False)
    assert "effects only: too few samples to test" in texts(panel)
    assert len(artists(panel, "significant")[0].get_offsets()) == 0


def test_every_option_changes_something(adata: object) -> None:
    panel = pl.difference(
        adata, condition="b", vmin=-1, vmax=2, cmap="PiYG_r", outline=False, title="mine", frameon=False, show=False
    )
    assert (neurons(panel).norm.vmin, neurons(panel).norm.vmax) == (-1, 2)
    assert neurons(panel).cmap.name == "PiYG_r"
    assert panel.get_title() == "mine"
    assert not artists(panel, "outline")
    assert not any(spine.get_visible() for spine in panel.spines.values())
    with_lines = pl.difference(adata, condition="b", show=False)
    assert artists(with_lines, "outline")
    small, large = (pl.difference(adata, size=size, return_fig=True).get_size_inches() for size in (1.5, 3))
    assert small[0] < large[0]
    assert pl.difference(adata, ncols=1, return_fig=True).get_size_inches()[1] > large[1]
    for options, message in (
        ({"condition": "z"}, "`condition`: 'z' not found"),
        ({"alpha": 2}, "`alpha` is 2"),
        ({"of": "cells"}, "`of` is 'cells'"),
        ({"title": "one"}, "`title` has 1 entries"),
    ):
        with pytest.raises(ValueError, match=message):
            pl.difference(adata, show=False, **options)
