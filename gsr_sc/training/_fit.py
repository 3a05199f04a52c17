"""The whole of a training: the unpenalised network, then the smoothest one that explains as much."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch

from ..graphs import LearnedGraph, is_slender, neuron_places
from ..nn import LearnedGraphPenalty
from ._context import Context
from ._distributed import World
from ._interrupt import StoppedError, catch_interrupt
from ._loop import Loop
from ._refresh import Refresh
from ._run import Runner
from ._terms import Hold
from ._yardstick import Yardstick

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from ..graphs import NeuronGraph
    from ..nn import GraphAutoencoder
    from ._attempt import Run
    from ._checkpoint import Checkpoint
    from ._design import Design
    from ._plan import TrainingPlan
    from ._progress import Progress
    from ._source import Source

logger = logging.getLogger(__name__)

# Brings useful values of smoothness between 0 and 1: the roughness of a good map is a few hundredths for units of fixed
# length, and a few thousandths for others.
_STRENGTH_OF_FIXED_LENGTH, _STRENGTH = 0.6, 16.0
# What "auto" tries, from the smoothest on.
_LADDER = (1.0, 0.25, 0.06, 0.015)
# Along a line or tree every neuron has two neighbours, and more of the penalty costs the order: pictures grow so wide that they
# run into the ends.
_LARGEST_SLENDER = 0.25
# Smallest share of the variance that is taken as explainable.
_LEAST_EXPLAINED = 1e-3


@dataclass(frozen=True)
class Fit:
    """A trained network and what it was chosen by.

    Attributes
    ----------
    network
        In evaluation mode, on the device it was trained on.
    run
        Its training.
    smoothness
        The smoothness it was trained with.
    plain
        The training of the same network in the same way without the penalty.
    interrupted
        Whether Ctrl-C ended the search for it or the training.
    """

    network: GraphAutoencoder
    run: Run
    smoothness: float
    plain: Run
    interrupted: bool = False

    @property
    def unregularised(self) -> float:
        """Held-out explained variance without the penalty."""
        return self.plain.explained_variance


def fit(
    source: Source,
    graph: NeuronGraph | LearnedGraph,
    *,
    training: NDArray[np.intp],
    held_out: NDArray[np.intp],
    targets: Callable[[NDArray[np.intp], NDArray[np.float32]], NDArray[np.float32]] | None,
    smoothness: float | Literal["auto"],
    tolerance: float,
    design: Design,
    plan: TrainingPlan,
    seed: int,
    device: torch.device,
    progress: Progress,
    n_threads: int = 1,
    context: Context | None = None,
    checkpoint: Checkpoint | None = None,
    world: World | None = None,
) -> Fit:
    """Train an autoencoder whose layer is smooth on a graph.

    The penalty is `.6 * smoothness * explainable * roughness` (16 instead of .6 for units whose length is not fixed):
    `explainable` is what the unpenalised network explains of the held-out squared error or deviance, and `roughness` the
    energy over the trace of the Laplacian, or what else `design` penalises. Both are free of the units of the data, so a
    smoothness means the same on every data set and for every likelihood.

    Parameters
    ----------
    source
        Where batches come from.
    graph
        The neuron graph, or how it is learned.
    training, held_out
        Numbers of the rows to train on and to judge by.
    targets
        The annealed map of rows, by number and as they are, see :mod:`gsr_sc.graphs`; None for a random start.
    smoothness
        Strength of the penalty, or `"auto"`: the largest of 1 (but on slender graphs), .25, .06 and .015 whose held-out explained
        variance (or deviance) stays within `tolerance` of the unpenalised network, or 0 if none does.
    tolerance
        Share of what is explained that the penalty may cost.
    design
        The network and the penalty on its layer.
    plan
        Budget and rates.
    seed
        Seed of weights, batches and noise; every training uses the same ones, so that they differ in the penalty only.
    device
        Where to train.
    progress
        The bar to move.
    n_threads
        Number of threads to train with.
    context
        What is known of the rows beside what the encoder sees.
    checkpoint
        Where the state of the training is kept.
    world
        The processes that train together, each of which calls this with the same data.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C is pressed before there is anything to keep, or twice. Else the best network so far comes back.
    """
    world = World() if world is None else world
    plan, seed = world.agree((plan, seed))
    _require_sharable(world, plan, graph, training)
    weights = torch.Generator().manual_seed(seed)
    context = Context() if context is None else context
    network = design.network(
        len(source.baseline), graph, weights, n_conditions=context.n_conditions, n_labels=context.n_labels
    ).to(device)
    network.dropout = plan.hidden_dropout
    penalty = design.penalty_on(graph, n_training=len(training)).to(device)
    hold = _hold(network, graph, device)
    if hold is not None:
        plan = replace(plan, pull=0.0)
    loop = Loop(
        network,
        penalty,
        source,
        targets=targets,
        plan=plan,
        seed=seed,
        device=device,
        n_threads=n_threads,
        context=context,
        hold=hold,
        world=world,
    )
    ladder = _ladder(graph) if smoothness == "auto" else (smoothness,)
    # Expected: the warm-up, the unpenalised training, and a first one with the penalty.
    n_steps = plan.n_steps(len(training))
    progress.expect((plan.warm_up_epochs + (1 if ladder[0] == 0 else 2) * plan.max_epochs) * n_steps)
    explained = Yardstick(loop, training=source.sample(training, plan.rows_per_epoch), held_out=held_out)
    refresh = None
    if isinstance(graph, LearnedGraph) and isinstance(penalty, LearnedGraphPenalty):
        refresh = Refresh(graph, penalty, plan)
    world.copy_first(network)
    with catch_interrupt() as interrupt:
        # One process cannot stop without the others.
        interrupt.final |= world.size > 1
        runner = Runner(
            loop,
            plan,
            explained=explained,
            label_weight=context.label_weight,
            training=training,
            held_out=held_out,
            progress=progress,
            refresh=refresh,
            interrupt=interrupt,
            checkpoint=checkpoint,
        )
        try:
            plain = runner.run(weight=0.0, smoothness=0.0)
        except StoppedError:
            # Nothing is there yet, so that this is what Ctrl-C is anywhere else.
            raise KeyboardInterrupt from None
        # A network that explains nothing of the held-out rows still needs a scale for its penalty.
        explainable = max(plain.deviance_explained, _LEAST_EXPLAINED) * plain.possible
        strength = _STRENGTH_OF_FIXED_LENGTH if network.layer.unit_length else _STRENGTH
        least = plain.deviance_explained - tolerance * abs(plain.deviance_explained)
        chosen, value, interrupted = plain, 0.0, plain.interrupted
        if ladder[0] > 0 and not interrupted:
            chosen, value, interrupted = _smoothest(
                runner, plain, ladder, weight=strength * explainable, least=least if smoothness == "auto" else None
            )
    logger.log(
        logging.WARNING if interrupted else logging.INFO,
        "    %sexplains %.4f of the held-out %s, %.4f without the penalty (smoothness %.3g)",
        f"interrupted: the map of epoch {chosen.best_epoch + 1} " if interrupted else "",
        chosen.deviance_explained,
        "variance" if design.likelihood == "gaussian" else "deviance",
        plain.deviance_explained,
        value,
    )
    network.load_state_dict(chosen.weights)
    return Fit(network.eval(), chosen, value, plain, interrupted)


def _hold(network: GraphAutoencoder, graph: NeuronGraph | LearnedGraph, device: torch.device) -> Hold | None:
    """What holds observations where the start places them: on slender graphs, whose order is their result."""
    if isinstance(graph, LearnedGraph) or not is_slender(graph) or not network.layer.competitive:
        return None
    places = torch.as_tensor(neuron_places(graph), dtype=torch.float32, device=device)
    return Hold(places, circular=graph.kind == "ring")


def _ladder(graph: NeuronGraph | LearnedGraph) -> tuple[float, ...]:
    """What `"auto"` tries, the largest first."""
    slender = not isinstance(graph, LearnedGraph) and is_slender(graph)
    return tuple(value for value in _LADDER if value <= _LARGEST_SLENDER or not slender)


def _require_sharable(
    world: World, plan: TrainingPlan, graph: NeuronGraph | LearnedGraph, training: NDArray[np.intp]
) -> None:
    """Raise unless several processes can train together."""
    if world.size == 1:
        return
    if isinstance(graph, LearnedGraph):
        msg = "A learned graph remembers all observations, so that it is trained by one process; start it without torchrun."
        raise ValueError(msg)  # noqa: TRY004 (a graph of a kind that is fine elsewhere)
    least = len(training) // plan.n_steps(len(training))
    if least < world.size:
        msg = f"Batches of {least} observations cannot be shared by {world.size} processes; start fewer."
        raise ValueError(msg)


def _smoothest(
    runner: Runner, plain: Run, ladder: tuple[float, ...], *, weight: float, least: float | None
) -> tuple[Run, float, bool]:
    """Train with less and less of the penalty, until as much is explained as has to be.

    Returns
    -------
    The training, its smoothness, and whether it was interrupted: then it is, of those with a penalty, the one that
    explains most; the unpenalised one where there is none, and where none explains enough.
    """
    plan = runner.plan
    tried: list[tuple[Run, float]] = []
    for value in ladder:
        if tried:
            runner.progress.expect(plan.max_epochs * plan.n_steps(len(runner.training)))
        try:
            outcome = runner.run(weight=weight * value, smoothness=value)
        except StoppedError:
            return *max(tried, key=_explained, default=(plain, 0.0)), True
        tried.append((outcome, value))
        if outcome.interrupted:
            return *max(tried, key=_explained), True
        if least is None or outcome.deviance_explained >= least:
            return outcome, value, False
        logger.info(
            "smoothness %.3g explains %.4f of what is held out, the unpenalised network %.4f: trying less",
            value,
            outcome.deviance_explained,
            plain.deviance_explained,
        )
    return plain, 0.0, False


def _explained(tried: tuple[Run, float]) -> float:
    return tried[0].deviance_explained
