"""Columns of `.obs` read as labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api import types
from scipy import sparse

from .._checks import unknown

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Labels:
    """A column of `.obs` read as labels.

    Attributes
    ----------
    column
        Name of the column.
    categories
        All categories in order, also those that no observation has.
    codes
        Number of the category of each observation, -1 where there is none, (n_obs,).
    """

    column: str
    categories: list[str]
    codes: NDArray[np.intp]

    @property
    def counts(self) -> NDArray[np.intp]:
        """Number of observations of each category."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.categories))

    @property
    def used(self) -> list[str]:
        """Categories that some observation has, in order."""
        return [name for name, count in zip(self.categories, self.counts, strict=True) if count]

    def one_hot(self) -> sparse.csr_array:
        """Membership, shape (n_categories, n_obs)."""
        member = np.flatnonzero(self.codes >= 0)
        shape = (len(self.categories), len(self.codes))
        return sparse.csr_array((np.ones(len(member)), (self.codes[member], member)), shape=shape)


def is_numeric(column: pd.Series[Any]) -> bool:
    """Whether a column is coloured by value rather than by label."""
    return bool(types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype))


def read_labels(adata: AnnData, name: str, option: str) -> Labels:
    """Labels of a categorical, boolean, string or whole-number column.

    Parameters
    ----------
    adata
        Annotated data.
    name
        Column of `.obs`.
    option
        Name of the argument that asked for it, for messages.

    Raises
    ------
    KeyError
        If there is no such column.
    ValueError
        If the column holds numbers that are no labels, or nothing at all.
    """
    if name not in adata.obs:
        raise KeyError(unknown(f"`{option}` in .obs", [name], adata.obs.columns))
    column = adata.obs[name]
    if types.is_float_dtype(column.dtype) or types.is_datetime64_any_dtype(column.dtype):
        remedy = " Cut it into groups with `pandas.cut`, or colour the neurons by it with `color=`."
        if types.is_datetime64_any_dtype(column.dtype):
            remedy = " Make them text, such as `.dt.strftime('%Y-%m-%d')`."
        msg = f"`{option}={name!r}` is a column of numbers or dates ({column.dtype}), not of groups.{remedy}"
        raise ValueError(msg)
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = _as_categorical(column)
    labels = Labels(name, [str(value) for value in column.cat.categories], column.cat.codes.to_numpy(dtype=np.intp))
    if not labels.used:
        msg = f"`{option}={name!r}` has no value in any observation, so there is nothing to see."
        raise ValueError(msg)
    return labels


def are_counts(values: Any) -> bool:
    """Whether a dense or sparse matrix holds whole numbers of at least 0 only."""
    numbers = values.data if sparse.issparse(values) else np.asarray(values)
    return bool((numbers >= 0).all() and (numbers == np.floor(numbers)).all())


def _as_categorical(column: pd.Series[Any]) -> pd.Series[Any]:
    from natsort import natsorted

    if is_numeric(column):
        return pd.Series(pd.Categorical(column.array, categories=sorted(column.dropna().unique())))
    # Everything that is no number as text, in natural order.
    text = [None if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)]
    return pd.Series(pd.Categorical(text, categories=natsorted({value for value in text if value is not None})))
