"""Whether the order of a map is in the data."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from .._checks import require_choice, require_number
from .._docs import doc_params
from .._log import configure
from .._random import draw_seed, resolve_rng
from ..metrics import moran_i
from ..slots import StoredMap, write_added
from ..training import TrainingPlan
from ._figures import figures, graph_steps, order_kept
from ._permute import depth_strata, permuted
from ._refit import FitsBar, Refit, checked_options, resampled, stored_options

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from .._random import Rng
    from ._figures import Figures

logger = logging.getLogger(__name__)

Statistic = Literal["explained_variance", "order", "moran_i"]

_ALPHA = 0.05
_STEPS = 120
_CALLED = {
    "explained_variance": "explains {:.3f} of the held-out variance",
    "order": "keeps neighbours of the data near by {:.3f}",
    "moran_i": "has a Moran's I of {:.3f}",
}


@doc_params()
def null(
    adata: AnnData,
    *,
    n_permutations: int = 39,
    statistic: Statistic = "order",
    n_strata: int = 20,
    max_cells: int = 1000,
    max_epochs: int | None = None,
    key: str | None = None,
    rng: Rng = 0,
    n_jobs: int | None = None,
    progress: bool | None = None,
    copy: bool = False,
    **options: Any,
) -> AnnData | None:
    """Fit the stored map to permuted data, to see whether its order is in the data.

    The same fit, with fewer epochs and on at most `max_cells` cells drawn once, is made of the data as they are and of
    permuted data, in which every variable has its values in other cells: its distribution stays, what variables tell of
    each other goes. Values change places between cells of about the same depth only, and of the same batch, so that depth
    and batch count as no order. All these fits have the same seed and hold out the same rows. If
    variables are independent within such cells, the observed fit is one among equals, and the p-value uniform.

    Beside these there is the same fit without the penalty, and the graph with its neurons renamed at random, which the
    observed fit is measured on: fitted anew on a renamed graph it would be the same map renamed.

    Parameters
    ----------
    adata
        Annotated data with a fitted map: those of the fit, or read back from a file.
    n_permutations
        Number of permuted data sets. The smallest p-value is 1 / (1 + `n_permutations`).
    statistic
        What the p-value compares. `"explained_variance"`: held out. `"order"`: how near on the graph the neurons of
        neighbours in the data are, 1 for the same neuron, 0 for any two. `"moran_i"`: how alike neighbouring neurons are.
    n_strata
        Number of groups of equal size that cells are sorted into by depth (total of counts, else the number of values that
        are not 0), in each batch; of at least ten cells. 1 lets values go anywhere.
    max_cells
        Number of cells to fit, drawn at random where there are more.
    max_epochs
        Epochs of each fit after its warm-up; by default as many as make 120 steps, a sixth of a whole training.
    {key}
    rng
        Seed or generator of the cells, of the seed of the fits and of the permutations.
    n_jobs
        Number of threads, as in :func:`gsr_sc.tl.fit`; fits are made one after the other.
    {progress}
    {copy}
    **options
        Options of :func:`gsr_sc.tl.fit` to change. All others are those of the stored map, but that labels are not told, and
        coordinates in `.obsm` are no start: they are not permuted.

    Returns
    -------
    None, or the annotated copy. This field is set, after the last fit; an interrupted call leaves nothing:

    `.uns["gsr_null"]`
        `pval`: share of the permuted data sets whose `statistic` is at least as large as the observed one, the observed
        one counted among them; `pvals`: the same of every statistic, and of `order` and Moran's I on renamed graphs
        (`order_graph`, `moran_i_graph`); `verdict` in words; `fits`: a table of all fits, see :func:`gsr_sc.get.null`;
        `statistic`, `n_permutations`.

    Raises
    ------
    KeyError
        If no map is stored under `key`.
    TypeError
        If an option is none of `tl.fit`.
    ValueError
        If an option is wrong, or the variables of the fit are not all there.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_line(200, 40)
    >>> gsr_sc.tl.fit(adata, graph="line", max_epochs=3)
    >>> gsr_sc.tl.null(adata, n_permutations=3, max_epochs=2)
    >>> sorted(adata.uns["gsr_null"]["pvals"])
    ['explained_variance', 'moran_i', 'moran_i_graph', 'order', 'order_graph']
    """
    configure()
    stored = StoredMap(adata, key)
    require_choice("statistic", statistic, get_args(Statistic))
    for name, value in {"n_permutations": n_permutations, "n_strata": n_strata}.items():
        require_number(name, value, lowest=1, whole=True)
    if max_epochs is not None:
        require_number("max_epochs", max_epochs, lowest=1, whole=True)
    require_number("max_cells", max_cells, lowest=20, whole=True)
    changed = checked_options(options, refused=("max_epochs", "labels_key", "unlabelled_category"), where="null")
    settled = {**stored_options(stored), **changed, "max_epochs": max_epochs or _epochs(min(adata.n_obs, max_cells))}
    for name in ("labels_key", "unlabelled_category"):
        settled.pop(name, None)
    if settled.get("init") in adata.obsm:
        settled["init"] = "auto"
    refit = Refit.of(adata, settled, n_jobs=n_jobs)
    start = time.perf_counter()
    cells, renaming, *shuffles = resolve_rng(rng).spawn(2 + n_permutations)
    refit = _to_permute(refit, max_cells, cells)
    seed = draw_seed(cells)
    strata = depth_strata(refit, n_strata)
    rows: list[tuple[str, Figures]] = []
    with FitsBar(n_permutations + 2, show=progress) as bar:
        model = refit.fit(seed)
        activations = refit.place(model)
        rows.append(("observed", figures(model, activations)))
        bar.done("observed")
        steps, ties = graph_steps(model.fitted.graph), np.asarray(model.fitted.ties, dtype=np.float64)
        adjacency = model.fitted.graph.adjacency
        plain = refit.fit(seed, smoothness=0)
        rows.append(("no penalty", figures(plain, refit.place(plain))))
        bar.done("no penalty")
        for own in shuffles:
            other = permuted(refit, strata, own)
            fitted = other.fit(seed)
            rows.append(("permuted data", figures(fitted, other.place(fitted))))
            bar.done("permuted data")
    for _ in range(n_permutations):
        p = renaming.permutation(len(steps))
        moran = moran_i(activations[:, p], adjacency) if adjacency.nnz else float("nan")
        rows.append(("permuted graph", {"order": order_kept(steps[np.ix_(p, p)], ties), "moran_i": moran}))
    fits = pd.DataFrame([{name: row.get(name, np.nan) for name in get_args(Statistic)} for _, row in rows])
    fits.insert(0, "kind", pd.Categorical([kind for kind, _ in rows], categories=list(dict(rows))))
    fits.index = fits.index.astype(str)
    p_values = _p_values(fits)
    verdict = _verdict(fits, p_values[statistic], statistic)
    if copy:
        adata = adata.copy()
    found = {
        "pval": p_values[statistic],
        "pvals": p_values,
        "verdict": verdict,
        "fits": fits,
        "statistic": statistic,
        "n_permutations": int(n_permutations),
    }
    write_added(adata, stored.keys, uns={"null": found})
    seconds = time.perf_counter() - start
    logger.info("%s\n    finished (%.1f s): added\n    %r (adata.uns)", verdict, seconds, stored.keys.added("null"))
    return adata if copy else None


def _to_permute(refit: Refit, most: int, rng: np.random.Generator) -> Refit:
    """The same fit of at most so many cells, whose values may be moved from one to another."""
    if refit.data.n_obs > most:
        refit = refit.take(resampled(refit.strata, rng, resample="subsample", share=most / refit.data.n_obs))
    return refit.of_counts()


def _epochs(n_obs: int) -> int:
    return math.ceil(_STEPS / math.ceil(n_obs / TrainingPlan.for_data(n_obs).batch_size))


def p_value(observed: float, null: NDArray[np.floating]) -> float:
    """Share of values at least as large as the observed one, which is one of them."""
    return float((1 + (null >= observed).sum()) / (1 + len(null)))


def _p_values(fits: pd.DataFrame) -> dict[str, float]:
    observed = fits[fits["kind"] == "observed"].iloc[0]
    result = {}
    for name in get_args(Statistic):
        result[name] = p_value(observed[name], fits.loc[fits["kind"] == "permuted data", name].to_numpy())
        if name != "explained_variance":
            result[f"{name}_graph"] = p_value(
                observed[name], fits.loc[fits["kind"] == "permuted graph", name].to_numpy()
            )
    return result


def _verdict(fits: pd.DataFrame, p: float, statistic: str) -> str:
    observed = float(fits.loc[fits["kind"] == "observed", statistic].iloc[0])
    highest = float(fits.loc[fits["kind"] == "permuted data", statistic].max())
    n = int((fits["kind"] == "permuted data").sum())
    what = _CALLED[statistic].format(observed)
    if p <= _ALPHA:
        return f"There is order in the data: the map {what}, maps of {n} permuted data at most {highest:.3f} (p = {p:.2g})."
    seen = f"the map {what}, maps of {n} permuted data up to {highest:.3f} (p = {p:.2g})."
    least = 1 / (1 + n)
    if least > _ALPHA and observed > highest:
        return f"Not decided: {seen} With {n} permutations p cannot be lower than {least:.2g}; ask for {round(1 / _ALPHA) - 1} or more."
    return f"No order that permuted data lack: {seen}"
