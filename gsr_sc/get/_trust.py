"""How far to trust a map, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from .._checks import require_choice
from .._docs import doc_params
from ..metrics._elbow import elbow
from ..slots import StoredMap, group_names, stored_scan

if TYPE_CHECKING:
    from anndata import AnnData

StabilityTable = Literal["neurons", "cells", "groups", "fits"]
Smooth = Literal["moran_i", "order", "topographic_error", "torn"]
_MORE_IS_BETTER = {"moran_i": True, "order": True, "topographic_error": False, "torn": False}


@doc_params()
def stability(adata: AnnData, *, of: StabilityTable = "neurons", key: str | None = None) -> pd.DataFrame:
    """How reproducible neurons, cells, groups or whole fits are, after :func:`gsr_sc.tl.stability`.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    of
        `"neurons"`: correlation with their counterparts in the refits. `"cells"`: how near a cell is to its place in the
        refits, 0 for chance. `"groups"`: means of both over every indicator group. `"fits"`: every two fits.
    {key}

    Returns
    -------
    Of neurons and cells a table with the columns `group` and `reproducibility`, and their names as index. Of groups one
    with `n_cells`, `neurons` and `cells`. Of fits the columns `fit`, `other` (0 is the stored map), `neurons` and `map`.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or :func:`gsr_sc.tl.stability` was not run.
    ValueError
        If `of` is unknown.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.stability(adata, of="groups").sort_values("cells")  # doctest: +SKIP
    """
    require_choice("of", of, get_args(StabilityTable))
    stored = StoredMap(adata, key)
    found = stored.added("stability", by="stability")
    groups = group_names(stored.group)
    neurons = pd.DataFrame(
        {
            "group": pd.Categorical(stored.group.tolist(), categories=groups),
            "reproducibility": np.asarray(found["neurons"], dtype=np.float64),
        },
        index=pd.Index(stored.graph.names, name="neuron"),
    )
    cells = pd.DataFrame(
        {"group": stored.cluster, "reproducibility": adata.obs[stored.keys.added("reproducibility")]},
        index=adata.obs_names,
    )
    if of == "neurons":
        return neurons
    if of == "cells":
        return cells
    if of == "groups":
        cluster = cells["group"].astype(str)
        return pd.DataFrame(
            {
                "n_cells": cluster.value_counts().reindex(groups, fill_value=0),
                "neurons": neurons["reproducibility"].groupby(neurons["group"].astype(str)).mean().reindex(groups),
                "cells": cells["reproducibility"].groupby(cluster).mean().reindex(groups),
            },
            index=pd.Index(groups, name="group"),
        )
    between = np.asarray(found["between_neurons"]), np.asarray(found["between_maps"])
    first, other = np.triu_indices(len(between[0]), k=1)
    columns = {"fit": first, "other": other, "neurons": between[0][first, other], "map": between[1][first, other]}
    return pd.DataFrame(columns)


@doc_params()
def null(adata: AnnData, *, key: str | None = None) -> pd.DataFrame:
    """Fits of the data as they are and of permuted data, after :func:`gsr_sc.tl.null`.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    {key}

    Returns
    -------
    One row for each fit or renaming, with the columns `kind` (`"observed"`, `"no penalty"`, `"permuted data"`,
    `"permuted graph"`: the observed fit with its neurons renamed), `explained_variance` (held out; NaN where nothing was
    fitted), `order` and `moran_i`. The p-values are in `.uns["gsr_null"]["pvals"]`.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or :func:`gsr_sc.tl.null` was not run.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.null(adata).groupby("kind")["order"].describe()  # doctest: +SKIP
    """
    table: pd.DataFrame = StoredMap(adata, key).added("null", by="null")["fits"]
    return table.copy()


def scan(adata: AnnData, *, smooth: Smooth = "moran_i", key: str | None = None) -> pd.DataFrame:
    """Graphs, sizes and smoothness beside each other, after :func:`gsr_sc.tl.scan`.

    Parameters
    ----------
    adata
        Annotated data; it needs no map.
    smooth
        The measure of smoothness that elbows are looked for along: `"moran_i"`, `"order"`, `"topographic_error"` or
        `"torn"`.
    key
        What was passed as `key_added` to :func:`gsr_sc.tl.scan`.

    Returns
    -------
    One row for each combination, with the columns

    `graph`, `n_neurons`, `smoothness`
        what was fitted;
    `recommended`, `candidate`
        True for the row to take, and for the best smoothness of every graph and size;
    `elbow`
        True where the curve of `explained_variance` along `smooth`, of one graph and size, bends (Kneedle at sensitivity 1):
        more smoothness costs more from there on. There is none with fewer than three smoothnesses that are worth
        taking, where the curve bends little for so few points, or where all of it is within the tolerance of the scan;
    `explained_variance`, `explained_variance_unregularised`
        held out, with the penalty and without;
    `order`
        how near on the graph neighbours in the data are, 1 for the same neuron, 0 for any two;
    `torn`
        share of neighbours on neurons farther apart than half of all cells;
    `n_gaps`
        number of edges with a gap: of the neighbours of the cells beside such an edge, fewer than 3 % are across it
        (half of them, if both sides were mixed);
    `moran_i`, `topographic_error`, `n_dead`
        see :mod:`gsr_sc.metrics`;
    `seconds`
        for a fit;
    `seeds_neurons`, `seeds_map`
        with several seeds, their agreement.

    Raises
    ------
    KeyError
        If :func:`gsr_sc.tl.scan` was not run, or not under `key`.
    ValueError
        If `smooth` is unknown.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.scan(adata).query("candidate")  # doctest: +SKIP
    """
    stored = stored_scan(adata, key)
    require_choice("smooth", smooth, tuple(_MORE_IS_BETTER))
    table: pd.DataFrame = stored["table"].copy()
    gained = table[smooth].to_numpy(dtype=float) * (1 if _MORE_IS_BETTER[smooth] else -1)
    kept, plain = (
        table[name].to_numpy(dtype=float) for name in ("explained_variance", "explained_variance_unregularised")
    )
    marked = np.zeros(len(table), dtype=bool)
    for rows in table.groupby(["graph", "n_neurons"], sort=False, observed=True).indices.values():
        found = elbow(gained[rows], kept[rows], least=float(stored["tolerance"]) * abs(float(plain[rows].mean())))
        if found is not None:
            marked[rows[found]] = True
    table.insert(5, "elbow", marked)
    return table


def two_digits(value: float) -> str:
    """A correlation with two digits, without the zero before the point."""
    return f"{value:.2f}".replace("0.", ".", 1)
