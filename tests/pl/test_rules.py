"""What holds for every plotting function: returns, open figures, untouched data, no torch."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anndata as ad
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import scanpy as sc
from _hash import hash_adata
from _maps import KINDS, MapKind, add_comparison, add_query, add_scan, add_stability
from _maps import make_map as make_plain_map
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from gsr_sc import pl, tl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anndata import AnnData

# For each function: arguments that draw a single panel, and several panels if it can.
SINGLE: dict[str, dict[str, Any]] = {
    "latent_grid": {"groupby": "cell_type", "groups": "type 1"},
    "indicators": {"groupby": "cell_type"},
    "neuron_graph": {"pie": "cell_type"},
    "history": {"names": "penalty"},
    "difference": {"condition": "b"},
    "difference_genes": {"condition": "b"},
    "order": {"genes": "gene1"},
    "programs": {},
    "nuisances": {"names": "batch"},
    "query": {"panels": "labels"},
    "rank_indicators": {},
    "stability": {"panels": "neurons"},
    "tradeoff": {},
}
SEVERAL: dict[str, dict[str, Any]] = {
    "difference": {},
    "difference_genes": {},
    "latent_grid": {"groupby": "cell_type"},
    "history": {},
    "order": {"genes": ["gene0", "gene1"]},
    "programs": {"kind": "maps"},
    "nuisances": {},
    "query": {},
    "stability": {},
}


def make_map(graph: MapKind = "grid", *, key: str | None = None) -> AnnData:
    """A stored map, and all that functions on it have added."""
    adata = make_plain_map(graph, key=key)
    add_stability(adata, key=key)
    add_comparison(adata, key=key)
    tl.order(adata, root="type 1", groupby="cell_type", key=key)
    add_query(adata, key=key)
    tl.nuisances(adata, keys=["score", "batch"], groupby="cell_type", key=key)
    tl.rank_indicators(adata, groupby="cell_type", key=key)
    add_scan(adata, key=key)
    return adata


@pytest.fixture(scope="module")
def adata() -> AnnData:
    return make_map("grid")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Numbers of the open figures at each call of `plt.show`."""
    calls: list[list[int]] = []
    monkeypatch.setattr(plt, "show", lambda *args, **kwargs: calls.append(plt.get_fignums()))
    return calls


def _function(name: str) -> Callable[..., Any]:
    return getattr(pl, name)


def test_every_function_is_tested_here() -> None:
    assert set(SINGLE) == set(pl.__all__)


@pytest.mark.parametrize("name", pl.__all__)
def test_show_shows_one_figure_and_returns_nothing(name: str, adata: AnnData, shown: list[list[int]]) -> None:
    assert _function(name)(adata, show=True, **SINGLE[name]) is None
    assert [len(figures) for figures in shown] == [1]
    assert plt.get_fignums() == []


