"""Placing observations that a model was not made for: other genes, other batches, other cells."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._log import warn
from ..inputs import VAR_NAMES, listed, names_of, read_known_conditions
from ._beside import beside_reference
from ._fitted import encode
from ._peers import usual_conditions
from ._placing import find_genes, open_source
from ._residuals import depth, measures

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

    from ..inputs import Input, Match
    from ..matrices import MatrixSource
    from ._fitted import Fitted

logger = logging.getLogger(__name__)

# Mean values of a query relative to the reference beyond which they were probably normalised in another way.
_OTHER_SCALE = 1.5


@dataclass(frozen=True, kw_only=True)
class PlacedQuery:
    """Where the observations of a query are, and how strange they look there.

    Attributes
    ----------
    activations, silent, columns
        See :class:`~gsr_sc.model._placing.Placed`.
    novelty
        Share of held-out reference cells that look less strange, (n_obs,); NaN where it cannot be told.
    report
        How the variables were matched, for `.uns`.
    """

    activations: NDArray[np.float32]
    silent: NDArray[np.bool_]
    columns: NDArray[np.intp]
    novelty: NDArray[np.float64]
    report: dict[str, Any]


def place_query(
    state: Fitted,
    adata: AnnData,
    data: Input,
    *,
    var_key: str | None,
    min_overlap: float,
    reference: tuple[AnnData, Input] | None = None,
    together: bool = True,
) -> PlacedQuery:
    """Place the rows of an input that may lack some variables, and have others.

    Novelty is judged by held-out cells seen in the same way, those of the `reference` that the model was fitted on or those that
    it keeps, and by what cells have in common if they are looked at `together`.

    Raises
    ------
    KeyError
        If a column does not exist.
    ValueError
        If too few variables are there, names are not unique, or values are of another kind than those of the fit.
    """
    names = data.var_names if data.is_representation else names_of(adata, var_key)
    match = find_genes(state, data, names, var_key=var_key)
    share = float(match.found.mean())
    if share < min_overlap or not match.found.any():
        _refuse(state, names, match, min_overlap, var_key)
    conditions, unseen = read_known_conditions(adata, state.batches, usual=usual_conditions(state))
    if unseen:
        warn(
            f"The model has not seen these batches: {listed(unseen)}. Their observations are placed as the mean of those it "
            "knows; what sets the new batches apart stays in their places and in their novelty."
        )
    source, silent = open_source(state, data, match, conditions)
    _compare_scale(state, source, match, data)
    missing = state.var_names[~match.found]
    n_extra = len(names) - int(match.found.sum())
    logger.info(
        "%d of the %d variables that the model reads are there%s, %d others are not used",
        match.found.sum(),
        len(match.found),
        "" if not len(missing) else f" ({len(missing)} missing: {listed(missing)})",
        n_extra,
    )
    activations = encode(state.network, source)
    novelty = np.full(len(activations), np.nan)
    n_reference, beside = 0, None
    if state.novelty is None:
        logger.warning(
            "the model does not know what is usual: novelty is NaN (fit it anew, with 190 observations or more)"
        )
    else:
        beside = beside_reference(state, source, silent, match, reference, together=together)
        if beside is None:
            if together:
                logger.info(
                    "Each cell is judged alone: new types are recognised better with the data of the fit as `reference`, "
                    "or by a model that was saved with `cells=True`"
                )
            novelty = state.novelty(measures(state.network, source, state.novelty), depth(source))
            n_reference = state.novelty.n_held_out
        else:
            novelty, n_reference = beside.novelty, beside.n_held_out
        novelty[silent] = np.nan
    report = {
        "n_variables": len(match.found),
        "n_matched": int(match.found.sum()),
        "n_extra": n_extra,
        "missing_share": 1 - share,
        "missing": np.array([str(name) for name in missing], dtype=object),
        "matched_by": VAR_NAMES if var_key is None else var_key,
        "matched_to": match.by,
        "n_novelty_reference": n_reference,
        "judged_together": beside is not None and beside.together,
        "unseen_batches": np.array(unseen, dtype=object),
    }
    return PlacedQuery(activations=activations, silent=silent, columns=match.columns, novelty=novelty, report=report)


def _refuse(state: Fitted, names: pd.Index[str], match: Match, min_overlap: float, var_key: str | None) -> None:
    n_found, n_read = int(match.found.sum()), len(match.found)
    where = ".var_names" if var_key is None else f".var[{var_key!r}]"
    # Those that both have tell nothing of what is wrong.
    unmatched, others = state.var_names[~match.found], names[~names.isin(state.var_names)]
    has = f", the data {listed(others[:3])}" if len(others) else ", the data nothing else"
    msg = (
        f"{n_found} of the {n_read} variables that the model reads are in {where} ({n_found / n_read:.0%}); `min_overlap` "
        f"asks for {min_overlap:.0%}. Unmatched, the model has {listed(unmatched[:3])}{has}. "
        "If a column of .var holds such names, pass it as `var_key`; else fit on the shared variables."
    )
    raise ValueError(msg)


def _compare_scale(state: Fitted, source: MatrixSource, match: Match, data: Input) -> None:
    """Warn of logarithms on another scale, such as of counts per million instead of ten thousand."""
    transform = state.transform
    if transform.kind not in ("zscore", "combined") or transform.counts or state.params.get("values") != "positive":
        return
    usual = float(transform.mean[match.found].mean(dtype=np.float64))
    rows = data.rows.sample(np.arange(len(source)), 2000)
    mean = float(source.observed(rows).mean(dtype=np.float64))
    if not 1 / _OTHER_SCALE < mean / max(usual, 1e-12) < _OTHER_SCALE:
        warn(
            f"Values of {data.where} are on average {mean / max(usual, 1e-12):.2g} times those that the model was fitted on. "
            "Were they normalised to another total, or is the logarithm another one? The map expects the same."
        )
