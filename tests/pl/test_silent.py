"""Neurons that tell nothing are marked, counted and named wherever a picture shows neurons."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from _look import artists, collisions
from _maps import add_comparison, add_stability, make_map
from matplotlib.figure import Figure

import gsr_sc
from gsr_sc import pl
from gsr_sc.pl._text import listed

if TYPE_CHECKING:
    from anndata import AnnData

PICTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "per group": ("latent_grid", {"groupby": "cell_type"}),
    "per colour": ("latent_grid", {"color": ["gene0", "cell_type"]}),
    "groups of neurons": ("latent_grid", {}),
    "graph": ("neuron_graph", {}),
    "graph of pies": ("neuron_graph", {"pie": "cell_type"}),
    "indicators": ("indicators", {"groupby": "cell_type"}),
    "difference": ("difference", {}),
    "stability": ("stability", {}),
}


@pytest.fixture
def adata() -> AnnData:
    """The last two neurons are dead, the third is the same in all cells."""
    adata = make_map("grid")
    adata.obsm["X_gsr"][:, 2] = 0.01
    return _complete(adata)


def _complete(adata: AnnData) -> AnnData:
    add_stability(adata)
    add_comparison(adata)
    return adata


def _drawn(name: str, adata: AnnData) -> Figure:
    function, arguments = PICTURES[name]
    figure = getattr(pl, function)(adata, return_fig=True, **arguments)
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    return figure


@pytest.mark.parametrize("name", PICTURES)
def test_names_are_in_the_picture_and_in_the_log(name: str, adata: AnnData, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="gsr_sc"):
        figure = _drawn(name, adata)
    written = " ".join(text.get_text() for text in figure.texts)
    assert "2 neurons that no cell lights up" in written
    assert "1 neuron the same in all cells" in written
    assert len([line for line in caplog.messages if "that no cell lights up: E5, E6" in line]) == 1
    assert len([line for line in caplog.messages if "the same in all cells: A3" in line]) == 1
    panel = figure.axes[0]
    assert len(artists(panel, "dead")) == len(artists(panel, "constant")) == 1


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_said_where_all_neurons_tell_something(name: str) -> None:
    figure = _drawn(name, _complete(make_map("grid", n_dead=0, n_types=15)))
    assert not any("neuron" in text.get_text() and "cell" in text.get_text() for text in figure.texts)
    assert not artists(figure.axes[0], "dead")
    assert not artists(figure.axes[0], "constant")


def test_programs_name_those_without_a_column_and_those_that_tell_nothing(adata: AnnData) -> None:
    gsr_sc.tl.programs(adata)
    figure = pl.programs(adata, return_fig=True)
    written = " ".join(text.get_text() for text in figure.texts)
    assert "2 neurons that no cell lights up, left out" in written
    assert "1 neuron the same in all cells" in written
    assert collisions(figure) == []


def test_notes_fit_the_width() -> None:
    names = [f"N{number}" for number in range(50)]
    assert listed("50 neurons", names, np.inf).endswith("N49")
    line = listed("50 neurons", names, 2.0)
    assert line.startswith("50 neurons: N0, ")
    assert line.endswith(" more")
    assert int(line.split()[-2]) + line.count("N") == 50
    assert listed("50 neurons", names, 0.1) == "50 neurons"


def test_frames_and_measures_tell_constant_neurons(adata: AnnData) -> None:
    table = gsr_sc.get.neurons(adata)
    assert table.index[table["is_constant"]].tolist() == ["A3"]
    assert table.index[table["is_dead"]].tolist() == ["E5", "E6"]
    assert not gsr_sc.metrics.constant_neurons(adata.obsm["X_gsr"][:1]).any()
