"""What `tl.indicators`, `tl.rank_indicators` and `tl.nuisances` found, as tidy tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._checks import require_choice, unknown
from .._docs import doc_params
from ..slots import StoredMap

if TYPE_CHECKING:
    from typing import Literal

    from anndata import AnnData


@doc_params()
def indicators(adata: AnnData, *, key: str | None = None) -> pd.DataFrame:
    """Indicator groups of all levels, and in which coarser group each lies.

    Parameters
    ----------
    adata
        Annotated data with a fitted map, after :func:`gsr_sc.tl.indicators`.
    {key}

    Returns
    -------
    One row per group, coarse levels first, with the columns `level`, `group` (its name, as in `gsr_cluster_0`), `parent` (name of
    the group of the level before that it lies in; missing on level 0), `resolution`, `n_neurons`, `n_cells` (observations
    assigned to it), `color` and `neurons` (their names, separated by commas).

    Raises
    ------
    KeyError
        If no map is stored under `key`, or `tl.indicators` has not been run.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.indicators(adata).query("level == 0")  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    added = stored.added("indicators", by="indicators")
    groups, names = np.asarray(added["group"]), np.array(stored.graph.names)
    rows = []
    for level, resolution in enumerate(np.asarray(added["resolution"])):
        column = stored.keys.cluster_level(level)
        cluster = adata.obs[column]
        counts = cluster.value_counts()
        colors = dict(zip(cluster.cat.categories, adata.uns.get(f"{column}_colors", []), strict=False))
        for group in range(int(groups[:, level].max()) + 1):
            members = np.flatnonzero(groups[:, level] == group)
            rows.append(
                {
                    "level": level,
                    "group": str(group),
                    "parent": str(groups[members[0], level - 1]) if level else None,
                    "resolution": float(resolution),
                    "n_neurons": len(members),
                    "n_cells": int(counts.get(str(group), 0)),
                    "color": colors.get(str(group)),
                    "neurons": ",".join(names[members]),
                }
            )
    return pd.DataFrame(rows)


@doc_params()
def rank_indicators(
    adata: AnnData, *, group: str | None = None, assigned: bool = False, key: str | None = None
) -> pd.DataFrame:
    """How well each neuron, or group of neurons, indicates each label.

    Parameters
    ----------
    adata
        Annotated data with a fitted map, after :func:`gsr_sc.tl.rank_indicators`.
    group
        One label; by default all.
    assigned
        Whether to give only the neuron that is assigned to each label.
    {key}

    Returns
    -------
    Labels in their order, within each the best neuron first, with the columns

    `label`
        categorical;
    `neuron` or `group`
        name of the neuron or group of neurons;
    `auroc`, `ci_low`, `ci_high`
        chance that an observation of the label lights it more than another one, with its confidence interval;
    `sign`
        1 if it indicates the label by being more active, -1 by being less active;
    `pval`, `pval_adj`
        of the Mann-Whitney test against 0.5, and after correction for all labels and neurons;
    `mean_in`, `mean_out`
        mean activation with and without the label;
    `n`
        observations with the label;
    `assigned`
        whether it is the one assigned to the label.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or `tl.rank_indicators` has not been run.
    ValueError
        If there is no such label.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.rank_indicators(adata, assigned=True)  # doctest: +SKIP
    """
    added = StoredMap(adata, key).added("rank_indicators", by="rank_indicators")
    labels, units = ([str(name) for name in added[name_of]] for name_of in ("labels", "units"))
    if group is not None and group not in labels:
        raise ValueError(unknown("`group`", [group], labels))
    auroc = np.asarray(added["auroc"])
    order = np.argsort(-auroc, axis=1, kind="stable")
    label = np.repeat(np.arange(len(labels)), len(units))
    at = (label, order.ravel())
    table = pd.DataFrame(
        {
            "label": pd.Categorical.from_codes(label, categories=labels),
            str(added["params"]["unit"]): np.array(units, dtype=object)[at[1]],
            **{
                name: np.asarray(added[name])[at]
                for name in ("auroc", "ci_low", "ci_high", "sign", "pval", "pval_adj", "mean_in", "mean_out")
            },
            "n": np.asarray(added["n"])[label],
            "assigned": np.asarray(added["assigned"])[label] == at[1],
        }
    )
    keep = np.ones(len(table), dtype=bool)
    if group is not None:
        keep &= (table["label"] == group).to_numpy()
    if assigned:
        keep &= table["assigned"].to_numpy()
    return table[keep].reset_index(drop=True)


@doc_params()
def nuisances(adata: AnnData, *, of: Literal["neurons", "map"] = "neurons", key: str | None = None) -> pd.DataFrame:
    """How much of each neuron is explained by depth, batch or cell cycle.

    Parameters
    ----------
    adata
        Annotated data with a fitted map, after :func:`gsr_sc.tl.nuisances`.
    of
        `"neurons"`: one row per neuron and nuisance. `"map"`: one per nuisance, for the map as a whole.
    {key}

    Returns
    -------
    Table with the columns

    `neuron`, `nuisance`
        names;
    `share`, `share_within`
        share of the neuron's variance that the nuisance explains, and share of what varies within labels, if `groupby` was
        given; missing for neurons that do not vary;
    `towards`
        with what the neuron is more active: `"high"` or `"low"` values, or the label;
    `flagged`
        whether the share (within labels, if there are any) reaches the threshold.

    With `of="map"`: `nuisance`, `share` and `share_within` of all neurons together, `n_flagged`, and `n_obs`, the observations
    that have a value.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or `tl.nuisances` has not been run.
    ValueError
        If `of` is neither.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.nuisances(adata).query("flagged")  # doctest: +SKIP
    """
    added = StoredMap(adata, key).added("nuisances", by="nuisances")
    names, neurons = ([str(name) for name in added[name_of]] for name_of in ("nuisances", "neurons"))
    n = len(neurons)
    shares = [name for name in ("share", "share_within") if name in added]
    require_choice("of", of, ("neurons", "map"))
    if of == "map":
        return pd.DataFrame(
            {
                "nuisance": names,
                **{name: np.asarray(added[f"map_{name}"]) for name in shares},
                "n_flagged": np.asarray(added["flagged"]).sum(axis=0),
                "n_obs": np.asarray(added["n_obs"]),
            }
        )
    return pd.DataFrame(
        {
            "neuron": neurons * len(names),
            "nuisance": pd.Categorical(np.repeat(names, n), categories=names),
            **{name: np.asarray(added[name]).T.ravel() for name in shares},
            "towards": np.asarray(added["towards"], dtype=object).T.ravel(),
            "flagged": np.asarray(added["flagged"], dtype=bool).T.ravel(),
        }
    )
