"""How strange the cells of a query look beside the held-out cells of the reference, all of them seen in the same way."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..slots import STRANGE
from ..stats import Company, Together, common_excess, shared_axes, shift_agreement
from ._peers import find_peers
from ._residuals import calibrated, depth, left_unexplained, measures, places

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from ..inputs import Input, Match
    from ..matrices import MatrixSource
    from ._fitted import Fitted
    from ._peers import Peers
    from ._residuals import Left, Places

logger = logging.getLogger(__name__)

# So many cells of each side say what they leave unexplained in common, and so many values of them are looked at; so many of
# each side are the company that others keep.
_MAX_ROWS, _MAX_COMPANY = 1000, 3000
_MAX_VALUES = 10_000_000
# Cells of the reference agree on a shift by less than .2 from one half of them to the other, those of another batch by .3 and
# more.
_SHIFTED = 0.3
# Logarithm of how many times more cells of a query are around its own in nearly all groups: 4.3 to 4.7 where it is of another
# chemistry, up to 2.7 where it is three times as deep or a third as deep. That much is taken off.
_CROWDED = 3.0
# Cells that are more among cells of the query than this share of held-out ones may be of a new type.
_AMONG_OWN = 0.95


class Beside(NamedTuple):
    """Novelty of the cells of a query, (n_obs,), by how many cells it was judged, and whether they were looked at together."""

    novelty: NDArray[np.float64]
    n_held_out: int
    together: bool


class _Shared(NamedTuple):
    """What cells of a query have in common, and how much more than the reference nearly all of them are among themselves."""

    together: Together
    excess: float


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
        Whether what several cells show alike counts too; not if nearly all of them do.

    Returns
    -------
    None if there are no cells of the reference.
    """
    peers = find_peers(state, match, reference)
    if peers is None or state.novelty is None:
        return None
    usual = state.novelty
    novelty = calibrated(state.network, peers.source, peers.rows, usual, peers.held_out)
    at = depth(source)
    alone = Beside(novelty(measures(state.network, source, usual), at), novelty.n_held_out, together=False)
    useful = np.flatnonzero(~silent)
    if not together or not len(useful):
        return alone
    found = _in_common(state, source, useful, alone.novelty, peers)
    if found is None:
        logger.info("The query as a whole differs from the reference, as another batch does: each cell is judged alone")
        return alone
    novelty = calibrated(state.network, peers.source, peers.rows, usual, peers.held_out, shared=found.together)
    values = measures(state.network, source, usual, shared=found.together)
    values[:, -1] -= found.excess
    return Beside(novelty(values, at), novelty.n_held_out, together=True)


def _in_common(
    state: Fitted,
    source: MatrixSource,
    useful: NDArray[np.intp],
    alone: NDArray[np.float64],
    peers: Peers,
) -> _Shared | None:
    """What the useful rows of a query have in common; None if they differ from the reference as another batch does."""
    usual = state.novelty
    assert usual is not None

    def left(at: MatrixSource, rows: NDArray[np.intp]) -> Left:
        most = min(_MAX_ROWS, _MAX_VALUES // source.n_inputs)
        return left_unexplained(state.network, at, usual, at.sample(rows, most))

    def placed(at: MatrixSource, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], Places]:
        rows = at.sample(rows, _MAX_COMPANY)
        return rows, places(state.network, at, usual, rows, shared_axes=axes)

    residuals = [left(peers.source, peers.held_out).residuals, left(source, useful).residuals]
    axes = shared_axes(np.concatenate(residuals))
    trained_on = np.setdiff1d(peers.usual, peers.held_out)
    company = Company.of(placed(source, useful)[1].points, placed(peers.source, trained_on)[1].points)
    held_out = placed(peers.source, peers.held_out)[1]
    # What is strange alone, or among its own kind as a new type is, is not asked whether the query as a whole is another batch.
    unsuspected, excess = useful[alone[useful] < STRANGE], 0.0
    if len(unsuspected):
        unsuspected, there = placed(source, unsuspected)
        own, others = company(there.points), company(held_out.points)
        excess = common_excess(own, state.group[there.neurons], others, state.group[held_out.neurons])
        if excess >= _CROWDED:
            return None
        unsuspected = unsuspected[own - excess <= np.quantile(others, _AMONG_OWN)]
    if len(unsuspected):
        mine, known = left(source, unsuspected), left(peers.source, peers.usual)
        groups = state.group[mine.neurons], state.group[known.neurons]
        if shift_agreement(mine.residuals, groups[0], known.residuals, groups[1]) >= _SHIFTED:
            return None
    return _Shared(Together(axes, company), excess)
