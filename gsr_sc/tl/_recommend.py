"""Which row of a comparison of graphs, sizes and smoothness to take, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
# What these draw is read as an order, which data with gaps do not have.
_ORDERED = ("line", "ring", "lines", "rings", "star", "wishbone", "tree")
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
        Columns `graph`, `n_neurons`, `smoothness`, `explained_variance`, `explained_variance_unregularised`, `torn` and
        `n_gaps`.
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
    gaps = np.array([_n_gaps(table, row) for row in candidates])
    of = np.array(candidates)
    continuous = of[gaps == 0]
    choice = _choice(table, continuous if len(continuous) else of)
    unasked = _choice(table, of)
    return (
        choice.row,
        candidates,
        _why(
            table,
            choice,
            refused=unasked.row if _n_gaps(table, unasked.row) and len(continuous) else None,
            among="" if unasked.best == choice.best else " of those without a gap",
            n_candidates=len(of),
            allowed=bool(allowed[choice.row]),
            tolerance=tolerance,
        ),
    )


class _Choice(NamedTuple):
    row: int
    best: int
    # As good as the best, and those of them that tear no more than they must.
    n_as_good: int
    n_left: int


def _choice(table: pd.DataFrame, of: NDArray[np.intp]) -> _Choice:
    """The simplest of the given rows that explains nearly as much as the best and tears no more."""
    explained, torn = (table[name].to_numpy(dtype=float) for name in ("explained_variance", "torn"))
    sizes = table["n_neurons"].to_numpy()
    best = int(of[explained[of].argmax()])
    as_good = of[_within(explained[of], np.full(len(of), explained[best]), _LESS)]
    left = as_good[torn[as_good] <= torn[as_good].min() + _TORN]
    row = int(min(left, key=lambda row: (_rank(table["graph"].iloc[row]), sizes[row], -explained[row])))
    return _Choice(row, best, len(as_good), len(left))


def _n_gaps(table: pd.DataFrame, row: int) -> int:
    """Number of edges that have a gap, where the graph is read as an order; rounded, being a mean over seeds."""
    return round(float(table["n_gaps"].iloc[row])) if _kind(table["graph"].iloc[row]) in _ORDERED else 0


def _within(values: NDArray[np.float64], of: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    return np.asarray(values >= of - tolerance * np.abs(of))


def _rank(graph: str) -> int:
    kind = _kind(graph)
    return _SIMPLEST.index(kind) if kind in _SIMPLEST else _SIMPLEST.index("custom")


def _kind(graph: str) -> str:
    return graph.split(" (", maxsplit=1)[0]


def _why(
    table: pd.DataFrame,
    choice: _Choice,
    *,
    refused: int | None,
    among: str,
    n_candidates: int,
    allowed: bool,
    tolerance: float,
) -> str:
    row = table.iloc[choice.row]
    smooth = (
        "the largest smoothness within" if allowed else "the least smoothness tried, though it costs more than"
    ) + f" {100 * tolerance:g} % of the network without penalty"
    text = f"Take a {row['graph']} of {row['n_neurons']} neurons with smoothness {row['smoothness']:g} ({smooth})"
    gaps = _n_gaps(table, choice.row)
    warning = f" But hardly any cells are neighbours across {_edges(gaps)}: compare it with a grid." if gaps else ""
    if n_candidates == 1:
        return f"{text}: the only graph that was tried.{warning}"
    text += f": it explains {row['explained_variance']:.3f} of the held-out variance"
    if choice.row != choice.best:
        top = table.iloc[choice.best]
        text += f", at least nine tenths of the best{among} ({top['graph']} of {top['n_neurons']}: "
        text += f"{top['explained_variance']:.3f})"
    else:
        text += f", the most{among}"
    text += f", and tears {100 * row['torn']:.1f} % of the neighbours apart"
    n_torn = choice.n_as_good - choice.n_left
    if n_torn:
        text += f"; {n_torn} that explain{'s' * (n_torn == 1)} as much tear{'s' * (n_torn == 1)} more"
    if choice.n_left > 1:
        text += f"; of {choice.n_left} as good it is the simplest"
    if refused is not None:
        simpler = table.iloc[refused]
        text += (
            f"; a {simpler['graph']} of {simpler['n_neurons']} would come first, but hardly any cells are neighbours "
        )
        text += f"across {_edges(_n_gaps(table, refused))}"
    return f"{text}.{warning}"


def _edges(number: int) -> str:
    return f"{number} of its edges" if number > 1 else "one of its edges"
