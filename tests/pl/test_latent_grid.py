"""What the pictures of the layer show."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from _look import artists, faces, numbers, pixel, texts
from _maps import KINDS, MapKind, make_map
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import LogNorm, to_rgba

from gsr_sc import get, graphs
from gsr_sc.pl import latent_grid
from gsr_sc.pl._colors import NA_COLOR, default_colors

if TYPE_CHECKING:
    from anndata import AnnData

TYPES = ["type 0", "type 1", "type 2", "type 3"]


def draw(adata: AnnData, **options: Any) -> list[Any]:
    panels = latent_grid(adata, show=False, **options)
    return panels if isinstance(panels, list) else [panels]


def titles(panels: list[Any]) -> list[str]:
    return [panel.get_title() for panel in panels]


def means(adata: AnnData, column: str, name: Any) -> np.ndarray:
    member = (adata.obs[column] == name).to_numpy(dtype=bool)
    return adata.obsm["X_gsr"][member].mean(axis=0, dtype=float)


# -- one picture per group --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_panel_shows_the_mean_activation_of_its_group(kind: MapKind) -> None:
    adata = make_map(kind)
    dead = get.neurons(adata)["is_dead"].to_numpy()
    panels = draw(adata, groupby="cell_type")
    assert titles(panels) == TYPES
    for number, panel in enumerate(panels):
        shown = numbers(panel)
        expected = means(adata, "cell_type", f"type {number}")
        np.testing.assert_allclose(shown[~dead], expected[~dead], rtol=1e-5)
        assert np.nanargmax(shown) == adata.uns["home"][number]


@pytest.mark.parametrize("kind", KINDS)
def test_darkest_spot_is_where_the_layout_has_the_neuron(kind: MapKind) -> None:
    adata = make_map(kind)
    layout = adata.uns["gsr"]["graph"]["layout"]
    for number, panel in enumerate(draw(adata, groupby="cell_type")):
        colors = np.array([pixel(panel, x, y)[:3].sum() for x, y in layout[:-2]])
        assert colors[adata.uns["home"][number]] == colors.min()
        # By default strong spots end in the darkest colour; not if every value is on the scale.
    for number, panel in enumerate(draw(adata, groupby="cell_type", vmax="p100")):
        colors = np.array([pixel(panel, x, y)[:3].sum() for x, y in layout[:-2]])
        assert colors.argmin() == adata.uns["home"][number]


def test_first_neuron_of_a_grid_is_at_the_top_left() -> None:
    adata = make_map("grid", n_types=1)
    (panel,) = draw(adata, groupby="cell_type", colorbar_loc=None)
    left, right, bottom, top = (*panel.get_xlim(), *panel.get_ylim())
    corner = pixel(panel, left + 0.5, top - 0.5)
    assert corner[:3].sum() < pixel(panel, right - 0.5, bottom + 1.5)[:3].sum()
    assert (right - left, top - bottom) == (6, 5)


def test_lattice_laid_out_in_another_way_is_drawn_as_nodes() -> None:
    adata = make_map("grid")
    adata.uns["gsr"]["graph"]["layout"] = adata.uns["gsr"]["graph"]["layout"] @ [[0.8, 0.6], [-0.6, 0.8]]
    panel = draw(adata, groupby="cell_type")[1]
    assert not panel.images
    assert np.nanargmax(numbers(panel)) == adata.uns["home"][1]


@pytest.mark.parametrize("kind", ["ring", "line", "tree", "custom"])
def test_edges_lie_behind_the_nodes(kind: MapKind) -> None:
    adata = make_map(kind)
    panel = draw(adata, groupby="cell_type")[0]
    (edges,) = artists(panel, "edges")
    assert len(edges.get_segments()) == get.graph(adata).number_of_edges()
    assert edges.get_zorder() < artists(panel, "neurons")[0].get_zorder()


def test_all_panels_share_one_scale_and_one_color_bar() -> None:
    adata = make_map()
    panels = draw(adata, groupby="cell_type")
    norms = [panel.images[0].norm for panel in panels]
    assert all(norm is norms[0] for norm in norms)
    typical = np.median([means(adata, "cell_type", name).max() for name in TYPES])
    assert (norms[0].vmin, norms[0].vmax) == (0, pytest.approx(typical, rel=1e-5))
    bars = [ax for ax in panels[0].figure.axes if ax not in panels]
    assert [bar.get_ylabel() for bar in bars] == ["mean activation"]
    assert bars[0].get_ylim() == (norms[0].vmin, norms[0].vmax)
    without = draw(adata, groupby="cell_type", colorbar_loc=None)
    assert without[0].figure.axes == without
    below = draw(adata, groupby="cell_type", colorbar_loc="bottom")
    assert [ax.get_xlabel() for ax in below[0].figure.axes if ax not in below] == ["mean activation"]


def test_limits() -> None:
    adata = make_map()
    values = np.concatenate([means(adata, "cell_type", name)[:-2] for name in TYPES])

    def limits(**options: Any) -> tuple[float, float]:
        norm = draw(adata, groupby="cell_type", **options)[0].images[0].norm
        return norm.vmin, norm.vmax

    assert limits(vmin=0.1, vmax=0.2) == (0.1, 0.2)
    assert limits(vmax="p99") == pytest.approx((0, np.percentile(values, 99)), rel=1e-5)
    assert limits(vmin="p10", vmax=np.median) == pytest.approx((np.percentile(values, 10), np.median(values)), rel=1e-5)
    assert isinstance(draw(adata, groupby="cell_type", norm=LogNorm(0.01, 1))[2].images[0].norm, LogNorm)


def test_scale_is_that_of_a_typical_group_and_its_bar_tells_that_some_lie_beyond() -> None:
    adata = make_map(n_dead=0)
    # One small group that lights up a single neuron.
    adata.obs["cell_type"] = adata.obs["cell_type"].cat.add_categories("tight")
    adata.obs.loc[adata.obs_names[:3], "cell_type"] = "tight"
    adata.obsm["X_gsr"][:3] = np.eye(adata.obsm["X_gsr"].shape[1])[7]

    def shown(**options: Any) -> tuple[float, str]:
        panels = draw(adata, groupby="cell_type", **options)
        (bar,) = (ax for ax in panels[0].figure.axes if ax not in panels)
        return panels[0].images[0].norm.vmax, bar._colorbar.extend

    peaks = sorted(means(adata, "cell_type", name).max() for name in [*TYPES, "tight"])
    assert peaks[-1] == pytest.approx(1)
    assert shown() == (pytest.approx(peaks[2], rel=1e-5), "max")
    assert shown(vmax="p100") == (pytest.approx(1), "neither")
    assert shown(vmin=0.1, vmax=0.5)[1] == "both"
    assert shown(standard_scale="neuron") == (pytest.approx(1), "neither")


def test_signed_activations_get_a_scale_about_zero() -> None:
    panel = draw(make_map(signed=True), groupby="cell_type")[0]
    assert panel.images[0].norm.vmin == -panel.images[0].norm.vmax
    assert panel.images[0].cmap.name == "RdBu_r"


def test_color_map() -> None:
    panel = draw(make_map(), groupby="cell_type", cmap="viridis")[0]
    assert panel.images[0].cmap.name == "viridis"


@pytest.mark.parametrize("standard_scale", ["group", "neuron"])
def test_standard_scale(standard_scale: Any) -> None:
    adata = make_map()
    table = np.array([numbers(panel) for panel in draw(adata, groupby="cell_type", standard_scale=standard_scale)])
    alive = table[:, :-2]
    axis = 1 if standard_scale == "group" else 0
    raw = np.array([means(adata, "cell_type", name) for name in TYPES])
    np.testing.assert_allclose(alive.max(axis=axis), 1)
    low = (raw if axis == 1 else raw[:, :-2]).min(axis=axis, keepdims=True)
    span = np.ptp(raw if axis == 1 else raw[:, :-2], axis=axis, keepdims=True)
    np.testing.assert_allclose(alive, (raw[:, :-2] - low) / span, rtol=1e-4, atol=1e-6)
    assert np.isnan(table[:, -2:]).all()


@given(st.permutations(TYPES), st.integers(1, 4))
@settings(max_examples=10)
def test_groups_choose_and_order(names: list[str], n: int) -> None:
    adata = make_map(n_obs=60)
    panels = draw(adata, groupby="cell_type", groups=names[:n])
    assert titles(panels) == names[:n]
    for name, panel in zip(names, panels, strict=False):
        np.testing.assert_allclose(numbers(panel)[:-2], means(adata, "cell_type", name)[:-2], rtol=1e-5)


def test_number_of_cells_is_told() -> None:
    adata = make_map()
    counts = adata.obs["cell_type"].value_counts()
    for panel in draw(adata, groupby="cell_type"):
        assert texts(panel) == [f"{counts[panel.get_title()]} cells"]


def test_cells_without_a_label_and_unused_categories_are_left_out() -> None:
    adata = make_map()
    adata.obs["cell_type"] = (
        adata.obs["cell_type"]
        .cat.add_categories("never")
        .cat.reorder_categories(["never", "type 3", "type 2", "type 1", "type 0"])
    )
    adata.obs.loc[adata.obs_names[::3], "cell_type"] = np.nan
    adata.obs.loc[adata.obs["cell_type"] == "type 2", "cell_type"] = np.nan
    panels = draw(adata, groupby="cell_type")
    assert titles(panels) == ["type 3", "type 1", "type 0"]
    np.testing.assert_allclose(numbers(panels[1])[:-2], means(adata, "cell_type", "type 1")[:-2], rtol=1e-5)
    with pytest.raises(ValueError, match="'type 2' not found"):
        latent_grid(adata, groupby="cell_type", groups=["type 2"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, False], ["False", "True"]),
        (pd.array([True, None, False], dtype="boolean"), ["False", "True"]),
        (["s10", "s9", None], ["s9", "s10"]),
        ([10, 9, 2], ["2", "9", "10"]),
        (pd.array([10, None, 2], dtype="Int64"), ["2", "10"]),
        (pd.Categorical([3, 1, 2], categories=[3, 1, 2]), ["3", "1", "2"]),
    ],
)
def test_kinds_of_labels(values: Any, expected: list[str]) -> None:
    adata = make_map(n_obs=60)
    adata.obs["label"] = pd.Series(values).iloc[np.arange(60) % len(values)].set_axis(adata.obs_names)
    panels = draw(adata, groupby="label")
    assert titles(panels) == expected
    label = adata.obs["label"].astype(object)
    member = np.array([str(value) == expected[0] for value in label])
    np.testing.assert_allclose(numbers(panels[0])[:-2], adata.obsm["X_gsr"][member].mean(axis=0)[:-2], rtol=1e-5)


def test_title_dots_have_the_stored_colors() -> None:
    adata = make_map()
    assert [artists(panel, "dot") for panel in draw(adata, groupby="cell_type")] == [[]] * 4
    adata.uns["cell_type_colors"] = ["#ff0000", "#00ff00", "#0000ff", "#abcdef"]

    def dots(**options: Any) -> list[Any]:
        panels = draw(adata, groupby="cell_type", **options)
        return [artists(panel, "dot")[0].get_markerfacecolor() for panel in panels]

    assert dots() == [to_rgba(color) for color in adata.uns["cell_type_colors"]]
    assert dots(groups=["type 3", "type 1"]) == [to_rgba("#abcdef"), to_rgba("#00ff00")]
    assert dots(palette={"type 0": "black"})[:2] == [to_rgba("black"), to_rgba("#00ff00")]


def test_several_keys() -> None:
    adata = make_map()
    panels = draw(adata, groupby=["cell_type", "batch"])
    assert titles(panels) == [*TYPES, "b1", "b2"]
    figure = panels[0].figure
    assert [text.get_text() for text in figure.texts[:2]] == ["cell_type", "batch"]
    assert len({id(panel.images[0].norm) for panel in panels}) == 1
    assert len(figure.axes) == 7
    # Blocks do not overlap.
    assert max(panel.get_position().y1 for panel in panels[4:]) < min(panel.get_position().y0 for panel in panels[:4])


def test_several_keys_with_limits_of_their_own() -> None:
    panels = draw(make_map(), groupby=["cell_type", "batch"], vmax=[0.3, "p50"], cmap=["viridis", "magma"])
    assert [panel.images[0].norm.vmax for panel in panels[:4]] == [0.3] * 4
    assert panels[4].images[0].norm.vmax < 0.3
    assert [panel.images[0].cmap.name for panel in panels] == ["viridis"] * 4 + ["magma"] * 2
    assert len(panels[0].figure.axes) == 8
    with pytest.raises(ValueError, match="`vmax` has 3 entries for 2 keys"):
        latent_grid(make_map(), groupby=["cell_type", "batch"], vmax=[1, 2, 3])


def test_dead_neurons_are_marked_and_told() -> None:
    for options in ({"groupby": "cell_type"}, {"color": "gene0"}, {}, {"color": "cell_type"}):
        panels = draw(make_map(n_dead=2), **options)
        for panel in panels:
            (crosses,) = artists(panel, "dead")
            centres = {tuple(np.round(segment.mean(axis=0), 6)) for segment in crosses.get_segments()}
            assert centres == {(4, 0), (5, 0)}
            # Beside the cross the tile is grey, not the colour of nothing.
            np.testing.assert_allclose(pixel(panel, 4.35, 0), to_rgba(NA_COLOR), atol=0.01)
        assert any("no cell lights up" in text.get_text() for text in panels[0].figure.texts)
        alive = draw(make_map(n_dead=0), **options)
        assert artists(alive[0], "dead") == []
        assert not any("no cell lights up" in text.get_text() for text in alive[0].figure.texts)


def test_outline_separates_the_groups() -> None:
    adata = make_map("grid", n_types=2, n_dead=0)
    group, layout = adata.uns["gsr"]["graph"]["group"], adata.uns["gsr"]["graph"]["layout"]
    panel = draw(adata, groupby="cell_type", outline=True)[0]
    (outline,) = artists(panel, "outline")
    apart = [(i, j) for i, j in graphs.grid(5, 6).edges if group[i] != group[j]]
    middles = {tuple(np.round((layout[i] + layout[j]) / 2, 6)) for i, j in apart}
    segments = outline.get_segments()
    assert {tuple(np.round(segment.mean(axis=0), 6)) for segment in segments} == middles
    assert all(np.linalg.norm(np.diff(segment, axis=0)) == pytest.approx(1) for segment in segments)
    assert artists(draw(adata, groupby="cell_type")[0], "outline") == []


def test_panels_do_not_overlap_and_keep_the_shape_of_the_layer() -> None:
    adata = make_map("grid", n_types=11, n_obs=400)
    names = [f"a rather long name of a cell type, number {k}" for k in range(11)]
    adata.obs["cell_type"] = adata.obs["cell_type"].cat.rename_categories(names)
    panels = draw(adata, groupby="cell_type", ncols=3)
    figure = panels[0].figure
    figure.canvas.draw()
    boxes = [panel.get_tightbbox() for panel in panels]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[:i])
        assert figure.bbox.x0 <= one.x0 < one.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= one.y0 < one.y1 <= figure.bbox.y1
    assert len({round(panel.get_position().x0, 6) for panel in panels}) == 3
    extent = panels[0].get_window_extent()
    assert extent.height / extent.width == pytest.approx(5 / 6, rel=0.01)
    assert panels[0].get_title().replace("\n", " ") == names[0]


def test_size_and_space() -> None:
    def width(**options: Any) -> float:
        panels = draw(make_map(), groupby="cell_type", **options)
        return panels[0].get_window_extent().width / panels[0].figure.dpi

    def figure(**options: Any) -> np.ndarray:
        return draw(make_map(), groupby="cell_type", ncols=2, **options)[0].figure.get_size_inches()

    assert width(size=2.5) == pytest.approx(2.5)
    assert figure(wspace=0.5)[0] > figure(wspace=0.1)[0]
    assert figure(hspace=0.5)[1] > figure(hspace=0.1)[1]


def test_titles_and_frame() -> None:
    panels = draw(make_map(), groupby="cell_type", title=list("abcd"), frameon=False)
    assert titles(panels) == list("abcd")
    assert not any(spine.get_visible() for spine in panels[0].spines.values())
    assert all(spine.get_visible() for spine in draw(make_map(), groupby="cell_type")[0].spines.values())
    with pytest.raises(ValueError, match="`title` has 1 entries for 4 panels"):
        latent_grid(make_map(), groupby="cell_type", title="one")


def test_forty_groups_on_a_hundred_neurons_take_less_than_three_seconds() -> None:
    adata = make_map(graphs.grid(10), n_obs=2000, n_types=40)
    draw(adata, groupby="batch")[0].figure.canvas.draw()
    start = time.process_time()
    figure = latent_grid(adata, groupby="cell_type", return_fig=True)
    figure.canvas.draw()
    assert time.process_time() - start < 3
    assert len(figure.axes) == 41


# -- neurons by colour ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_gene_is_the_mean_weighted_by_activation(kind: MapKind) -> None:
    adata = make_map(kind)
    weight = adata.obsm["X_gsr"].astype(float) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    gene = adata.X[:, 2].toarray().ravel()
    alive = weight.sum(axis=0) > 0
    (panel,) = draw(adata, color="gene2")
    np.testing.assert_allclose(numbers(panel)[alive], (gene @ weight)[alive] / weight.sum(axis=0)[alive], rtol=1e-4)
    assert np.nanargmax(numbers(panel)) in np.flatnonzero(adata.uns["gsr"]["graph"]["group"] == "2")
    np.testing.assert_allclose(numbers(draw(adata, color="gene2", layer="doubled")[0]), 2 * numbers(panel), rtol=1e-6)


def test_gene_from_raw() -> None:
    adata = make_map()
    adata.raw = adata.copy()
    adata.X = adata.X * 0
    assert np.nanmax(numbers(draw(adata, color="gene1")[0])) == 0
    assert np.nanmax(numbers(draw(adata, color="gene1", use_raw=True)[0])) > 1
    # A gene that only `.raw` has.
    less = adata[:, 3:].copy()
    assert np.nanmax(numbers(draw(less, color="gene1", use_raw=True)[0])) > 1


def test_numeric_column_leaves_out_missing_values() -> None:
    adata = make_map()
    adata.obs.loc[adata.obs_names[:50], "score"] = np.nan
    weight = adata.obsm["X_gsr"][50:, :-2].astype(float) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    (panel,) = draw(adata, color="score")
    expected = adata.obs["score"].to_numpy()[50:] @ weight / weight.sum(axis=0)
    np.testing.assert_allclose(numbers(panel)[:-2], expected, rtol=1e-5)
    assert panel.images[0].norm.vmax == pytest.approx(expected.max(), rel=1e-5)


def test_labels_give_the_color_of_the_largest_and_are_paler_where_mixed() -> None:
    adata = make_map()
    adata.uns["cell_type_colors"] = ["#ff0000", "#00ff00", "#0000ff", "#000000"]
    (panel,) = draw(adata, color="cell_type")
    shown = faces(panel)
    # The neuron furthest from every other type has the full colour, one between types a paler one.
    assert shown[0][0] == pytest.approx(1)
    assert shown[0][1] < 0.3
    weight = adata.obsm["X_gsr"].astype(float)[:, :-2] ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    mass = np.array([weight[adata.obs["cell_type"] == name].sum(axis=0) for name in TYPES])
    share = (mass / mass.sum(axis=0)).max(axis=0)
    reds = mass.argmax(axis=0) == 0
    np.testing.assert_allclose(shown[:-2][reds, 1], 1 - (0.25 + 0.75 * share[reds]), atol=1e-5)
    assert [text.get_text() for text in panel.get_legend().get_texts()] == TYPES
    assert any("paler" in text.get_text() for text in panel.figure.texts)


def test_default_is_the_indicator_group() -> None:
    adata = make_map()
    group = adata.uns["gsr"]["graph"]["group"]
    (panel,) = draw(adata)
    assert panel.get_title() == "gsr_cluster"
    expected = [to_rgba(default_colors(5)[int(name)]) for name in group]
    np.testing.assert_allclose(faces(panel)[:-2], expected[:-2])
    assert texts(panel) == ["0", "1", "2", "3"]
    adata.uns["gsr_cluster_colors"] = ["#111111", "#222222", "#333333", "#444444", "#555555"]
    np.testing.assert_allclose(faces(draw(adata)[0])[0], to_rgba("#111111"))
    margin = draw(adata, legend_loc="right margin")[0]
    assert texts(margin) == []
    assert [text.get_text() for text in margin.get_legend().get_texts()] == ["0", "1", "2", "3"]


def test_group_without_cells_is_drawn_in_grey() -> None:
    adata = make_map()
    lost = adata[adata.obs["gsr_cluster"] != "3"].copy()
    lost.obsm["X_gsr"] += 0.01
    group = adata.uns["gsr"]["graph"]["group"]
    shown = faces(draw(lost)[0])[group == "3"]
    assert np.ptp(shown[0][:3]) < 0.05


def test_groups_of_labels_leave_others_grey() -> None:
    adata = make_map(n_dead=0)
    group = adata.uns["gsr"]["graph"]["group"]
    (panel,) = draw(adata, groups=["2"])
    np.testing.assert_allclose(faces(panel)[group != "2"], np.tile(to_rgba(NA_COLOR), ((group != "2").sum(), 1)))
    assert texts(panel) == ["2"]
    with pytest.raises(ValueError, match="`groups` chooses labels"):
        latent_grid(adata, color="gene0", groups=["2"])


def test_panels_are_spread_evenly_over_rows() -> None:
    panels = draw(make_map(), color=["gene0", "gene1", "gene2", "gene3"])
    assert len({round(panel.get_position().x0, 6) for panel in panels}) == 2
    bars = [
        panel.child_axes[0]._colorbar.extend for panel in draw(make_map(), color=["gene0", "gene1"], vmax=["p50", 9])
    ]
    assert bars == ["max", "neither"]


def test_several_colors() -> None:
    panels = draw(make_map(), color=["gene0", "cell_type", "score"], vmax=[1, None, 2], cmap="viridis")
    assert titles(panels) == ["gene0", "cell_type", "score"]
    assert [panels[i].images[0].norm.vmax for i in (0, 2)] == [1, 2]
    figure = panels[0].figure
    figure.canvas.draw()
    boxes = [panel.get_tightbbox() for panel in panels]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    assert all(box.x1 <= figure.bbox.x1 + 1 for box in boxes)


# -- what is wrong is said --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"groupby": "cell_typ"}, KeyError, "Did you mean 'cell_type'"),
        ({"groupby": "score"}, ValueError, "pandas.cut"),
        ({"groupby": "nothing"}, ValueError, "no value in any observation"),
        ({"groupby": []}, ValueError, "empty list"),
        ({"groupby": "cell_type", "groups": ["type 9"]}, ValueError, "Did you mean 'type"),
        ({"groupby": "cell_type", "groups": []}, ValueError, "`groups` is empty"),
        ({"groupby": ["cell_type", "batch"], "groups": ["type 1"]}, ValueError, "'batch'"),
        ({"groupby": "cell_type", "color": "gene1"}, ValueError, "choose one"),
        ({"groupby": "cell_type", "standard_scale": "var"}, ValueError, "'group', 'neuron'"),
        ({"color": "gene0", "standard_scale": "group"}, ValueError, "needs `groupby`"),
        ({"color": "gen1"}, KeyError, "Did you mean 'gene1'"),
        ({"color": "gene1", "layer": "double"}, KeyError, "Did you mean 'doubled'"),
        ({"color": "gene1", "use_raw": True}, ValueError, "no `.raw`"),
        ({"color": "gene1", "use_raw": True, "layer": "doubled"}, ValueError, "contradict"),
        ({"groupby": "cell_type", "ncols": 0}, ValueError, "`ncols` is 0"),
        ({"groupby": "cell_type", "colorbar_loc": "left"}, ValueError, "'right', 'bottom'"),
        ({"legend_loc": "left"}, ValueError, "'on data'"),
        ({"groupby": "cell_type", "cmap": "virids"}, ValueError, "Did you mean 'viridis'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], error: type[Exception], match: str) -> None:
    adata = make_map()
    adata.obs["nothing"] = pd.Categorical([None] * adata.n_obs)
    with pytest.raises(error, match=match):
        latent_grid(adata, show=False, **options)


def test_settings_of_the_user_do_not_break_it() -> None:
    def places() -> list[Any]:
        panels = draw(make_map(), groupby="cell_type")
        panels[0].figure.canvas.draw()
        assert pixel(panels[0], 0, 4)[:3].sum() < pixel(panels[0], 4, 2)[:3].sum()
        return [panel.get_position().bounds for panel in panels]

    before = places()
    with mpl.rc_context({"figure.constrained_layout.use": True, "axes.grid": True, "image.origin": "lower"}):
        assert places() == before
