"""Values along the order of a map, smoothed: what pictures of an order show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ..get import order_genes
from ..get._columns import are_counts
from ..get._values import names_list, read_values
from ..matrices import open_rows, row_totals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

    from ..get._columns import Labels
    from ..slots import StoredMap

_FINE = 512
# Fewer observations than these under the kernel tell no mean.
_LEAST = 3.0


@dataclass(frozen=True, eq=False)
class Lane:
    """One stretch of the order: a branch, one of several lines or rings, or all of it.

    Attributes
    ----------
    name
        Name of the branch, or nothing.
    rows
        Observations on it.
    position
        Their positions, (n_rows,).
    at
        Where curves are evaluated, (n_at,).
    period
        Length of the way round, or None.
    """

    name: str
    rows: NDArray[np.intp]
    position: NDArray[np.float64]
    at: NDArray[np.float64]
    period: float | None

    def smooth(self, values: NDArray[np.float64], width: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean of values of all observations (n_obs, n) along the lane and its standard error, (n_at, n), NaN where few are."""
        low, high = (0.0, self.period) if self.period else (self.at[0], self.at[-1])
        fine = np.clip(((self.position - low) / max(high - low, 1e-12) * _FINE).astype(int), 0, _FINE - 1)
        member = sparse.csr_array((np.ones(len(fine)), (fine, np.arange(len(fine)))), shape=(_FINE, len(fine)))
        middle = low + (np.arange(_FINE) + 0.5) / _FINE * (high - low)
        away = np.abs(self.at[:, None] - middle)
        if self.period:
            away = np.minimum(away, self.period - away)
        kernel = np.exp(-0.5 * (away / width) ** 2)
        count = member.sum(axis=1)
        own = values[self.rows]
        total = kernel @ count
        mean = np.divide(
            kernel @ (member @ own), total[:, None], out=np.zeros((len(away), own.shape[1])), where=total[:, None] > 0
        )
        second = np.divide(
            kernel @ (member @ own**2), total[:, None], out=np.zeros_like(mean), where=total[:, None] > 0
        )
        effective = np.divide(total**2, kernel**2 @ count, out=np.zeros_like(total), where=total > 0)[:, None]
        error = np.sqrt(np.maximum(second - mean**2, 0) / np.maximum(effective, 1))
        few = np.broadcast_to((total < _LEAST)[:, None], mean.shape)
        return np.where(few, np.nan, mean), np.where(few, np.nan, error)

    def composition(self, labels: Labels, names: list[str], width: float) -> NDArray[np.float64]:
        """Share of each label along the lane, (n_at, n_names), of those observations that have one."""
        index = [labels.categories.index(name) for name in names]
        one_hot = (labels.codes[:, None] == np.array(index)).astype(np.float64)
        known = one_hot.sum(axis=1) > 0
        part = Lane(self.name, self.rows[known[self.rows]], self.position[known[self.rows]], self.at, self.period)
        return part.smooth(one_hot, width)[0]


def read_lanes(stored: StoredMap, n_at: int = 200) -> list[Lane]:
    """Stretches of the order of a map, those with more of it evaluated at more places.

    Raises
    ------
    ValueError
        If no observation has a position.
    """
    order = stored.order
    known = np.isfinite(order)
    if not known.any():
        msg = f"No observation has a position in .obs[{stored.keys.order!r}], so there is nothing to draw."
        raise ValueError(msg)
    period = 2 * np.pi if stored.is_round else None
    parts = {"": known}
    if stored.keys.branch in stored.adata.obs:
        branch = stored.adata.obs[stored.keys.branch].astype("category")
        parts = {str(name): known & np.asarray(branch == name) for name in branch.cat.categories}
    # A branch of hardly any observation is no curve.
    parts = {name: part for name, part in parts.items() if part.sum() >= _LEAST} or {"": known}
    spans = {
        name: (0.0, period) if period else tuple(np.quantile(order[part], [0.005, 0.995]))
        for name, part in parts.items()
    }
    whole = sum(high - low for low, high in spans.values()) or 1.0
    lanes = []
    for name, part in parts.items():
        low, high = spans[name]
        places = max(round(n_at * (high - low) / whole), 8)
        rows = np.flatnonzero(part)
        lanes.append(Lane(name, rows, order[rows], np.linspace(low, high, places, endpoint=period is None), period))
    return lanes


def kernel_width(stored: StoredMap, smooth: float) -> float:
    """Width of the kernel in units of the position."""
    return smooth * (2 * np.pi if stored.is_round else 1.0)


def read_genes(
    adata: AnnData, genes: Sequence[str], *, layer: str | None, use_raw: bool
) -> tuple[NDArray[np.float64], bool]:
    """Expression of some genes, (n_obs, n_genes), and whether it was counts, scaled to equal totals and log-transformed here."""
    values = np.column_stack([read_values(adata, gene, layer=layer, use_raw=use_raw, option="genes") for gene in genes])
    matrix: Any = adata.raw.X if use_raw else adata.X if layer is None else adata.layers[layer]
    if not are_counts(values):
        return values, False
    # Block by block, wherever the matrix is.
    total = np.zeros(len(values))
    for where, (are_whole, sums) in open_rows(matrix).each(_totals):
        if not are_whole:
            return values, False
        total[where] = sums
    typical = float(np.median(total[total > 0])) if (total > 0).any() else 1.0
    return np.log1p(values * np.divide(typical, total, out=np.zeros(len(total)), where=total > 0)[:, None]), True


def _totals(block: Any) -> tuple[bool, NDArray[np.float64]]:
    """Whether values are counts, and the total of each row."""
    return are_counts(block), row_totals(block)


def chosen_genes(stored: StoredMap, genes: str | Sequence[str] | None, n_genes: int) -> list[str]:
    """Genes asked for, or those that change most surely along the order.

    Raises
    ------
    KeyError
        If none are named and none were tested.
    ValueError
        If the list is empty, or nothing was found.
    """
    if genes is not None:
        names = list(dict.fromkeys(names_list(genes)))
        if not names:
            msg = "`genes` is empty; name at least one, or leave it out to draw those that change most."
            raise ValueError(msg)
        return names
    try:
        table = order_genes(stored.adata, key=stored.key)
    except KeyError:
        told = "" if stored.key is None else f", key={stored.key!r}"
        msg = f"Name some `genes`, or run `gsr_sc.tl.order_genes(adata{told})` first to draw those that change."
        raise KeyError(msg) from None
    names = list(dict.fromkeys(table.loc[table["pval"].notna(), "gene"]))[:n_genes]
    if not names:
        msg = "No gene could be tested along the order; name some `genes`."
        raise ValueError(msg)
    return names
