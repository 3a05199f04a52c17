"""What the pictures of gene programs show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from _look import artists, numbers, texts
from _maps import KINDS, MapKind, make_map

import gsr_sc
from gsr_sc import get, graphs, pl
from gsr_sc.pl._seriation import neuron_order

if TYPE_CHECKING:
    from anndata import AnnData


@pytest.fixture(scope="module")
def adata() -> AnnData:
    adata = make_map("grid")
    gsr_sc.tl.programs(adata)
    return adata


def heatmap(panel: Any) -> tuple[list[str], np.ndarray]:
    """Genes from the top, and what is shown of them."""
    (image,) = artists(panel, "genes")
    return [label.get_text() for label in panel.get_yticklabels()], np.asarray(image.get_array())


@pytest.mark.parametrize("kind", KINDS)
def test_markers_move_along_the_graph(kind: MapKind) -> None:
    adata = make_map(kind)
    gsr_sc.tl.programs(adata)
    genes, shown = heatmap(pl.programs(adata, by="cells", n_top=1, show=False))
    assert set(genes) == {f"gene{k}" for k in range(4)}
    peaks = shown.argmax(axis=1)
    assert (np.diff(peaks) >= 0).all(), "sorted by where they peak"
    order = neuron_order(graphs_of(adata), np.array(adata.uns["gsr"]["graph"]["group"]))
    order = order[: len(order)][~get.neurons(adata)["is_dead"].to_numpy()[order]]
    expected = get.programs(adata, by="cells").loc[genes].to_numpy()[:, order]
    np.testing.assert_allclose(shown, expected / np.abs(expected).max(axis=1, keepdims=True), rtol=1e-5)


def graphs_of(adata: AnnData) -> graphs.NeuronGraph:
    from gsr_sc.slots._stored import StoredMap

    return StoredMap(adata).graph


@pytest.mark.parametrize("graph", [graphs.grid(6, 7), graphs.hexagonal(5, 5), graphs.torus(5, 6)], ids=lambda g: g.kind)
def test_sheets_are_put_in_a_row_group_by_group(graph: graphs.NeuronGraph) -> None:
    middle = np.median(graph.layout, axis=0)
    group = np.array([f"{int(x)}{int(y)}" for x, y in graph.layout > middle])
    order = neuron_order(graph, group)
    assert sorted(order.tolist()) == list(range(graph.n_neurons))
    assert (group[order][1:] != group[order][:-1]).sum() == 3, "each group is one stretch"
    step = np.linalg.norm(np.diff(graph.layout[order], axis=0), axis=1)
    random = np.linalg.norm(np.diff(graph.layout[np.random.default_rng(0).permutation(order)], axis=0), axis=1)
    assert step.mean() < 0.6 * random.mean()


@pytest.mark.parametrize("graph", [graphs.line(7), graphs.ring(7), graphs.star(3, 3)], ids=lambda g: g.kind)
def test_lines_and_rings_stay_in_order(graph: graphs.NeuronGraph) -> None:
    np.testing.assert_array_equal(neuron_order(graph, np.array(["0"] * graph.n_neurons)), np.arange(graph.n_neurons))


def test_groups_are_told_below(adata: AnnData) -> None:
    panel = pl.programs(adata, show=False)
    (strip,) = [child for child in panel.child_axes if child.get_gid() == "groups"]
    assert sorted(texts(strip)) == ["0", "1", "2", "3"]
    assert len(artists(panel, "border")) == 3
    assert any("2 neurons that no cell lights up" in text.get_text() for text in panel.figure.texts)


def test_maps_show_the_same_effects(adata: AnnData) -> None:
    panels = pl.programs(adata, genes=["gene1", "gene3"], kind="maps", standard_scale=None, show=False)
    assert [panel.get_title() for panel in panels] == ["gene1", "gene3"]
    table = get.programs(adata)
    dead = get.neurons(adata)["is_dead"].to_numpy()
    for panel, name in zip(panels, ["gene1", "gene3"], strict=True):
        np.testing.assert_allclose(numbers(panel)[~dead], table.loc[name][~dead], rtol=1e-6)
        assert np.isnan(numbers(panel)[dead]).all()
        assert artists(panel, "dead")


def test_many_groups_give_fewer_genes_each() -> None:
    adata = make_map(graphs.grid(8, 8), n_types=30, n_obs=600)
    genes, _ = heatmap(pl.programs(adata, show=False))
    assert 20 <= len(genes) <= 60
    pl.programs(adata, return_fig=True).canvas.draw()


def test_every_option_changes_something(adata: AnnData) -> None:
    _, plain = heatmap(pl.programs(adata, show=False))
    assert np.abs(plain).max() == pytest.approx(1)
    assert not np.allclose(plain, heatmap(pl.programs(adata, standard_scale=None, show=False))[1])
    assert len(heatmap(pl.programs(adata, n_top=1, show=False))[0]) <= 4
    both = heatmap(pl.programs(adata, by="both", genes=["gene0"], show=False))
    assert not np.allclose(both[1], heatmap(pl.programs(adata, genes="gene0", show=False))[1])
    panel = pl.programs(adata, cmap="PiYG", vmin=-2, vmax=3, title="mine", show=False)
    (image,) = artists(panel, "genes")
    assert (image.cmap.name, image.norm.vmin, image.norm.vmax, panel.get_title()) == ("PiYG", -2, 3, "mine")
    for kind in ("heatmap", "maps"):
        small, large = (
            pl.programs(adata, kind=kind, size=size, return_fig=True).get_size_inches()[0] for size in (1, 4)
        )
        assert small < large
    tall = pl.programs(adata, kind="maps", ncols=1, return_fig=True).get_size_inches()
    assert tall[1] > tall[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"genes": ["nope"]}, KeyError, "'nope' not found"),
        ({"genes": []}, ValueError, "`genes` is empty"),
        ({"genes": "gene7"}, ValueError, "which the map did not use"),
        ({"n_top": 0}, ValueError, "`n_top` is 0"),
        ({"kind": "bars"}, ValueError, "`kind` is 'bars'"),
        ({"by": "magic"}, ValueError, "`by` is 'magic'"),
        ({"standard_scale": "neuron"}, ValueError, "`standard_scale` is 'neuron'"),
    ],
)
def test_options_are_checked(adata: AnnData, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pl.programs(adata, show=False, **options)
