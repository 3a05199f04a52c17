"""Conditions on the same map, with samples as the replicates."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._checks import require_number
from .._docs import doc_params
from .._log import configure, warn
from .._random import resolve_rng
from ..get import neurons
from ..graphs._position import belonging
from ..slots import StoredMap, write_added
from ..stats import adjusted, linear_effects, overall_p_value, with_blocks
from ._compare_genes import gene_effects
from ._replicates import read_replicates

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from .._random import Rng
    from ._replicates import Replicates

logger = logging.getLogger(__name__)


@doc_params()
def compare(
    adata: AnnData,
    *,
    groupby: str,
    sample: str | None = None,
    reference: str | None = None,
    pairs: str | None = None,
    min_cells: int = 10,
    n_permutations: int = 999,
    genes: bool = False,
    layer: str | None = None,
    rng: Rng = 0,
    key: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Compare conditions on the same map: which neurons, and which groups of neurons, have more cells in one of them.

    Each sample is one observation: the mean share of its cells' activation that lies in a neuron or group. The log2 of
    these shares is compared between conditions by a linear model, so that differences between samples, not between cells,
    are what an effect has to exceed. Shares sum to 1: where one grows, others shrink.

    Parameters
    ----------
    adata
        Annotated data with a fitted map that holds the cells of all conditions.
    groupby
        Column of `.obs` with the conditions: treatments, diseases, times.
    sample
        Column of `.obs` with the samples (donors, animals, wells): the replicates. Without it there is nothing to tell
        an effect from a sample that is as it is, so that effects are given and no p values.
    reference
        Condition that the others are compared with; by default the first category.
    pairs
        Column of `.obs` that tells which samples belong together, such as the donor of a sample before and after;
        differences between pairs are then taken out. It may be the column of `sample` itself, where each of them was
        measured in every condition.
    min_cells
        Samples with fewer cells are left out.
    n_permutations
        How often samples are exchanged between conditions to test the map as a whole; 0 for never.
    genes
        Whether to ask, too, which genes differ between the conditions at each place: among the cells of a sample that light
        up an indicator group most, added up. Counts become log2 of counts per million, logarithms are averaged; variances
        are moderated across genes, as limma does. Needs `sample`.
    layer
        Layer to read the genes from, or `"X"`; by default what the map was fitted on.
    rng
        Seed or generator of these exchanges.
    {key}
    {copy}

    Returns
    -------
    None, or the annotated copy. `.uns["gsr_compare"]` is set, with

    `neurons`, `groups`
        Tables with one row per condition (but the reference) and neuron or group: `condition`, `reference`, the mean
        `share` in both (`share_reference`), `log2_fold_change` between them with its 95 % interval (`ci_low`,
        `ci_high`), `t`, `pval`, and `pval_adj` (false discovery rate among the neurons, or groups, of a condition).
        NaN for dead neurons; p values are NaN for conditions with fewer than two samples on either side.
    `genes`
        With `genes`: a table with one row per condition, `group` and `gene`: `log2_fold_change` (of values below zero, such as
        scaled ones, a difference), with its 95 % interval, `t`, `pval`, and `pval_adj` (false discovery rate among the genes
        of a group). Samples with fewer than `min_cells` cells in a group are left out there; groups with
        fewer than two samples on either side, and genes with fewer than 10 counts in most samples, are not in it.
    `map`
        For each condition whether the map differs anywhere: `pval`, its `method` (`"permutation"`, or `"simes"` where
        samples can be exchanged in fewer than 200 ways), and numbers of samples.
    `samples`, `shares`
        The replicates (`sample`, `condition`, `n_cells`), and their share in each neuron, (n_samples, n_neurons).
    `params`, `note`
        The options, and why p values are missing, if they are.

    Read them with :func:`gsr_sc.get.compare`, draw them with :func:`gsr_sc.pl.difference` and
    :func:`gsr_sc.pl.difference_genes`.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or a column does not exist.
    ValueError
        If there are fewer than two conditions, a sample belongs to several without `pairs`, pairs and conditions cannot
        be told apart, or an option is out of range.

    Warns
    -----
    UserWarning
        If p values cannot be given.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_clusters(300, 40)
    >>> gsr_sc.tl.fit(adata, max_epochs=3)
    >>> adata.obs["donor"] = [f"donor {i % 6}" for i in range(300)]
    >>> adata.obs["treated"] = [i % 6 < 3 for i in range(300)]
    >>> gsr_sc.tl.compare(adata, groupby="treated", sample="donor")
    >>> gsr_sc.get.compare(adata, of="map")["method"].tolist()
    ['simes']
    """
    configure()
    stored = StoredMap(adata, key)
    require_number("min_cells", min_cells, lowest=1, whole=True)
    require_number("n_permutations", n_permutations, lowest=0, whole=True)
    generator = resolve_rng(rng)
    if genes and sample is None:
        msg = "`genes=True` compares samples, and there are none: name their column with `sample=`."
        raise ValueError(msg)
    replicates = read_replicates(
        adata, groupby=groupby, sample=sample, pairs=pairs, reference=reference, min_cells=min_cells
    )
    shares = replicates.means(belonging(stored.activations))
    dead = neurons(adata, key=key)["is_dead"].to_numpy(dtype=bool)
    member = stored.group[:, None] == np.array(stored.groups)[None, :]
    # Half a cell of a usual sample, the same for all: one that depends on the sample would pass for an effect.
    offset = 0.5 / float(np.median(replicates.n_cells))
    of_neurons = _effects(replicates, shares, offset, list(stored.graph.names), "neuron", dead=dead)
    of_groups = _effects(replicates, shares @ member, offset, stored.groups, "group", dead=member.T @ ~dead == 0)
    note = _note(replicates)
    result = {
        "neurons": of_neurons,
        "groups": of_groups,
        "map": _whole_map(replicates, np.log2(shares[:, ~dead] + offset), of_neurons, n_permutations, generator),
        "samples": pd.DataFrame(
            {
                "sample": replicates.names,
                "condition": np.array(replicates.conditions)[replicates.condition].astype(object),
                "pair": replicates.pair,
                "n_cells": replicates.n_cells,
            },
            index=[str(i) for i in range(len(replicates.names))],
        ),
        "shares": shares.astype(np.float32),
        "params": {
            name: value
            for name, value in {
                "groupby": groupby,
                "sample": sample,
                "pairs": pairs,
                "min_cells": min_cells,
                "layer": layer if genes else None,
            }.items()
            if value is not None
        }
        | {"reference": replicates.conditions[0], "n_permutations": n_permutations},
        "note": note,
    }
    if genes:
        result["genes"] = gene_effects(adata, stored, replicates, layer=layer, min_cells=min_cells)
    if copy:
        adata = adata.copy()
    write_added(adata, stored.keys, uns={"compare": result})
    if note:
        warn(note)
    for row in result["map"].itertuples():
        found = of_neurons.loc[of_neurons["condition"] == row.condition, "pval_adj"] < 0.1
        logger.info(
            "    %s against %s: p = %.2g over the map; %d neurons at a false discovery rate of 10 %%",
            row.condition,
            row.reference,
            row.pval,
            found.sum(),
        )
    logger.info("    added %r (adata.uns)", stored.keys.added("compare"))
    return adata if copy else None


