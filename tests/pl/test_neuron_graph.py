"""What the picture of the neuron graph shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _look import artists, faces, neurons, numbers, pixel, texts
from _maps import KINDS, MapKind, make_map
from matplotlib.colors import to_rgba

from gsr_sc import get
from gsr_sc.pl import neuron_graph
from gsr_sc.pl._colors import NA_COLOR, default_colors


def draw(adata: Any, **options: Any) -> Any:
    return neuron_graph(adata, show=False, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_nodes_grow_with_use_and_have_the_color_of_their_group(kind: MapKind) -> None:
    adata = make_map(kind)
    table = get.neurons(adata)
    panel = draw(adata)
    widths = neurons(panel).get_widths()
    assert (np.diff(widths[np.argsort(table["use"])]) >= 0).all()
    assert widths.argmax() == table["use"].argmax()
    expected = np.array([to_rgba(default_colors(5)[int(name)]) for name in table["group"]])
    expected[table["is_dead"]] = to_rgba(NA_COLOR)
    np.testing.assert_allclose(faces(panel), expected)
    np.testing.assert_allclose(neurons(panel).get_offsets(), adata.uns["gsr"]["graph"]["layout"])
    assert len(artists(panel, "dead")) == 1
    assert "share of cells" in panel.figure.texts[-1].get_text()


def test_area_is_proportional_to_use() -> None:
    adata = make_map("ring", n_types=2, n_dead=0)
    table, widths = get.neurons(adata), neurons(draw(adata)).get_widths()
    used = table["use"].to_numpy() > 0.13 * table["use"].max()
    ratio = widths[used] ** 2 / table["use"].to_numpy()[used]
    np.testing.assert_allclose(ratio, ratio[0])
    np.testing.assert_allclose(neurons(draw(adata, size=0.5)).get_widths(), 0.5 * widths)


@pytest.mark.parametrize("kind", ["ring", "tree", "grid"])
def test_all_edges_are_drawn(kind: MapKind) -> None:
    adata = make_map(kind)
    (edges,) = artists(draw(adata), "edges")
    drawn = {frozenset(map(tuple, np.round(segment, 6))) for segment in edges.get_segments()}
    graph = get.graph(adata)
    assert drawn == {frozenset(tuple(np.round(graph.nodes[node]["pos"], 6)) for node in edge) for edge in graph.edges}


def test_seam_of_a_torus_is_drawn_as_stubs() -> None:
    (edges,) = artists(draw(make_map("torus")), "edges")
    lengths = np.array([np.linalg.norm(np.diff(segment, axis=0)) for segment in edges.get_segments()])
    # 5 x 6: 60 edges, of which 11 cross the seam and show a stub at either end.
    assert (np.isclose(lengths, 1).sum(), np.isclose(lengths, 0.45).sum()) == (49, 22)


def test_gene_and_column() -> None:
    adata = make_map("tree")
    assert np.nanargmax(numbers(draw(adata, color="gene2"))[:-2]) in np.flatnonzero(
        adata.uns["gsr"]["graph"]["group"] == "2"
    )
    assert neurons(draw(adata, color="score", vmin=-1, vmax=7, cmap="magma")).norm.vmax == 7


@pytest.mark.parametrize("kind", ["grid", "tree"])
def test_pies_show_the_composition(kind: MapKind) -> None:
    adata = make_map(kind)
    adata.uns["cell_type_colors"] = colors = ["#ff0000", "#00ff00", "#0000ff", "#888800"]
    panel = draw(adata, pie="cell_type")
    weight = adata.obsm["X_gsr"].astype(float) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    mass = np.array([weight[adata.obs["cell_type"] == f"type {k}"].sum(axis=0) for k in range(4)])
    paths, shown = neurons(panel).get_paths(), neurons(panel).get_facecolor()
    outlines = [path.to_polygons()[0] for path in paths]
    layout = adata.uns["gsr"]["graph"]["layout"]
    table = get.neurons(adata)
    for neuron in np.flatnonzero(~table["is_dead"]):
        share = mass[:, neuron] / mass[:, neuron].sum()
        widest = artists(panel, "rims")[0].get_widths()[neuron]
        for k in np.flatnonzero(share > 0.01):
            color = np.isclose(shown, to_rgba(colors[k])).all(axis=1)
            near = [np.linalg.norm(outline - layout[neuron], axis=1).max() < 0.51 * widest for outline in outlines]
            (wedge,) = np.flatnonzero(color & near)
            x, y = outlines[wedge].T
            area = abs(np.dot(x[:-1], y[1:]) - np.dot(y[:-1], x[1:])) / 2
            assert area == pytest.approx(share[k] * np.pi * widest**2 / 4, rel=0.05, abs=1e-3 * widest**2)
    assert [text.get_text() for text in panel.get_legend().get_texts()] == [f"type {k}" for k in range(4)]
    dead = np.flatnonzero(table["is_dead"])[0]
    beside = layout[dead] + [0.35 * artists(panel, "rims")[0].get_widths()[dead], 0]
    np.testing.assert_allclose(pixel(panel, *beside)[:3], to_rgba(NA_COLOR)[:3], atol=0.02)


def test_pie_of_some_groups_leaves_the_rest_grey() -> None:
    adata = make_map("ring", n_dead=0)
    panel = draw(adata, pie="cell_type", groups=["type 1"])
    kinds = {tuple(np.round(color, 4)) for color in neurons(panel).get_facecolor()}
    assert kinds == {tuple(np.round(to_rgba(color), 4)) for color in (default_colors(4)[1], NA_COLOR)}


def test_edge_width_by_coactivation_and_weight() -> None:
    adata = make_map("ring", n_dead=0)
    activations = adata.obsm["X_gsr"].astype(float)
    pairs = sorted((i, (i + 1) % 12) if i < 11 else (0, 11) for i in range(12))
    similarity = [
        activations[:, i] @ activations[:, j] / np.linalg.norm(activations[:, i]) / np.linalg.norm(activations[:, j])
        for i, j in pairs
    ]
    (edges,) = artists(draw(adata, edge_width="coactivation"), "edges")
    widths = np.array(edges.get_linewidths())
    assert np.corrcoef(widths, similarity)[0, 1] == pytest.approx(1)
    # All weights of a ring are 1.
    (edges,) = artists(draw(adata, edge_width="weight"), "edges")
    assert np.ptp(edges.get_linewidths()) == 0
    (edges,) = artists(draw(adata, edge_width=2.5), "edges")
    assert set(edges.get_linewidths()) == {2.5}


def test_labels() -> None:
    adata = make_map("ring")
    assert texts(draw(adata)) == []
    assert texts(draw(adata, labels="neurons")) == [f"n{i}" for i in range(12)]
    assert texts(draw(adata, labels={"n3": "here"})) == ["here"]
    panel = draw(adata, labels="groups")
    table = get.neurons(adata)
    layout = adata.uns["gsr"]["graph"]["layout"]
    for text in panel.texts:
        most_used = table.index.get_loc(table.loc[table["group"] == text.get_text(), "use"].idxmax())
        np.testing.assert_allclose(text.get_position(), layout[most_used])
    assert sorted(texts(panel)) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"color": "gene0", "pie": "cell_type"}, ValueError, "choose one"),
        ({"pie": "cell_typ"}, KeyError, "Did you mean 'cell_type'"),
        ({"pie": "score"}, ValueError, "pandas.cut"),
        ({"edge_width": "coactive"}, ValueError, "'coactivation', 'weight'"),
        ({"labels": "names"}, ValueError, "'neurons', 'groups'"),
        ({"labels": {"n99": "x"}}, ValueError, "'n99' not found"),
        ({"size": 0}, ValueError, "`size` is 0"),
        ({"color": "gene0", "groups": ["1"]}, ValueError, "holds numbers"),
        ({"legend_loc": "left"}, ValueError, "'on data'"),
        ({"colorbar_loc": "left"}, ValueError, "'right', 'bottom'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        draw(make_map("ring"), **options)
