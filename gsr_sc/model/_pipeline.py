"""From a checked matrix to a fitted model: the one path through the rooms."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._random import draw_seed
from ..graphs import LearnedGraph, indicator_groups, nearest_neighbours, neuron_ties, resolve, sharpened, sharpness
from ..inputs import choose_likelihood, choose_transform, examine, learn_genes
from ..matrices import MatrixSource, fit_transform
from ..training import Context, Targets, TrainingPlan, annealed_targets, fit, noise_share
from . import _fitted
from ._identity import identity_of
from ._labels import label_context, label_quality
from ._residuals import learn_novelty

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from ..inputs import Covariates, Input
    from ..nn import GraphAutoencoder
    from ..training import Checkpoint, Design, Init, Progress, World

logger = logging.getLogger(__name__)

_HELD_OUT_SHARE = 0.1
_MAX_HELD_OUT = 5000
_MIN_TO_HOLD_OUT = 10
# The same rows are held out whatever the seed: fits that differ in the seed alone can be compared row by row.
_SPLIT_SEED = 0
# So many observations tell which neurons stand for neighbours. More neighbours would reach beyond small clusters.
_TIE_ROWS = 5000
_TIE_NEIGHBOURS = 5
# So many observations tell what neurons stand for and how good the map is.
_MAX_READ = 50_000
# So many rows tell whether several processes have the same data.
_MAX_COMPARED = 1000


def fit_input(
    data: Input,
    *,
    covariates: Covariates,
    var_ids: dict[str, pd.Index[str]],
    graph: Any,
    n_neurons: int | None,
    transform: str | None,
    likelihood: str,
    smoothness: float | Literal["auto"],
    tolerance: float,
    init: Init,
    coordinates: NDArray[np.float64] | None,
    design: Design,
    max_epochs: int | None,
    rng: np.random.Generator,
    device: torch.device,
    progress: Progress,
    n_threads: int,
    checkpoint: Checkpoint | None = None,
    world: World | None = None,
) -> _fitted.Fitted:
    """Check the values, settle what is left open, train, and read the trained network.

    The options are those of :class:`gsr_sc.GSR`; `coordinates` replaces `init` where given, and `var_ids` are other names
    of the variables. What a checkpoint has to be of is added to it.

    Raises
    ------
    ValueError
        If values or options are wrong; before any training.
    """
    if world is not None and world.size > 1:
        # Before any of them works on what another one takes for its own.
        world.require_same((data.rows.shape, len(data.columns), _sample_total(data)), "data")
    data = data.shared(world)
    facts = examine(data)
    kind, counts = choose_transform(transform, facts, data)
    design = replace(design, likelihood=choose_likelihood(likelihood, facts, data))
    useful = np.flatnonzero(~facts.silent)
    wanted = resolve(graph, n_neurons=n_neurons, n_obs=len(useful))
    design.check(wanted)
    training, held_out = _split(useful)
    learnt = fit_transform(
        data.rows, kind=kind, counts=counts, columns=data.columns, training=training, totals=facts.totals
    )
    _fitted.report_constant(data, learnt, facts)
    source = MatrixSource(data.rows, learnt, facts.totals, conditions=covariates.conditions, hold=True)
    with source.keeping(held_out):
        noise = noise_share(source, training=training, held_out=held_out)
        plan = TrainingPlan.for_data(len(training), max_epochs, noise=noise)
        context = Context(
            observed=None if design.likelihood == "gaussian" else source.observed,
            conditions=covariates.conditions,
            **label_context(covariates, training),
        )
        targets = annealed_targets(
            source, wanted, training=training, init=init, coordinates=coordinates, conditions=covariates.conditions
        )
        if checkpoint is not None:
            checkpoint.identity |= identity_of(
                data,
                facts,
                wanted,
                transform=kind,
                covariates=covariates,
                coordinates=coordinates,
                design=design,
                plan=plan,
                smoothness=smoothness,
            )
        result = fit(
            source,
            wanted,
            training=training,
            held_out=held_out,
            targets=targets,
            smoothness=smoothness,
            tolerance=tolerance,
            design=design,
            plan=plan,
            seed=draw_seed(rng),
            device=device,
            progress=progress,
            n_threads=n_threads,
            context=context,
            checkpoint=checkpoint,
            world=world,
        )
    read = _read(result.network, source, held_out, targets)
    neurons = (
        wanted.of(sharpened(read.of(training), design.coactivation_power))
        if isinstance(wanted, LearnedGraph)
        else wanted
    )
    activations, useful_ones = read.activations, read.of(useful)
    power = sharpness(useful_ones)
    ties = data_ties(read, targets, power=power) if targets else neuron_ties(useful_ones, power=power)
    group = indicator_groups(neurons, activations, ties=ties)
    return _fitted.Fitted(
        network=result.network,
        graph=neurons,
        group=group,
        transform=learnt,
        var_names=data.var_names[learnt.columns],
        programs=_fitted.programs(result.network, activations),
        params={
            "graph": neurons.kind,
            **(wanted.params if isinstance(wanted, LearnedGraph) else {}),
            "n_neurons": neurons.n_neurons,
            "transform": kind,
            "counts": counts,
            "values": facts.kind,
            "smoothness": result.smoothness,
            "interrupted": result.interrupted,
            "max_epochs": plan.max_epochs,
            "warm_up_epochs": plan.warm_up_epochs,
            "batch_size": plan.batch_size,
            "dropout": plan.dropout,
            "weight_decay": plan.weight_decay,
            "n_obs": data.rows.shape[0],
            "n_vars": learnt.n_inputs,
            "n_held_out": len(held_out),
            "sharpness": power,
            **({"labels_weight": context.label_weight} if context.n_labels else {}),
            **design.params(),
        },
        history=result.run.history,
        quality=_fitted.quality(result, neurons, activations)
        | label_quality(result.network, covariates, read.of(held_out), held_out),
        versions=_fitted.versions(),
        batches=covariates.batches,
        label_names=covariates.label_names,
        ties=ties.astype(np.float32),
        genes=learn_genes(data, learnt.columns, var_ids=var_ids, counts=counts, training=training, totals=facts.totals),
        novelty=learn_novelty(result.network, source, data.rows, training=training, held_out=held_out, group=group),
    )


def _sample_total(data: Input) -> str:
    """What tells data from others: the sum of some rows, to a few digits, as machines may add up in another order."""
    some = data.rows.sample(np.arange(data.rows.shape[0]), _MAX_COMPARED)
    return f"{float(data.rows.take(some).sum(dtype=np.float64)):.6g}"


@dataclass(frozen=True)
class _Read:
    """Activations of the rows that stand for all, (n_rows, n_neurons), and the sorted numbers of these rows."""

    rows: NDArray[np.intp]
    activations: NDArray[np.float32]

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Activations of those of the given rows that are among them."""
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return self.activations[at[self.rows[at] == rows]]


