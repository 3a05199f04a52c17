"""How far to trust a map: the same fit several times."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from .._checks import require_choice, require_number
from .._docs import doc_params
from .._log import configure
from .._random import draw_seed, resolve_rng
from ..get._trust import two_digits
from ..slots import StoredMap, write_added
from ._agreement import agreement
from ._refit import FitsBar, Refit, Resample, checked_options, resampled, stored_options

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from .._random import Rng
    from ._agreement import Agreement

logger = logging.getLogger(__name__)

# Mean correlation of neurons and of map coordinates from which a map is called so, best first.
_VERDICTS = (("Stable", 0.9, 0.95), ("Mostly stable", 0.75, 0.85), ("Unstable", -1.0, -1.0))
# A group moves if its cells are less reproducible than this, and than those of the whole map by so much.
_MOVING, _WORSE = 0.8, 0.05
_MAX_NAMED = 5


@doc_params()
def stability(
    adata: AnnData,
    *,
    n_fits: int = 5,
    resample: Resample | None = "subsample",
    share: float = 0.8,
    key: str | None = None,
    rng: Rng = 0,
    n_jobs: int | None = None,
    progress: bool | None = None,
    copy: bool = False,
    **options: Any,
) -> AnnData | None:
    """Fit the stored map again from other seeds and on other cells, and say what of it comes out the same.

    Every refit has a seed of its own and, unless `resample` is None, is trained on cells drawn anew; then all cells are
    placed. Refits are turned onto the stored map by the symmetry of the graph that fits best
    (:func:`gsr_sc.graphs.align`; neurons of a learned graph by assignment), as a mirrored map is the same map.

    Parameters
    ----------
    adata
        Annotated data with a fitted map: those of the fit, or read back from a file.
    n_fits
        Number of refits.
    resample
        `"subsample"`: each refit sees `share` of the cells; `"bootstrap"`: as many cells as there are, drawn with
        replacement, so that held-out cells may be copies of training cells; None: all cells, so that fits differ in the
        seed alone. Of every batch and label some cells are drawn.
    share
        Share of the cells in a subsample.
    {key}
    rng
        Seed or generator of the draws of cells and of the seeds.
    n_jobs
        Number of threads, as in :func:`gsr_sc.tl.fit`; fits are made one after the other.
    {progress}
    {copy}
    **options
        Options of :func:`gsr_sc.tl.fit` to change in the refits, such as `max_epochs`. All others, the graph and the genes
        are those of the stored map; the smoothness is the one that it was found to bear.

    Returns
    -------
    None, or the annotated copy. These fields are set, after the last fit; an interrupted call leaves nothing:

    `.obsm["X_gsr_consensus"]`
        Coordinates of the mean of all fits, the stored one among them, on the layout of the stored map; float32 (n_obs, 2).
    `.obs["gsr_reproducibility"]`
        1 where a cell has the place of the stored map in every refit, 0 where it is no nearer to it than a cell drawn at
        random; places are compared in steps on the graph.
    `.uns["gsr_stability"]`
        `verdict` in words; `neurons`: mean correlation over cells of each neuron with its counterparts, (n_neurons,), NaN
        for neurons that are dead in every fit; `between_neurons`, `between_maps`: agreement of every two fits, the
        stored map first, as :func:`gsr_sc.metrics.seed_agreement` measures it; `mean_neurons` and `mean_map`, the means
        of their first rows, and `mean_cells`; `moving`: indicator groups whose cells do not keep their places; `edges`:
        of a learned graph, the share of the weight of its edges that is found again in each refit;
        `explained_variance` of the refits, held out; `n_fits`, `resample`, `share`.

    Raises
    ------
    KeyError
        If no map is stored under `key`.
    TypeError
        If an option is none of `tl.fit`, or is `graph` or `n_neurons`: maps on different graphs cannot be compared.
    ValueError
        If an option is wrong, or the variables of the fit are not all there.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_line(200, 40)
    >>> gsr_sc.tl.fit(adata, graph="line", max_epochs=3)
    >>> gsr_sc.tl.stability(adata, n_fits=2)
    >>> adata.uns["gsr_stability"]["between_maps"].shape
    (3, 3)
    """
    configure()
    stored = StoredMap(adata, key)
    require_number("n_fits", n_fits, lowest=1, whole=True)
    require_choice("resample", resample, [*get_args(Resample), None])
    require_number("share", share, above=0, highest=1)
    changed = checked_options(options, refused=("graph", "n_neurons"), where="stability")
    refit = Refit.of(adata, {**stored_options(stored), **changed}, n_jobs=n_jobs)
    start = time.perf_counter()
    generator = resolve_rng(rng)
    strata = refit.strata
    fits, graphs, explained = list[Any](), list[Any](), list[float]()
    with FitsBar(n_fits, show=progress) as bar:
        for own in generator.spawn(n_fits):
            rows = resampled(strata, own, resample=resample, share=share)
            model = (refit if resample is None else refit.take(rows)).fit(draw_seed(own))
            fits.append(refit.place(model))
            graphs.append(model.fitted.graph)
            explained.append(model.fitted.quality["explained_variance"])
            bar.done(f"explained variance {explained[-1]:.3f}")
    found = agreement(stored.graph, stored.activations, fits, graphs, rng=generator)
    moving = _moving(stored, found.cells)
    summary = {
        "mean_neurons": float(found.between_neurons[0, 1:].mean()),
        "mean_map": float(found.between_maps[0, 1:].mean()),
        "mean_cells": float(found.cells.mean()),
    }
    verdict = _verdict(found, summary, moving, learned=stored.graph.kind == "learned")
    if copy:
        adata = adata.copy()
    write_added(
        adata,
        stored.keys,
        uns={
            "stability": {
                "verdict": verdict,
                **summary,
                "neurons": found.neurons,
                "between_neurons": found.between_neurons,
                "between_maps": found.between_maps,
                "edges": found.edges,
                "explained_variance": np.array(explained),
                "moving": np.array(moving, dtype=object),
                "n_fits": int(n_fits),
                "resample": "none" if resample is None else resample,
                "share": float(share) if resample == "subsample" else 1.0,
            }
        },
        obs={"reproducibility": found.cells},
        obsm={"consensus": found.consensus},
    )
    logger.info(
        "%s\n    finished (%.1f s): added\n    %r (adata.obs)\n    %r (adata.obsm)\n    %r (adata.uns)",
        verdict,
        time.perf_counter() - start,
        stored.keys.added("reproducibility"),
        stored.keys.added_obsm("consensus"),
        stored.keys.added("stability"),
    )
    return adata if copy else None


def _moving(stored: StoredMap, cells: NDArray[np.float64]) -> list[str]:
    """Groups whose cells do not keep their places, the worst first."""
    cluster = stored.cluster.astype(str).to_numpy()
    means = {name: float(cells[cluster == name].mean()) for name in stored.groups if (cluster == name).any()}
    least = min(_MOVING, float(cells.mean()) - _WORSE)
    return sorted((name for name, mean in means.items() if mean < least), key=lambda name: means[name])


def _verdict(found: Agreement, summary: dict[str, float], moving: list[str], *, learned: bool) -> str:
    neurons, place = summary["mean_neurons"], summary["mean_map"]
    word = next((word for word, least, least_map in _VERDICTS if neurons >= least and place >= least_map), "Unstable")
    text = f"{word}: neurons {two_digits(neurons)}, map {two_digits(place)} over {len(found.edges)} refits"
    if learned:
        text += f", edges in common {two_digits(float(found.edges.mean()))}"
    if moving:
        listed = [*moving[:_MAX_NAMED], *([f"{len(moving) - _MAX_NAMED} more"] if len(moving) > _MAX_NAMED else [])]
        names = listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
        text += f"; group {names} moves" if len(moving) == 1 else f"; groups {names} move"
    return f"{text}."
