"""Regroup the neurons of a stored map into cluster indicators, at several levels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import require_number
from .._docs import doc_params
from .._log import configure
from ..graphs import nested_groups
from ..graphs._ties import CALIBRATION, neighbour_shares
from ..slots import UNASSIGNED, StoredMap, write_levels
from ._palette import nested_colors

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)


@doc_params()
def indicators(
    adata: AnnData,
    *,
    resolution: float | Sequence[float] = (0.5, 1.0, 2.0),
    min_confidence: float = 0.5,
    key: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Group the neurons of a fitted map into cluster indicators, at one or several levels, without a new fit.

    Neurons belong together if observations that are neighbours in the data light them; see
    :func:`gsr_sc.graphs.indicator_groups`. Levels are nested: every finer group lies within one coarser group.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    resolution
        One level for each value; larger values give more and smaller groups. 1 is what `tl.fit` uses.
    min_confidence
        Observations with less confidence are `unassigned`: by default those that have most of their neighbours elsewhere.
    {key}
    {copy}

    Returns
    -------
    None, or the annotated copy. These fields are set, for each level from 0 (the coarsest):

    `.obs["gsr_cluster_0"]`, ...
        Group of neurons that the observation lights up, or `unassigned`; categorical. `"0"` is the largest group of its
        level, by how often observations light it; the same map and resolutions give the same names.
    `.obs["gsr_confidence_0"]`, ...
        Expected share of the nearest neighbours in the data that lie in that group: of observations with confidence .8,
        about 80 % of the neighbours do. It tells how far from other groups an observation is, and is no probability that a
        label is right. Without neighbours from a fit, the overlap of activations takes their place.
    `.uns["gsr_cluster_0_colors"]`, ...
        A hue for each of the coarsest groups, shades of it for the groups within; a group that is not divided keeps its
        colour. `unassigned` is grey.
    `.uns["gsr_indicators"]`
        `resolution` of the levels, `group`: number of the group of each neuron at each level, (n_neurons, n_levels), and
        `min_confidence`. As a table, with the group that each lies in: :func:`gsr_sc.get.indicators`.

    Raises
    ------
    KeyError
        If no map is stored under `key`.
    ValueError
        If a resolution is no number above 0, or `min_confidence` is not in [0, 1].

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_clusters(200, 40)
    >>> gsr_sc.tl.fit(adata, max_epochs=3)
    >>> gsr_sc.tl.indicators(adata, resolution=[0.5, 2])
    >>> "gsr_cluster_1" in adata.obs
    True
    """
    configure()
    stored = StoredMap(adata, key)
    keys = stored.keys
    asked: list[Any] = list(resolution) if isinstance(resolution, Sequence) else [resolution]
    # None at all is no number either.
    for value in asked or [resolution]:
        require_number("resolution", value, above=0, also="several, such as (0.5, 1, 2)")
    levels = sorted(float(value) for value in asked)
    require_number("min_confidence", min_confidence, lowest=0, highest=1)
    activations, ties = stored.activations, stored.ties
    params = stored.uns["params"]
    power, calibration = float(params.get("sharpness", 1.0)), float(params.get("calibration", CALIBRATION))
    groups = nested_groups(stored.graph, activations, resolutions=levels, ties=ties)
    numbers = [group.astype(np.intp) for group in groups]
    confidence = [neighbour_shares(activations, group, ties, power=power, calibration=calibration) for group in numbers]
    nothing = np.asarray(~activations.any(axis=1))
    if copy:
        adata = adata.copy()
    write_levels(
        adata,
        keys,
        groups,
        confidence,
        colors=nested_colors(numbers),
        resolutions=levels,
        least=min_confidence,
        nothing=nothing,
    )
    for level, (value, group) in enumerate(zip(levels, numbers, strict=True)):
        name = keys.cluster_level(level)
        n_unassigned = int((adata.obs[name] == UNASSIGNED).sum())
        logger.info(
            "    added %r (adata.obs): %d groups at resolution %g, %d observations unassigned",
            name,
            group.max() + 1,
            value,
            n_unassigned,
        )
    return adata if copy else None
