"""What the maps are expected to reach, at defaults; every line is reported, reached or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from _own import OWN
from _sets import CYTOMETRY, LOOK_ALIKE
from _table import completed, mean_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# (AUROC, kNN) by data set and input.
STATED = {
    ("paul15_myeloid", "log"): (0.965, 0.60),
    ("mca_mouse_bladder", "log"): (0.992, 0.90),
    ("cbmc_citeseq", "log"): (0.985, 0.895),
    ("paul15_myeloid", "counts"): (0.975, 0.645),
    ("mca_mouse_bladder", "counts"): (0.992, 0.90),
    ("cbmc_citeseq", "counts"): (0.985, 0.895),
}
# Data sets on which different seeds have to give the same map: neurons, map coordinates.
AGREEMENT = {"paul15_myeloid": (0.95, 0.98), "mca_mouse_bladder": (0.95, 0.98)}
# Circular concordance: on each ring of images whose views can be told apart, and with the phase of the cell cycle.
RING, CYCLE = 0.95, 0.55
# Moran's I on expression and on cytometry; and what may be left of the explained variance.
EXPRESSION, PANEL = 0.88, 0.80
KEPT = 0.98

OURS = "gsr_sc"
# Peers that give a representation of the cells, the same network without the map among them.
_NOT_PEERS = (OURS, "gsr_sc (logarithms)", "leiden", "diffusion pseudotime", "Palantir")
_TIMES = ("diffusion pseudotime", "Palantir")


def checks(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """One line per target: data set, input, measure, value, target, where the target is from, and whether it is reached."""
    rows = completed(rows)
    lines = [
        (name, given, measure, value, target, source, bool(value > target if strict else value >= target))
        for name, given, measure, value, target, source, strict in _all(rows)
    ]
    frame = pd.DataFrame(lines, columns=["data", "input", "measure", "value", "target", "from", "reached"])
    return frame.round({"value": 3, "target": 3})


def _all(rows: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for name, given in dict.fromkeys((row["data"], row["input"]) for row in rows if row["method"].startswith(OURS)):
        here = [row for row in rows if row["data"] == name]
        ours = _Means(here, given)
        yield from _labels(name, given, here, ours)
        yield from _orders(name, given, here)


class _Means:
    """Our mean of a measure on one data set and input, None where it was not measured."""

    def __init__(self, rows: list[dict[str, Any]], given: str, method: str = OURS) -> None:
        self.rows = [row for row in rows if row["method"] == method and row["input"] == given]

    def __call__(self, measure: str) -> float | None:
        values = [row[measure] for row in self.rows if row.get(measure) is not None]
        return float(np.mean(values)) if values else None


def _labels(name: str, given: str, rows: list[dict[str, Any]], ours: _Means) -> Iterator[tuple[Any, ...]]:
    stated = dict(zip(("AUROC", "kNN"), STATED.get((name, given), ()), strict=False))
    # What a count likelihood was fitted to is the deviance.
    explained = "EV" if ours("ED") is None else "ED"
    stated |= {"Moran": PANEL if name in CYTOMETRY else EXPRESSION}
    stated |= {f"{explained}/0": KEPT, f"{explained}/plain": KEPT}
    stated |= dict(zip(("seeds", "seeds (map)"), AGREEMENT.get(name, ()), strict=False))
    for measure, target in stated.items():
        if (value := ours(measure)) is not None:
            yield name, given, measure, value, target, "stated", False
    for measure in ("AUROC", "kNN"):
        # Networks of ours are compared with on the same input, peers on whatever they take.
        peers = {
            key: mean
            for key, mean in mean_of(rows, measure).items()
            if key[2] not in _NOT_PEERS and (key[2] not in OWN or key[1] == given)
        }
        if peers and (value := ours(measure)) is not None:
            best = max(peers, key=peers.__getitem__)
            yield name, given, measure, value, peers[best], f"best peer: {best[2]}", measure == "AUROC"
    if (value := ours("ARI")) is not None:
        for source, target in _clusterings(rows, str(round(ours("k") or 0))):
            yield name, given, "ARI", value, target, source, False


def _clusterings(rows: list[dict[str, Any]], k: str) -> Iterator[tuple[str, float]]:
    """ARI of leiden at its default, and of FlowSOM cut into as many clusters as ours."""
    if (target := _Means(rows, "components", "leiden")("ARI")) is not None:
        yield "leiden", target
    cut = [row["ARI by k"][k] for row in rows if k in (row.get("ARI by k") or {})]
    if cut:
        yield f"FlowSOM, {k} clusters", float(np.mean(cut))


def _orders(name: str, given: str, rows: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for method in dict.fromkeys(row["method"] for row in rows if row["method"].startswith(f"{OURS} (")):
        ours = _Means(rows, given, method)
        rings = dict.fromkeys(column for row in ours.rows for column in row if column.startswith("ring "))
        for ring in rings:
            if not ring.endswith(LOOK_ALIKE):
                yield name, given, ring, ours(ring), RING, "stated", False
        if (value := ours("order")) is None or rings:
            continue
        if method.endswith("(ring)"):
            yield name, given, "order", value, CYCLE, "stated", True
        for peer in _TIMES:
            if (target := _Means(rows, "components", peer)("order")) is not None:
                yield name, given, "order", value, target, peer, False
