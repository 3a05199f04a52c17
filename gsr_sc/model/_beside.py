"""How strange the cells of a query look beside the held-out cells of the reference, all of them seen in the same way."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..inputs import VAR_NAMES, Match, read_known_conditions
from ..stats import kept_scores, shared_axes, shift_agreement
from ._placing import find_genes, open_source
from ._prepare import split
from ._residuals import calibrated, depth, left_unexplained, measures

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from ..inputs import Input
    from ..matrices import MatrixSource
    from ..stats import Novelty
    from ._fitted import Fitted

logger = logging.getLogger(__name__)

# So many cells of each side say what they have in common, and so many values of them are looked at.
_MAX_ROWS = 1000
_MAX_VALUES = 10_000_000
# Two halves of the same cells agree on a shift by less than .4, on that of another batch by .7 and more; between are batches that
# change too little to matter.
_SHIFTED = 0.6
# How far scores of the same cells may differ between machines.
_SAME = 0.02


class Beside(NamedTuple):
    """Novelty of the cells of a query, (n_obs,), by how many cells it was judged, and whether they were looked at together."""

    novelty: NDArray[np.float64]
    n_held_out: int
    together: bool


def beside_reference(
    state: Fitted,
    source: MatrixSource,
    silent: NDArray[np.bool_],
    match: Match,
    reference: tuple[AnnData, Input],
    *,
    together: bool,
) -> Beside | None:
    """Novelty of the rows of a query by the cells held out of the fit, seen through the variables that the query has.

    Parameters
    ----------
    state
        The fitted model, which knows what is usual.
    source, silent, match
        Rows of the query, which of them carry nothing, and where their variables are.
    reference
        What the model was fitted on.
    together
        Whether what the network leaves unexplained of several cells alike counts too; not if it leaves it of all of them.

    Returns
    -------
    None if `reference` is not what the model was fitted on.
    """
    found = _held_out(state, *reference)
    if found is None or state.novelty is None:
        return None
    held_out, conditions = found
    theirs, theirs_silent = open_source(state, reference[1], _same_genes(state, match, reference[1]), conditions)
    shared = None
    useful = np.flatnonzero(~silent)
    if together and len(useful):
        look = partial(left_unexplained, state.network, usual=state.novelty)
        most = min(_MAX_ROWS, _MAX_VALUES // source.n_inputs)
        mine = look(source=source, rows=source.sample(useful, most))
        usual = look(source=theirs, rows=theirs.sample(np.flatnonzero(~theirs_silent), most))
        shift = shift_agreement(mine.residuals, state.group[mine.neurons], usual.residuals, state.group[usual.neurons])
        together = shift < _SHIFTED
        if together:
            known = look(source=theirs, rows=theirs.sample(held_out, most))
            shared = shared_axes(np.concatenate([known.residuals, mine.residuals]))
        else:
            logger.info(
                "The query as a whole differs from the reference, as another batch does: each cell is judged alone"
            )
    novelty = calibrated(state.network, theirs, reference[1].rows, state.novelty, held_out, shared=shared)
    values = novelty(measures(state.network, source, state.novelty, shared=shared), depth(source))
    return Beside(values, novelty.n_held_out, shared is not None)


def usual_conditions(state: Fitted) -> NDArray[np.float32] | None:
    """What the network is told of cells of which nothing is known."""
    usual = state.network.usual
    return None if usual is None else usual.cpu().numpy()


def _held_out(state: Fitted, adata: AnnData, data: Input) -> tuple[NDArray[np.intp], NDArray[np.float32] | None] | None:
    """Rows that were held out of the fit, and what the network is told of all rows; None if these are other data."""
    columns, n_obs = state.transform.columns, state.params.get("n_obs")
    counted = None if state.genes is None else state.genes.share
    same = n_obs == data.rows.shape[0] and columns[-1] < len(data.var_names)
    same &= counted is None or len(counted) == len(data.var_names)
    if not same or not data.var_names[columns].equals(state.var_names) or state.novelty is None:
        logger.info("`reference` is not what the model was fitted on: each cell is judged alone")
        return None
    conditions, _ = read_known_conditions(adata, state.batches, usual=usual_conditions(state))
    try:
        source, silent = open_source(state, data, find_genes(state, data), conditions)
    except ValueError as error:
        logger.info("`reference` has not the values of the fit (%s): each cell is judged alone", error)
        return None
    held_out = split(np.flatnonzero(~silent))[1]
    if not _as_they_were(state, state.novelty, source, held_out):
        logger.info("Values or rows of `reference` are not those of the fit: each cell is judged alone")
        return None
    return held_out, conditions


def _as_they_were(state: Fitted, novelty: Novelty, source: MatrixSource, held_out: NDArray[np.intp]) -> bool:
    if len(held_out) != novelty.n_held_out:
        return False
    scores = kept_scores(novelty.score(measures(state.network, source, novelty, held_out), depth(source, held_out)))
    return bool(np.quantile(np.abs(scores - novelty.scores), 0.9) < _SAME)


def _same_genes(state: Fitted, match: Match, data: Input) -> Match:
    """Where in the reference those variables are that a query has, as if it had no others."""
    columns = state.transform.columns
    own = Match(columns=columns, counted=None, share=1.0, by=VAR_NAMES)
    if match.there is None or (match.found.all() and match.share == 1):
        return own
    own = replace(own, columns=np.where(match.found, columns, -1))
    if match.counted is None:
        return own
    order = np.concatenate([columns, np.setdiff1d(np.arange(data.rows.shape[1]), columns)])
    return replace(own, counted=np.sort(order[match.there]), share=match.share)
