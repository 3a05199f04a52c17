"""Gene programs: as a matrix, as a network of sources and targets, and as gene sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from .._checks import require_choice, require_number
from .._docs import doc_params
from ..slots import StoredMap
from ._neurons import neurons

if TYPE_CHECKING:
    from typing import Any

    from anndata import AnnData
    from numpy.typing import NDArray

By = Literal["decoder", "cells", "both"]
Direction = Literal["up", "down", "both"]


@doc_params()
def programs(
    adata: AnnData,
    *,
    key: str | None = None,
    by: By = "decoder",
    groups: bool = False,
    tidy: bool = False,
    direction: Direction = "both",
    n_top: int | None = None,
) -> pd.DataFrame:
    """Signed effect of every neuron, or of every group of neurons, on every gene.

    The tidy table is what decoupler takes as a network: `decoupler.mt.ulm(adata, net=gsr_sc.get.programs(adata, tidy=True))`.
    A column of the matrix is what gseapy takes as a ranking: `gseapy.prerank(gsr_sc.get.programs(adata)["A1"].dropna(), ...)`.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    {key}
    by
        What tells the effects. `"decoder"`: the network, in the units of its input. `"cells"`: cells that light up the
        neuron against the rest, in standard deviations of the gene, after :func:`gsr_sc.tl.programs`.
        `"both"`: the geometric mean of the two where they have the same sign, else 0.
    groups
        Whether to give one program per indicator group. Of the decoder it is the mean of its neurons, weighted by how
        active they are.
    tidy
        Whether to give one row per gene and neuron instead of a matrix.
    direction
        Which effects to keep: `"up"`, `"down"`, or `"both"`. Other than `"both"` implies `tidy`.
    n_top
        Keep only so many genes of each neuron, those with the largest effect in that direction.
        By default all are kept. Implies `tidy`.

    Returns
    -------
    Table of shape (n_vars, n_neurons), or (n_vars, n_groups), with NaN where a gene was not used.
    With `tidy`, the columns `source` (neuron or group), `target` (gene) and `weight` (effect), neurons in graph
    order, within each the largest weight first (with `direction="down"` the smallest); genes that were not used are left
    out. Read from cells with log-normalised values there is also `log2_fold_change`, shrunk as the weight is.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or if it has no gene programs of that kind.
    ValueError
        If `n_top` is not a positive number, or another option is none of those allowed.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.programs(adata, groups=True, direction="up", n_top=10)  # doctest: +SKIP
    """
    if n_top is not None:
        require_number("n_top", n_top, lowest=1, whole=True, also="None for all")
    require_choice("by", by, ("decoder", "cells", "both"))
    require_choice("direction", direction, ("up", "down", "both"))
    stored = StoredMap(adata, key)
    effects = _effects(stored, by, groups=groups)
    names = stored.groups if groups else list(stored.graph.names)
    matrix = pd.DataFrame(effects.copy(), index=adata.var_names, columns=pd.Index(names, name=_unit(groups=groups)))
    if not tidy and n_top is None and direction == "both":
        return matrix
    scale = None
    if by == "cells" and bool(stored.added("programs", by="programs")["params"]["is_log"]):
        scale = adata.var[stored.keys.added("programs_sd")].to_numpy(dtype=np.float64) / np.log(2)
    return _long(matrix, direction, n_top, scale)


@doc_params()
def gene_sets(
    adata: AnnData,
    *,
    key: str | None = None,
    by: By = "decoder",
    groups: bool = True,
    direction: Literal["up", "down"] = "up",
    n_top: int = 50,
) -> dict[str, list[str]]:
    """Top genes of every group of neurons, or of every neuron, as named sets.

    This is what gseapy takes as `gene_sets=` (does a ranking of mine follow the map?), and each set is what it takes as
    `gene_list=` (what is this part of the map about?).

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    {key}
    by
        What tells the effects: `"decoder"`, `"cells"` or `"both"`, see :func:`gsr_sc.get.programs`.
    groups
        Whether to give one set per indicator group instead of one per neuron.
    direction
        Genes of which there is more (`"up"`) or less (`"down"`).
    n_top
        How many genes at most.

    Returns
    -------
    Names of genes, the largest effect first and none twice, by name of the group or neuron. Those without a gene in that
    direction are left out.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or if it has no gene programs of that kind.
    ValueError
        If an option is none of those allowed.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.get.gene_sets(adata, n_top=5)["0"]  # doctest: +SKIP
    """
    require_choice("direction", direction, ("up", "down"))
    table = programs(adata, key=key, by=by, groups=groups, direction=direction, n_top=n_top)
    found = table.groupby("source", sort=False)["target"]
    return {str(name): list(dict.fromkeys(genes)) for name, genes in found}


def _unit(*, groups: bool) -> str:
    return "group" if groups else "neuron"


def _effects(stored: StoredMap, by: By, *, groups: bool) -> NDArray[np.float32]:
    """Effects of neurons or groups on genes, (n_vars, n_programs)."""
    cells = decoder = None
    if by != "decoder":
        stored.added("programs", by="programs")
        name = stored.keys.added("programs_cells_groups" if groups else "programs_cells")
        cells = np.asarray(stored.adata.varm[name])
    if by != "cells":
        decoder = stored.programs
        if groups:
            decoder = decoder @ _group_weights(stored).astype(decoder.dtype)
    if cells is None or decoder is None:
        effects = decoder if cells is None else cells
        assert effects is not None
        return effects
    mean = np.sign(cells) * np.sqrt(np.abs(cells * decoder))
    return np.where(np.isnan(decoder), np.nan, np.where(cells * decoder > 0, mean, 0)).astype(np.float32)


def _group_weights(stored: StoredMap) -> NDArray[np.float64]:
    table = neurons(stored.adata, key=stored.key)
    member = stored.group[:, None] == np.array(stored.groups)[None, :]
    use = np.abs(table["mean_activation"].to_numpy())[:, None]
    # A group of neurons without any activation counts each of them the same.
    weights = member * np.where((member * use).sum(axis=0) > 0, use, 1.0)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float64)


def _long(
    matrix: pd.DataFrame, direction: Direction, n_top: int | None, scale: NDArray[np.float64] | None
) -> pd.DataFrame:
    """One row for each source and target; by position throughout, as gene names need not be unique."""
    genes = matrix.index.astype(str).to_numpy()
    parts = []
    for name, column in zip(matrix.columns, matrix.to_numpy().T, strict=True):
        kept = np.flatnonzero(np.isfinite(column))
        if direction != "both":
            kept = kept[column[kept] > 0] if direction == "up" else kept[column[kept] < 0]
        if n_top is not None:
            kept = kept[np.argsort(-np.abs(column[kept]), kind="stable")[:n_top]]
        kept = kept[np.argsort(column[kept] if direction == "down" else -column[kept], kind="stable")]
        part: dict[str, Any] = {"source": name, "target": genes[kept], "weight": column[kept]}
        if scale is not None:
            part["log2_fold_change"] = (column * scale)[kept]
        parts.append(pd.DataFrame(part))
    # Plain text, not categories: what reads networks groups by source, and would see those that are empty.
    return pd.concat(parts, ignore_index=True).astype({"source": str, "target": str})
