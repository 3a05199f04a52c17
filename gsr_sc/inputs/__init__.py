"""From an AnnData to a checked matrix and what is known of its rows and columns: before any work."""

from __future__ import annotations

from ._counts import Counts, as_counts, as_counts_of_fit
from ._covariates import Covariates, read_conditions, read_covariates, read_known_conditions
from ._genes import VAR_NAMES, Genes, Match, identifiers, learn_genes, listed, match_genes, names_of
from ._input import Input, read_input
from ._outputs import choose_likelihood, require_same_values
from ._validate import Facts, choose_transform, examine, report_carrying_nothing

__all__ = [
    "VAR_NAMES",
    "Counts",
    "Covariates",
    "Facts",
    "Genes",
    "Input",
    "Match",
    "as_counts",
    "as_counts_of_fit",
    "choose_likelihood",
    "choose_transform",
    "examine",
    "identifiers",
    "learn_genes",
    "listed",
    "match_genes",
    "names_of",
    "read_conditions",
    "read_covariates",
    "read_input",
    "read_known_conditions",
    "report_carrying_nothing",
    "require_same_values",
]
