"""Laws of the localising filters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from gsr_sc import graphs
from gsr_sc.graphs import localising_filter

GRAPHS = {"line": graphs.line(15), "ring": graphs.ring(15), "grid": graphs.grid(5, 3), "torus": graphs.torus(3, 5)}
each_graph = pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS.keys())
times = st.floats(0.05, 5)


@each_graph
@given(time=times)
def test_heat_is_the_exponential_and_keeps_what_it_spreads(graph: graphs.NeuronGraph, time: float) -> None:
    heat = localising_filter(graph.adjacency, "heat", time=time)
    np.testing.assert_allclose(heat, expm(-time * graph.laplacian().toarray()), atol=1e-10)
    np.testing.assert_allclose(heat.sum(axis=0), 1)


@each_graph
@given(time=times)
def test_wavelets_are_functions_of_the_laplacian_without_mean(graph: graphs.NeuronGraph, time: float) -> None:
    wavelets = localising_filter(graph.adjacency, "wavelet", time=time)
    laplacian = time * graph.laplacian().toarray()
    np.testing.assert_allclose(wavelets, np.e * laplacian @ expm(-laplacian), atol=1e-9)
    np.testing.assert_allclose(wavelets.sum(axis=0), 0, atol=1e-10)
    assert np.linalg.norm(wavelets, 2) <= 1 + 1e-9


@pytest.mark.parametrize("kind", ["heat", "wavelet"])
def test_each_column_is_highest_at_its_node_and_reaches_further_with_time(kind: Any) -> None:
    ring = graphs.ring(41)
    narrow, wide = (localising_filter(ring.adjacency, kind, time=time) for time in (0.5, 4.0))
    for columns in (narrow, wide):
        np.testing.assert_array_equal(columns.argmax(axis=0), np.arange(41))
    # Steps around the node until the column has fallen to half its height.
    reach = [int(np.argmax(columns[:20, 0] < columns[0, 0] / 2)) for columns in (narrow, wide)]
    assert reach[0] < reach[1]
    assert abs(narrow[20, 0]) < 1e-6 * narrow[0, 0]


def test_only_wavelets_are_negative_around_the_node() -> None:
    grid = graphs.grid(9)
    centre = 40
    assert localising_filter(grid.adjacency, "heat").min() >= 0
    hat = localising_filter(grid.adjacency, "wavelet")[:, centre].reshape(9, 9)
    assert hat[4, 4] > 0 > hat[4, 6]
    assert hat[4, 4] > 3 * abs(hat.min())


def test_what_is_no_filter_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'gauss'; it is one of \['heat', 'wavelet'\]"):
        localising_filter(graphs.ring(4).adjacency, "gauss")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`time` is 0; it is a number above 0"):
        localising_filter(graphs.ring(4).adjacency, time=0)
