"""What the picture of the stability shows."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from _look import artists, numbers, texts
from _maps import KINDS, MapKind, add_stability, make_map

from gsr_sc import pl


@pytest.mark.parametrize("kind", KINDS)
def test_neurons_have_the_colour_of_their_reproducibility(kind: MapKind) -> None:
    adata = make_map(kind)
    add_stability(adata)
    panel = pl.stability(adata, panels="neurons", show=False)
    shown = np.asarray(numbers(panel))
    np.testing.assert_allclose(np.sort(shown), np.sort(adata.uns["gsr_stability"]["neurons"]))
    assert artists(panel, "dead")
    other = pl.stability(adata, panels="neurons", cmap="viridis", title="mine", show=False)
    assert other.get_title() == "mine"
    assert artists(other, "neurons")[0].get_cmap().name == "viridis"


def test_groups_are_listed_from_the_best() -> None:
    adata = make_map("grid")
    add_stability(adata)
    panel = pl.stability(adata, panels="cells", show=False)
    names = [label.get_text() for label in panel.get_yticklabels()]
    assert names[0] == "all cells"
    assert [name for name in names[1:] if name != "unassigned"] == ["0", "1", "2", "3"]
    (median,) = artists(panel, "median")
    assert median.get_offsets()[0, 0] == pytest.approx(adata.obs["gsr_reproducibility"].median())
    by_type = pl.stability(adata, panels="cells", groupby="cell_type", show=False)
    assert {label.get_text() for label in by_type.get_yticklabels()} == {"all cells", *adata.obs["cell_type"].unique()}


def test_fits_show_neurons_above_and_maps_below() -> None:
    adata = make_map("grid")
    add_stability(adata)
    panel = pl.stability(adata, panels="fits", show=False)
    shown = artists(panel, "fits")[0].get_array()
    found = adata.uns["gsr_stability"]
    assert shown[0, 3] == found["between_neurons"][0, 3]
    assert shown[3, 0] == found["between_maps"][0, 3]
    assert len(texts(panel)) == 20
    add_stability(adata, n_fits=15)
    assert texts(pl.stability(adata, panels="fits", show=False)) == []


def test_verdict_stands_above() -> None:
    adata = make_map("grid")
    add_stability(adata)
    figure = pl.stability(adata, return_fig=True)
    assert [text.get_text() for text in figure.texts if text.get_gid() == "verdict"] == [
        adata.uns["gsr_stability"]["verdict"]
    ]
    titled = pl.stability(adata, title="My map", return_fig=True)
    assert "My map" in [text.get_text() for text in titled.texts]


def test_wrong_choices() -> None:
    adata = make_map("grid")
    with pytest.raises(KeyError, match=r"tl.stability\(adata\)"):
        pl.stability(adata)
    add_stability(adata)
    with pytest.raises(ValueError, match="`panels` is 'cell'"):
        pl.stability(adata, panels="cell")  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="groupby"):
        pl.stability(adata, groupby="nothing")


def test_long_names_stay_clear_of_the_colour_bar() -> None:
    adata = make_map("grid")
    add_stability(adata)
    long = "effector memory CD8-positive, alpha-beta T cell, terminally differentiated"
    adata.obs["cell_type"] = adata.obs["cell_type"].cat.rename_categories({"type 1": long})
    figure = pl.stability(adata, groupby="cell_type", return_fig=True)
    figure.draw_without_rendering()
    neurons, cells, _ = figure.axes[:3]
    beside = max(label.get_window_extent().x0 for label in neurons.child_axes[0].get_yticklabels())
    assert min(label.get_window_extent().x0 for label in cells.get_yticklabels()) > beside


def test_pale_groups_and_dark_pages() -> None:
    adata = make_map("grid")
    add_stability(adata)
    adata.uns["cell_type_colors"] = ["#fdfdf0", "#1f77b4", "#d62728", "#2ca02c"]
    panel = pl.stability(adata, panels="cells", groupby="cell_type", show=False)
    assert [len(rim.get_segments()) for rim in artists(panel, "rim")] == [1, 1]
    assert (artists(panel, "median")[0].get_facecolor() == 1).all()
    with plt.style.context("dark_background"):
        dark = pl.stability(adata, panels="cells", groupby="cell_type", show=False)
    assert (artists(dark, "median")[0].get_facecolor()[:, :3] == 0).all()
