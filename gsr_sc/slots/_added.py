"""Writing what functions on a stored map add to it, and removing it when there is a new map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._keys import ADDED_OBS, ADDED_OBSM, ADDED_UNS, ADDED_VAR, ADDED_VARM, UNASSIGNED, UNASSIGNED_COLOR, Keys
from ._modifying import modifying
from ._stored import group_names

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from ..graphs import Reading


def write_added(
    adata: AnnData,
    keys: Keys,
    *,
    uns: dict[str, Any] | None = None,
    obs: dict[str, Any] | None = None,
    obsm: dict[str, Any] | None = None,
    var: dict[str, Any] | None = None,
    varm: dict[str, Any] | None = None,
) -> None:
    """Write what a function on a stored map adds, by the names that :mod:`gsr_sc.slots` has for it."""
    with modifying():
        for name, values in (obsm or {}).items():
            adata.obsm[keys.added_obsm(name)] = values
        for name, values in (obs or {}).items():
            adata.obs[keys.added(name)] = values
        for name, values in (varm or {}).items():
            adata.varm[keys.added(name)] = values
        for name, values in (var or {}).items():
            adata.var[keys.added(name)] = values
        for name, values in (uns or {}).items():
            adata.uns[keys.added(name)] = values


def write_levels(
    adata: AnnData,
    keys: Keys,
    groups: list[NDArray[np.str_]],
    confidence: list[NDArray[np.float64]],
    *,
    colors: list[list[str]],
    resolutions: list[float],
    least: float,
    nothing: NDArray[np.bool_],
) -> None:
    """Write the levels of a hierarchy of indicator groups, and remove those of an earlier one.

    Parameters
    ----------
    adata, keys
        Where to.
    groups
        Name of the group of each neuron, (n_neurons,), for each level.
    confidence
        Confidence of each observation in each group, (n_obs, n_groups), for each level.
    colors
        Colour of each group, for each level.
    resolutions
        What the levels were asked for by.
    least
        Observations with a lower confidence are unassigned.
    nothing
        Observations that light up nothing, (n_obs,): unassigned as well.
    """
    _remove_levels(adata, keys)
    with modifying():
        for level, (group, sure, shades) in enumerate(zip(groups, confidence, colors, strict=True)):
            names = group_names(group)
            highest = np.where(nothing, 0.0, np.clip(sure.max(axis=1), 0, 1))
            cluster = np.where((highest >= least) & ~nothing, np.array(names)[sure.argmax(axis=1)], UNASSIGNED)
            found = used_categories(cluster, [*names, UNASSIGNED])
            color_of = dict(zip(names, shades, strict=True)) | {UNASSIGNED: UNASSIGNED_COLOR}
            adata.obs[keys.cluster_level(level)] = found
            adata.uns[f"{keys.cluster_level(level)}_colors"] = [color_of[name] for name in found.categories]
            adata.obs[keys.confidence_level(level)] = highest
        adata.uns[keys.added("indicators")] = {
            "resolution": np.array(resolutions),
            "group": np.column_stack([group.astype(np.int64) for group in groups]),
            "min_confidence": least,
        }


def write_order(adata: AnnData, keys: Keys, reading: Reading, branch_names: list[str], entry: dict[str, Any]) -> None:
    """Write positions anew, with the branches that belong to them, and say in `.uns` how they were read."""
    with modifying():
        adata.obs[keys.order] = reading.order
        adata.obs[keys.added("order_confidence")] = reading.confidence
        if reading.branch is None:
            if keys.branch in adata.obs:
                del adata.obs[keys.branch]
        else:
            names = np.array([*branch_names, ""], dtype=object)
            adata.obs[keys.branch] = used_categories(names[reading.branch], branch_names)
        # Colours of other branches, and genes that change along another order.
        adata.uns.pop(f"{keys.branch}_colors", None)
        adata.uns.pop(keys.added("order_genes"), None)
        adata.uns[keys.added("order")] = entry


def write_query(
    adata: AnnData,
    keys: Keys,
    *,
    novelty: NDArray[np.float64],
    report: dict[str, Any],
    label: pd.Categorical | None = None,
    label_confidence: NDArray[np.float64] | None = None,
    colors: list[str] | None = None,
) -> None:
    """Write what is known of observations that were placed on a map of others, beside their places."""
    adata.obs[keys.added("novelty")] = novelty
    if label is not None:
        adata.obs[keys.added("label")] = label
        adata.obs[keys.added("label_confidence")] = label_confidence
        if colors is not None:
            adata.uns[f"{keys.added('label')}_colors"] = colors
    adata.uns[keys.added("query")] = report


def remove_added(adata: AnnData, keys: Keys) -> None:
    """Remove what functions on an earlier map of the same key have added."""
    _remove_levels(adata, keys)
    for name in ADDED_UNS:
        adata.uns.pop(keys.added(name), None)
    for name in ADDED_OBSM:
        adata.obsm.pop(keys.added_obsm(name), None)
    for name in ADDED_VARM:
        adata.varm.pop(keys.added(name), None)
    for name in ADDED_VAR:
        if keys.added(name) in adata.var:
            del adata.var[keys.added(name)]
    for name in ADDED_OBS:
        if keys.added(name) in adata.obs:
            del adata.obs[keys.added(name)]
        adata.uns.pop(f"{keys.added(name)}_colors", None)


def _remove_levels(adata: AnnData, keys: Keys) -> None:
    level = 0
    while keys.cluster_level(level) in adata.obs:
        for name in (keys.cluster_level(level), keys.confidence_level(level)):
            if name in adata.obs:
                del adata.obs[name]
        adata.uns.pop(f"{keys.cluster_level(level)}_colors", None)
        level += 1


def used_categories(values: NDArray[np.str_], names: list[str]) -> pd.Categorical:
    """Categories in the order of the names, those that do not occur left out."""
    occur = set(values.tolist())
    return pd.Categorical(values, categories=[name for name in names if name in occur])
