"""What the picture of the training shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _look import artists
from _maps import make_map

from gsr_sc.pl import history


def curves(panel: Any) -> dict[str, np.ndarray]:
    return {line.get_label(): line.get_ydata() for line in panel.get_lines() if line.get_gid() is None}


def test_panels_and_curves() -> None:
    adata = make_map()
    panels = history(adata, show=False)
    # `smoothness` never changed, so it has no panel.
    assert [panel.get_title() for panel in panels] == ["explained variance", "reconstruction loss", "penalty"]
    assert [list(curves(panel)) for panel in panels] == [
        ["held-out explained variance"],
        ["loss", "reconstruction", "held-out loss"],
        ["penalty"],
    ]
    recorded = adata.uns["gsr"]["history"]
    np.testing.assert_array_equal(curves(panels[1])["held-out loss"], recorded["validation_loss"])
    np.testing.assert_array_equal(panels[2].get_lines()[0].get_xdata(), recorded["epoch"])


def test_best_epoch_is_marked() -> None:
    adata = make_map()
    for panel in history(adata, show=False):
        assert list(artists(panel, "best epoch")[0].get_xdata()) == [7, 7]
    # The explained variance decides where there is one, else the loss.
    adata.uns["gsr"]["history"]["validation_explained_variance"] = np.arange(10.0)
    assert artists(history(adata, show=False)[0], "best")[0].get_xdata() == [10]
    del adata.uns["gsr"]["history"]["validation_explained_variance"]
    panel = history(adata, show=False)[0]
    assert artists(panel, "best")[0].get_xdata() == [7]
    del adata.uns["gsr"]["history"]["validation_loss"]
    assert artists(history(adata, show=False)[0], "best epoch") == []


def test_whatever_else_was_recorded_has_a_panel() -> None:
    adata = make_map()
    adata.uns["gsr"]["history"] = {"learning_rate": np.geomspace(1, 0.1, 5), "temperature": np.linspace(1, 0, 5)}
    panels = history(adata, show=False, ncols=1)
    assert [panel.get_title() for panel in panels] == ["learning rate", "temperature"]
    adata.uns["gsr"]["history"] = {"smoothness": np.full(4, 0.1)}
    assert history(adata, show=False).get_title() == "smoothness"


def test_missing_values_are_gaps() -> None:
    adata = make_map()
    adata.uns["gsr"]["history"]["validation_explained_variance"] = np.array([np.nan] * 9 + [0.1])
    panel = history(adata, show=False, names="validation_explained_variance")
    assert artists(panel, "best")[0].get_xdata() == [10]


def test_chosen_names_share_a_panel() -> None:
    panel = history(make_map(), show=False, names=["loss", "penalty"], title="two")
    assert (list(curves(panel)), panel.get_title()) == (["loss", "penalty"], "two")


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"names": "los"}, KeyError, "Did you mean 'loss'"),
        ({"title": "one"}, ValueError, "`title` has 1 entries for 3 panels"),
        ({"ncols": 0}, ValueError, "`ncols` is 0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        history(make_map(), show=False, **options)


def test_map_without_history() -> None:
    adata = make_map()
    adata.uns["gsr"]["history"] = {}
    with pytest.raises(ValueError, match="No history"):
        history(adata)


def test_curves_do_not_run_through_the_words_of_the_legend() -> None:
    for panel in history(make_map(), show=False):
        ground = panel.get_legend().get_frame()
        assert ground.get_visible()
        assert ground.get_facecolor()[3] > 0.5
