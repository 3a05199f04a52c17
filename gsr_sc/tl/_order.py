"""Read the position of observations along a stored map, from a root of choice."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import require_number, unknown
from .._docs import doc_params
from .._log import configure
from ..get._columns import read_labels
from ..get._values import composition, neuron_means, read_values
from ..graphs import course, edge_lengths, find_root
from ..graphs._position import belonging
from ..graphs._route import near_end
from ..slots import StoredMap, write_order

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray
    from scipy import sparse

logger = logging.getLogger(__name__)

_ROUND = ("ring", "rings")
_OWN_BEGINNING = (*_ROUND, "line", "lines", "star", "tree", "wishbone")


@doc_params()
def order(
    adata: AnnData,
    *,
    root: str | None = None,
    end: str | None = None,
    groupby: str | None = None,
    reverse: bool = False,
    detour: float = 0.25,
    layer: str | None = None,
    use_raw: bool = False,
    key: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Read the position along a fitted map from a root of choice, without a new fit.

    What a position is depends on the neuron graph. On *lines, stars, trees and wishbones* it is the number of steps from the
    root, 1 being the farthest neuron, and branches are told apart as seen from the root. On *rings* it is the angle
    from the root. On *any other graph* it is the length of the shortest way from the root, where an edge is the longer the
    more its neurons differ in their gene programs and the fewer observations light them
    (:func:`gsr_sc.graphs.edge_lengths`).
    With an `end` it is the position on the *path* from root to end: neurons belong to it over which the way is not much
    longer than the shortest, and their position is the share of that way that lies before them.
    Observations with less than half of their squared activation on the path have no position.

    A group, or the high end of a gene, is at the neuron from which, going outwards, the group or the expression
    falls most steadily (:func:`gsr_sc.graphs.find_root`); a group at the tip of a branch therefore leads to the tip.
    On a ring it is at the mean angle. A single observation is at its winning neuron or, where this is within a tenth of the
    longest way of an end of a line or branch, at that end.

    Parameters
    ----------
    adata
        Annotated data with a fitted map.
    root
        Where positions are counted from. With `groupby` the name of a group; without, the name of an observation, or of a gene
        whose high end is the root. By default the beginning that the map came with: an end of a line, the first
        neuron of what branches, an arbitrary neuron of a ring. Grids and graphs of other shapes need a root.
    end
        Where the path ends, named like `root`. On rings there is no path; `end` then sets the direction, and is what is
        passed on the first half of the way round.
    groupby
        Column of `.obs` that `root` and `end` are groups of. With `"gsr_neuron"` these are the neurons themselves.
    reverse
        Whether to go round rings the other way, or to count lines without a root from the other end.
    detour
        With an `end`, how much longer the way over a neuron may be than the shortest one, as a share of it, for the neuron
        to belong to the path: 0 takes the shortest way alone.
    layer
        Layer to take a gene from instead of X.
    use_raw
        Whether to take a gene from `.raw`.
    {key}
    {copy}

    Returns
    -------
    None, or the annotated copy. These fields are set:

    `.obs["gsr_order"]`
        Position in [0, 1], or angle in [0, 2 pi) on rings; NaN off the path or out of reach of the root.
    `.obs["gsr_branch"]`
        Branch of star, tree and wishbone, and of a line that is read from its middle, numbered or named from the root
        outwards; which one of several lines or rings. Categorical. Other graphs have none.
    `.obs["gsr_order_confidence"]`
        Between 0 and 1: how far the activation of an observation agrees on one position, 1 - its spread over the graph, as root
        mean squared number of steps between two of its neurons, relative to that of an activation of all neurons
        alike; to the power of how many times more observations lie within two steps of it than if they were spread evenly
        (at least one half), as the same doubt brings more of them into the wrong order where they are crowded. Two branches
        are as far apart as the way over their fork, so a branch in doubt lowers it. On a path it is multiplied by the share
        of the squared activation on the path. It compares observations of one map, and is no probability. It ranks the
        errors of positions, but weakly: see Notes.
    `.uns["gsr_order"]`
        `kind` (`"distance"`, `"angle"` or `"path"`), `root` and `end` (neurons), `path` (neurons from root to end),
        `position` of each neuron, and `from` (what was asked for).

    Genes that were tested along an earlier order (:func:`gsr_sc.tl.order_genes`) are removed.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or if there is no column, observation or gene of a name.
    ValueError
        If a group does not occur, a name is ambiguous, a graph needs a root, there is no way to the end, or options
        contradict each other.

    Notes
    -----
    How well the confidence ranks errors was measured as Spearman's correlation with minus the error in ranks (on rings round
    the circle). Whole fits of simulated cells: .27 on trees and on wishbones, .13 on lines and on rings, where one who knows
    the process reaches about .4 and .1 to .2. The most confident fifth errs .5 and .7 times as much as the least
    confident. On real data with a known stage, phase or trajectory: .24 in mouse embryos (few errors in stage, .2 times as
    many in the most as in the least confident fifth), and nothing to rely on elsewhere: .06 in thymus, .06 in sorted stages
    of the cell cycle, -.02 in cells with a measured phase, -.03 in progenitors of dendritic cells. Doublets have less than
    other cells (AUROC .86); cells of another type need not. Those are found by :func:`gsr_sc.tl.map_query`.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_wishbone(200, 40)
    >>> gsr_sc.tl.fit(adata, graph="wishbone", max_epochs=1, smoothness=1)
    >>> gsr_sc.tl.order(adata, root="branch1", groupby="branch")
    >>> str(adata.uns["gsr_order"]["root"]) in {"stem1", "a16", "b16"}
    True
    """
    configure()
    stored = StoredMap(adata, key)
    graph, keys = stored.graph, stored.keys
    _check(graph.kind, root=root, end=end, groupby=groupby, reverse=reverse, detour=detour)
    shares = belonging(stored.activations)
    lengths = None if graph.kind in _OWN_BEGINNING else _lengths(stored, shares)
    places: dict[str, int] = {}
    for option, name in (("root", root), ("end", end)):
        if name is not None:
            places[option] = _place(
                stored, name, option, shares, groupby=groupby, layer=layer, use_raw=use_raw, lengths=lengths
            )
    try:
        found = course(
            graph,
            root=places.get("root"),
            end=places.get("end"),
            reverse=reverse,
            lengths=lengths,
            use=shares.sum(axis=0),
            detour=float(detour),
        )
    except ValueError as error:
        msg = f"`root={root!r}`, `end={end!r}`: {error}"
        raise ValueError(msg) from None
    reading = found.read(stored.activations)
    asked = {"root": root, "end": end, "groupby": groupby, "reverse": reverse, "detour": float(detour)}
    entry: dict[str, Any] = {
        "kind": found.kind,
        **{option: graph.names[neuron] for option, neuron in places.items()},
        "path": np.array([graph.names[neuron] for neuron in found.path], dtype=object),
        "position": found.position,
        "from": {name: value for name, value in asked.items() if value is not None},
    }
    if copy:
        adata = adata.copy()
    write_order(adata, keys, reading, found.names, entry)
    n_off = int(np.isnan(reading.order).sum())
    logger.info("    added %r (adata.obs)%s", keys.order, f"; {n_off} observations have no position" if n_off else "")
    return adata if copy else None


