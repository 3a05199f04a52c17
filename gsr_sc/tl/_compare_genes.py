"""Which genes differ between conditions at a place of the map, with samples as replicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from ..graphs._position import belonging
from ..inputs import examine, read_input
from ..stats import adjusted, linear_effects, moderated, with_blocks
from ._programs import layer_of

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from ..slots import StoredMap
    from ._replicates import Replicates

# Fewer counts in all cells of a sample at a place tell nothing of a gene.
_FEWEST_COUNTS = 10
_PRIOR = 0.5
_PER = 1e6


class _Bulks(NamedTuple):
    """What the cells of each sample at each place have of each gene.

    Attributes
    ----------
    level
        On a log2 scale where the data allow it, (n_samples, n_groups, n_vars).
    enough
        Whether a gene can be told there, of the same shape.
    n_cells
        (n_samples, n_groups).
    """

    level: NDArray[np.float64]
    enough: NDArray[np.bool_]
    n_cells: NDArray[np.intp]


def gene_effects(
    adata: AnnData, stored: StoredMap, replicates: Replicates, *, layer: str | None, min_cells: int
) -> pd.DataFrame:
    """One row for each condition, indicator group and gene that can be tested there; see :func:`gsr_sc.tl.compare`."""
    bulks = _bulks(adata, stored, replicates, layer)
    names = np.asarray(adata.var_names, dtype=object)
    tables = []
    for k, condition in enumerate(replicates.conditions[1:], start=1):
        for g, group in enumerate(stored.groups):
            used = (bulks.n_cells[:, g] >= min_cells) & np.isin(replicates.condition, [0, k])
            columns = _effects(bulks.level[used, g], bulks.enough[used, g], replicates, used, k)
            if columns is not None:
                genes = columns.pop("genes")
                tables.append(pd.DataFrame({"group": group, "gene": names[genes], "condition": condition, **columns}))
    if not tables:
        empty = ["log2_fold_change", "ci_low", "ci_high", "t", "pval", "pval_adj"]
        tables = [pd.DataFrame({"group": [], "gene": [], "condition": [], **{name: np.zeros(0) for name in empty}})]
    table = pd.concat(tables, ignore_index=True)
    table.insert(3, "reference", replicates.conditions[0])
    for name in ("group", "gene", "condition", "reference"):
        # A name for each row would take more than all figures.
        table[name] = pd.Categorical(table[name].tolist())
    table.index = table.index.astype(str)
    return table


def _bulks(adata: AnnData, stored: StoredMap, replicates: Replicates, layer: str | None) -> _Bulks:
    data = read_input(adata, layer=layer_of(stored, layer), to_fit=False)
    facts = examine(data, report=False)
    member = stored.group[:, None] == np.array(stored.groups)[None, :]
    place = (belonging(stored.activations) @ member).argmax(axis=1)
    n_samples, n_groups = len(replicates.names), len(stored.groups)
    bulk = np.where(replicates.of_cell >= 0, replicates.of_cell * n_groups + place, -1)
    n_cells = np.bincount(bulk[bulk >= 0], minlength=n_samples * n_groups)
    sums = np.zeros((n_samples * n_groups, data.rows.shape[1]))
    for block in data.rows.blocks(np.flatnonzero(bulk >= 0)):
        rows = data.rows.take(block)
        shape = (len(sums), rows.shape[0])
        of_rows = sparse.csr_array((np.ones(shape[1]), (bulk[block], np.arange(shape[1]))), shape=shape)
        added = of_rows @ rows
        sums += added.toarray() if sparse.issparse(added) else added
    if facts.kind == "counts":
        totals = sums.sum(axis=1, keepdims=True)
        # As much for each sample in proportion, or those with few counts would seem to differ.
        prior = _PRIOR * totals / max(float(totals[totals > 0].mean()), 1e-12)
        values = np.log2(np.maximum((sums + prior) / np.maximum(totals + 2 * prior, 1e-12), 1e-12) * _PER)
        enough = sums >= _FEWEST_COUNTS
    else:
        is_log = facts.kind in ("unit", "positive", "binary")
        values = sums / np.maximum(n_cells, 1)[:, None] / (np.log(2) if is_log else 1.0)
        enough = np.ones(sums.shape, dtype=bool)
    shape3 = (n_samples, n_groups, sums.shape[1])
    return _Bulks(values.reshape(shape3), enough.reshape(shape3), n_cells.reshape(n_samples, n_groups))


def _effects(
    values: NDArray[np.float64],
    enough: NDArray[np.bool_],
    replicates: Replicates,
    used: NDArray[np.bool_],
    condition: int,
) -> dict[str, Any] | None:
    """Columns of the table for a condition at a place; None if it cannot be tested there."""
    treated = replicates.condition[used] == condition
    fewest = int(min(treated.sum(), (~treated).sum()))
    if fewest < 2:
        return None
    design = with_blocks(treated, np.unique(replicates.pair[used], return_inverse=True)[1].ravel())
    if np.linalg.matrix_rank(design) < design.shape[1] or len(design) <= design.shape[1]:
        return None
    genes = np.flatnonzero((enough.sum(axis=0) >= fewest) & (np.ptp(values, axis=0) > 0))
    if not len(genes):
        return None
    fit = moderated(linear_effects(values[:, genes], design, 1))
    low, high = fit.interval()
    return {
        "genes": genes,
        "log2_fold_change": fit.effect[0],
        "ci_low": low[0],
        "ci_high": high[0],
        "t": fit.t[0],
        "pval": fit.p_value[0],
        "pval_adj": adjusted(fit.p_value[0]),
    }
