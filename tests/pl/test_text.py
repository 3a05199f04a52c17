"""Words follow the font size that users set, and have room at every one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import pandas as pd
import pytest
import scanpy as sc
from _look import collisions, words
from _maps import add_comparison, add_query, add_scan, add_stability, make_map
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import gsr_sc
from gsr_sc import graphs, pl
from gsr_sc.pl._order_strip import Legend
from gsr_sc.pl._text import LABEL_SIZE, shortened, text_width, wrap

if TYPE_CHECKING:
    from anndata import AnnData

PICTURES: dict[str, dict[str, Any]] = {
    "latent_grid": {"groupby": "cell_type"},
    "indicators": {"groupby": "cell_type"},
    "neuron_graph": {"pie": "cell_type"},
    "history": {},
    "difference": {},
    "order": {"genes": ["gene0", "gene1", "gene2"], "kind": "heatmap", "groupby": "cell_type"},
    "programs": {},
    "query": {},
    "rank_indicators": {},
    "stability": {},
    "tradeoff": {},
}


@pytest.fixture(scope="module")
def adata() -> AnnData:
    adata = make_map("grid")
    add_stability(adata)
    add_comparison(adata)
    add_query(adata)
    add_scan(adata)
    gsr_sc.tl.order(adata, root="type 1", groupby="cell_type")
    gsr_sc.tl.rank_indicators(adata, groupby="cell_type")
    return adata


@pytest.mark.parametrize("name", PICTURES)
def test_words_follow_the_font_size_and_have_room(name: str, adata: AnnData) -> None:
    drawn = {}
    for size in (10, 8, 14):
        with mpl.rc_context({"font.size": size}):
            figure = getattr(pl, name)(adata, return_fig=True, **PICTURES[name])
            drawn[size] = [text.get_fontsize() for text in words(figure)]
            assert collisions(figure) == []
        assert max(drawn[size]) == pytest.approx(max(drawn[10]) * size / 10)
        assert min(drawn[size]) == pytest.approx(min(drawn[10]) * size / 10, rel=0.1)


def test_collisions_are_seen() -> None:
    figure = Figure()
    FigureCanvasAgg(figure)
    figure.text(0.5, 0.5, "one")
    figure.text(0.51, 0.5, "other")
    figure.text(0.99, 0.9, "beyond")
    assert collisions(figure) == [("one", "other"), ("beyond", "the edge")]


def test_scanpy_sets_the_size() -> None:
    adata = make_map()
    with mpl.rc_context():
        sc.set_figure_params(fontsize=20)
        large = pl.latent_grid(adata, groupby="cell_type", groups="type 1", show=False).title.get_fontsize()
    assert large == 2 * pl.latent_grid(adata, groupby="cell_type", groups="type 1", show=False).title.get_fontsize()


def test_numbers_keep_their_percent_sign() -> None:
    text = "more than 12 % of it"
    lines = [wrap(text, width / 10).split("\n") for width in range(5, 20)]
    assert len({len(one) for one in lines}) > 2
    assert not any(line.startswith("%") for one in lines for line in one if len(line) > 1)


def test_long_names_lose_their_middle() -> None:
    name = "CD4 positive alpha beta memory T cell of the colon"
    (short,) = shortened([name], 1.2)
    assert text_width(short, LABEL_SIZE) <= 1.2
    assert len(short) > 15, "as much as there is room for"
    begin, end = short.split("\u2026")
    assert name.startswith(begin)
    assert name.endswith(end)
    assert begin
    assert end
    assert shortened(["short", name], 10) == ["short", name]


def test_names_that_differ_in_the_middle_still_differ() -> None:
    names = [f"T cell of the colon, stage {k}, donor of the second cohort" for k in range(12)]
    assert len(set(shortened(names, 1.5))) == 12
    assert max(text_width(name, LABEL_SIZE) for name in shortened(names, 1.5)) <= 1.5


def test_forty_long_names_make_no_wide_legend() -> None:
    adata = make_map("line", n_obs=80)
    names = [f"CD{k:02} positive alpha beta memory T cell of the lamina propria, stage {k}" for k in range(40)]
    adata.obs["long"] = pd.Categorical([names[k % 40] for k in range(80)])
    panel = pl.neuron_graph(adata, color="long", show=False)
    told = [text.get_text() for text in panel.get_legend().get_texts()]
    assert len(set(told)) == 40
    assert told[7].startswith("CD07")
    along = Legend("long", [(name, (0.0, 0.0, 0.0, 1.0)) for name in names])
    assert along.names != names
    for width in (panel.figure.get_size_inches()[0] - 7, along.width):
        assert 3 < width < 5.2, "of three columns"


@pytest.mark.parametrize("dpi", [72, 80, 100])
@pytest.mark.parametrize("name", ["NK CD56bright memory effector", "WWW wmwmwmwmw mmm"])
def test_thirty_names_are_not_cut_off(name: str, dpi: int) -> None:
    adata = make_map(graphs.grid(10), n_obs=300)
    adata.obs["type"] = pd.Categorical([f"{name} {k % 30}" for k in range(300)])
    with mpl.rc_context({"figure.dpi": dpi, "text.hinting": "default"}):
        figure = pl.neuron_graph(adata, pie="type", return_fig=True)
        figure.canvas.draw()
        assert max(text.get_window_extent().x1 for text in words(figure)) <= figure.bbox.x1


def test_a_legend_has_room_for_its_heading() -> None:
    entries = [("a", (0.0, 0.0, 0.0, 1.0))]
    assert Legend("a heading longer than its names", entries).width > Legend("a", entries).width + 1
