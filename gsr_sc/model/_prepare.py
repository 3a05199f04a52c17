"""All that is settled before a network is trained: from a checked matrix to rows as the network will see them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..graphs import resolve
from ..inputs import as_counts, choose_likelihood, choose_transform, examine, report_carrying_nothing
from ..matrices import MatrixSource, fit_transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..graphs import LearnedGraph, NeuronGraph
    from ..inputs import Covariates, Facts, Input
    from ..matrices import Transform
    from ..training import Design
    from ._options import Options

logger = logging.getLogger(__name__)

_HELD_OUT_SHARE = 0.1
_MAX_HELD_OUT = 5000
_MIN_TO_HOLD_OUT = 10
# The same rows are held out whatever the seed: fits that differ in the seed alone can be compared row by row.
_SPLIT_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Data and options, with nothing left open.

    Attributes
    ----------
    data, facts
        The matrix, and what one look at it told.
    unlogged, log_base
        Whether its rows are counts that were read back from logarithms, and of which; see :class:`~gsr_sc.inputs.Counts`.
    graph
        The neuron graph, or how it is learned.
    design
        The network and the penalty on its layer.
    transform, source
        What the network sees of a row, and the rows as it sees them.
    useful
        Sorted numbers of the rows that hold anything.
    training, held_out
        Sorted numbers of those to train on and to judge by.
    """

    data: Input
    facts: Facts
    unlogged: str
    log_base: float | None
    graph: NeuronGraph | LearnedGraph
    design: Design
    transform: Transform
    source: MatrixSource
    useful: NDArray[np.intp]
    training: NDArray[np.intp]
    held_out: NDArray[np.intp]


def prepare(data: Input, covariates: Covariates, options: Options) -> Prepared:
    """Check the values, and settle what is left open.

    Raises
    ------
    ValueError
        If values or options are wrong.
    """
    facts = examine(data)
    data, facts, how, base = as_counts(data, facts, transform=options.transform, likelihood=options.likelihood)
    kind, counts = choose_transform(options.transform, facts, data)
    design = replace(options.design, likelihood=choose_likelihood(options.likelihood, facts, data))
    useful = np.flatnonzero(~facts.silent)
    graph = resolve(options.graph, n_neurons=options.n_neurons, n_obs=len(useful))
    design.check(graph)
    training, held_out = split(useful)
    transform = fit_transform(
        data.rows, kind=kind, counts=counts, columns=data.columns, training=training, totals=facts.totals
    )
    _report_constant(data, transform, facts)
    if transform.share is not None:
        logger.info(
            "what the encoder sees is %.2f logarithms and %.2f residuals",
            transform.log_weight,
            1 - transform.log_weight,
        )
    return Prepared(
        data=data,
        facts=facts,
        unlogged=how,
        log_base=base,
        graph=graph,
        design=design,
        transform=transform,
        source=MatrixSource(data.rows, transform, facts.totals, conditions=covariates.conditions, hold=True),
        useful=useful,
        training=training,
        held_out=held_out,
    )


def split(useful: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Sorted numbers of training and held-out rows."""
    if len(useful) < _MIN_TO_HOLD_OUT:
        logger.warning("with %d usable observations none is held out: explained variance is in-sample", len(useful))
        return useful, useful
    n_held_out = min(max(round(_HELD_OUT_SHARE * len(useful)), 1), _MAX_HELD_OUT)
    held_out = np.sort(np.random.default_rng(_SPLIT_SEED).choice(useful, n_held_out, replace=False))
    return np.setdiff1d(useful, held_out), held_out


def _report_constant(data: Input, transform: Transform, facts: Facts) -> None:
    """Say which chosen variables do not vary among the training rows, and refuse if none does.

    Raises
    ------
    ValueError
        If no variable varies.
    """
    if transform.n_inputs == 0:
        if facts.kind == "counts" and (~facts.unseen).sum() == 1:
            (name,) = data.var_names[~facts.unseen]
            msg = (
                f"{name!r} is the only variable of {data.where} that was counted: scaled to equal totals, as counts are, it "
                "is the same in all observations. Give more variables, or say `transform=None` to map it as it is."
            )
        else:
            msg = (
                f"No chosen variable of {data.where} varies among the observations: there is nothing to map. "
                f"Check the values, which variables `mask_var` chooses ({len(data.columns)}), or pass another `layer=`."
            )
        raise ValueError(msg)
    constant = np.setdiff1d(np.setdiff1d(data.columns, transform.columns), np.flatnonzero(facts.unseen))
    consequence = "left out, with NaN in the gene programs"
    report_carrying_nothing(
        "variable", data.var_names[constant], f"constant over the training rows of {data.where}", consequence
    )
