"""Which neuron, or group of neurons, indicates which label."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import false_discovery_control, norm

from .._checks import require_choice, require_number
from .._docs import doc_params
from .._log import configure
from ..get._columns import read_labels
from ..get._levels import Level, read_units
from ..metrics._arrays import label_means
from ..metrics._auroc import auroc_interval, one_vs_rest
from ..slots import StoredMap, write_added

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)

Direction = Literal["auto", "up", "both"]


@doc_params()
def rank_indicators(
    adata: AnnData,
    *,
    groupby: str,
    level: Level = "neurons",
    direction: Direction = "auto",
    coverage: float = 0.95,
    key: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Measure how well each neuron, or group of neurons, indicates each label: AUROC with confidence intervals.

    The AUROC is the chance that an observation with the label lights the neuron more than one without it.
    Beside it stands an assignment of one distinct neuron to each label, with the highest sum of AUROC, as in
    :func:`gsr_sc.metrics.indicator_auroc_per_label`.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    groupby
        Categorical, boolean, string or whole-number column of `.obs`. Observations without a value are left out.
    level
        `"neurons"`; `"groups"`, the indicator groups of `gsr_cluster`; or the number of a level of `tl.indicators`.
    direction
        `"up"`: a neuron indicates a label by being more active. `"both"`: by being more or less active, whichever tells more,
        as for linear units, the sign of which means nothing. `"auto"`: `"both"` for linear units, else `"up"`.
    coverage
        Of the confidence intervals.
    {key}
    {copy}

    Returns
    -------
    None, or the annotated copy. `.uns["gsr_rank_indicators"]` is set, which :func:`gsr_sc.get.rank_indicators` gives as a table:
    `labels`, `units` (names of neurons or groups), `n` (observations per label), for each label and unit, (n_labels,
    n_units), `auroc`, `ci_low`, `ci_high`, `sign`, `pval` (Mann-Whitney, two-sided), `pval_adj` (Benjamini-Hochberg over all
    labels and units), `mean_in` and `mean_out` (mean activation with and without the label), and `assigned`: the number of
    the unit assigned to each label, or -1 where none was left.

    An interval is that of one neuron given beforehand. The best of many neurons is a little better than it would be on other
    cells of the same kind, the more so the fewer cells a label has. Intervals and tests treat cells as independent.

    Raises
    ------
    KeyError
        If no map is stored under `key`, there is no such column, or no such level.
    ValueError
        If fewer than two labels occur, or an option is none of those allowed.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_clusters(200, 40)
    >>> gsr_sc.tl.fit(adata, max_epochs=3)
    >>> gsr_sc.tl.rank_indicators(adata, groupby="cluster")
    >>> len(gsr_sc.get.rank_indicators(adata, assigned=True)) == adata.obs["cluster"].nunique()
    True
    """
    configure()
    stored = StoredMap(adata, key)
    require_choice("direction", direction, ("auto", "up", "both"))
    require_number("coverage", coverage, above=0, below=1)
    units = read_units(stored, level)
    labels = read_labels(adata, groupby, "groupby")
    names = labels.used
    if len(names) < 2:
        msg = f"`groupby={groupby!r}` holds the label {names[0]!r} only; at least two different labels are needed."
        raise ValueError(msg)
    # Numbers of the labels that occur, the others left out.
    number = np.cumsum(labels.counts > 0) - 1
    codes = np.where(labels.codes >= 0, number[labels.codes], -1)
    known = codes >= 0
    values = units.activations(stored)[known]
    codes = codes[known]
    n_in = np.bincount(codes)

    found = one_vs_rest(values, codes, len(names))
    sign = np.ones_like(found.auroc, dtype=np.int8)
    if direction == "both" or (direction == "auto" and _is_linear(stored, values)):
        sign[found.auroc < 0.5] = -1
        found = found._replace(auroc=0.5 + sign * (found.auroc - 0.5), z=sign * found.z)
    low, high = auroc_interval(found, n_in, len(codes) - n_in, level=coverage)
    pval = 2 * norm.sf(np.abs(found.z))
    given, taken = linear_sum_assignment(found.auroc, maximize=True)
    assigned = np.full(len(names), -1)
    assigned[given] = taken
    mean_in = label_means(values, codes, len(names))
    total = n_in @ mean_in
    mean_out = (total - n_in[:, None] * mean_in) / (len(codes) - n_in)[:, None]

    if copy:
        adata = adata.copy()
    result = {
        "params": {"groupby": groupby, "level": str(level), "coverage": coverage, "unit": units.kind},
        "labels": np.array(names, dtype=object),
        "units": np.array(units.names, dtype=object),
        "n": n_in,
        "auroc": found.auroc,
        "ci_low": low,
        "ci_high": high,
        "sign": sign,
        "pval": pval,
        "pval_adj": false_discovery_control(pval, axis=None).reshape(pval.shape),
        "mean_in": mean_in,
        "mean_out": mean_out,
        "assigned": assigned,
    }
    write_added(adata, stored.keys, uns={"rank_indicators": result})
    best = [found.auroc[label, unit] if unit >= 0 else 0.5 for label, unit in enumerate(assigned)]
    logger.info(
        "%s of %r: mean AUROC %.3f, the lowest %.3f for %r",
        units.kind,
        groupby,
        np.mean(best),
        min(best),
        names[int(np.argmin(best))],
    )
    return adata if copy else None


def _is_linear(stored: StoredMap, values: np.ndarray) -> bool:
    """Whether the sign of activations means nothing."""
    activation = stored.uns["params"].get("activation")
    return activation == "linear" or (activation is None and bool((values < 0).any()))