def _check(kind: str, *, root: str | None, end: str | None, groupby: str | None, reverse: bool, detour: float) -> None:
    require_number("detour", detour, lowest=0)
    if root is None and end is not None and kind not in _ROUND:
        msg = f"`end={end!r}` needs a `root` that the path begins at."
        raise ValueError(msg)
    if root is None and kind not in _OWN_BEGINNING:
        msg = f"A map of kind {kind!r} has no beginning of its own; say where to count from with `root`."
        raise ValueError(msg)
    if reverse and kind not in _ROUND and not (kind in ("line", "lines") and root is None):
        msg = "`reverse=True` turns rings, and lines that have no `root`; here, choose another `root` instead."
        raise ValueError(msg)
    if reverse and end is not None:
        msg = f"`reverse=True` and `end={end!r}` both set the direction; choose one."
        raise ValueError(msg)
    if groupby is not None and root is None and end is None:
        msg = f"`groupby={groupby!r}` says what `root` and `end` are groups of; give a `root`."
        raise ValueError(msg)


def _lengths(stored: StoredMap, shares: NDArray[np.float64]) -> sparse.csr_array:
    """Lengths of the edges by gene programs or, where the input was no genes, by what is lit together."""
    if stored.keys.programs in stored.adata.varm:
        programs = stored.programs.T
        profiles = programs[:, np.isfinite(programs).all(axis=0)]
    else:
        together = shares.T @ shares
        norm = np.sqrt(np.diag(together))
        profiles = together / np.maximum(np.outer(norm, norm), 1e-12)
    return edge_lengths(stored.graph, profiles, shares.sum(axis=0))


def _place(
    stored: StoredMap,
    name: str,
    option: str,
    shares: NDArray[np.float64],
    *,
    groupby: str | None,
    layer: str | None,
    use_raw: bool,
    lengths: sparse.csr_array | None,
) -> int:
    """Neuron that a group, an observation or the high end of a gene is at."""
    adata, graph = stored.adata, stored.graph
    if groupby == stored.keys.neuron:
        if name not in graph.names:
            raise ValueError(unknown(f"`{option}` among the neurons", [name], graph.names))
        return graph.names.index(name)
    if groupby is not None:
        labels = read_labels(adata, groupby, "groupby")
        if name not in labels.used:
            raise ValueError(unknown(f"`{option}` in .obs[{groupby!r}]", [name], labels.used))
        value = composition(shares, labels)[:, labels.categories.index(name)]
        mass = shares[labels.codes >= 0].sum(axis=0)
    else:
        genes = adata.raw.var_names if use_raw and adata.raw is not None else adata.var_names
        is_cell, is_gene = name in adata.obs_names, name in genes
        if is_cell and is_gene:
            msg = f"`{option}={name!r}` is the name of an observation and of a gene; rename one of them."
            raise ValueError(msg)
        if is_cell:
            return near_end(graph, int(shares[int(np.flatnonzero(adata.obs_names == name)[0])].argmax()))
        if not is_gene:
            columns = [column for column in adata.obs if name in set(adata.obs[column].astype(str))]
            hint = f" It is a group of {columns[0]!r}: pass `groupby={columns[0]!r}` too." if columns else ""
            raise KeyError(unknown(f"`{option}` among observations and genes", [name], genes) + hint)
        value = neuron_means(shares, read_values(adata, name, layer=layer, use_raw=use_raw, option=option))
        mass = shares.sum(axis=0)
    try:
        return find_root(graph, value, mass, lengths=lengths)
    except ValueError as error:
        msg = f"`{option}={name!r}` has no place on the map. {error}"
        raise ValueError(msg) from None
