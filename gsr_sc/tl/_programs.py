"""What each neuron does to each gene, read from the cells beside what the decoder says."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._checks import require_number
from .._docs import doc_params
from .._log import configure
from ..get import neurons
from ..get import programs as decoder_programs
from ..graphs._position import belonging
from ..inputs import examine, read_input
from ..matrices import as_float, log_normalise
from ..slots import StoredMap, write_added
from ..stats import column_correlations, contrast_sums, weighted_contrasts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anndata import AnnData
    from numpy.typing import NDArray

    from ..inputs import Facts, Input
    from ..stats import Contrasts, ContrastSums

logger = logging.getLogger(__name__)
_SHOWN = 10


@doc_params()
def programs(
    adata: AnnData,
    *,
    layer: str | None = None,
    min_agreement: float = 0.5,
    key: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Read from the cells what each neuron, and each group of neurons, does to each gene, and compare it with the decoder.

    `tl.fit` stores what the decoder does with a neuron. Here the cells are asked: the mean of each gene over the cells
    that light up a neuron (weighted by how much) minus the mean over the rest. What both tell is safe to believe;
    where they differ, the network has learnt something that the cells do not show, or the neuron has too few of them.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    layer
        Layer to read, or `"X"`; by default what the map was fitted on. Counts are scaled to the median total and
        log(1 + x) is taken; other values are used as they are, and taken for log-normalised if none is negative.
    min_agreement
        Neurons whose two programs correlate less than this are flagged, and named in the log.
    {key}
    {copy}

    Returns
    -------
    None, or the annotated copy. Read the programs with :func:`gsr_sc.get.programs`. These fields are set:

    `.varm["gsr_programs_cells"]`
        Effect of each neuron on each gene, (n_vars, n_neurons), in standard deviations of the gene: positive where
        cells that light up the neuron have more of it than the rest. Shrunk towards 0 by the share of it that
        sampling explains, so that a neuron of few cells has no large effects by chance.
    `.varm["gsr_programs_cells_groups"]`
        The same of each indicator group, (n_vars, n_groups).
    `.var["gsr_programs_sd"]`
        Standard deviation of each gene. An effect times this is a difference of means; over log(2), of log-normalised
        values, the log2 fold change.
    `.uns["gsr_programs"]`
        `neurons` and `groups`: tables with `n_effective` (how many cells the means are worth), `shrinkage` (factor on
        effects, 1 for none), `agreement` (correlation with the decoder's program over genes; NaN where there is none)
        and `agrees` (False where that is below `min_agreement`). `params`: `where`, `is_log`, `min_agreement`.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or the layer does not exist.
    ValueError
        If `min_agreement` is not between -1 and 1, or the values are not finite.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_clusters(200, 40)
    >>> gsr_sc.tl.fit(adata, max_epochs=3)
    >>> gsr_sc.tl.programs(adata)
    >>> adata.varm["gsr_programs_cells"].shape[0]
    40
    """
    configure()
    stored = StoredMap(adata, key)
    require_number("min_agreement", min_agreement, lowest=-1, highest=1)
    data = read_input(adata, layer=layer_of(stored, layer), to_fit=False)
    facts = examine(data, report=False)
    weights = belonging(stored.activations)
    names = stored.groups
    member = stored.group[:, None] == np.array(names)[None, :]
    weights = np.hstack([weights, weights @ member])
    contrasts = weighted_contrasts(_sums(data, facts, weights), weights)
    effects = (contrasts.standardised * contrasts.shrinkage).astype(np.float32)
    n_neurons = len(stored.group)
    by_neuron, by_group = effects[:, :n_neurons], effects[:, n_neurons:]

    dead = neurons(adata, key=key)["is_dead"].to_numpy(dtype=bool)
    tables = {
        "neurons": _table(stored, contrasts, slice(None, n_neurons), by_neuron, groups=False, dead=dead),
        "groups": _table(stored, contrasts, slice(n_neurons, None), by_group, groups=True, dead=member.T @ ~dead == 0),
    }
    for table in tables.values():
        table["agrees"] = ~(table["agreement"].to_numpy() < min_agreement)
    params = {
        "where": data.where,
        "is_log": facts.kind in ("counts", "unit", "positive", "binary"),
        "min_agreement": float(min_agreement),
    }
    if copy:
        adata = adata.copy()
    write_added(
        adata,
        stored.keys,
        varm={"programs_cells": by_neuron, "programs_cells_groups": by_group},
        var={"programs_sd": contrasts.sd},
        uns={"programs": {**tables, "params": params}},
    )
    _report(tables["neurons"], stored.keys.added("programs_cells"))
    return adata if copy else None


def layer_of(stored: StoredMap, layer: str | None) -> str | None:
    """Name of the layer to read, None for X; by default what the map was fitted on."""
    if layer is not None:
        return None if layer == "X" else layer
    fitted_on = stored.uns["params"].get("layer")
    return str(fitted_on) if fitted_on is not None and fitted_on in stored.adata.layers else None


def _sums(data: Input, facts: Facts, weights: NDArray[np.float64]) -> Iterator[ContrastSums]:
    """What blocks of rows add, worked out where the rows are."""
    target = float(np.median(facts.totals[facts.totals > 0])) if facts.kind == "counts" else None
    for _, part in data.rows.each(partial(_add, target), None, facts.totals, weights):
        yield part


def _add(target: float | None, values: Any, totals: NDArray[np.float64], weights: NDArray[np.float64]) -> ContrastSums:
    values = as_float(values)
    if target is not None:
        log_normalise(values, totals, target)
    return contrast_sums(values, weights)


def _table(
    stored: StoredMap,
    contrasts: Contrasts,
    which: slice,
    effects: NDArray[np.float32],
    *,
    groups: bool,
    dead: NDArray[np.bool_],
) -> pd.DataFrame:
    """How sure each program is, and whether the decoder says the same."""
    names = stored.groups if groups else list(stored.graph.names)
    agreement = np.full(len(names), np.nan)
    if stored.keys.programs in stored.adata.varm:
        decoder = decoder_programs(stored.adata, key=stored.key, groups=groups).to_numpy()
        # A neuron that no cell lights up has no program to compare.
        agreement = np.where(dead, np.nan, column_correlations(decoder, effects))
    return pd.DataFrame(
        {
            "n_effective": contrasts.n_effective[which],
            "shrinkage": contrasts.shrinkage[which],
            "agreement": agreement,
        },
        index=pd.Index(names, name="group" if groups else "neuron"),
    )


def _report(table: pd.DataFrame, slot: str) -> None:
    logger.info("    added %r (adata.varm): programs from the cells", slot)
    agreement = table["agreement"].dropna()
    if len(agreement):
        logger.info(
            "    decoder and cells agree with a correlation of %.2f (median of %d neurons)",
            agreement.median(),
            len(agreement),
        )
    flagged = list(table.index[~table["agrees"]])
    if flagged:
        shown = ", ".join(flagged[:_SHOWN]) + (f" and {len(flagged) - _SHOWN} more" if len(flagged) > _SHOWN else "")
        logger.warning(
            "Decoder and cells disagree on the genes of %d of %d neurons: %s. Do not read these by their genes alone.",
            len(flagged),
            len(table),
            shown,
        )
