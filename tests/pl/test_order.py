"""What the pictures of an order show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from _arrays import to_type
from _look import artists, collisions, words
from _maps import make_map
from anndata import AnnData
from matplotlib.figure import Figure
from scipy import sparse

from gsr_sc import graphs, pl, tl
from gsr_sc.pl._order_panels import _apart
from gsr_sc.pl._trends import read_genes, read_lanes

if TYPE_CHECKING:
    import matplotlib.pyplot as plt
    from _arrays import ArrayType

N_OBS = 600


def ordered(kind: str = "line") -> AnnData:
    """Cells along a map; `gene0` to `gene7` peak one after the other."""
    graph = {
        "line": graphs.line(20),
        "ring": graphs.ring(20),
        "wishbone": graphs.wishbone(2, 7),
        "rings": graphs.rings(2, 8),
    }
    adata = make_map(graph[kind], n_obs=N_OBS, n_dead=0)
    rng = np.random.default_rng(0)
    time = rng.random(N_OBS)
    adata.X = np.exp(-0.5 * ((time[:, None] - np.linspace(0.05, 0.95, 8)) / 0.1) ** 2) + rng.normal(0, 0.05, (N_OBS, 8))
    adata.X[:, [1, 6]] = adata.X[:, [6, 1]]
    adata.obs["gsr_order"] = time * 2 * np.pi if kind in ("ring", "rings") else time
    adata.obs["stage"] = pd.cut(time, [-1, 0.3, 0.6, 2], labels=["early", "middle", "late"])
    if kind == "wishbone":
        late = np.where(rng.random(N_OBS) < 0.5, "a", "b")
        adata.obs["gsr_branch"] = pd.Categorical(np.where(time < 0.4, "stem", late), categories=["stem", "a", "b"])
    if kind == "rings":
        adata.obs["gsr_branch"] = pd.Categorical(rng.choice(["r1", "r2"], N_OBS))
    return adata


def rows(ax: plt.Axes) -> list[str]:
    return [text.get_text() for text in ax.get_yticklabels()]


def drawn(adata: AnnData, **options: Any) -> Any:
    return pl.order(adata, show=False, **options)


GENES = [f"gene{k}" for k in range(8)]
SORTED = ["gene0", "gene6", "gene2", "gene3", "gene4", "gene5", "gene1", "gene7"]


def test_heatmap_is_sorted_by_peak_and_scaled_per_gene() -> None:
    ax = drawn(ordered(), genes=GENES)
    assert rows(ax) == SORTED
    (image,) = artists(ax, "heatmap")
    values = np.ma.filled(image.get_array(), np.nan)
    assert values.shape[0] == 8
    np.testing.assert_allclose(values.min(axis=1), 0)
    np.testing.assert_allclose(values.max(axis=1), 1)
    assert (np.diff(values.argmax(axis=1)) > 0).all()


def test_ticks_are_round_numbers_at_their_places() -> None:
    adata = ordered()
    ax = drawn(adata, genes=GENES)
    low, high = np.quantile(adata.obs["gsr_order"], [0.005, 0.995])
    marks = [float(text.get_text()) for text in ax.get_xticklabels()]
    assert marks == [0.2, 0.4, 0.6, 0.8]
    np.testing.assert_allclose(ax.get_xticks() / 199 * (high - low) + low, marks, atol=1e-6)


def test_default_genes_are_those_that_change_most() -> None:
    adata = ordered()
    with pytest.raises(KeyError, match=r"tl\.order_genes"):
        drawn(adata)
    adata.X[:, 3] = np.random.default_rng(1).normal(size=N_OBS)
    tl.order_genes(adata)
    assert "gene3" not in rows(drawn(adata, n_genes=7))
    assert len(rows(drawn(adata, n_genes=4))) == 4


def test_the_strip_shows_shares_of_labels_that_are_known() -> None:
    adata = ordered()
    adata.obs["stage"] = adata.obs["stage"].cat.add_categories("unused")
    adata.obs.loc[adata.obs_names[::3], "stage"] = np.nan
    palette = {"early": "red", "middle": "lime", "late": "blue"}
    ax = drawn(adata, genes=GENES, groupby="stage", palette=palette)
    (strip,) = [artist for child in ax.child_axes for artist in artists(child, "strip")]
    picture = np.asarray(strip.get_array())
    for share, color in ((0.1, [1, 0, 0, 1]), (0.45, [0, 1, 0, 1]), (0.9, [0, 0, 1, 1])):
        assert picture[30, int(share * picture.shape[1])].tolist() == color
    assert not [artist for child in drawn(adata, genes=GENES).child_axes for artist in artists(child, "strip")]


def test_branches_are_side_by_side_and_curves_apart() -> None:
    adata = ordered("wishbone")
    assert [lane.name for lane in read_lanes(stored_map(adata))] == ["stem", "a", "b"]
    ax = drawn(adata, genes=GENES)
    assert {"stem", "a", "b"} <= {text.get_text() for text in ax.texts}
    panel = drawn(adata, genes="gene4")
    curves = artists(panel, "curve")
    assert [curve.get_label() for curve in curves] == ["stem", "a", "b"]
    assert curves[0].get_xdata().max() < 0.45 < curves[1].get_xdata().max()
    assert len({curve.get_color() for curve in curves}) == 3
    named = drawn(adata, genes="gene4", palette={"a": "red"})
    adata.uns["gsr_branch_colors"] = ["#000000", "#00ff00", "#0000ff"]
    assert artists(drawn(adata, genes="gene4"), "curve")[2].get_color() == (0, 0, 1, 1)
    assert artists(named, "curve")[1].get_color() == (1, 0, 0, 1)


def stored_map(adata: AnnData) -> Any:
    from gsr_sc.slots._stored import StoredMap

    return StoredMap(adata)


def test_trends_follow_the_means_and_close_on_a_ring() -> None:
    adata = ordered("ring")
    axes = drawn(adata, genes=["gene0", "gene3"])
    assert [ax.get_title() for ax in axes] == ["gene0", "gene3"]
    (curve,) = artists(axes[1], "curve")
    x, y = curve.get_data()
    assert y[0] == y[-1]
    assert (x[0], x[-1]) == (0, pytest.approx(2 * np.pi))
    assert x[y.argmax()] / (2 * np.pi) == pytest.approx(0.05 + 0.9 * 3 / 7, abs=0.03)
    sharp = artists(drawn(adata, genes="gene3", smooth=0.01), "curve")[0].get_ydata()
    assert sharp.max() > y.max() > artists(drawn(adata, genes="gene3", smooth=0.3), "curve")[0].get_ydata().max()


def test_a_dial_goes_clockwise_from_the_top() -> None:
    adata = ordered("ring")
    ax = drawn(adata, genes=GENES, groupby="stage")
    texts = {text.get_text(): text for text in ax.texts}
    assert set(GENES) <= set(texts)
    x, y = texts["gene2"].get_position()
    assert np.arctan2(x, y) / (2 * np.pi) == pytest.approx(0.05 + 0.9 * 2 / 7, abs=0.04)
    assert artists(ax, "strip")
    assert len(drawn(ordered("rings"), genes=GENES, kind="dial")) == 2
    assert rows(drawn(adata, genes=GENES, kind="heatmap")) == SORTED


@pytest.mark.parametrize("long", ["ENSG00000000{}", "ENSG000000000000000000000000.{}-like protein family"])
@pytest.mark.parametrize("font_size", [10, 14])
def test_long_names_round_a_dial_stay_on_the_page(long: str, font_size: float) -> None:
    adata = ordered("ring")
    adata.var_names = [long.format(f"{number:03}") for number in range(adata.n_vars)]
    with mpl.rc_context({"font.size": font_size}):
        figure = pl.order(adata, genes=list(adata.var_names), kind="dial", groupby="stage", return_fig=True)
        assert isinstance(figure, Figure)
        assert [pair for pair in collisions(figure) if "the edge" in pair] == []
        ax = figure.axes[0]
        names = [text for text in ax.texts if text.get_rotation() != 0]
        assert len({text.get_text() for text in names}) == adata.n_vars
        others = [text for text in words(figure) if text not in names]
        of_legend = [text.get_window_extent() for text in others if text.get_window_extent().x0 > ax.bbox.x1]
        assert len(of_legend) > 2
        assert max(text.get_window_extent().x1 for text in names) < min(box.x0 for box in of_legend)
        # The rings take most of the page.
        (rings,) = artists(ax, "heatmap")
        assert rings.get_window_extent().width > 2.2 * figure.dpi


def test_names_round_a_dial_are_kept_apart() -> None:
    places = _apart(np.array([0.0, 0.01, 0.02, 3.0, 6.28]), 0.2)
    assert (np.diff(places, append=places[0] + 2 * np.pi) > 0.19).all()
    assert abs(places[3] - 3.0) < 1e-9


@pytest.mark.parametrize("n_genes", [30, 60])
@pytest.mark.parametrize("inches", [2.5, 5.0])
def test_names_round_a_dial_do_not_touch_however_small_it_is(n_genes: int, inches: float) -> None:
    adata = ordered("ring")
    adata = AnnData(np.tile(adata.X, 8)[:, :n_genes], obs=adata.obs, obsm=adata.obsm, uns=adata.uns)
    adata.var_names = [f"g{number}" for number in range(n_genes)]
    figure = Figure(figsize=(inches, inches))
    ax = figure.add_axes((0, 0, 1, 1))
    pl.order(adata, genes=list(adata.var_names), kind="dial", ax=ax)
    names = [text for text in ax.texts if text.get_text() in set(adata.var_names)]
    assert len(names) == n_genes
    places = ax.transData.transform([text.get_position() for text in names]) - ax.transData.transform((0, 0))
    angles = np.sort(np.arctan2(*places.T))
    apart = np.diff(angles, append=angles[0] + 2 * np.pi).min() * np.hypot(*places.T).min()
    assert apart * 72 / figure.dpi >= names[0].get_fontsize()


def test_points_and_their_colours() -> None:
    adata = ordered()
    (points,) = artists(drawn(adata, genes="gene0", groupby="stage"), "points")
    assert len(np.unique(points.get_facecolor(), axis=0)) == 3
    assert not artists(drawn(adata, genes="gene0", points=False), "points")


def test_counts_are_scaled_and_layers_and_raw_are_read() -> None:
    adata = ordered()
    adata.raw = adata.copy()
    rng = np.random.default_rng(0)
    depth = np.exp(5 * adata.obs["gsr_order"].to_numpy())
    adata.layers["counts"] = rng.poisson(np.tile(depth[:, None], 8)).astype(float)
    ax = drawn(adata, genes="gene0", layer="counts")
    assert ax.get_ylabel() == "log expression"
    curve = artists(ax, "curve")[0].get_ydata()
    assert np.ptp(curve[20:]) < 0.2 * curve.mean()
    adata.X = -adata.X
    assert artists(drawn(adata, genes="gene0", use_raw=True), "curve")[0].get_ydata().max() > 0.5
    assert artists(drawn(adata, genes="gene0"), "curve")[0].get_ydata().max() < 0.2


def test_cells_without_a_position_and_many_genes() -> None:
    adata = ordered()
    adata.obs.loc[adata.obs["gsr_order"] > 0.5, "gsr_order"] = np.nan
    (curve,) = artists(drawn(adata, genes="gene0"), "curve")
    assert curve.get_xdata().max() <= 0.5
    assert drawn(adata, genes=GENES, cmap="viridis", title="mine").get_title() == "mine"
    (image,) = artists(drawn(adata, genes=GENES, cmap="viridis"), "heatmap")
    assert image.get_cmap().name == "viridis"
    panels = drawn(adata, genes=GENES, kind="trends", ncols=2)
    assert len({round(ax.get_position().x0, 3) for ax in panels}) == 2
    adata.obs["gsr_order"] = np.nan
    with pytest.raises(ValueError, match="nothing to draw"):
        drawn(adata, genes=GENES)


def test_a_legend_where_asked_for() -> None:
    adata = ordered()
    wide = pl.order(adata, genes=GENES, groupby="stage", return_fig=True)
    slim = pl.order(adata, genes=GENES, groupby="stage", legend_loc="none", return_fig=True)
    assert wide.get_size_inches()[0] > slim.get_size_inches()[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "pie"}, "`kind`"),
        ({"kind": "dial"}, "draws rings"),
        ({"smooth": 0}, "`smooth` is 0"),
        ({"n_genes": 0}, "`n_genes` is 0"),
        ({"ncols": 0}, "`ncols` is 0"),
        ({"legend_loc": "top"}, "`legend_loc`"),
        ({"genes": []}, "`genes` is empty"),
        ({"title": ["a", "b"]}, "`title` has 2"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        drawn(ordered(), **{"genes": GENES, **options})


def test_counts_in_any_container_are_scaled_alike(array_type: ArrayType) -> None:
    counts = np.random.default_rng(0).poisson(3, (90, 8)).astype(array_type.dtype).astype(float)
    counts[0] = 0
    adata = AnnData(sparse.csr_matrix(counts))
    expected, _ = read_genes(adata, ["1", "5"], layer=None, use_raw=False)
    adata.X = to_type(counts, array_type)
    values, scaled = read_genes(adata, ["1", "5"], layer=None, use_raw=False)
    assert scaled
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    total = counts.sum(axis=1)[1:]
    np.testing.assert_allclose(values[1:, 0], np.log1p(counts[1:, 1] * np.median(total) / total), rtol=1e-6)
    if array_type.dtype in ("float32", "float64"):
        # One value of another gene shows that these are no counts.
        adata.X = to_type(counts + 0.5 * np.eye(90, 8), array_type)
        assert read_genes(adata, ["7"], layer=None, use_raw=False)[1] is False
