"""Cells of the reference that those of a query can be judged by: of the data of the fit, or those that the model keeps."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..inputs import VAR_NAMES, Match, read_known_conditions
from ..stats import kept_scores
from ._placing import find_genes, open_source
from ._prepare import split
from ._residuals import depth, measures

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from ..inputs import Input
    from ..matrices import MatrixSource, Rows
    from ..stats import Novelty
    from ._fitted import Fitted

logger = logging.getLogger(__name__)

# How far scores of the same cells may differ between machines.
_SAME = 0.02


class Peers(NamedTuple):
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


def find_peers(state: Fitted, match: Match, reference: tuple[AnnData, Input] | None) -> Peers | None:
    """Cells to judge those of a query by, seen through the variables that it has; None if there are none.

    Parameters
    ----------
    state
        The fitted model.
    match
        Where the variables of the query are.
    reference
        What the model was fitted on; without it, or if it is something else, the cells that the model keeps stand for it.
    """
    peers = None if reference is None else _of_reference(state, match, reference)
    if peers is not None or state.sample is None:
        return peers
    source = state.sample.source(state.transform, match.found)
    return Peers(source, state.sample.rows(), np.arange(len(source)), np.arange(state.sample.n_held_out))


def _of_reference(state: Fitted, match: Match, reference: tuple[AnnData, Input]) -> Peers | None:
    """The rows of the reference; None if it is not what the model was fitted on."""
    found = _held_out(state, *reference)
    if found is None:
        return None
    held_out, conditions = found
    source, silent = open_source(state, reference[1], _same_genes(state, match, reference[1]), conditions)
    return Peers(source, reference[1].rows, np.flatnonzero(~silent), held_out)


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
