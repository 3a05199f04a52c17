"""Which row of a comparison of graphs, sizes and smoothness to take, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

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
# Kinds of graphs that are no nouns.
_NOUNS = {
    "lines": "set of lines",
    "rings": "set of rings",
    "groups": "set of groups",
    "custom": "custom graph",
    "hex": "hexagonal lattice",
    "learned": "learned graph",
}
_MOST_NAMES = 3


def recommend(table: pd.DataFrame, *, tolerance: float) -> tuple[int, list[int], str]:
    """Number of the row to take, numbers of the best row of each graph and size, and sentences that say why.

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
    as_good: list[int]
    left: list[int]


def _choice(table: pd.DataFrame, of: NDArray[np.intp]) -> _Choice:
    """The simplest of the given rows that explains nearly as much as the best and tears no more."""
    explained, torn = (table[name].to_numpy(dtype=float) for name in ("explained_variance", "torn"))
    sizes = table["n_neurons"].to_numpy()
    best = int(of[explained[of].argmax()])
    as_good = of[_within(explained[of], np.full(len(of), explained[best]), _LESS)]
    left = as_good[torn[as_good] <= torn[as_good].min() + _TORN]
    row = int(min(left, key=lambda row: (_rank(table["graph"].iloc[row]), sizes[row], -explained[row])))
    return _Choice(row, best, as_good.tolist(), left.tolist())


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
    """Sentences, the first of which is the recommendation."""
    row, top = table.iloc[choice.row], table.iloc[choice.best]
    said = [f"Take a {_called(row)} neurons with smoothness {row['smoothness']:g}."]
    if n_candidates == 1:
        said.append("It is the only graph that was tried.")
    else:
        most = f"the most{among}"
        if choice.row != choice.best:
            most += f" is {_percent(top['explained_variance'])}, by a {_called(top)}"
        said.append(f"It explains {_percent(row['explained_variance'])} of the variance of held-out cells ({most}).")
        tearing = _listed(table, [other for other in choice.as_good if other not in choice.left])
        more = f"; more on {tearing}" if tearing else ""
        said.append(f"Of neighbouring cells, {_percent(row['torn'])} come to lie far apart on it{more}.")
        others = _listed(table, [other for other in choice.left if other != choice.row])
        if others:
            said.append(f"As good, but larger or less simple: {others}.")
    if refused is not None:
        said.append(
            f"A {_called(table.iloc[refused])} would be simpler, but {_gap(_n_gaps(table, refused))}: "
            "the data look like separate types, which have no order."
        )
    gaps = _n_gaps(table, choice.row)
    if gaps:
        said.append(f"But {_gap(gaps)}: compare it with a grid.")
    cost = f"{100 * tolerance:g} % of what the network explains without a penalty"
    same = (table["graph"] == row["graph"]) & (table["n_neurons"] == row["n_neurons"])
    if allowed and same.sum() == 1:
        said.append(f"This smoothness, the only one tried, costs no more than {cost}.")
    elif allowed:
        said.append(f"Of the smoothnesses tried it is the largest that costs no more than {cost}.")
    else:
        said.append(f"It is the least smoothness tried, and still costs more than {cost}: try less.")
    if not top["explained_variance"] > 0:
        said.append("But nothing of the held-out cells is explained by any of them: this is no reason to choose one.")
    return " ".join(said)


def _called(row: pd.Series[Any]) -> str:
    kind, *number = str(row["graph"]).split(" (", maxsplit=1)
    return " (".join([_NOUNS.get(kind, kind), *number]) + f" of {row['n_neurons']}"


def _listed(table: pd.DataFrame, rows: list[int]) -> str:
    """Graphs by name with how many neighbours they tear apart; the first few of many."""
    rows = sorted(rows, key=lambda row: float(table["torn"].iloc[row]))
    names = [f"{_called(table.iloc[row])} ({_percent(table['torn'].iloc[row])})" for row in rows]
    if len(names) > _MOST_NAMES:
        names = [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} others"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _gap(n_edges: int) -> str:
    where = f"{n_edges} of its edges" if n_edges > 1 else "one of its edges"
    return f"hardly any cells are neighbours across {where}"
