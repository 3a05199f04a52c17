"""How strange the cells of a query look beside the held-out cells of the reference, all of them seen in the same way."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..inputs import VAR_NAMES, Match, read_known_conditions
from ..slots import STRANGE
from ..stats import kept_scores, shared_axes, shift_agreement
from ._placing import find_genes, open_source
from ._prepare import split
from ._residuals import Left, calibrated, depth, left_unexplained, measures

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from ..inputs import Input
    from ..matrices import MatrixSource, Rows
    from ..stats import Novelty
    from ._fitted import Fitted

logger = logging.getLogger(__name__)

# So many cells of each side say what they have in common, and so many values of them are looked at.
_MAX_ROWS = 1000
_MAX_VALUES = 10_000_000
# Two halves of cells that are not strange alone agree on a shift by less than .3 if they are of the reference, on that of another
# batch by .4 and more.
_SHIFTED = 0.4
# How far scores of the same cells may differ between machines.
_SAME = 0.02


class Beside(NamedTuple):
    """Novelty of the cells of a query, (n_obs,), by how many cells it was judged, and whether they were looked at together."""

    novelty: NDArray[np.float64]
    n_held_out: int
    together: bool


class _Peers(NamedTuple):
    """Cells of the reference, read through the variables that a query has.

    Attributes
    ----------
    source, rows
        The cells as the network reads them, and the matrix that this comes from.
    usual, held_out
        Sorted numbers of those that carry something, and of those that were held out of the fit.
    """

    source: MatrixSource
    rows: Rows
    usual: NDArray[np.intp]
    held_out: NDArray[np.intp]


def beside_reference(
    state: Fitted,
    source: MatrixSource,
    silent: NDArray[np.bool_],
    match: Match,
    reference: tuple[AnnData, Input] | None,
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
        What the model was fitted on; without it, the cells that the model keeps stand for it.
    together
        Whether what the network leaves unexplained of several cells alike counts too; not if it leaves it of all of them.

    Returns
    -------
    None if there are no cells of the reference.
    """
    peers = None if reference is None else _of_reference(state, match, reference)
    if peers is None and state.sample is not None:
        rows, kept = state.sample.rows(), state.sample.source(state.transform, match.found)
        peers = _Peers(kept, rows, np.arange(len(kept)), np.arange(state.sample.n_held_out))
    if peers is None or state.novelty is None:
        return None
    novelty, values = _judged(state, source, peers, None)
    useful = np.flatnonzero(~silent)
    if not together or not len(useful):
        return Beside(values, novelty.n_held_out, together=False)
    most = min(_MAX_ROWS, _MAX_VALUES // source.n_inputs)

    def look(at: MatrixSource, rows: NDArray[np.intp]) -> Left:
        assert state.novelty is not None
        return left_unexplained(state.network, at, state.novelty, at.sample(rows, most))

    # A type that the reference lacks shifts groups too where most cells are of it: what is strange alone is not asked.
    unsuspected = useful[values[useful] < STRANGE]
    if len(unsuspected) and _shift(state, look(source, unsuspected), look(peers.source, peers.usual)) >= _SHIFTED:
        logger.info("The query as a whole differs from the reference, as another batch does: each cell is judged alone")
        return Beside(values, novelty.n_held_out, together=False)
    mine, known = look(source, useful), look(peers.source, peers.held_out)
    shared = shared_axes(np.concatenate([known.residuals, mine.residuals]))
    return Beside(_judged(state, source, peers, shared)[1], novelty.n_held_out, together=True)


def _judged(
    state: Fitted, source: MatrixSource, peers: _Peers, shared: NDArray[np.float32] | None
) -> tuple[Novelty, NDArray[np.float64]]:
    assert state.novelty is not None
    novelty = calibrated(state.network, peers.source, peers.rows, state.novelty, peers.held_out, shared=shared)
    return novelty, novelty(measures(state.network, source, state.novelty, shared=shared), depth(source))


def _shift(state: Fitted, mine: Left, usual: Left) -> float:
    return shift_agreement(mine.residuals, state.group[mine.neurons], usual.residuals, state.group[usual.neurons])


def _of_reference(state: Fitted, match: Match, reference: tuple[AnnData, Input]) -> _Peers | None:
    """The rows of the reference; None if it is not what the model was fitted on."""
    found = _held_out(state, *reference)
    if found is None:
        return None
    held_out, conditions = found
    source, silent = open_source(state, reference[1], _same_genes(state, match, reference[1]), conditions)
    return _Peers(source, reference[1].rows, np.flatnonzero(~silent), held_out)


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
        logger.info("`reference` is not what the model was fitted on: novelty does not look at it")
        return None
    conditions, _ = read_known_conditions(adata, state.batches, usual=usual_conditions(state))
    try:
        source, silent = open_source(state, data, find_genes(state, data), conditions)
    except ValueError as error:
        logger.info("`reference` has not the values of the fit (%s): novelty does not look at it", error)
        return None
    held_out = split(np.flatnonzero(~silent))[1]
    if not _as_they_were(state, state.novelty, source, held_out):
        logger.info("Values or rows of `reference` are not those of the fit: novelty does not look at it")
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
