"""Which row of a comparison of graphs, sizes and smoothness to take, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# From one dimension without a seam to two, then to no given shape.
_SIMPLEST = (
    "line",
    "ring",
    "lines",
    "rings",
    "star",
    "wishbone",
    "tree",
    "groups",
    "custom",
    "grid",
    "hex",
    "torus",
    "learned",
)
# Share of what the best explains that a simpler graph may give up: between seeds of one graph it varies by several
# hundredths on small data, so that less would choose by chance. What is torn varies much less.
_LESS = 0.1
# Share of torn neighbours that a simpler graph may have more than the one with the fewest.
_TORN = 0.02


def recommend(table: pd.DataFrame, *, tolerance: float) -> tuple[int, list[int], str]:
    """Number of the row to take, numbers of the best row of each graph and size, and a sentence that says why.

    Parameters
    ----------
    table
        Columns `graph`, `n_neurons`, `smoothness`, `explained_variance`, `explained_variance_unregularised` and `torn`.
    tolerance
        Share of the explained variance that smoothness may give up.
    """
    explained = table["explained_variance"].to_numpy(dtype=float)
    smoothness = table["smoothness"].to_numpy(dtype=float)
    allowed = _within(explained, table["explained_variance_unregularised"].to_numpy(dtype=float), tolerance)
    candidates = []
    for _, rows in table.reset_index(drop=True).groupby(["graph", "n_neurons"], sort=False):
        numbers = rows.index.to_numpy()
        kept = numbers[allowed[numbers]]
        # Where every penalty costs too much, the least one.
        candidates.append(int(kept[smoothness[kept].argmax()] if len(kept) else numbers[smoothness[numbers].argmin()]))
    of = np.array(candidates)
    torn = table["torn"].to_numpy(dtype=float)
    best = int(of[explained[of].argmax()])
    as_good = of[_within(explained[of], np.full(len(of), explained[best]), _LESS)]
    left = as_good[torn[as_good] <= torn[as_good].min() + _TORN]
    sizes = table["n_neurons"].to_numpy()
    chosen = int(min(left, key=lambda row: (_rank(table["graph"].iloc[row]), sizes[row], -explained[row])))
    why = _why(
        table,
        chosen,
        best=best,
        n_candidates=len(of),
        n_torn=len(as_good) - len(left),
        n_left=len(left),
        allowed=bool(allowed[chosen]),
        tolerance=tolerance,
    )
    return chosen, candidates, why


def _within(values: NDArray[np.float64], of: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    return np.asarray(values >= of - tolerance * np.abs(of))


def _rank(graph: str) -> int:
    kind = graph.split(" (", maxsplit=1)[0]
    return _SIMPLEST.index(kind) if kind in _SIMPLEST else _SIMPLEST.index("custom")


def _why(
    table: pd.DataFrame,
    chosen: int,
    *,
    best: int,
    n_candidates: int,
    n_torn: int,
    n_left: int,
    allowed: bool,
    tolerance: float,
) -> str:
    row = table.iloc[chosen]
    smooth = (
        "the largest smoothness within" if allowed else "the least smoothness tried, though it costs more than"
    ) + f" {100 * tolerance:g} % of the network without penalty"
    text = f"Take a {row['graph']} of {row['n_neurons']} neurons with smoothness {row['smoothness']:g} ({smooth})"
    if n_candidates == 1:
        return f"{text}: the only graph that was tried."
    text += f": it explains {row['explained_variance']:.3f} of the held-out variance"
    if chosen != best:
        top = table.iloc[best]
        text += f", at least nine tenths of the best ({top['graph']} of {top['n_neurons']}: "
        text += f"{top['explained_variance']:.3f})"
    else:
        text += ", the most"
    text += f", and tears {100 * row['torn']:.1f} % of the neighbours apart"
    if n_torn:
        text += f"; {n_torn} that explain{'s' * (n_torn == 1)} as much tear{'s' * (n_torn == 1)} more"
    return f"{text}; of {n_left} as good it is the simplest." if n_left > 1 else f"{text}."
