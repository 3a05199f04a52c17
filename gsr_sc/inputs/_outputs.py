"""Which values go with which likelihood, in a fit and when cells are placed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..nn._likelihoods import LikelihoodKind
    from ._input import Input
    from ._validate import Facts

logger = logging.getLogger(__name__)

# Kinds of values, see `Facts`, that are also values of these likelihoods.
_ALLOWED: dict[LikelihoodKind, tuple[str, ...]] = {
    "nb": ("counts", "binary"),
    "poisson": ("counts", "binary"),
    "bernoulli": ("binary", "unit"),
}
_NEEDS = {
    "nb": "counts (whole numbers >= 0)",
    "poisson": "counts (whole numbers >= 0)",
    "bernoulli": "values between 0 and 1",
}
_REMEDY = {
    "nb": "Pass the counts with `layer=`, round them if they are estimates, or use `likelihood='gaussian'`.",
    "poisson": "Pass the counts with `layer=`, round them if they are estimates, or use `likelihood='gaussian'`.",
    "bernoulli": "Divide them by their largest possible value, or use `likelihood='gaussian'`.",
}


def choose_likelihood(likelihood: str, facts: Facts, data: Input) -> LikelihoodKind:
    """Settle what the decoder's output is compared by.

    Raises
    ------
    ValueError
        If the values do not allow it.
    """
    if likelihood == "auto":
        logger.info("    likelihood 'gaussian': squared error on the scale of the encoder")
        return "gaussian"
    kind: LikelihoodKind = likelihood  # type: ignore[assignment]
    if facts.kind not in _ALLOWED.get(kind, (facts.kind,)):
        msg = f"`likelihood={kind!r}` needs {_NEEDS[kind]}; {data.where} holds other values. {_REMEDY[kind]}"
        raise ValueError(msg)
    return kind


def require_same_values(params: dict[str, Any], facts: Facts, data: Input) -> None:
    """Raise if a matrix clearly holds other values than the one that a model with these parameters was fitted on.

    Raises
    ------
    ValueError
        If one holds counts and the other does not, or values have to be shares and are not.
    """
    before, now = params.get("values"), facts.kind
    if (params["counts"] or before == "counts") and now not in ("counts", "binary"):
        msg = (
            f"The model was fitted on counts, but {data.where} holds values that are neither whole numbers >= 0 nor logarithms. "
            "Pass the counts: in X, or in the layer that the model was fitted on."
        )
        raise ValueError(msg)
    if before in ("counts", "positive", "unit", "binary") and now in ("real", "whole_with_negative"):
        msg = (
            f"{data.where} holds values below zero, but the model was fitted on values that are not: were these scaled? "
            "Pass the values as they were before, in X or in a layer."
        )
        raise ValueError(msg)
    if before in ("positive", "unit", "real") and now == "counts":
        msg = (
            f"{data.where} holds counts, but the model was fitted on values that are not whole numbers. Transform them in "
            "the same way first (such as `sc.pp.normalize_total` and `sc.pp.log1p`), or fit a model on counts."
        )
        raise ValueError(msg)
