"""Which column of other data is which variable of a model, and over which of them cells are counted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._checks import require_key

if TYPE_CHECKING:
    from typing import Any

    from anndata import AnnData
    from numpy.typing import NDArray

    from ..matrices import Rows
    from ._input import Input

VAR_NAMES = "var_names"
_SHOWN = 5
# So many rows say how the counts are shared out.
_MAX_ROWS = 20_000
# Release numbers behind Ensembl identifiers, which differ between annotations of the same gene.
_RELEASE = r"^(ENS[A-Z]*[0-9]{6,})\.[0-9]+$"


@dataclass(frozen=True, kw_only=True)
class Genes:
    """Names of the variables of a reference.

    Attributes
    ----------
    names
        What the variables are called, by the column of `.var` that says so; `"var_names"` for the names themselves.
        The variables that the model reads come first, in their order; behind them those that only count in totals.
    n_read
        How many the model reads.
    share
        Share of all counts of the reference that each of them has; None if the model does not read counts.
    """

    names: dict[str, pd.Index[str]]
    n_read: int
    share: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class Match:
    """Where the variables of a reference are in other data.

    Attributes
    ----------
    columns
        Column of each variable that the model reads, -1 where it is missing, (n_inputs,).
    counted
        Columns that totals are summed over, sorted, and the share of all counts that they have in the reference; None for
        all columns.
    share
        See `counted`.
    by
        What the names in the reference are.
    there
        Which of all variables of the reference are there, those that the model reads first; None if all.
    """

    columns: NDArray[np.intp]
    counted: NDArray[np.intp] | None
    share: float
    by: str
    there: NDArray[np.bool_] | None = None

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which variables that the model reads are there, (n_inputs,)."""
        return self.columns >= 0

    def totals(self, rows: Rows, all_totals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Total count of each row over the variables that the reference has, as if none of those were missing."""
        if self.counted is None or (len(self.counted) == rows.shape[1] and self.share == 1):
            return all_totals
        member = np.zeros(rows.shape[1])
        member[self.counted] = 1
        totals = np.empty(rows.shape[0])
        for where, block in rows.each(partial(_counted, member)):
            totals[where] = block
        return totals / self.share


def _counted(member: NDArray[np.float64], values: Any) -> NDArray[np.float64]:
    return np.asarray(values @ member).ravel()


def learn_genes(
    data: Input,
    columns: NDArray[np.intp],
    *,
    var_ids: dict[str, pd.Index[str]],
    counts: bool,
    training: NDArray[np.intp],
    totals: NDArray[np.float64],
) -> Genes:
    """Remember what the variables are called, and of counts how many each has.

    `columns` are those that the model reads, `var_ids` other names of all columns, `training` the rows to count in (at most
    20 000 of them), and `totals` the sum of each row.
    """
    kinds = {VAR_NAMES: data.var_names, **({} if data.is_representation else var_ids)}
    if not counts or not data.var_names.is_unique or data.is_representation:
        return Genes(names={kind: index[columns] for kind, index in kinds.items()}, n_read=len(columns))
    order = np.concatenate([columns, np.setdiff1d(np.arange(len(data.var_names)), columns)])
    counted = np.zeros(len(order))
    training = data.rows.sample(training, _MAX_ROWS)
    for block in data.rows.blocks(training):
        values = data.rows.take(block)
        counted += np.ones(values.shape[0]) @ values
    share = counted / max(float(totals[training].sum()), 1e-12)
    return Genes(
        names={kind: index[order] for kind, index in kinds.items()},
        n_read=len(columns),
        share=share[order].astype(np.float32),
    )


def identifiers(adata: AnnData) -> dict[str, pd.Index[str]]:
    """Columns of `.var` that name every variable in another way: text, unique and without spaces."""
    found = {}
    for name in adata.var:
        column = adata.var[name]
        if not (pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype)):
            continue
        text = pd.Index(column)
        if text.is_unique and all(isinstance(value, str) and value and not set(value) & set(" \t\n") for value in text):
            found[str(name)] = text
    return found


def names_of(adata: AnnData, var_key: str | None) -> pd.Index[str]:
    """What the variables of other data are called.

    Raises
    ------
    KeyError
        If there is no such column.
    """
    if var_key is None:
        return adata.var_names
    require_key("var_key", var_key, adata.var, ".var")
    column = adata.var[var_key]
    return pd.Index(column.astype(object).where(column.notna(), "").astype(str))


def match_genes(genes: Genes, query: pd.Index[str], *, var_key: str | None = None) -> Match:
    """Find the variables of a reference by name, in whichever of its names finds most.

    Parameters
    ----------
    genes
        Names of the reference.
    query
        Names of all columns of the other data.
    var_key
        Column of `.var` that they are from; tried first among the names of the reference.

    Raises
    ------
    ValueError
        If names that the model reads are there more than once.
    """
    kinds = sorted(genes.names, key=lambda kind: kind != var_key)
    plain = _plain(query)
    known = {kind: _plain(genes.names[kind]) for kind in kinds}
    overlaps = {kind: int(index[: genes.n_read].isin(plain).sum()) for kind, index in known.items()}
    by = max(kinds, key=lambda kind: overlaps[kind])
    read = known[by][: genes.n_read]
    twice = plain[plain.duplicated() & plain.isin(known[by])].unique()
    if len(twice):
        msg = (
            f"Names of variables are not unique: {listed(twice)} are there more than once, so they cannot be matched. "
            "Keep one of each, or add them up."
        )
        raise ValueError(msg)
    # Names that the model does not know may be there twice.
    once = np.flatnonzero(~plain.duplicated())
    columns = _find(plain[once], once, read)
    if genes.share is None:
        return Match(columns=columns, counted=None, share=1.0, by=by, there=columns >= 0)
    everywhere = _find(plain[once], once, known[by])
    there = everywhere >= 0
    share = 1.0 if there.all() else float(genes.share[there].sum(dtype=np.float64))
    return Match(columns=columns, counted=np.sort(everywhere[there]), share=max(share, 1e-6), by=by, there=there)


def _find(names: pd.Index[str], numbers: NDArray[np.intp], wanted: pd.Index[str]) -> NDArray[np.intp]:
    at = names.get_indexer(wanted)
    return np.where(at >= 0, numbers[at], -1)


def _plain(names: pd.Index[str]) -> pd.Index[str]:
    """Names without release numbers, where these do not keep two of them apart."""
    text = names.astype(str)
    plain = text.str.replace(_RELEASE, r"\1", regex=True)
    return plain if plain.nunique() == text.nunique() else text


def listed(names: Any) -> str:
    """A few names as text."""
    shown = ", ".join(repr(str(name)) for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