def _read(
    network: GraphAutoencoder, source: MatrixSource, held_out: NDArray[np.intp], targets: Targets | None
) -> _Read:
    """Activations that groups, programs and quality are read from: of all rows, or of some where there are many."""
    every = np.arange(len(source))
    if len(every) <= _MAX_READ:
        return _Read(every, _fitted.encode(network, source))
    wanted = [
        source.sample(every, _MAX_READ),
        held_out,
        *([] if targets is None else [targets.rows[_tie_sample(targets)]]),
    ]
    rows = np.unique(np.concatenate(wanted))
    return _Read(rows, _fitted.encode(network, source, rows))


def _tie_sample(targets: Targets) -> slice:
    """Which rows of the start tell ties: evenly drawn, at most about as many as are needed."""
    return slice(None, None, -(-len(targets.rows) // _TIE_ROWS))


def data_ties(read: _Read, targets: Targets, *, power: float) -> NDArray[np.float64]:
    """Ties between neurons from the nearest neighbours of observations in the coordinates of the start."""
    sample = _tie_sample(targets)
    near = nearest_neighbours(targets.coordinates[sample], _TIE_NEIGHBOURS).numbers
    return neuron_ties(read.of(targets.rows[sample]), near, power=power)


def _split(useful: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Sorted numbers of training and held-out rows."""
    if len(useful) < _MIN_TO_HOLD_OUT:
        logger.warning("with %d usable observations none is held out: explained variance is in-sample", len(useful))
        return useful, useful
    n_held_out = min(max(round(_HELD_OUT_SHARE * len(useful)), 1), _MAX_HELD_OUT)
    held_out = np.sort(np.random.default_rng(_SPLIT_SEED).choice(useful, n_held_out, replace=False))
    return np.setdiff1d(useful, held_out), held_out
