"""Placing observations on a map: their variables found, their rows read as the network reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..inputs import VAR_NAMES, Genes, Match, as_counts_of_fit, examine, listed, match_genes, require_same_values
from ..matrices import MatrixSource, PartialSource
from ._fitted import Fitted, encode

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from ..inputs import Input


class Placed(NamedTuple):
    """Where observations are.

    Attributes
    ----------
    activations
        (n_obs, n_neurons).
    silent
        Which observations carry nothing, (n_obs,).
    columns
        Column of each variable that the model reads, -1 where it is missing, (n_inputs,).
    """

    activations: NDArray[np.float32]
    silent: NDArray[np.bool_]
    columns: NDArray[np.intp]


def place(state: Fitted, data: Input, conditions: NDArray[np.float32] | None = None) -> Placed:
    """Place the rows of an input that has all variables.

    Raises
    ------
    KeyError
        If variables are missing.
    ValueError
        If the values are of another kind than those of the fit.
    """
    match = find_genes(state, data)
    _require_all(state, match)
    source, silent = open_source(state, data, match, conditions)
    return Placed(encode(state.network, source), silent, match.columns)


def open_source(
    state: Fitted, data: Input, match: Match, conditions: NDArray[np.float32] | None
) -> tuple[MatrixSource, NDArray[np.bool_]]:
    """The rows of an input as the network reads them, and which of them carry nothing.

    Raises
    ------
    ValueError
        If the values are of another kind than those of the fit.
    """
    facts = examine(data, report=False)
    data, facts, *_ = as_counts_of_fit(data, facts, state.params)
    if not data.is_representation:
        require_same_values(state.params, facts, data)
    totals = match.totals(data.rows, facts.totals)
    if not match.found.all():
        return PartialSource(data.rows, state.transform, match.columns, totals, conditions=conditions), facts.silent
    transform = replace(state.transform, columns=match.columns)
    return MatrixSource(data.rows, transform, totals, conditions=conditions), facts.silent


def _in_place(state: Fitted, var_names: pd.Index[str]) -> bool:
    """Whether the variables that the model reads stand where they stood in the fit; names need not be unique then."""
    columns = state.transform.columns
    return bool(columns[-1] < len(var_names) and var_names[columns].equals(state.var_names))


def find_genes(state: Fitted, data: Input, names: pd.Index[str] | None = None, *, var_key: str | None = None) -> Match:
    """Where the variables that the model reads are in an input, by the `names` of its columns.

    Raises
    ------
    ValueError
        If a representation has another width, or names are not unique.
    """
    genes = state.genes or Genes(names={VAR_NAMES: state.var_names}, n_read=len(state.var_names))
    if _in_place(state, data.var_names) and (genes.share is None or data.rows.shape[1] == len(genes.share)):
        # Names need not be unique then.
        return Match(columns=state.transform.columns, counted=None, share=1.0, by=VAR_NAMES)
    if data.is_representation or state.params.get("use_rep") not in (None, "X"):
        msg = f"{data.where} has {data.rows.shape[1]} columns, not those of the representation the model was fitted on."
        raise ValueError(msg)
    return match_genes(genes, data.var_names if names is None else names, var_key=var_key)


def _require_all(state: Fitted, match: Match) -> None:
    missing = state.var_names[~match.found]
    if len(missing):
        msg = (
            f"{len(missing)} of the {len(state.var_names)} variables that the model reads are missing: {listed(missing)}. "
            "Match the names, fit on the shared variables, or map with `gsr_sc.tl.map_query`, which does without some."
        )
        raise KeyError(msg)
