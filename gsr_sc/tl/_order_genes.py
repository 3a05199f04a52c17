"""Test which genes change along the order of a stored map."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._checks import require_number, unknown
from .._docs import doc_params
from .._log import configure
from ..get._columns import are_counts
from ..matrices import open_rows, row_totals
from ..slots import StoredMap, write_added
from ..stats import adjusted, change_along
from ._programs import layer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anndata import AnnData
    from numpy.typing import NDArray

    from ..matrices import Rows
    from ..stats import Along

logger = logging.getLogger(__name__)

_COLUMNS = ("peak", "statistic", "pval", "explained", "amplitude", "mean")


@doc_params()
def order_genes(
    adata: AnnData,
    *,
    layer: str | None = None,
    depth: str | None = None,
    by_branch: bool = False,
    df: int = 4,
    min_cells: int = 10,
    min_confidence: float = 0.0,
    key: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Test which genes change along the order of a fitted map, against a null that respects depth.

    In the null, a gene may follow the depth of the observations in any smooth way, and depth may change along the order;
    what is tested is whether a smooth curve of the position explains more. Values are logarithms (counts are
    scaled to the median depth first); neither their distribution nor equal variances are assumed
    (:func:`gsr_sc.stats.change_along`). Probabilities are corrected for the number of tests (Benjamini-Hochberg).

    The map was fitted to the genes that are tested here, unless they were left out of the fit. In data without any
    process, the genes that happened to shape the order would still come out. So a small probability means that
    a gene changes along *this* order, and not that the order is real; `explained` and `amplitude` say which genes
    change most. For probabilities that hold for the process itself, split the counts before the fit (binomial
    thinning), fit on one half, and pass the layer with the other half here.

    Parameters
    ----------
    adata
        Annotated data with a fitted map that has an order: see :func:`gsr_sc.tl.order`.
        Observations without a position do not count.
    layer
        Layer to test, or `"X"`, instead of that which the map was fitted on, which is the default (X, if none). Counts are
        recognised by whole numbers.
    depth
        Column of `.obs` with the depth of the observations, such as the total count over all genes. By default the total
        of the counts that are tested or, of other values, the number of genes that are not 0.
    by_branch
        Whether to test each branch by itself, instead of all observations by their position.
    df
        How many functions a curve is made of: larger for curves with more ups and downs. On rings, pairs of waves.
    min_cells
        Genes that are not 0 in fewer observations are not tested.
    min_confidence
        Observations whose position has less confidence do not count.
    {key}
    {copy}

    Returns
    -------
    None, or the annotated copy. This field is set; :func:`gsr_sc.get.order_genes` gives it sorted:

    `.uns["gsr_order_genes"]`
        `params`, and `table` with one row for each gene, and each branch if asked for: `peak` (where the curve is highest),
        `statistic`, `pval`, `pval_adj`, `explained` (share of the variance, after depth), `amplitude` (highest minus lowest
        value of the curve, in logarithms of counts or in the units of the values), `mean`, `n_cells`.

    Raises
    ------
    KeyError
        If there is no map, no order, or no such layer or column.
    ValueError
        If options are out of range, there are no branches, or too few observations.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_line(200, 40)
    >>> gsr_sc.tl.fit(adata, graph="line", max_epochs=1, smoothness=1)
    >>> gsr_sc.tl.order_genes(adata)
    >>> table = gsr_sc.get.order_genes(adata)
    >>> bool(table["pval_adj"].is_monotonic_increasing)
    True
    """
    configure()
    stored = StoredMap(adata, key)
    keys = stored.keys
    _check(df, min_cells, min_confidence)
    position = stored.order
    enough = np.isfinite(position) & _sure(stored, min_confidence)
    layer, values = _values(stored, layer)
    counts, known = _depth(adata, values, depth)
    parts = _of_branches(stored, enough) if by_branch else {"": enough}
    tables = []
    for name, chosen in parts.items():
        rows = np.flatnonzero(chosen)
        try:
            found = change_along(
                _Chosen(values, rows),
                position[rows],
                depth=known[rows],
                counts=counts,
                periodic=stored.is_round,
                df=df,
                min_obs=min_cells,
            )
        except ValueError as error:
            if not by_branch:
                msg = f"No gene can be tested. {error}"
                raise ValueError(msg) from None
            logger.info("    branch %r is not tested. %s", name, error)
        else:
            tables.append(_table(adata, found, name if by_branch else None))
    if not tables:
        msg = "No branch has enough observations to test genes along it; use `by_branch=False`."
        raise ValueError(msg)
    table = pd.concat(tables, ignore_index=True)
    table.insert(table.columns.get_loc("pval") + 1, "pval_adj", adjusted(table["pval"].to_numpy()))
    table.index = table.index.astype(str)
    params: dict[str, Any] = {
        "df": df,
        "min_cells": min_cells,
        "min_confidence": float(min_confidence),
        "by_branch": by_branch,
    }
    params |= {name: value for name, value in (("layer", layer), ("depth", depth)) if value is not None}
    if copy:
        adata = adata.copy()
    write_added(adata, keys, uns={"order_genes": {"table": table, "params": {**params, "counts": counts}}})
    n_found = int((table["pval_adj"] < 0.05).sum())
    logger.info("    %d of %d tests below a false discovery rate of 5 %%", n_found, int(table["pval"].notna().sum()))
    logger.info("    added %r (adata.uns)", keys.added("order_genes"))
    return adata if copy else None


