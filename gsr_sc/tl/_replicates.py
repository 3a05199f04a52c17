"""Samples as replicates: which cells belong to which sample, of which condition, in which pair."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._checks import unknown
from ..get._columns import read_labels

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Replicates:
    """What is compared with what.

    Attributes
    ----------
    conditions
        Names, the reference first.
    names
        Names of the replicates, (n_replicates,).
    condition
        Number of the condition of each replicate, (n_replicates,).
    pair
        Number of the pair of each replicate, all 0 without pairs, (n_replicates,).
    of_cell
        Number of the replicate of each cell, -1 where it is left out, (n_obs,).
    are_samples
        Whether replicates are samples; else there is one for each condition, and nothing can be tested.
    """

    conditions: list[str]
    names: list[str]
    condition: NDArray[np.intp]
    pair: NDArray[np.intp]
    of_cell: NDArray[np.intp]
    are_samples: bool

    @property
    def n_cells(self) -> NDArray[np.intp]:
        """Number of cells of each replicate, (n_replicates,)."""
        return np.bincount(self.of_cell[self.of_cell >= 0], minlength=len(self.names))

    @property
    def n_replicates(self) -> NDArray[np.intp]:
        """Number of replicates of each condition, (n_conditions,)."""
        return np.bincount(self.condition, minlength=len(self.conditions))

    def means(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Mean of values of cells over the cells of each replicate, (n_replicates, n_columns)."""
        total = np.zeros((len(self.names), values.shape[1]))
        known = self.of_cell >= 0
        np.add.at(total, self.of_cell[known], values[known])
        return np.asarray(total / self.n_cells[:, None])


def read_replicates(
    adata: AnnData, *, groupby: str, sample: str | None, pairs: str | None, reference: str | None, min_cells: int
) -> Replicates:
    """Read the columns that say what is compared; see :func:`gsr_sc.tl.compare`.

    Raises
    ------
    KeyError
        If a column does not exist.
    ValueError
        If there are fewer than two conditions, the reference is none of them, or a sample is of two conditions.
    """
    if pairs is not None and sample is None:
        msg = f"`pairs={pairs!r}` pairs samples, and there are none: name their column with `sample=`."
        raise ValueError(msg)
    labels = read_labels(adata, groupby, "groupby")
    used = labels.used
    if reference is not None and str(reference) not in used:
        raise ValueError(unknown(f"`reference` in {groupby!r}", [reference], used))
    if len(used) < 2:
        msg = f"`groupby={groupby!r}` has one condition only, {used[0]!r}: there is nothing to compare."
        raise ValueError(msg)
    first = used[0] if reference is None else str(reference)
    conditions = [first, *(name for name in used if name != first)]
    number = np.full(len(labels.categories) + 1, -1)
    number[[labels.categories.index(name) for name in conditions]] = np.arange(len(conditions))
    of_condition = number[labels.codes]
    if sample is None:
        only = np.arange(len(conditions))
        return Replicates(conditions, conditions, only, np.zeros_like(only), of_condition, are_samples=False)

    samples = read_labels(adata, sample, "sample")
    known = (of_condition >= 0) & (samples.codes >= 0)
    paired = np.zeros(len(known), dtype=np.intp)
    if pairs is not None:
        paired = read_labels(adata, pairs, "pairs").codes
        known &= paired >= 0
    keys = np.column_stack([samples.codes, of_condition, paired])[known]
    found, of_cell, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    _check_samples(found, samples.categories, conditions, sample=sample, pairs=pairs)
    kept = counts >= min_cells
    if not kept.all():
        few = [samples.categories[code] for code in found[~kept, 0]]
        logger.info("    left out samples of fewer than %d cells: %s", min_cells, ", ".join(few))
    numbers = np.where(kept, np.cumsum(kept) - 1, -1)
    result = np.full(adata.n_obs, -1, dtype=np.intp)
    result[known] = numbers[of_cell.ravel()]
    found = found[kept]
    missing = [name for k, name in enumerate(conditions) if not (found[:, 1] == k).any()]
    if missing:
        msg = f"No sample of {missing} has {min_cells} cells or more. Lower `min_cells`, or leave these conditions out."
        raise ValueError(msg)
    _, pair = np.unique(found[:, 2], return_inverse=True)
    names = [samples.categories[code] for code in found[:, 0]]
    return Replicates(conditions, names, found[:, 1], pair.ravel(), result, are_samples=True)


def _check_samples(
    found: NDArray[np.intp], samples: list[str], conditions: list[str], *, sample: str, pairs: str | None
) -> None:
    """Refuse samples that are of several conditions, unless pairs say that each is measured in several."""
    distinct = found[:, [0, 1]] if pairs == sample else found[:, [0]]
    _, first, counts = np.unique(distinct, axis=0, return_index=True, return_counts=True)
    if (counts > 1).any():
        code = int(found[first[counts.argmax()], 0])
        lies = [conditions[k] for k in sorted(set(found[found[:, 0] == code, 1].tolist()))]
        msg = (
            f"Sample {samples[code]!r} of {sample!r} has cells of several conditions or pairs: {lies}. A sample is a "
            f"replicate of one condition. If every sample was measured in each, say `pairs={sample!r}` as well."
        )
        raise ValueError(msg)
