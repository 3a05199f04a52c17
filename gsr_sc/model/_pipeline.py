"""From a checked matrix to a fitted model: the one path through the rooms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._random import draw_seed
from ..graphs import LearnedGraph
from ..inputs import learn_genes
from ..training import Context, TrainingPlan, annealed_targets, fit, noise_share
from . import _fitted
from ._identity import identity_of
from ._labels import label_context, label_quality
from ._neurons import read_neurons
from ._prepare import prepare
from ._residuals import learn_novelty
from ._sample import keep_sample

if TYPE_CHECKING:
    from typing import Any

    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from ..inputs import Covariates, Input
    from ..training import Checkpoint, Fit, Progress, Targets, World
    from ._neurons import Neurons
    from ._options import Options
    from ._prepare import Prepared

# So many rows tell whether several processes have the same data.
_MAX_COMPARED = 1000


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a training is done with.

    Attributes
    ----------
    rng
        Source of its seed.
    device
        Where the network is.
    n_threads
        Number of threads.
    progress
        The bar to move.
    checkpoint
        Where its state is kept, if anywhere; what the checkpoint has to be of is added to it.
    world
        The processes that train together.
    """

    rng: np.random.Generator
    device: torch.device
    n_threads: int
    progress: Progress
    checkpoint: Checkpoint | None
    world: World


@dataclass(frozen=True)
class _Trained:
    """A training that has ended, the plan it followed, the start, and what it was told beside the rows."""

    fit: Fit
    plan: TrainingPlan
    targets: Targets | None
    context: Context


def fit_input(
    data: Input,
    options: Options,
    resources: Resources,
    *,
    covariates: Covariates,
    var_ids: dict[str, pd.Index[str]],
    coordinates: NDArray[np.float64] | None,
) -> _fitted.Fitted:
    """Check the values, settle what is left open, train, and read the trained network.

    Parameters
    ----------
    data
        The matrix.
    options, resources
        What is asked for, and what it is done with.
    covariates
        Batches and labels of the rows.
    var_ids
        Other names of the variables.
    coordinates
        Where the map starts, instead of where `options.init` says.

    Raises
    ------
    ValueError
        If values or options are wrong; before any training.
    """
    if resources.world.size > 1:
        # Before any of them works on what another one takes for its own.
        resources.world.require_same((data.rows.shape, len(data.columns), _sample_total(data)), "data")
    prepared = prepare(data.shared(resources.world), covariates, options)
    trained = _train(prepared, options, resources, covariates=covariates, coordinates=coordinates)
    network = trained.fit.network
    neurons = read_neurons(network, prepared, trained.targets)
    quality = _fitted.quality(trained.fit, neurons.graph, neurons.activations)
    held_out = prepared.held_out
    return _fitted.Fitted(
        network=network,
        graph=neurons.graph,
        group=neurons.group,
        transform=prepared.transform,
        var_names=prepared.data.var_names[prepared.transform.columns],
        programs=_fitted.programs(network, prepared.transform, neurons.activations),
        params=_params(prepared, trained, neurons),
        history=trained.fit.run.history,
        quality=quality | label_quality(network, covariates, neurons.of(held_out), held_out),
        versions=_fitted.versions(),
        batches=covariates.batches,
        label_names=covariates.label_names,
        ties=neurons.ties.astype(np.float32),
        genes=learn_genes(
            prepared.data,
            prepared.transform.columns,
            var_ids=var_ids,
            counts=prepared.transform.counts,
            training=prepared.training,
            totals=prepared.facts.totals,
        ),
        novelty=learn_novelty(
            network,
            prepared.source,
            prepared.data.rows,
            training=prepared.training,
            held_out=held_out,
            group=neurons.group,
        ),
        sample=keep_sample(prepared.source, prepared.training, held_out),
    )


def _train(
    prepared: Prepared,
    options: Options,
    resources: Resources,
    *,
    covariates: Covariates,
    coordinates: NDArray[np.float64] | None,
) -> _Trained:
    """Lay the rows onto the graph, and train the network from there."""
    source, training, held_out = prepared.source, prepared.training, prepared.held_out
    with source.keeping(held_out):
        noise = noise_share(source, training=training, held_out=held_out)
        plan = TrainingPlan.for_data(len(training), options.max_epochs, noise=noise)
        context = Context(
            observed=None if prepared.design.likelihood == "gaussian" else source.observed,
            conditions=covariates.conditions,
            **label_context(covariates, training),
        )
        targets = annealed_targets(
            source,
            prepared.graph,
            training=training,
            init=options.init,
            coordinates=coordinates,
            conditions=covariates.conditions,
        )
        if targets is not None and targets.by_curves:
            plan = plan.held_to_curves(noise)
        if resources.checkpoint is not None:
            resources.checkpoint.identity |= identity_of(
                prepared, plan, covariates=covariates, coordinates=coordinates, smoothness=options.smoothness
            )
        outcome = fit(
            source,
            prepared.graph,
            training=training,
            held_out=held_out,
            targets=targets,
            smoothness=options.smoothness,
            tolerance=options.tolerance,
            design=prepared.design,
            plan=plan,
            seed=draw_seed(resources.rng),
            device=resources.device,
            progress=resources.progress,
            n_threads=resources.n_threads,
            context=context,
            checkpoint=resources.checkpoint,
            world=resources.world,
        )
    return _Trained(outcome, plan, targets, context)


def _params(prepared: Prepared, trained: _Trained, neurons: Neurons) -> dict[str, Any]:
    """What was used, after defaults."""
    plan, context = trained.plan, trained.context
    return {
        "graph": neurons.graph.kind,
        **(prepared.graph.params if isinstance(prepared.graph, LearnedGraph) else {}),
        "n_neurons": neurons.graph.n_neurons,
        "transform": prepared.transform.kind,
        **({} if prepared.transform.share is None else {"log_weight": prepared.transform.log_weight}),
        "counts": prepared.transform.counts,
        "values": prepared.facts.kind,
        "unlogged": prepared.unlogged,
        "log_base": prepared.log_base,
        "smoothness": trained.fit.smoothness,
        "interrupted": trained.fit.interrupted,
        "max_epochs": plan.max_epochs,
        "warm_up_epochs": plan.warm_up_epochs,
        "batch_size": plan.batch_size,
        "dropout": plan.dropout,
        "weight_decay": plan.weight_decay,
        "n_obs": len(prepared.source),
        "n_vars": prepared.transform.n_inputs,
        "n_held_out": len(prepared.held_out),
        "sharpness": neurons.sharpness,
        "calibration": neurons.calibration,
        **({"labels_weight": context.label_weight} if context.n_labels else {}),
        **prepared.design.params(),
    }


def _sample_total(data: Input) -> str:
    """What tells data from others: the sum of some rows, to a few digits, as machines may add up in another order."""
    some = data.rows.sample(np.arange(data.rows.shape[0]), _MAX_COMPARED)
    return f"{float(data.rows.take(some).sum(dtype=np.float64)):.6g}"
