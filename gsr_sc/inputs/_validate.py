"""All that can be wrong with the values of an input, said before any work."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._log import warn
from ..matrices import look

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ._input import Input

logger = logging.getLogger(__name__)

_SHOWN = 5
# Squares of larger values overflow float32.
_LARGEST = 1e18


@dataclass(frozen=True)
class Facts:
    """What one pass over an input says about it.

    Attributes
    ----------
    kind
        `"counts"`: whole numbers >= 0. `"binary"`: only 0 and 1. `"unit"`: between 0 and 1. `"positive"`: >= 0.
        `"real"`: some below 0. `"whole_with_negative"`: whole numbers, some below 0.
    totals
        Sum of each row, (n_obs,).
    silent
        Which rows are all zero, (n_obs,).
    unseen
        Which columns are all zero, (n_vars,).
    """

    kind: str
    totals: NDArray[np.float64]
    silent: NDArray[np.bool_]
    unseen: NDArray[np.bool_]


def examine(data: Input, *, report: bool = True) -> Facts:
    """Look at every value once, block by block, and say what is wrong or carries nothing.

    Parameters
    ----------
    data
        The input.
    report
        Whether to warn of rows and columns that are zero throughout.

    Raises
    ------
    ValueError
        If a value is NaN, infinite or too large to be squared, or if all are zero.

    Warns
    -----
    UserWarning
        If observations or variables are zero throughout.
    """
    n_obs = data.rows.shape[0]
    totals, silent = np.zeros(n_obs), np.zeros(n_obs, dtype=bool)
    seen = np.zeros(data.rows.shape[1], dtype=bool)
    lowest, highest, whole = np.inf, -np.inf, True
    for span, block in data.rows.each(look):
        if block.not_finite is not None:
            _refuse_not_finite(block.not_finite, data, span)
        lowest, highest, whole = min(lowest, block.lowest), max(highest, block.highest), whole and block.whole
        totals[span], silent[span] = block.totals, block.silent
        seen |= block.seen
    if max(highest, -lowest) > _LARGEST:
        msg = (
            f"{data.where} holds values of up to {max(highest, -lowest):.2g}, beyond what can be squared in single "
            f"precision ({_LARGEST:.0g}). Look for values that stand for missing ones, or rescale."
        )
        raise ValueError(msg)
    if silent.all():
        msg = f"All values of {data.where} are zero: there is nothing to map. Pass another `layer=`, or read the data again."
        raise ValueError(msg)
    if report:
        where = f"zero throughout {data.where}"
        report_carrying_nothing("observation", data.obs_names[silent], where, "left out of the fit and `unassigned`")
        unseen = data.columns[~seen[data.columns]]
        consequence = "left out, with NaN in the gene programs"
        report_carrying_nothing("variable", data.var_names[unseen], where, consequence)
    # Zeros that a sparse matrix does not store are values as well.
    lowest = min(lowest, 0.0) if data.rows.is_sparse else lowest
    return Facts(_kind(lowest, highest, whole=whole), totals, silent, ~seen)


def _kind(lowest: float, highest: float, *, whole: bool) -> str:
    if lowest < 0:
        return "whole_with_negative" if whole else "real"
    if whole:
        return "counts" if highest > 1 else "binary"
    return "unit" if highest <= 1 else "positive"


def _refuse_not_finite(found: tuple[int, int, int], data: Input, span: slice) -> None:
    row, column, n = found
    msg = (
        f"{data.where} holds NaN or infinite values, such as at observation {data.obs_names[span][row]!r}, variable "
        f"{data.var_names[column]!r} ({n} within {span.stop - span.start} observations). "
        "Remove or impute them first."
    )
    raise ValueError(msg)


def report_carrying_nothing(what: str, names: pd.Index[str], why: str, consequence: str) -> None:
    """Warn of observations or variables by name; silent where there are none."""
    if len(names) == 0:
        return
    shown = ", ".join(repr(str(name)) for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    noun = f"{what}s are" if len(names) > 1 else f"{what} is"
    msg = f"{len(names)} {noun} {why}: {shown}{more}; {consequence}."
    warn(msg)


def choose_transform(transform: str | None, facts: Facts, data: Input) -> tuple[Any, bool]:
    """Settle the transform, and whether the matrix is treated as counts.

    Returns
    -------
    The kind of transform and whether the values are counts.

    Raises
    ------
    ValueError
        If the option is unknown, or cannot be used with these values.
    """
    if transform in (None, "none"):
        return "none", False
    counts = facts.kind in ("counts", "binary")
    if transform == "pearson" and not counts:
        msg = (
            f"`transform={transform!r}` needs counts (whole numbers >= 0); {data.where} holds other values. "
            "Pass the counts with `layer=`, or use `transform='combined'`."
        )
        raise ValueError(msg)
    if transform in ("pearson", "combined"):
        return transform, counts
    if transform == "auto":
        if data.is_representation or facts.kind == "unit":
            return "none", False
        if facts.kind == "whole_with_negative":
            msg = (
                f"{data.where} holds whole numbers, as counts are, but negative ones too. Correct the counts, "
                "or say `transform='zscore'` or `transform=None` if these are not counts."
            )
            raise ValueError(msg)
        if facts.kind == "counts":
            logger.info(
                "%s is read as counts: transform='combined' (z-scored logarithms and Pearson residuals)", data.where
            )
            return "combined", True
        # Of zeros and ones those that vary least are the rare ones.
        return ("zscore" if counts else "combined"), False
    return "zscore", facts.kind == "counts"
