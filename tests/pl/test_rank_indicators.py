"""What the picture of ranked indicators shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from _look import artists, texts
from _maps import make_map
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from gsr_sc import get, pl, tl
from gsr_sc.pl._colors import RIM

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


@pytest.fixture(scope="module")
def adata() -> AnnData:
    adata = make_map("grid")
    # Not all labels are told equally well.
    labels = adata.obs["cell_type"].to_numpy().astype(object)
    labels[::3] = np.random.default_rng(0).permutation(labels[::3])
    labels[labels == "type 2"] = np.where(np.arange((labels == "type 2").sum()) % 2, "type 2", "type 0")
    adata.obs["cell_type"] = pd.Categorical(labels, [*(f"type {k}" for k in range(4)), "none"])
    tl.rank_indicators(adata, groupby="cell_type")
    return adata


def _labels(panel: Axes) -> list[str]:
    return [label.get_text().split("  (")[0] for label in panel.get_yticklabels()]


def _points(panel: Axes, gid: str) -> np.ndarray:
    return np.concatenate([np.asarray(found.get_offsets()).reshape(-1, 2) for found in artists(panel, gid)])


def test_assigned_neurons_with_intervals_from_the_best(adata: AnnData) -> None:
    panel = pl.rank_indicators(adata, show=False)
    table = get.rank_indicators(adata, assigned=True).sort_values("auroc", ascending=False)
    assert table["auroc"].nunique() == 4
    assert _labels(panel) == table["label"].tolist()
    assert panel.get_yticklabels()[0].get_text().endswith(f"({table['n'].iloc[0]})")
    np.testing.assert_allclose(_points(panel, "assigned")[:, 0], table["auroc"])
    ends = [line[:, 0] for lines in artists(panel, "assigned intervals") for line in lines.get_segments()]
    np.testing.assert_allclose(ends, table[["ci_low", "ci_high"]])
    assert [text.split("  (")[0] for text in texts(panel)] == table["neuron"].tolist()


def test_best_of_the_others(adata: AnnData) -> None:
    few, many = (pl.rank_indicators(adata, n_best=n, groups="type 1", show=False) for n in (1, 4))
    table = get.rank_indicators(adata, group="type 1")
    others = table[~table["assigned"]].iloc[:3]
    np.testing.assert_allclose(_points(many, "others")[:, 0], others["auroc"])
    assert texts(many)[0].endswith(f"({', '.join(others['neuron'])})")
    assert len(_points(few, "others")) == 0
    with pytest.raises(ValueError, match="`n_best` is 0"):
        pl.rank_indicators(adata, n_best=0)


def test_rows_in_the_order_asked_for(adata: AnnData) -> None:
    assert _labels(pl.rank_indicators(adata, sort=False, show=False)) == [f"type {k}" for k in range(4)]
    assert _labels(pl.rank_indicators(adata, groups=["type 3", "type 0"], show=False)) == ["type 3", "type 0"]
    with pytest.raises(ValueError, match=r"`groups` in 'cell_type': 'type 9'"):
        pl.rank_indicators(adata, groups="type 9")


def test_colours_are_those_of_the_labels(adata: AnnData) -> None:
    mine = pl.rank_indicators(adata, groups="type 1", palette={"type 1": "red"}, title="Mine", show=False)
    assert mine.get_title() == "Mine"
    (dot,) = (found for found in artists(mine, "assigned") if len(found.get_offsets()))
    np.testing.assert_array_equal(dot.get_facecolor(), [to_rgba("red")])
    stored = make_map("grid")
    stored.uns["cell_type_colors"] = ["#010203", "#040506", "#070809", "#101112"]
    tl.rank_indicators(stored, groupby="cell_type")
    panel = pl.rank_indicators(stored, groups="type 2", show=False)
    (dot,) = (found for found in artists(panel, "assigned") if len(found.get_offsets()))
    np.testing.assert_array_equal(dot.get_facecolor(), [to_rgba("#070809")])
    del stored.obs["cell_type"]
    assert len(_labels(pl.rank_indicators(stored, show=False))) == 4


def test_less_active_neurons_point_down() -> None:
    adata = make_map("line", n_types=2, n_dead=0)
    adata.obsm["X_gsr"] = np.column_stack([adata.obsm["X_gsr"][:, :1]] * 10)
    tl.rank_indicators(adata, groupby="cell_type", direction="both")
    panel = pl.rank_indicators(adata, n_best=1, show=False)
    assert sum(text.startswith("less ") for text in texts(panel)) == 1
    round_, down = (sum(len(found.get_offsets()) for found in artists(panel, "assigned")[k::2]) for k in (0, 1))
    assert (round_, down) == (1, 1)


def test_groups_and_labels_that_no_neuron_is_left_for() -> None:
    adata = make_map("ring", n_types=3)
    adata.obs["fine"] = [f"{kind} {k % 2}" for k, kind in enumerate(adata.obs["cell_type"])]
    tl.rank_indicators(adata, groupby="fine", level="groups")
    panel = pl.rank_indicators(adata, show=False)
    assert panel.get_title() == "groups that indicate fine"
    assert [text.startswith("none left (") for text in texts(panel)] == [False] * 3 + [True] * 3
    assert len(_points(panel, "assigned")) == 3


def test_needs_the_ranking() -> None:
    with pytest.raises(KeyError, match=r"tl.rank_indicators\(adata\)"):
        pl.rank_indicators(make_map("grid"))


def test_note_stands_below_the_axis_of_the_caller(adata: AnnData) -> None:
    figure = Figure()
    panel = figure.subplots()
    pl.rank_indicators(adata, ax=panel, show=False)
    figure.draw_without_rendering()
    (note,) = (text for text in panel.texts if "intervals" in text.get_text())
    assert note.get_window_extent().y1 < panel.xaxis.label.get_window_extent().y0 + 1


def test_pale_colours_have_a_rim(adata: AnnData) -> None:
    usual = pl.rank_indicators(adata, show=False)
    assert not artists(usual, "rim")
    palette = {"type 1": "#fdfdf0", "type 3": "#111111"}
    panel = pl.rank_indicators(adata, palette=palette, show=False)
    assert len(artists(panel, "rim")) == 1
    edges = {to_rgba(e) for dot in artists(panel, "assigned") if len(dot.get_offsets()) for e in dot.get_edgecolors()}
    assert edges == {to_rgba("white"), to_rgba(RIM)}
    with plt.style.context("dark_background"):
        dark = pl.rank_indicators(adata, palette=palette, show=False)
    # There it is the dark one that is lost, and open dots are open.
    assert len(artists(dark, "rim")) == 1
    np.testing.assert_array_equal(artists(dark, "rim")[0].get_segments()[0], _segments(dark, "#111111"))
    faces = [dot.get_facecolor() for dot in artists(dark, "others") if len(dot.get_offsets())]
    assert all((face == to_rgba("black")).all() for face in faces)


def _segments(panel: Axes, color: str) -> np.ndarray:
    (lines,) = (x for x in artists(panel, "assigned intervals") if (x.get_colors()[0] == to_rgba(color)).all())
    return np.asarray(lines.get_segments()[0])
