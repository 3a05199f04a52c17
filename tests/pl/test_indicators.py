"""What the picture of neurons by groups shows."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from _look import artists
from _maps import KINDS, MapKind, make_map
from matplotlib.colors import Normalize, to_hex

import gsr_sc
from gsr_sc import graphs
from gsr_sc.graphs._tree import group_tree
from gsr_sc.pl import indicators

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def means(panel: Axes) -> np.ndarray:
    (picture,) = artists(panel, "means")
    return np.ma.filled(np.ma.asarray(picture.get_array(), dtype=float), np.nan)


def rows(panel: Axes) -> list[str]:
    return [label.get_text().rsplit("  (", 1)[0] for label in panel.get_yticklabels()]


def columns(panel: Axes) -> list[str]:
    return [label.get_text() for label in panel.get_xticklabels()]


def draw(adata: Any, **options: Any) -> Any:
    return indicators(adata, show=False, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_means_of_the_right_neurons_and_groups(kind: MapKind) -> None:
    adata = make_map(kind)
    panel = draw(adata, groupby="cell_type")
    table = gsr_sc.get.activations(adata)
    dead = gsr_sc.get.neurons(adata)["is_dead"]
    assert sorted(columns(panel)) == sorted(table.columns)
    assert sorted(rows(panel)) == [f"type {k}" for k in range(4)]
    for row, name in zip(means(panel), rows(panel), strict=True):
        of_group = table[(adata.obs["cell_type"] == name).to_numpy()].mean()
        expected = np.where(dead, np.nan, of_group)[table.columns.get_indexer(columns(panel))]
        np.testing.assert_allclose(row, expected, rtol=1e-5)


def test_groups_of_neurons_stand_together_under_their_colours() -> None:
    adata = make_map("grid", n_types=6)
    gsr_sc.tl.indicators(adata, resolution=[0.7, 5])
    panel = draw(adata, groupby="cell_type")
    picture = next(np.asarray(a.get_array()) for a in artists(panel, "strips") if hasattr(a, "get_array"))
    assert picture.shape[:2] == (2, 30)
    group = adata.uns["gsr_indicators"]["group"]
    names = list(gsr_sc.get.neurons(adata).index)
    at = [names.index(name) for name in columns(panel)]
    for level in range(2):
        drawn = group[at, level]
        assert (np.diff(drawn) != 0).sum() == drawn.max()
        categories = list(adata.obs[f"gsr_cluster_{level}"].cat.categories)
        colors = adata.uns[f"gsr_cluster_{level}_colors"]
        for column, number in enumerate(drawn):
            if str(number) in categories:
                assert to_hex(picture[level, column]) == colors[categories.index(str(number))]


def test_levels_are_columns() -> None:
    adata = make_map("grid", n_types=6)
    gsr_sc.tl.indicators(adata, resolution=[0.7, 5])
    for level, n in ((0, 0), (1, 1)):
        panel = draw(adata, level=level)
        groups = adata.uns["gsr_indicators"]["group"][:, n]
        assert sorted(columns(panel), key=int) == [str(k) for k in range(groups.max() + 1)]
        assert set(rows(panel)) == set(adata.obs[f"gsr_cluster_{level}"].unique())
        summed = adata.obsm["X_gsr"] @ np.eye(groups.max() + 1)[groups]
        inside = (adata.obs[f"gsr_cluster_{level}"] == rows(panel)[0]).to_numpy()
        np.testing.assert_allclose(
            np.nan_to_num(means(panel)[0]), summed[inside].mean(axis=0)[list(map(int, columns(panel)))], rtol=1e-5
        )
    assert len(columns(draw(adata, level="groups"))) == len(set(adata.uns["gsr"]["graph"]["group"]))
    with pytest.raises(ValueError, match="level"):
        draw(adata, level=2)
    assert rows(draw(make_map("ring")))[-1] == "unassigned"


def test_rows_go_down_as_columns_go_right_unless_named() -> None:
    adata = make_map("grid", n_types=8)
    sorted_rows = draw(adata, groupby="cell_type")
    peaks = np.nanargmax(means(sorted_rows), axis=1)
    assert np.corrcoef(peaks, np.arange(8))[0, 1] > 0.8
    assert rows(draw(adata, groupby="cell_type", sort=False)) == [f"type {k}" for k in range(8)]
    assert rows(draw(adata, groupby="cell_type", groups=["type 5", "type 1"])) == ["type 5", "type 1"]


def test_scales_and_colours() -> None:
    adata = make_map("grid")
    plain = draw(adata, groupby="cell_type", title="a title")
    assert plain.get_title() == "a title"
    by_group = means(draw(adata, groupby="cell_type", standard_scale="group"))
    np.testing.assert_allclose(np.nanmax(by_group, axis=1), 1)
    by_neuron = means(draw(adata, groupby="cell_type", standard_scale="neuron"))
    np.testing.assert_allclose(by_neuron[:, ~np.isnan(by_neuron[0])].max(axis=0), 1)
    picture = artists(draw(adata, groupby="cell_type", vmin=0.1, vmax=0.2, cmap="viridis"), "means")[0]
    assert (picture.norm.vmin, picture.norm.vmax, picture.cmap.name) == (0.1, 0.2, "viridis")
    assert artists(draw(adata, groupby="cell_type", vcenter=0.1), "means")[0].norm(0.1) == pytest.approx(0.5)
    assert artists(draw(adata, groupby="cell_type", norm=Normalize(0, 7)), "means")[0].norm.vmax == 7
    dots = artists(draw(adata, groupby="cell_type", palette=["red", "blue", "green", "gold"]), "dot")
    assert len(dots) == 4
    assert not artists(plain, "dot")


def test_tree_can_be_left_out() -> None:
    adata = make_map("grid")
    panel = draw(adata, groupby="cell_type")
    lines = [line for line in artists(panel, "tree") if hasattr(line, "get_segments")]
    assert len(lines[0].get_segments()) == 29
    assert not artists(draw(adata, groupby="cell_type", dendrogram=False), "tree")


def test_a_hundred_neurons_by_forty_groups_in_three_seconds() -> None:
    adata = make_map(graphs.grid(10), n_obs=2000, n_types=40)
    draw(adata, groupby="batch").figure.canvas.draw()
    start = time.process_time()
    panel = draw(adata, groupby="cell_type")
    panel.figure.canvas.draw()
    assert time.process_time() - start < 3
    boxes = [label.get_window_extent() for label in panel.get_yticklabels()]
    assert all(not first.overlaps(second) for first, second in pairwise(boxes))
    assert len(columns(panel)) == 100


def test_options_are_checked() -> None:
    adata = make_map("grid")
    with pytest.raises(ValueError, match="standard_scale"):
        draw(adata, standard_scale="row")
    with pytest.raises(KeyError, match="groupby"):
        draw(adata, groupby="type")
    with pytest.raises(KeyError, match=r"tl\.indicators"):
        draw(adata, level=0)


def test_tree_merges_within_groups_first_and_never_falls() -> None:
    rng = np.random.default_rng(0)
    ties = rng.random((12, 12))
    ties = ties + ties.T
    group = np.arange(12) % 3
    tree = group_tree(ties, group)
    assert tree.shape == (11, 4)
    assert (np.diff(tree[:, 2]) >= 0).all()
    members = {k: {k} for k in range(12)}
    for step, (first, second, _, size) in enumerate(tree):
        members[12 + step] = members[int(first)] | members[int(second)]
        assert len(members[12 + step]) == size
    whole = [set(np.flatnonzero(group == k).tolist()) for k in range(3)]
    assert all(found in members.values() for found in whole)
    assert group_tree(np.ones((1, 1)), np.zeros(1, dtype=int)).shape == (0, 4)


def test_colour_bar_of_a_single_row_can_be_read() -> None:
    adata = make_map("grid")
    panel = draw(adata, groupby="cell_type", groups="type 1")
    panel.figure.draw_without_rendering()
    (bar,) = (child for child in panel.child_axes if child.get_gid() == "colorbar")
    assert bar.get_window_extent().height / panel.figure.dpi == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("font_size", [7, 10, 14])
def test_dots_do_not_touch_the_names(font_size: float) -> None:
    with mpl.rc_context({"font.size": font_size}):
        panel = draw(make_map("grid"), groupby="cell_type", palette=["red", "blue", "green", "gold"])
        panel.figure.canvas.draw()
        assert artists(panel, "dot")
        for dot, name in zip(artists(panel, "dot"), panel.get_yticklabels(), strict=True):
            assert name.get_window_extent().x1 <= dot.get_window_extent().x0 + 0.5