@pytest.fixture(params=[True, False])
def autoshow(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Set scanpy to show pictures by default, or not; pytest cannot undo what is a property of a class."""
    before, sc.settings.autoshow = sc.settings.autoshow, request.param
    yield request.param
    sc.settings.autoshow = before


@pytest.mark.parametrize("name", pl.__all__)
def test_show_by_default_follows_scanpy(name: str, autoshow: bool, adata: AnnData, shown: list[list[int]]) -> None:
    result = _function(name)(adata, **SINGLE[name])
    assert (len(shown), isinstance(result, Axes)) == ((1, False) if autoshow else (0, True))


@pytest.mark.parametrize("name", pl.__all__)
def test_axes_of_one_panel(name: str, adata: AnnData, shown: list[list[int]]) -> None:
    assert isinstance(_function(name)(adata, show=False, **SINGLE[name]), Axes)
    assert shown == []


@pytest.mark.parametrize("name", SEVERAL)
def test_axes_of_several_panels(name: str, adata: AnnData) -> None:
    panels = _function(name)(adata, show=False, **SEVERAL[name])
    assert isinstance(panels, list)
    assert len(panels) > 1
    assert all(isinstance(panel, Axes) for panel in panels)


@pytest.mark.parametrize("name", pl.__all__)
@pytest.mark.parametrize("show", [None, True, False])
def test_figure_is_returned_unshown(name: str, show: bool | None, adata: AnnData, shown: list[list[int]]) -> None:
    figure = _function(name)(adata, show=show, return_fig=True, **SINGLE[name])
    assert isinstance(figure, Figure)
    assert shown == []
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", pl.__all__)
def test_returned_figure_can_be_saved(name: str, adata: AnnData, tmp_path: Path) -> None:
    panel = _function(name)(adata, show=False, **SINGLE[name])
    for suffix in ("png", "svg", "pdf"):
        panel.figure.savefig(tmp_path / f"picture.{suffix}")
        assert (tmp_path / f"picture.{suffix}").stat().st_size > 1000


@pytest.mark.parametrize("name", pl.__all__)
def test_axes_of_the_caller(name: str, adata: AnnData, shown: list[list[int]]) -> None:
    figure, (left, right) = plt.subplots(1, 2)
    assert _function(name)(adata, ax=right, show=False, **SINGLE[name]) is right
    assert not left.has_data()
    assert len(left.collections) == 0
    assert right.get_title()
    assert _function(name)(adata, ax=left, return_fig=True, **SINGLE[name]) is figure
    # The figure of the caller stays theirs to close.
    assert _function(name)(adata, ax=left, show=True, **SINGLE[name]) is None
    assert shown == [[figure.number]]
    assert plt.get_fignums() == [figure.number]
    plt.close(figure)


@pytest.mark.parametrize("name", SEVERAL)
def test_axes_of_the_caller_take_one_panel_only(name: str, adata: AnnData) -> None:
    figure = Figure()
    with pytest.raises(ValueError, match="`ax` takes a single panel"):
        _function(name)(adata, ax=figure.subplots(), show=False, **SEVERAL[name])


@pytest.mark.parametrize("name", pl.__all__)
def test_failure_while_drawing_leaves_no_figure_open(
    name: str, adata: AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        msg = "broken"
        raise RuntimeError(msg)

    monkeypatch.setattr(Axes, "set_title", fail)
    with pytest.raises(RuntimeError, match="broken"):
        _function(name)(adata, show=True, **SINGLE[name])
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", pl.__all__)
@pytest.mark.parametrize("kind", KINDS)
def test_data_and_settings_stay_as_they_were(name: str, kind: MapKind) -> None:
    adata = make_map(kind)
    # Stale: anndata keeps such colours, and scanpy would replace them.
    adata.uns["cell_type_colors"] = ["red"]
    before, settings = hash_adata(adata), dict(mpl.rcParams)
    for arguments in (SINGLE[name], SEVERAL.get(name, {})):
        _function(name)(adata, return_fig=True, **arguments).canvas.draw()
    assert hash_adata(adata) == before
    assert dict(mpl.rcParams) == settings


@pytest.mark.parametrize("name", pl.__all__)
def test_view_stays_a_view(name: str, adata: AnnData) -> None:
    view = adata[adata.obs["cell_type"] != "type 0"]
    _function(name)(view, return_fig=True, **SINGLE[name]).canvas.draw()
    assert view.is_view


@pytest.mark.parametrize("name", pl.__all__)
@pytest.mark.parametrize("kind", ["grid", "tree"])
def test_same_picture_after_writing_and_reading(name: str, kind: MapKind, tmp_path: Path) -> None:
    adata = make_map(kind)
    adata.write_h5ad(tmp_path / "map.h5ad")
    pictures = []
    for source in (adata, ad.read_h5ad(tmp_path / "map.h5ad")):
        figure = _function(name)(source, return_fig=True, **SINGLE[name])
        figure.canvas.draw()
        pictures.append(np.asarray(figure.canvas.buffer_rgba()).copy())
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize("name", pl.__all__)
def test_named_map(name: str) -> None:
    adata = make_map("ring", key="k")
    assert isinstance(_function(name)(adata, key="k", return_fig=True, **SINGLE[name]), Figure)
    with pytest.raises(KeyError, match=r"(Maps|Scans) stored here: \['k'\]"):
        _function(name)(adata, **SINGLE[name])


def test_drawing_imports_no_torch() -> None:
    code = (
        "import sys; from _maps import make_map; from gsr_sc import pl\n"
        "assert 'torch' not in sys.modules\n"
        "pl.latent_grid(make_map(), groupby='cell_type', return_fig=True).canvas.draw()\n"
        "sys.exit('torch' in sys.modules)"
    )
    paths = [path for path in sys.path if path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{code}"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr or "torch was imported"


@pytest.mark.parametrize(
    ("name", "options"),
    [*SINGLE.items(), *SEVERAL.items(), ("order", {"genes": ["gene0", "gene1"], "kind": "heatmap"})],
)
def test_no_line_of_a_style_crosses_a_picture(name: str, options: dict[str, Any], adata: AnnData) -> None:
    with mpl.rc_context({"axes.grid": True}):
        figure = _function(name)(adata, return_fig=True, **options)
    drawn = [ax for ax in figure.findobj(Axes) if ax.images and ax.axison]
    lines = [line for ax in drawn for axis in (ax.xaxis, ax.yaxis) for line in axis.get_gridlines()]
    assert not any(line.get_visible() for line in lines)
    plt.close(figure)


@pytest.mark.parametrize("name", pl.__all__)
def test_words_can_be_read_on_a_dark_page(name: str, adata: AnnData) -> None:
    with mpl.style.context("dark_background"):
        panel = _function(name)(adata, show=False, **SINGLE[name])
    legend = panel.get_legend()
    words = [
        panel.title,
        panel.xaxis.label,
        *panel.get_yticklabels(),
        *panel.figure.texts,
        *(legend.get_texts() if legend else []),
    ]
    page = np.array(to_rgb(panel.figure.get_facecolor())).mean()
    assert page < 0.1
    assert panel.title.get_text()
    for word in words:
        assert np.array(to_rgb(word.get_color())).mean() > page + 0.4, word.get_text()
