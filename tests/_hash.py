"""Hashes of every slot of an AnnData, to tell what a function changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anndata import AnnData


def hash_adata(adata: AnnData) -> dict[str, str]:
    """Hash every slot: `{"X": ..., "obs/cell_type": ..., "uns/neighbors/params/n_neighbors": ...}`.

    Values, shapes, dtypes, container classes, categories and their order count; the order of columns and keys does not.
    """
    return {slot: hashlib.sha256(repr(_content(value)).encode()).hexdigest() for slot, value in _slots(adata)}


def changed_slots(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """Names of slots that are new, gone or different."""
    return {slot for slot in before.keys() | after.keys() if before.get(slot) != after.get(slot)}


def _slots(adata: AnnData) -> Iterator[tuple[str, Any]]:
    yield "X", adata.X
    yield from _frame("obs", adata.obs)
    yield from _frame("var", adata.var)
    for name in ("layers", "obsm", "varm", "obsp", "varp"):
        # anndata 0.13 lists X among the layers, under None.
        yield from _mapping(name, {key: value for key, value in getattr(adata, name).items() if key is not None})
    yield from _mapping("uns", adata.uns)
    if adata.raw is not None:
        yield "raw/X", adata.raw.X
        yield from _frame("raw/var", adata.raw.var)
        yield from _mapping("raw/varm", adata.raw.varm)


def _frame(name: str, frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    yield f"{name}/_index", frame.index
    for column in frame.columns:
        yield f"{name}/{column}", frame[column]


def _mapping(name: str, mapping: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            yield f"{name}/{key}", sorted(map(str, value))
            yield from _mapping(f"{name}/{key}", value)
        else:
            yield f"{name}/{key}", value


def _content(value: Any) -> Any:
    """Something whose `repr` shows all of a value."""
    if isinstance(value, pd.DataFrame):
        return "frame", [(name, _content(part)) for name, part in _frame("", value)]
    if isinstance(value, pd.Series | pd.Index):
        kind = type(value).__name__ if isinstance(value, pd.Series) else "index"
        if isinstance(value.dtype, pd.CategoricalDtype):
            categorical = pd.Categorical(value)
            parts = (_content(categorical.codes), _content(categorical.categories), bool(categorical.ordered))
            return kind, value.name, "category", *parts
        return kind, value.name, str(value.dtype), _content(value.to_numpy())
    if sparse.issparse(value):
        # The class by its traits: a view of an AnnData holds a class of its own.
        kind = f"{value.format}_{'matrix' if sparse.isspmatrix(value) else 'array'}"
        parts = value.tocoo()
        return kind, value.shape, str(value.dtype), *map(_content, (parts.data, *parts.coords))
    if isinstance(value, np.ndarray):
        # An array of objects has no bytes worth hashing.
        content = value.tolist() if value.dtype.hasobject else hashlib.sha256(np.ascontiguousarray(value)).hexdigest()
        return "array", value.shape, str(value.dtype), content
    return type(value).__name__, value
