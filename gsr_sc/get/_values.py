"""A number or a composition for each neuron: what pictures show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._checks import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

    from ._columns import Labels


def group_means(activations: NDArray[np.floating], labels: Labels) -> NDArray[np.float64]:
    """Mean activation of each neuron over the observations of each category, (n_categories, n_neurons).

    NaN for categories without observations.
    """
    total = labels.one_hot() @ np.asarray(activations, dtype=np.float64)
    counts = labels.counts[:, None].astype(np.float64)
    return np.divide(total, counts, out=np.full_like(total, np.nan), where=counts > 0)


def neuron_means(weight: NDArray[np.float64], values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean of a value per observation for each neuron, weighted by activation, (n_neurons,).

    Observations without a value do not count; NaN where no activation is left.
    """
    known = np.isfinite(values)
    total = weight[known].sum(axis=0)
    return np.divide(values[known] @ weight[known], total, out=np.full(len(total), np.nan), where=total > 0)


def composition(weight: NDArray[np.float64], labels: Labels) -> NDArray[np.float64]:
    """Share of each category in the activation of each neuron, rows summing to 1, (n_neurons, n_categories).

    Observations without a label do not count; NaN where no activation is left.
    """
    mass = (labels.one_hot() @ weight).T
    total = mass.sum(axis=1, keepdims=True)
    return np.divide(mass, total, out=np.full_like(mass, np.nan), where=total > 0)


def read_values(
    adata: AnnData, name: str, *, layer: str | None, use_raw: bool, option: str = "color"
) -> NDArray[np.float64]:
    """Numeric column of `.obs`, or expression of a gene, (n_obs,).

    Raises
    ------
    KeyError
        If there is neither a column nor a gene of that name, or no such layer.
    ValueError
        If `use_raw` is asked for without `.raw`, or together with a layer, or there is no `.X`.
    """
    if name in adata.obs:
        return np.asarray(pd.to_numeric(adata.obs[name]).to_numpy(dtype=np.float64, na_value=np.nan))
    if use_raw and layer is not None:
        msg = f"`use_raw=True` and `layer={layer!r}` contradict each other; choose one."
        raise ValueError(msg)
    if use_raw and adata.raw is None:
        msg = "`use_raw=True`, but this AnnData has no `.raw`."
        raise ValueError(msg)
    if layer is not None and layer not in adata.layers:
        raise KeyError(unknown("`layer` in .layers", [layer], [key for key in adata.layers if key is not None]))
    source = adata.raw if use_raw else adata
    if name not in source.var_names:
        where = "in .obs or .raw.var_names" if use_raw else "in .obs or .var_names"
        raise KeyError(unknown(f"`{option}` {where}", [name], [*adata.obs.columns, *source.var_names]))
    matrix = source.X if layer is None else adata.layers[layer]
    if matrix is None:
        msg = f"`{option}={name!r}` names a gene, and this AnnData has no `.X`. Say which `layer` holds its values: {list(adata.layers)}."
        raise ValueError(msg)
    values = matrix[:, [int(np.flatnonzero(source.var_names == name)[0])]]
    # Of dask arrays this column alone comes here.
    values = values.compute() if hasattr(values, "compute") else values
    values = values.toarray() if hasattr(values, "toarray") else values
    return np.asarray(values, dtype=np.float64).ravel()


def names_list(value: str | Sequence[str] | None) -> list[str]:
    """One name or several as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(name) for name in value]


def picked(
    wanted: str | Sequence[str] | None, existing: Iterable[object], what: str, *, error: type[Exception] = ValueError
) -> list[str]:
    """The names asked for, or all that exist.

    Parameters
    ----------
    wanted
        As users pass them.
    existing
        Names to choose from.
    what
        What the names are, for the message.
    error
        What is raised.

    Raises
    ------
    ValueError
        Or another `error`, if a name does not exist.
    """
    there = [str(name) for name in existing]
    names = names_list(wanted) or there
    missing = [name for name in names if name not in there]
    if missing:
        raise error(unknown(what, missing, there))
    return names


def chosen(groups: str | Iterable[str] | None, per_key: Sequence[Labels]) -> list[list[str]]:
    """Categories to draw for each key, in the order asked for, else in category order.

    Raises
    ------
    ValueError
        If a group has no observations in any of the keys, or none is left for one of them.
    """
    if groups is None:
        return [labels.used for labels in per_key]
    wanted = list(dict.fromkeys([groups] if isinstance(groups, str) else [str(name) for name in groups]))
    if not wanted:
        msg = "`groups` is empty; name at least one group, or leave it out to draw all."
        raise ValueError(msg)
    available = [name for labels in per_key for name in labels.used]
    missing = [name for name in wanted if name not in available]
    columns = ", ".join(repr(labels.column) for labels in per_key)
    if missing:
        raise ValueError(unknown(f"`groups` in {columns}", missing, available))
    result = [[name for name in wanted if name in labels.used] for labels in per_key]
    for labels, names in zip(per_key, result, strict=True):
        if not names:
            raise ValueError(unknown(f"`groups` in {labels.column!r}", wanted, labels.used))
    return result
