"""Graphs, sizes and smoothness compared before a map is chosen."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pandas as pd

from .._checks import require_number
from .._docs import doc_params
from .._log import configure
from .._random import draw_seed, resolve_rng
from ..graphs import LearnedGraph, NeuronGraph, resolve
from ..metrics import seed_agreement
from ..slots import Keys, write_added
from ._figures import figures
from ._recommend import recommend
from ._refit import FitsBar, Refit, checked_options

if TYPE_CHECKING:
    from anndata import AnnData

    from .._random import Rng

logger = logging.getLogger(__name__)

# Options of a fit that are parameters here.
_ASKED = ("n_neurons", "smoothness", "tolerance")


@doc_params()
def scan(
    adata: AnnData,
    *,
    graphs: Any = ("line", "ring", "tree", "grid"),
    n_neurons: int | Sequence[int] | None = None,
    smoothness: float | Sequence[float] = (1.0, 0.25, 0.06),
    n_seeds: int = 1,
    tolerance: float = 0.02,
    rng: Rng = 0,
    n_jobs: int | None = None,
    progress: bool | None = None,
    key_added: str | None = None,
    copy: bool = False,
    **options: Any,
) -> AnnData | None:
    """Fit every graph in every size with every smoothness, and say which of them to take and why. No map is written.

    Four steps lead to the recommendation. Of each graph and size, the largest smoothness is taken whose held-out explained
    variance is within `tolerance` of the same network without the penalty. Graphs that are read as an order (line, ring,
    several of them, star, wishbone, tree) are left out if the data have a gap along them: separate cell types can be put in a
    row, but nothing leads from one to the next. (If all have gaps, none is left out, and the reason says so.) Of the others,
    those remain that explain at least nine tenths of the best and tear no more than .02 more neighbours of the data apart
    than the one that tears fewest. Of what is left, the simplest graph is taken (in the order above, others, then grid,
    hexagonal lattice, torus, and a learned graph), and of that the fewest neurons: a grid can hold a line, and tells less
    about it. With about as few neurons as cell types, no gaps are seen.

    Only the values are asked. What you know of the cells counts for more: of two real cell cycles, faint beside what else
    the cells differ in, neither was given a ring, and of cell types that pass into each other a line may be recommended
    though a sheet shows them better; the graphs that are as good are named in the reason.

    Parameters
    ----------
    adata
        Observations by variables, as for :func:`gsr_sc.tl.fit`. A stored map, if there is one, is neither read nor changed.
    graphs
        What may be passed as `graph` to :func:`gsr_sc.tl.fit`: names, or objects of :mod:`gsr_sc.graphs`; one or several.
    n_neurons
        One or several numbers of neurons for graphs by name; by default what `tl.fit` would choose. Where there is no such
        graph of a size, the next smaller one is taken.
    smoothness
        One or several; 0 is no penalty.
    n_seeds
        Number of fits of each combination. With two or more, the agreement between seeds is a column of the table, and the
        other columns are means.
    tolerance
        Share of the explained variance that smoothness may give up.
    rng
        Seed or generator of the seeds; all combinations have the same ones.
    n_jobs
        Number of threads, as in :func:`gsr_sc.tl.fit`; fits are made one after the other.
    {progress}
    key_added
        Name of the result, `.uns["<key_added>_scan"]`.
    {copy}
    **options
        Other options of :func:`gsr_sc.tl.fit`, such as `layer` or `max_epochs`, for all fits.

    Returns
    -------
    None, or the annotated copy. This field is set, after the last fit; an interrupted call leaves nothing:

    `.uns["gsr_scan"]`
        `table`, one row for each combination, see :func:`gsr_sc.get.scan`; `why`: the recommendation in words; `tolerance`.

    Raises
    ------
    TypeError
        If an option is none of `tl.fit`.
    ValueError, KeyError
        If options or data are wrong; before any fit.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_line(200, 40)
    >>> gsr_sc.tl.scan(adata, graphs=["line", "ring"], n_neurons=12, smoothness=0.25, max_epochs=2)
    >>> gsr_sc.get.scan(adata)["recommended"].sum()
    np.int64(1)
    """
    configure()
    keys = Keys.of(key_added)
    values = sorted({float(value) for value in _several(smoothness)}, reverse=True)
    for value in values:
        require_number("smoothness", value, lowest=0)
    require_number("n_seeds", n_seeds, lowest=1, whole=True)
    require_number("tolerance", tolerance, lowest=0)
    changed = checked_options(options, refused=("graph", *_ASKED), own=("graphs", *_ASKED), where="scan")
    wanted = _resolved(graphs, _several(n_neurons), adata.n_obs)
    if not wanted or not values:
        msg = "`graphs` and `smoothness` are empty, so there is nothing to compare; give at least one of each."
        raise ValueError(msg)
    refit = Refit.of(adata, dict(changed), n_jobs=n_jobs)
    seeds = [draw_seed(own) for own in resolve_rng(rng).spawn(n_seeds)]
    rows, start = list[dict[str, Any]](), time.perf_counter()
    with FitsBar(len(wanted) * len(values) * n_seeds, show=progress) as bar:
        for (name, graph), value in product(wanted.items(), values):
            found, activations = list[dict[str, float]](), list[Any]()
            for seed in seeds:
                began = time.perf_counter()
                model = refit.fit(seed, graph=graph, smoothness=value)
                activations.append(refit.place(model))
                seconds = time.perf_counter() - began
                found.append({**figures(model, activations[-1]), "seconds": seconds})
                bar.done(f"{name[0]} of {name[1]}")
            row: dict[str, Any] = {"graph": name[0], "n_neurons": name[1], "smoothness": value}
            rows.append(row | {measure: float(np.mean([one[measure] for one in found])) for measure in found[0]})
            if n_seeds > 1:
                pairs = [seed_agreement(a, b, model.fitted.graph) for a, b in combinations(activations, 2)]
                rows[-1] |= {"seeds_neurons": float(np.mean([pair.neurons for pair in pairs]))}
                rows[-1] |= {"seeds_map": float(np.mean([pair.map for pair in pairs]))}
    table = pd.DataFrame(rows)
    table.index = table.index.astype(str)
    row_number, candidates, why = recommend(table, tolerance=tolerance)
    table.insert(3, "candidate", np.isin(np.arange(len(table)), candidates))
    table.insert(3, "recommended", np.arange(len(table)) == row_number)
    if copy:
        adata = adata.copy()
    write_added(adata, keys, uns={"scan": {"table": table, "why": why, "tolerance": float(tolerance)}})
    seconds = time.perf_counter() - start
    logger.info("%s\n    finished (%.1f s): added\n    %r (adata.uns)", why, seconds, keys.added("scan"))
    return adata if copy else None


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) else [value]


def _resolved(graphs: Any, sizes: list[Any], n_obs: int) -> dict[tuple[str, int], NeuronGraph | LearnedGraph]:
    """Graphs by what they are called and how large they are, each once."""
    is_one = isinstance(graphs, str | NeuronGraph | LearnedGraph | nx.Graph) or hasattr(graphs, "shape")
    found: dict[tuple[str, int], NeuronGraph | LearnedGraph] = {}
    for number, graph in enumerate([graphs] if is_one else list(graphs)):
        if isinstance(graph, str):
            made = [(graph, _of_size(graph, size, n_obs)) for size in sizes]
        else:
            built = resolve(graph, n_neurons=None, n_obs=n_obs)
            made = [("learned" if isinstance(built, LearnedGraph) else built.kind, built)]
        for name, one in made:
            assert one.n_neurons is not None
            # Two graphs of the user's may be of one kind and size.
            again = (name, one.n_neurons) in found and not isinstance(graph, str)
            found.setdefault((f"{name} ({number + 1})" if again else name, one.n_neurons), one)
    return found


def _of_size(name: str, size: Any, n_obs: int) -> NeuronGraph | LearnedGraph:
    if size is None:
        return resolve(name, n_neurons=None, n_obs=n_obs)
    require_number("n_neurons", size, lowest=2, whole=True)
    for smaller in range(int(size), 1, -1):
        try:
            return resolve(name, n_neurons=smaller, n_obs=n_obs)
        except ValueError:
            continue
    # Says what is wrong with the name, or that there is no graph as small.
    return resolve(name, n_neurons=int(size), n_obs=n_obs)