def _check(df: int, min_cells: int, min_confidence: float) -> None:
    require_number("df", df, lowest=1, highest=20, whole=True)
    require_number("min_cells", min_cells, lowest=0, whole=True)
    require_number("min_confidence", min_confidence, lowest=0, highest=1)


def _sure(stored: StoredMap, least: float) -> NDArray[np.bool_]:
    if least == 0:
        return np.ones(stored.adata.n_obs, dtype=bool)
    slot = stored.keys.added("order_confidence")
    if slot not in stored.adata.obs:
        msg = "`min_confidence` needs the confidence of positions: run `gsr_sc.tl.order(adata)` first."
        raise KeyError(msg)
    return np.asarray(stored.adata.obs[slot] >= least)


def _values(stored: StoredMap, layer: str | None) -> tuple[str | None, Rows]:
    layer = layer_of(stored, layer)
    if layer is not None and layer not in stored.adata.layers:
        raise KeyError(
            unknown("`layer` in .layers", [layer], [name for name in stored.adata.layers if name is not None])
        )
    return layer, open_rows(stored.adata.X if layer is None else stored.adata.layers[layer])


def _of_branches(stored: StoredMap, enough: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    slot = stored.keys.branch
    if slot not in stored.adata.obs:
        msg = f"`by_branch=True`, but this map has no branches: there is no .obs[{slot!r}]."
        raise ValueError(msg)
    branch = stored.adata.obs[slot]
    return {str(name): enough & np.asarray(branch == name) for name in branch.cat.categories}


def _depth(adata: AnnData, values: Rows, column: str | None) -> tuple[bool, NDArray[np.float64]]:
    """Whether values are counts, and the depth of each observation, (n_obs,)."""
    told = None if column is None else _column(adata, column)
    counts, totals, detected = True, np.zeros(adata.n_obs), np.zeros(adata.n_obs)
    for where, (are_whole, total, n_detected) in values.each(_glance):
        counts &= are_whole
        totals[where], detected[where] = total, n_detected
    if told is not None:
        return counts, told
    return counts, totals if counts else detected


def _column(adata: AnnData, name: str) -> NDArray[np.float64]:
    if name not in adata.obs:
        raise KeyError(unknown("`depth` in .obs", [name], adata.obs.columns))
    found = pd.to_numeric(adata.obs[name]).to_numpy(dtype=np.float64, na_value=np.nan)
    if not (found > 0).all():
        msg = f"`depth={name!r}` is missing or not above 0 for some observations; it is the total of each of them."
        raise ValueError(msg)
    return np.asarray(found)


def _glance(values: Any) -> tuple[bool, NDArray[np.float64], NDArray[np.float64]]:
    """Whether all values are counts, the total of each row, and how many of its values are not 0."""
    return are_counts(values), row_totals(values), np.asarray((values != 0).sum(axis=1), dtype=np.float64).ravel()


@dataclass(frozen=True)
class _Chosen:
    """Some of the rows of a matrix, by their sorted numbers."""

    rows: Rows
    which: NDArray[np.intp]

    def each(self, work: Callable[..., Any], *along: NDArray[np.float64] | None) -> Iterator[tuple[slice, Any]]:
        if len(self.which) == self.rows.shape[0]:
            return self.rows.each(work, None, *along)
        return self.rows.each(work, self.which, *(None if every is None else self._spread(every) for every in along))

    def _spread(self, every: NDArray[np.float64]) -> NDArray[np.float64]:
        """Entries of some rows, where they are among those of all."""
        of_all = np.zeros((self.rows.shape[0], *every.shape[1:]))
        of_all[self.which] = every
        return of_all


def _table(adata: AnnData, found: Along, branch: str | None) -> pd.DataFrame:
    columns: dict[str, Any] = {"gene": adata.var_names.astype(str).to_numpy(dtype=object)}
    if branch is not None:
        columns["branch"] = np.full(adata.n_vars, branch, dtype=object)
    columns |= {name: getattr(found, name) for name in _COLUMNS}
    return pd.DataFrame({**columns, "n_cells": found.n_obs})
