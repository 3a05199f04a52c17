"""What the picture of a query shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from _look import artists, texts
from _maps import KINDS, MapKind, add_query, make_map
from matplotlib.colors import to_rgba

from gsr_sc import pl
from gsr_sc.pl._colors import NA_COLOR

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


def placed(kind: MapKind = "grid", *, labels: bool = True) -> AnnData:
    adata = make_map(kind)
    add_query(adata, labels=labels)
    return adata


@pytest.fixture(scope="module")
def query() -> AnnData:
    return placed()


def _colors(panel: Axes) -> dict[tuple[float, float], tuple[float, ...]]:
    (points,) = artists(panel, "query")
    return {tuple(at): tuple(color) for at, color in zip(points.get_offsets(), points.get_facecolor(), strict=True)}


def _legend(panel: Axes) -> list[str]:
    (box,) = panel.findobj(lambda artist: type(artist).__name__ == "Legend")
    return [text.get_text() for text in box.get_texts()]


def test_panels_are_all_that_is_known(query: AnnData) -> None:
    panels = pl.query(query, show=False)
    assert [panel.get_title() for panel in panels] == ["gsr_label", "confidence", "novelty"]
    unlabelled = placed(labels=False)
    assert [panel.get_title() for panel in pl.query(unlabelled, show=False)] == ["gsr_cluster", "novelty"]
    with pytest.raises(ValueError, match="no labels were carried over"):
        pl.query(unlabelled, panels="confidence")
    unlabelled.obs["gsr_novelty"] = np.nan
    assert pl.query(unlabelled, title="Mine", show=False).get_title() == "Mine"
    with pytest.raises(ValueError, match="does not know what is usual"):
        pl.query(unlabelled, panels=["labels", "novelty"])
    with pytest.raises(ValueError, match="`panels` is 'genes'"):
        pl.query(query, panels="genes")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_cells_are_where_they_are_in_the_colour_of_their_label(kind: MapKind) -> None:
    adata = placed(kind)
    panel = pl.query(adata, panels="labels", show=False)
    wanted = {f"type {k}": to_rgba(color) for k, color in enumerate(adata.uns["gsr_label_colors"])}
    drawn = _colors(panel)
    # On a line, cells are spread across it.
    shown = {(x if kind == "line" else (x, y)): color for (x, y), color in drawn.items()}
    for at, name in zip(adata.obsm["X_gsr_map"].astype(float), adata.obs["gsr_label"], strict=True):
        place = at[0] if kind == "line" else tuple(at)
        assert shown[place] == wanted[name]
    if kind == "line":
        assert np.ptp([y for _, y in drawn]) > 0.5


def test_labels_groups_and_colours_of_choice(query: AnnData) -> None:
    counts = query.obs["treated"].value_counts()
    panel = pl.query(query, panels="labels", groupby="treated", palette={"True": "red", "False": "blue"}, show=False)
    assert panel.get_title() == "treated"
    assert _legend(panel) == [f"False  ({counts[False]})", f"True  ({counts[True]})"]
    assert sorted(set(_colors(panel).values())) == [to_rgba("blue"), to_rgba("red")]
    some = pl.query(query, panels="labels", groups="type 1", show=False)
    assert [name.split("  ")[0] for name in _legend(some)] == ["type 1"]
    n_grey = sum(color == to_rgba(NA_COLOR) for color in _colors(some).values())
    assert n_grey == (query.obs["gsr_label"] != "type 1").sum()
    with pytest.raises(KeyError, match="`groupby` in"):
        pl.query(query, groupby="nothing")


@pytest.mark.parametrize(("name", "column"), [("novelty", "gsr_novelty"), ("confidence", "gsr_label_confidence")])
def test_shades_run_from_nothing_to_one(name: str, column: str) -> None:
    adata = placed()
    adata.obs.loc[adata.obs_names[:9], column] = np.nan
    panel = pl.query(adata, panels=name, cmap="gray", show=False)  # type: ignore[arg-type]
    drawn = _colors(panel)
    for at, value in zip(adata.obsm["X_gsr_map"].astype(float), adata.obs[column], strict=True):
        shown = drawn[tuple(at)]
        assert shown == to_rgba(NA_COLOR) if np.isnan(value) else shown[0] == pytest.approx(value, abs=0.005)
    # What matters lies on top: strange cells, and those one cannot be sure of.
    values = np.array([color[0] for color in drawn.values()])[9:]
    assert (np.diff(values if name == "novelty" else -values) >= 0).all()
    assert pl.query(adata, panels=name, show=False).findobj(lambda artist: artist.get_gid() == "reference") == []  # type: ignore[arg-type]


def test_share_of_strange_and_unsure_cells_is_told(query: AnnData) -> None:
    novelty, confidence = query.obs["gsr_novelty"], query.obs["gsr_label_confidence"]
    strange, unsure = (pl.query(query, panels=name, show=False) for name in ("novelty", "confidence"))  # type: ignore[arg-type]
    assert f"{100 * (novelty > 0.95).mean():.0f} % above 0.95 (5 % would be usual)" in texts(strange)
    assert f"{100 * (confidence < 0.5).mean():.0f} % of cells below 0.5" in texts(unsure)


def test_reference_lies_below(query: AnnData) -> None:
    reference = make_map("grid", n_obs=90, seed=5)
    panel = pl.query(query, reference=reference, panels="labels", show=False)
    (below,), (above,) = artists(panel, "reference"), artists(panel, "query")
    np.testing.assert_allclose(below.get_offsets(), reference.obsm["X_gsr_map"])
    assert below.get_zorder() < above.get_zorder()
    assert "240 cells (grey: 90 of the reference)" in texts(panel)
    named = make_map("grid", key="k")
    pl.query(query, reference=named, reference_key="k", show=False)
    with pytest.raises(KeyError, match=r"Maps stored here: \['k'\]"):
        pl.query(query, reference=named)
    with pytest.raises(ValueError, match="`reference` is not that of the query"):
        pl.query(query, reference=make_map("torus"))
    with pytest.raises(ValueError, match="`reference` is not that of the query"):
        pl.query(query, reference=make_map("ring"))


def test_variables_are_told_below() -> None:
    adata = placed()
    (text,) = [text.get_text() for text in pl.query(adata, return_fig=True).texts]
    assert text == "1,007 of 1,010 variables of the model found, 12 others not used\nmissing 3: CD3E, CD8A, NKG7"
    adata.uns["gsr_query"] |= {
        "n_matched": 1010,
        "missing": np.array([]),
        "unseen_batches": np.array(["b9"]),
        "n_extra": 0,
    }
    (text,) = [text.get_text() for text in pl.query(adata, return_fig=True).texts]
    assert text == "all 1,010 variables of the model found\nbatches that the model has not seen: b9"


def test_outline_and_size(query: AnnData) -> None:
    plain = pl.query(query, panels="labels", outline=False, size=3, show=False)
    assert artists(plain, "outline") == []
    assert artists(plain, "query")[0].get_sizes().tolist() == [3]
    assert artists(pl.query(query, panels="labels", show=False), "outline")
    with pytest.raises(ValueError, match="`size` is 0"):
        pl.query(query, size=0)


def test_needs_a_query() -> None:
    with pytest.raises(KeyError, match=r"tl.map_query\(adata\)"):
        pl.query(make_map("grid"))
