"""Columns of `.obs` that a model is told: batches and labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from natsort import natsorted

from .._checks import require_key
from .._log import warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

_FEW = 3
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Covariates:
    """What is known of observations beside their values.

    Attributes
    ----------
    batches
        Categories of each batch variable, by its column of `.obs`.
    conditions
        The batch variables one-hot encoded side by side, (n_obs, n_categories in all); None without batches.
    label_names
        The labels, in natural order.
    labels
        Number of each observation's label, -1 where it has none, (n_obs,); None without labels.
    """

    batches: dict[str, list[str]] = field(default_factory=dict)
    conditions: NDArray[np.float32] | None = None
    label_names: list[str] = field(default_factory=list)
    labels: NDArray[np.int64] | None = None


def read_covariates(
    adata: AnnData,
    *,
    batch_key: str | Sequence[str] | None = None,
    labels_key: str | None = None,
    unlabelled_category: str | None = None,
) -> Covariates:
    """Read the columns that the options name; see :class:`gsr_sc.GSR`.

    Raises
    ------
    KeyError
        If a column does not exist.
    ValueError
        If a batch is missing, there is only one, or fewer than two labels.

    Warns
    -----
    UserWarning
        If a batch or label has fewer than three observations.
    """
    keys = [] if batch_key is None else [batch_key] if isinstance(batch_key, str) else list(batch_key)
    batches = {key: _categories(_batch_column(adata, key), key) for key in keys}
    names, labels = _labels(adata, labels_key, unlabelled_category) if labels_key is not None else ([], None)
    return Covariates(batches=batches, conditions=read_conditions(adata, batches), label_names=names, labels=labels)


def read_conditions(adata: AnnData, batches: dict[str, list[str]]) -> NDArray[np.float32] | None:
    """One-hot encode the batch variables that a model knows.

    Raises
    ------
    KeyError
        If a column does not exist.
    ValueError
        If a batch is missing or not among those that the model knows.
    """
    if not batches:
        return None
    columns = []
    for key, known in batches.items():
        codes = pd.Index(known).get_indexer(pd.Index(_batch_column(adata, key)))
        if (codes < 0).any():
            unseen = natsorted(set(_batch_column(adata, key)[codes < 0]))
            msg = (
                f".obs[{key!r}] holds {_listed(unseen)}, which the model has not seen; it knows {_listed(known)}. "
                "Give these observations the known batch that they resemble most, or fit with them."
            )
            raise ValueError(msg)
        columns.append(np.eye(len(known), dtype=np.float32)[codes])
    return np.concatenate(columns, axis=1)


def read_known_conditions(
    adata: AnnData, batches: dict[str, list[str]], *, usual: NDArray[np.float32] | None
) -> tuple[NDArray[np.float32] | None, list[str]]:
    """One-hot encode batch variables as far as a model knows them, and name what it does not know.

    Observations of other batches, or where the column does not exist or is missing, get what is `usual`: the mean of the
    training observations.
    """
    if not batches or usual is None:
        return None, []
    columns, unseen, start = [], list[str](), 0
    for key, known in batches.items():
        column = adata.obs[key] if key in adata.obs else pd.Series("no such column", index=adata.obs_names)
        text = column.astype(object).where(column.notna(), "missing").astype(str).to_numpy()
        codes = pd.Index(known).get_indexer(pd.Index(text))
        unseen += [f"{key}: {name}" for name in natsorted(set(text[codes < 0]))]
        told = np.eye(len(known), dtype=np.float32)[np.maximum(codes, 0)]
        told[codes < 0] = usual[start : start + len(known)]
        columns.append(told)
        start += len(known)
    return np.concatenate(columns, axis=1), unseen


def _column(adata: AnnData, key: Any, option: str) -> pd.Series[Any]:
    require_key(option, key, adata.obs, ".obs")
    return adata.obs[key]


def _batch_column(adata: AnnData, key: str) -> NDArray[np.str_]:
    column = _column(adata, key, "batch_key")
    missing = column.isna()
    if missing.any():
        first = str(adata.obs_names[int(missing.to_numpy().argmax())])
        msg = (
            f".obs[{key!r}] is missing for {int(missing.sum())} observations, the first {first!r}. Every observation needs "
            "its batch: fill them in (`'unknown'` makes a batch of its own), or leave these observations out."
        )
        raise ValueError(msg)
    return column.astype(str).to_numpy(dtype=np.str_)


def _categories(column: NDArray[np.str_], key: str) -> list[str]:
    names, counts = np.unique(column, return_counts=True)
    if len(names) < 2:
        msg = f".obs[{key!r}] holds one batch only, {str(names[0])!r}: there is nothing to correct. Leave `batch_key` out."
        raise ValueError(msg)
    _warn_of_few(
        names[counts < _FEW], f"Batches of .obs[{key!r}]", "their effects cannot be told from those of their cells"
    )
    return [str(name) for name in natsorted(names)]


def _labels(adata: AnnData, key: str, unlabelled_category: str | None) -> tuple[list[str], NDArray[np.int64]]:
    column = _column(adata, key, "labels_key")
    text = column.astype(str).to_numpy(dtype=np.str_)
    labelled = ~column.isna().to_numpy()
    if unlabelled_category is not None:
        labelled &= text != str(unlabelled_category)
    names, counts = np.unique(text[labelled], return_counts=True)
    if len(names) < 2:
        msg = (
            f".obs[{key!r}] holds {len(names)} labels beside those that stand for unlabelled observations; a classifier "
            "needs at least two. Leave `labels_key` out, or name another column."
        )
        raise ValueError(msg)
    _warn_of_few(names[counts < _FEW], f"Labels of .obs[{key!r}]", "they can hardly be learnt")
    ordered = [str(name) for name in natsorted(names)]
    return ordered, np.where(labelled, pd.Index(ordered).get_indexer(pd.Index(text)), -1).astype(np.int64)


def _warn_of_few(names: NDArray[np.str_], what: str, why: str) -> None:
    if len(names):
        warn(f"{what} with fewer than {_FEW} observations: {_listed([str(name) for name in names])}; {why}.")


def _listed(names: Sequence[str]) -> str:
    return (
        f"{[str(name) for name in names[:_SHOWN]]}{f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''}"
    )
