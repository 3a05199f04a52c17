"""Normalised values, logarithms or not, as the counts that they are of."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .._log import warn
from ..matrices import BASES, NO_LOGARITHM, abundances, unlogged

if TYPE_CHECKING:
    from ._input import Input
    from ._validate import Facts

logger = logging.getLogger(__name__)

# With these transforms logarithms of counts are counts; the others take them as they are.
_READING_BACK = ("auto", "pearson")
# Likelihoods that can be of counts.
_OF_COUNTS = ("auto", "gaussian", "nb", "poisson")
# Values up to one of fewer variables are no counts over their total.
_FEW_SHARES = 100


class Counts(NamedTuple):
    """Values as counts.

    Attributes
    ----------
    data, facts
        The counts, and what is known of them.
    unlogged
        `"exactly"` if they are those that the values are logarithms of; `"roughly"` if they are abundances in units
        that are somewhere near a count; `"no"` if nothing had to be done.
    base
        Of the logarithm; None of values that are none.
    """

    data: Input
    facts: Facts
    unlogged: Literal["no", "exactly", "roughly"] = "no"
    base: float | None = None


def as_counts(data: Input, facts: Facts, *, transform: str | None = "auto", likelihood: str = "auto") -> Counts:
    """The counts that normalised values are of, for a fit with these options.

    Values are left alone if the options take them as they are, or if they are neither counts that were scaled nor logarithms of
    such, which are undone without loss. Of corrected or imputed counts, and of values divided by the lengths of genes, some are
    no multiples of any unit; they become abundances, in which the noise still depends on the depth.
    """
    as_it_is = Counts(data, facts)
    if transform not in _READING_BACK or likelihood not in _OF_COUNTS or not _may_be_normalised(data, facts):
        return as_it_is
    # Shares of few things, as of the kinds of neighbours, need not be of anything that was counted.
    bases = BASES if facts.kind == "unit" and data.rows.shape[1] < _FEW_SHARES else (NO_LOGARITHM, *BASES)
    if (found := unlogged(data.rows, bases=bases)) is not None:
        what = "scaled counts" if found[0].base is NO_LOGARITHM else "logarithms of scaled counts"
        logger.info("%s holds %s: the counts are read back", data.where, what)
        return _with(as_it_is, *found, "exactly")
    # Values up to 1 are brightness or shares: the logarithm of an abundance that is worth the name is more somewhere.
    rough = transform == "auto" and likelihood in ("auto", "gaussian") and facts.kind != "unit"
    if rough and (found := abundances(data.rows)) is not None:
        logger.info(
            "%s seems to hold %sabundances that are no counts: scaled to about the depth of each observation",
            data.where,
            "" if found[0].base is NO_LOGARITHM else "logarithms of ",
        )
        return _with(as_it_is, *found, "roughly")
    return as_it_is


def as_counts_of_fit(data: Input, facts: Facts, params: dict[str, Any]) -> Counts:
    """The same for values that go into a model with these parameters: as those of its fit, or as near to them as can be.

    Warns
    -----
    UserWarning
        If the model was fitted on counts, and only something like them can be had.
    """
    as_it_is = Counts(data, facts)
    if not params["counts"] or not _may_be_normalised(data, facts):
        return as_it_is
    roughly = params.get("unlogged") == "roughly"
    if not roughly and (found := unlogged(data.rows, expected=True)) is not None:
        return _with(as_it_is, *found, "exactly")
    bases = (params.get("log_base"),) if roughly else (NO_LOGARITHM, *BASES)
    if (found := abundances(data.rows, bases=bases, expected=True)) is None:
        return as_it_is
    if not roughly:
        warn(
            f"{data.where} holds values that are not whole numbers >= 0, nor logarithms of such that were scaled (as by "
            "`sc.pp.normalize_total` and `sc.pp.log1p`), but the model was fitted on counts. They are taken for "
            f"{'' if found[0].base is NO_LOGARITHM else 'logarithms of '}abundances; pass the counts, if there are any."
        )
    return _with(as_it_is, *found, "roughly")


def _may_be_normalised(data: Input, facts: Facts) -> bool:
    return not data.is_representation and facts.kind in ("positive", "unit")


def _with(before: Counts, rows: Any, totals: Any, how: Literal["exactly", "roughly"]) -> Counts:
    data, facts = replace(before.data, rows=rows), replace(before.facts, kind="counts", totals=totals)
    return Counts(data, facts, how, rows.base)
