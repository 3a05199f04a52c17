"""Neurons that follow sequencing depth, batch, or cell cycle."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._checks import require_number, unknown
from .._docs import doc_params
from .._log import configure
from ..get._columns import is_numeric, read_labels
from ..inputs import as_counts, examine, read_input
from ..metrics._arrays import label_means
from ..metrics._variance import category_design, explained_share, smooth_design
from ..slots import StoredMap, write_added
from ._programs import layer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

_DEPTH = "depth"
_DEPTH_COLUMNS = ("total_counts", "n_counts", "nCount_RNA", "n_umi", "nUMI")
_SHOWN = 8


@dataclass(frozen=True, eq=False)
class _Nuisance:
    """Something that neurons should not follow: numbers, NaN where missing, or codes, -1 where missing, (n_obs,)."""

    name: str
    numbers: NDArray[Any]
    categories: list[str]

    @property
    def known(self) -> NDArray[np.bool_]:
        return self.numbers >= 0 if self.categories else np.isfinite(self.numbers)


@doc_params()
def nuisances(
    adata: AnnData,
    *,
    keys: str | Sequence[str] | None = None,
    layer: str | None = None,
    groupby: str | None = None,
    threshold: float = 0.25,
    key: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Flag neurons that follow sequencing depth, batch or cell cycle, with the share of variance that these explain.

    Each nuisance is looked at alone: numbers through a smooth curve of their rank, labels through the mean of each.
    Shares are corrected for what chance explains (adjusted R2, epsilon squared), so that they are 0 on average where there
    is nothing.

    Cell types differ in depth, and in cell cycle, by themselves. With `groupby`, the share within labels is told
    too, and it decides which neurons are flagged: what they follow beyond the label.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    keys
        Columns of `.obs`, numeric or of labels, such as `["n_counts", "batch", "S_score", "G2M_score", "phase"]`.
        By default the depth, and the batches that the map was fitted with. Cells without a value do not count.
    layer
        Layer with counts, or `"X"`; their total per cell is looked at as `"depth"`, beside `keys`. By default the depth is looked
        at only if there are no `keys`: from `.obs["total_counts"]`, or a column called `n_counts`, `nCount_RNA`, `n_umi` or
        `nUMI`, or what the map was fitted on if it holds counts or logarithms of scaled ones.
    groupby
        Column of labels, such as cell types, within which to look.
    threshold
        Share of a neuron's variance from which it is flagged.
    {key}
    {copy}

    Returns
    -------
    None, or the annotated copy. `.uns["gsr_nuisances"]` is set, which :func:`gsr_sc.get.nuisances` gives as a table: `nuisances`
    (names), `share` and, with `groupby`, `share_within` of each neuron, (n_neurons, n_nuisances), NaN for neurons that do not
    vary; `flagged`; `towards`: `"high"` or `"low"`, or the label, with which the neuron is the most active; and for the map as a
    whole `map_share` and `map_share_within`, (n_nuisances,).

    Raises
    ------
    KeyError
        If no map is stored under `key`, or a column or layer does not exist.
    ValueError
        If a column does not vary, no depth is to be found, or `threshold` is not in (0, 1].

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_clusters(200, 40, counts=True)
    >>> gsr_sc.tl.fit(adata, max_epochs=3)
    >>> gsr_sc.tl.nuisances(adata, groupby="cluster")
    >>> gsr_sc.get.nuisances(adata).columns.tolist()
    ['neuron', 'nuisance', 'share', 'share_within', 'towards', 'flagged']
    """
    configure()
    stored = StoredMap(adata, key)
    require_number("threshold", threshold, above=0, highest=1)
    found = _read(stored, keys, layer)
    labels = None if groupby is None else read_labels(adata, groupby, "groupby").codes
    activations = stored.activations
    shape = (activations.shape[1], len(found))
    share, within, towards = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, "", dtype=object)
    whole, whole_within = np.full(len(found), np.nan), np.full(len(found), np.nan)
    for number, nuisance in enumerate(found):
        known = nuisance.known
        values = nuisance.numbers[known]
        design = category_design(values) if nuisance.categories else smooth_design(values)
        share[:, number], whole[number] = explained_share(activations[known], design)
        towards[:, number] = _towards(activations[known], nuisance, values)
        if labels is not None:
            both = known & (labels >= 0)
            own = np.unique(labels[both], return_inverse=True)[1]
            part = design[labels[known] >= 0]
            within[:, number], whole_within[number] = explained_share(activations[both], part, within=own)
    decides = share if groupby is None else within
    flagged = np.nan_to_num(decides, nan=0.0) >= threshold
    result: dict[str, Any] = {
        "params": {"threshold": threshold, **({} if groupby is None else {"groupby": groupby})},
        "nuisances": np.array([nuisance.name for nuisance in found], dtype=object),
        "neurons": np.array(stored.graph.names, dtype=object),
        "share": share,
        "towards": towards,
        "flagged": flagged,
        "n_obs": np.array([int(nuisance.known.sum()) for nuisance in found]),
        "map_share": whole,
    }
    if groupby is not None:
        result |= {"share_within": within, "map_share_within": whole_within}
    if copy:
        adata = adata.copy()
    write_added(adata, stored.keys, uns={"nuisances": result})
    _report(result, groupby)
    return adata if copy else None


