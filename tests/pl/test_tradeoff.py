"""What the picture of a scan shows."""

from __future__ import annotations

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from _look import artists
from _maps import add_scan, make_map

from gsr_sc import get, pl


@pytest.mark.parametrize("smooth", ["moran_i", "order", "topographic_error", "torn"])
def test_curves_limits_and_the_recommended(smooth: str) -> None:
    adata = make_map("grid")
    add_scan(adata)
    panel = pl.tradeoff(adata, smooth=smooth, show=False)  # type: ignore[arg-type]
    table = get.scan(adata)
    assert len(artists(panel, "curve")) == len(artists(panel, "limit")) == 6
    curve = artists(panel, "curve")[0]
    first = table.iloc[:3].sort_values("smoothness")
    np.testing.assert_array_equal(curve.get_xdata(), first[smooth])
    np.testing.assert_array_equal(curve.get_ydata(), first["explained_variance"])
    (best,) = artists(panel, "best")
    chosen = table[table["recommended"]].iloc[0]
    np.testing.assert_allclose(best.get_offsets()[0], [chosen[smooth], chosen["explained_variance"]])
    faces = artists(panel, "fits")[0].get_facecolor()
    filled = ~(faces == 1).all(axis=1)
    np.testing.assert_array_equal(filled, first["candidate"])
    assert artists(panel, "limit")[0].get_ydata()[0] == pytest.approx(
        0.98 * table["explained_variance_unregularised"].iloc[0]
    )


def test_elbows_are_marked_where_curves_bend() -> None:
    adata = make_map("grid")
    add_scan(adata)
    table = get.scan(adata)
    assert table.loc[table["elbow"], ["graph", "smoothness"]].to_numpy().tolist() == [["ring", 0.25]] * 2
    panel = pl.tradeoff(adata, show=False)
    (marks,) = artists(panel, "elbow")
    np.testing.assert_allclose(marks.get_offsets(), table.loc[table["elbow"], ["moran_i", "explained_variance"]])
    legend = [text.get_text() for text in panel.get_legend().get_texts()]
    assert {"elbow", "recommended", "smoothest within it", "numbers: smoothness"} <= set(legend)
    without = pl.tradeoff(adata, graphs="grid", show=False)
    assert len(artists(without, "elbow")[0].get_offsets()) == 0
    assert "elbow" not in [text.get_text() for text in without.get_legend().get_texts()]


def test_elbow_is_that_of_the_axis() -> None:
    adata = make_map("grid")
    add_scan(adata)
    # Lower is better here; where it falls in proportion to the smoothness, rings bend more.
    assert not get.scan(adata, smooth="order")["elbow"].any()
    table = adata.uns["gsr_scan"]["table"]
    for name in ("topographic_error", "torn"):
        table[name] = -table["moran_i"]
        pd.testing.assert_series_equal(get.scan(adata, smooth=name)["elbow"], get.scan(adata)["elbow"])  # type: ignore[arg-type]
        table[name] = table["moran_i"]
        assert not get.scan(adata, smooth=name)["elbow"].any()  # type: ignore[arg-type]


def test_within_the_tolerance_nothing_bends() -> None:
    adata = make_map("grid")
    add_scan(adata)
    adata.uns["gsr_scan"]["tolerance"] = 0.05
    assert not get.scan(adata)["elbow"].any()


def test_some_graphs_keep_their_colours() -> None:
    adata = make_map("grid")
    add_scan(adata)
    all_of_them = artists(pl.tradeoff(adata, show=False), "curve")
    rings = artists(pl.tradeoff(adata, graphs="ring", title="Rings", show=False), "curve")
    assert [curve.get_color() for curve in rings] == [curve.get_color() for curve in all_of_them[2:4]]


def test_title_is_the_recommendation() -> None:
    adata = make_map("grid")
    add_scan(adata)
    adata.uns["gsr_scan"]["why"] = "Take a ring of 16 neurons. " + "It is the simplest of all that were tried. " * 5
    panel = pl.tradeoff(adata, show=False)
    assert panel.get_title() == "Take a ring of 16 neurons"
    (why,) = artists(panel, "why")
    assert " ".join(why.get_text().split()) == ("It is the simplest of all that were tried. " * 5).strip()
    panel.figure.draw_without_rendering()
    box, page = why.get_window_extent(), panel.figure.bbox
    assert box.x0 >= 0
    assert box.x1 <= page.x1
    assert panel.bbox.y1 < box.y0 < box.y1 < panel.title.get_window_extent().y0 < page.y1
    mine = pl.tradeoff(adata, title="Mine", show=False)
    assert mine.get_title() == "Mine"
    assert artists(mine, "why")[0].get_text() == ""
    # Into a panel of the user's goes what fits there.
    _, ax = plt.subplots()
    assert pl.tradeoff(adata, ax=ax, show=False).get_title() == "Take a ring of 16 neurons"
    assert not artists(ax, "why")
    plt.close("all")


@pytest.mark.parametrize("size", [8, 10, 14])
def test_numbers_do_not_cover_each_other(size: int) -> None:
    adata = make_map("grid")
    add_scan(adata)
    table = adata.uns["gsr_scan"]["table"]
    # On small data smoothness hardly changes a thing.
    for name in ("moran_i", "explained_variance"):
        line = table["graph"] == "line"
        table.loc[line, name] = table.loc[line, name].mean() + 1e-4 * table.loc[line, "smoothness"]
    with plt.rc_context({"font.size": size}):
        panel = pl.tradeoff(adata, show=False)
        panel.figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in artists(panel, "smoothness")]
    assert len(boxes) > len(table) / 2
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_open_marks_are_open_on_a_dark_page() -> None:
    adata = make_map("grid")
    add_scan(adata)
    with plt.style.context("dark_background"):
        faces = artists(pl.tradeoff(adata, show=False), "fits")[0].get_facecolor()
    candidate = get.scan(adata).iloc[:3].sort_values("smoothness")["candidate"]
    np.testing.assert_array_equal(faces[~candidate], np.tile([0.0, 0, 0, 1], ((~candidate).sum(), 1)))


def test_wrong_choices() -> None:
    adata = make_map("grid")
    with pytest.raises(KeyError, match=r"tl.scan\(adata\)"):
        pl.tradeoff(adata)
    add_scan(adata)
    with pytest.raises(KeyError, match="star"):
        pl.tradeoff(adata, graphs="star")
    with pytest.raises(ValueError, match="`smooth` is 'loss'"):
        pl.tradeoff(adata, smooth="loss")  # type: ignore[arg-type]


def test_the_number_of_what_is_recommended_stands_outside_its_ring() -> None:
    adata = make_map("grid")
    add_scan(adata)
    panel = pl.tradeoff(adata, show=False)
    panel.figure.draw_without_rendering()
    (best,) = artists(panel, "best")
    centre = panel.transData.transform(best.get_offsets()[0])
    radius = np.sqrt(best.get_sizes()[0]) / 2 * panel.figure.dpi / 72
    (number,) = (text for text in panel.texts if np.allclose(text.xy, best.get_offsets()[0]))
    box = number.get_window_extent()
    nearest = np.clip(centre, box.min, box.max)
    assert np.linalg.norm(nearest - centre) > 0.8 * radius
