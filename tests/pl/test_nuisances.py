"""What the picture of nuisances shows."""

from __future__ import annotations

import numpy as np
import pytest
from _look import artists, neurons, numbers, texts
from _maps import KINDS, MapKind, make_map

from gsr_sc import get, pl, tl
from gsr_sc.slots._stored import StoredMap


@pytest.mark.parametrize("kind", KINDS)
def test_neurons_have_the_colour_of_their_share_and_flagged_ones_a_dot(kind: MapKind) -> None:
    adata = make_map(kind)
    tl.nuisances(adata, keys=["score", "batch"])
    table = get.nuisances(adata)
    for panel, name in zip(pl.nuisances(adata, show=False), ("score", "batch"), strict=True):
        own = table[table["nuisance"] == name]
        assert panel.get_title() == name
        shown = np.sort(numbers(panel))
        np.testing.assert_allclose(shown, np.sort(own["share"].clip(lower=0)), atol=1e-6)
        (dots,) = artists(panel, "flagged")
        layout = StoredMap(adata).graph.layout[own["flagged"].to_numpy()]
        np.testing.assert_allclose(dots.get_offsets(), layout)
        assert any(text.endswith(f"{own['flagged'].sum()} flagged") for text in texts(panel))
        assert neurons(panel).norm.vmin == 0
        assert neurons(panel).norm.vmax == pytest.approx(table["share"].max())
        assert artists(panel, "dead")
    # Types differ in the score, and no neuron knows the batch.
    assert table.groupby("nuisance", observed=True)["flagged"].any().to_dict() == {"score": True, "batch": False}


def test_within_labels_by_default_where_that_decides() -> None:
    adata = make_map("grid")
    tl.nuisances(adata, keys="score", groupby="cell_type")
    table = get.nuisances(adata)
    within = pl.nuisances(adata, show=False)
    plain = pl.nuisances(adata, share="share", show=False)
    np.testing.assert_allclose(np.sort(numbers(within)), np.sort(table["share_within"].clip(lower=0)), atol=1e-6)
    np.testing.assert_allclose(np.sort(numbers(plain)), np.sort(table["share"].clip(lower=0)), atol=1e-6)
    assert any("within cell_type" in text for text in texts(within))
    assert not any("within cell_type" in text for text in texts(plain))
    # Nothing reaches the threshold, and it is on the scale nevertheless.
    assert neurons(within).norm.vmax == 0.25
    tl.nuisances(adata, keys="score")
    with pytest.raises(ValueError, match="no labels were given"):
        pl.nuisances(adata, share="share_within")
    with pytest.raises(ValueError, match="`share` is 'part'"):
        pl.nuisances(adata, share="part")  # type: ignore[arg-type]


def test_options() -> None:
    adata = make_map("grid")
    tl.nuisances(adata, keys=["score", "batch", "treated"])
    one = pl.nuisances(
        adata, names="batch", cmap="viridis", vmax=0.5, outline=False, frameon=False, title="Mine", size=1.5, show=False
    )
    assert one.get_title() == "Mine"
    assert (neurons(one).get_cmap().name, neurons(one).norm.vmax) == ("viridis", 0.5)
    assert artists(one, "outline") == []
    assert not one.spines["left"].get_visible()
    assert one.get_position().width * one.figure.get_size_inches()[0] == pytest.approx(1.5)
    usual = pl.nuisances(adata, names="batch", show=False)
    assert artists(usual, "outline")
    assert usual.spines["left"].get_visible()
    tall, wide = (pl.nuisances(adata, ncols=n, return_fig=True).get_size_inches() for n in (1, 3))
    assert tall[1] > wide[1]
    with pytest.raises(ValueError, match="`vmax` is 0"):
        pl.nuisances(adata, vmax=0)
    with pytest.raises(ValueError, match="`names`: 'depth' not found"):
        pl.nuisances(adata, names="depth")


def test_needs_the_shares() -> None:
    with pytest.raises(KeyError, match=r"tl.nuisances\(adata\)"):
        pl.nuisances(make_map("grid"))
