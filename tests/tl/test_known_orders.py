"""Whole fits find the known order of simulated data that once misled their start: one in a hundred."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gsr_sc
from gsr_sc import datasets, metrics

SIMULATORS: dict[str, Any] = {
    "ring": datasets.simulate_ring,
    "wishbone": datasets.simulate_wishbone,
    "tree": partial(datasets.simulate_tree, depth=2),
}
EARLY = 0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "seed", "trouble"),
    [
        # Fewer cells, so that the ring is shorter there.
        ("ring", 2, {"density": 5.0}),
        # The end of a branch has so few cells that it was taken for an outlying cluster.
        ("wishbone", 5, {"density": 5.0}),
        ("tree", 1, {"density": 5.0}),
        ("tree", 9, {"density": 5.0}),
        # Doublets tie the wrong branches together.
        ("tree", 0, {"doublets": 0.05}),
        ("tree", 2, {"doublets": 0.05}),
    ],
    ids=str,
)
def test_the_order_is_recovered(kind: str, seed: int, trouble: dict[str, float]) -> None:
    adata = SIMULATORS[kind](rng=seed, **trouble)
    gsr_sc.tl.fit(adata, graph=kind, rng=seed, n_jobs=1)
    if kind == "ring":
        assert metrics.circular_concordance(adata.obs["gsr_order"], adata.obs["angle"]) >= 0.98
        return
    adata.obs["stage"] = pd.Categorical(np.where(adata.obs["time"] < EARLY, "early", "later"))
    gsr_sc.tl.order(adata, root="early", groupby="stage")
    known = adata.obs["time"].notna()
    assert metrics.order_agreement(adata.obs["gsr_order"][known], adata.obs["time"][known]) >= 0.98


@pytest.mark.parametrize(("kind", "n_neurons"), [("ring", 12), ("line", 6)])
def test_few_neurons_find_the_order_of_many_cells(kind: str, n_neurons: int) -> None:
    """Their prototypes had run together at the start."""
    simulate = {"ring": datasets.simulate_ring, "line": datasets.simulate_line}[kind]
    adata = simulate(400, 100)
    gsr_sc.tl.fit(adata, graph=kind, n_neurons=n_neurons, n_jobs=1)
    place = adata.obs["gsr_order"].to_numpy()
    if kind == "ring":
        assert metrics.circular_concordance(place, adata.obs["angle"].to_numpy()) > 0.97
    else:
        assert metrics.order_agreement(place, adata.obs["time"].to_numpy()) > 0.97