def _design(replicates: Replicates) -> NDArray[np.float64]:
    """Columns of the conditions but the reference, then one for each pair."""
    n_conditions = len(replicates.conditions)
    design = with_blocks(np.eye(n_conditions)[replicates.condition][:, 1:], replicates.pair)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        msg = (
            "No pair holds samples of both a condition and the reference, so that differences between conditions cannot be "
            "told from those between pairs. Leave out `pairs`, or name the column that joins samples across conditions."
        )
        raise ValueError(msg)
    return design


def _effects(
    replicates: Replicates,
    shares: NDArray[np.float64],
    offset: float,
    names: list[str],
    unit: str,
    *,
    dead: NDArray[np.bool_],
) -> pd.DataFrame:
    """One row for each condition and neuron or group."""
    n_effects = len(replicates.conditions) - 1
    fit = linear_effects(np.log2(shares + offset), _design(replicates), n_effects)
    low, high = fit.interval()
    means = np.vstack([shares[replicates.condition == k].mean(axis=0) for k in range(n_effects + 1)])
    tables = []
    for effect, condition in enumerate(replicates.conditions[1:]):
        hidden = dead if _testable(replicates, effect + 1) else np.ones_like(dead)
        p_value = np.where(hidden, np.nan, fit.p_value[effect])
        columns: dict[str, Any] = {
            unit: names,
            "condition": condition,
            "reference": replicates.conditions[0],
            "share": means[effect + 1],
            "share_reference": means[0],
            "log2_fold_change": np.where(dead, np.nan, fit.effect[effect]),
            "ci_low": np.where(hidden, np.nan, low[effect]),
            "ci_high": np.where(hidden, np.nan, high[effect]),
            "t": np.where(hidden, np.nan, fit.t[effect]),
            "pval": p_value,
            "pval_adj": adjusted(p_value),
        }
        tables.append(pd.DataFrame(columns))
    table = pd.concat(tables, ignore_index=True)
    table.index = table.index.astype(str)
    return table


def _testable(replicates: Replicates, condition: int) -> bool:
    return replicates.are_samples and bool((replicates.n_replicates[[0, condition]] >= 2).all())


def _whole_map(
    replicates: Replicates,
    values: NDArray[np.float64],
    table: pd.DataFrame,
    n_permutations: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """For each condition whether anything differs, by exchanging samples between it and the reference."""
    rows = []
    for k, condition in enumerate(replicates.conditions[1:], start=1):
        chosen = np.isin(replicates.condition, [0, k])
        _, pair = np.unique(replicates.pair[chosen], return_inverse=True)
        p_value, method = overall_p_value(
            values[chosen],
            replicates.condition[chosen] == k,
            pair.ravel(),
            p_values=table.loc[table["condition"] == condition, "pval"].to_numpy(),
            n_permutations=n_permutations,
            rng=rng,
        )
        counts = replicates.n_replicates
        rows.append((condition, replicates.conditions[0], p_value, method, int(counts[k]), int(counts[0])))
    names = ["condition", "reference", "pval", "method", "n_samples", "n_samples_reference"]
    return pd.DataFrame(rows, columns=names, index=[str(i) for i in range(len(rows))])


def _note(replicates: Replicates) -> str:
    """Why p values are missing; empty if none is."""
    if not replicates.are_samples:
        return (
            "Without `sample=` there are no replicates, and cells are none: effects are given without p values, and may "
            "be differences between samples rather than between conditions."
        )
    few = [name for k, name in enumerate(replicates.conditions) if replicates.n_replicates[k] < 2]
    if few:
        return f"Fewer than two samples of {few}: effects against or of them are given without p values."
    if len(replicates.names) - np.linalg.matrix_rank(_design(replicates)) < 1:
        return "As many conditions and pairs as samples: nothing is left to tell how much samples vary, so no p values."
    return ""