def _read(stored: StoredMap, keys: str | Sequence[str] | None, layer: str | None) -> list[_Nuisance]:
    """All that is asked for, checked."""
    adata = stored.adata
    names = [] if keys is None else [keys] if isinstance(keys, str) else [str(name) for name in keys]
    missing = [name for name in names if name not in adata.obs]
    if missing:
        raise KeyError(unknown("`keys` in .obs", missing, adata.obs.columns))
    depth: list[_Nuisance] = []
    if layer is not None:
        depth = [_total(adata, layer_of(stored, layer))]
    elif keys is None:
        column = next((name for name in _DEPTH_COLUMNS if name in adata.obs), None)
        if column is not None:
            names = [column]
        else:
            depth = [_total(adata, layer_of(stored, None))]
    if keys is None:
        batches = stored.uns["params"].get("batch_key", [])
        names += [name for name in ([batches] if isinstance(batches, str) else list(batches)) if name in adata.obs]
    if not depth and not names:
        msg = "`keys` is empty; name columns of .obs, or leave it out to look at the depth."
        raise ValueError(msg)
    found = depth + [_column(adata, name) for name in dict.fromkeys(names)]
    for nuisance in found:
        values = nuisance.numbers[nuisance.known]
        if len(values) < 3 or (values == values[0]).all():
            msg = f"{nuisance.name!r} has the same value in all cells, or hardly any, so no neuron can follow it. Leave it out."
            raise ValueError(msg)
    return found


def _column(adata: AnnData, name: str) -> _Nuisance:
    column = adata.obs[name]
    if is_numeric(column):
        numbers = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
        return _Nuisance(name, numbers, [])
    labels = read_labels(adata, name, "keys")
    return _Nuisance(name, labels.codes, labels.categories)


def _total(adata: AnnData, layer: str | None) -> _Nuisance:
    """Total of each cell, of a matrix that holds counts or logarithms that they are read back from."""
    data = read_input(adata, layer=layer, to_fit=False)
    facts = examine(data, report=False)
    # Those that Pearson residuals could be taken of: no abundances.
    facts = as_counts(data, facts, transform="pearson").facts
    if facts.kind not in ("counts", "binary"):
        msg = (
            f"The depth is the total of counts, and {data.where} holds other values. Pass the layer that holds counts as "
            "`layer=`, or the column of .obs that holds the depth in `keys=`."
        )
        raise ValueError(msg)
    return _Nuisance(_DEPTH, facts.totals, [])


def _towards(activations: NDArray[np.floating], nuisance: _Nuisance, values: NDArray[Any]) -> NDArray[np.object_]:
    """With what each neuron is the most active, (n_neurons,)."""
    if not nuisance.categories:
        place = np.argsort(np.argsort(values, kind="stable")) / len(values) - 0.5
        return np.where(place @ activations >= 0, "high", "low").astype(object)
    present, codes = np.unique(values, return_inverse=True)
    highest = label_means(activations, codes, len(present)).argmax(axis=0)
    return np.array([nuisance.categories[number] for number in present[highest]], dtype=object)


def _report(result: dict[str, Any], groupby: str | None) -> None:
    """Say which neurons follow what, in words."""
    for number, name in enumerate(result["nuisances"]):
        flagged = result["neurons"][result["flagged"][:, number]]
        beyond = "" if groupby is None else f", {100 * result['map_share_within'][number]:.0f} % within {groupby!r}"
        listed = ", ".join(flagged[:_SHOWN]) + (f" and {len(flagged) - _SHOWN} more" if len(flagged) > _SHOWN else "")
        logger.info(
            "%r explains %.0f %% of the map%s; %d of %d neurons follow it%s",
            name,
            100 * result["map_share"][number],
            beyond,
            len(flagged),
            len(result["neurons"]),
            f": {listed}" if len(flagged) else "",
        )
