"""One network, one data source: passes over batches, and what they cost."""

from __future__ import annotations

import copy
import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from ..nn import LearnedGraphPenalty
from ..nn._noise import Noise
from ._batch import Reader
from ._context import Context
from ._distributed import World
from ._halves import gradients_of_parts
from ._middle import middle_of
from ._optimiser import AdamW
from ._terms import label_loss, start_loss
from ._wide import WideLayers

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from ..nn import GraphAutoencoder
    from ..nn._autoencoder import Hidden, Pass
    from ._batch import Batch
    from ._plan import TrainingPlan
    from ._source import Source

    _Learnt = tuple[list[Tensor], NDArray[np.float64]]


_BLOCK_ROWS = 1024
# Where wide layers are not done by hand, two threads learn from halves of a batch: sharing each small operation they would spin.
_MOST_PARTS, _LEAST_PART = 2, 32
# How many random values there are for an epoch: of hidden units, and of inputs, of which there are more in a batch.
_NOISE, _INPUT_NOISE = 2**17, 2**19
# Per row of the epoch, so that few rows draw few.
_NOISE_PER_ROW = 2**10


class DivergedError(RuntimeError):
    """The loss became infinite or not a number."""


class Losses(NamedTuple):
    """Means over observations.

    Attributes
    ----------
    reconstruction
        Mean loss per input: the squared error, or that of another likelihood in units of what there is to explain.
    roughness
        What the penalty says of the activations: by default their Dirichlet energy over the trace of the Laplacian.
    start
        Cross-entropy (simplex) or squared distance (other units) to the annealed map, or that of the places on it.
    labels
        Cross-entropy of the labels.
    """

    reconstruction: float
    roughness: float
    start: float
    labels: float = 0.0


class LoopState(NamedTuple):
    """State of a loop between two epochs."""

    weights: dict[str, Tensor]
    optimiser: dict[str, list[Tensor]]
    penalty: dict[str, Tensor]
    order: Any


class Loop:
    """Passes of one network over batches of one source.

    Parameters
    ----------
    network, penalty
        What is trained, and the penalty on its layer: a module from activations (batch, n_neurons) to a scalar.
    source
        Where batches come from.
    targets
        From rows of the source, by number and as they are, to responsibilities of the annealed map, (n_rows, n_neurons); None
        for a random start.
    plan
        Rates and sizes.
    seed
        Seed of the order of batches and of the noise.
    device
        Where the network is.
    n_threads
        With more than one, the two halves of a batch or of its wide layers are worked on at the same time, while the next batch
        is read. Changes no result: the halves are there with one thread, too.
    context
        What is known of the rows beside what the encoder sees.
    hold
        Holds observations where the annealed map places them, in passes without a pull.
    world
        The processes that learn from each batch together.

    Attributes
    ----------
    unit
        What losses of reconstruction are divided by.
    """

    def __init__(
        self,
        network: GraphAutoencoder,
        penalty: nn.Module,
        source: Source,
        *,
        targets: Callable[[NDArray[np.intp], NDArray[np.float32]], NDArray[np.float32]] | None,
        plan: TrainingPlan,
        seed: int,
        device: torch.device,
        n_threads: int = 1,
        context: Context | None = None,
        hold: Callable[[Pass | Hidden, Batch], Tensor] | None = None,
        world: World | None = None,
    ) -> None:
        self.unit, self.hold, self._holding = 1.0, hold, False
        self.context = Context() if context is None else context
        self.world = World() if world is None else world
        self.network = network
        self.penalty = penalty
        self.source = source
        self.plan = plan
        self.device = device
        self.n_threads = n_threads
        self.order = np.random.default_rng(seed)
        self.reader = Reader(source, targets=targets, context=self.context, dropout=plan.dropout, ahead=n_threads > 1)
        self.optimiser = AdamW(
            network.parameters(),
            learning_rate=plan.learning_rate,
            weight_decay=plan.weight_decay,
            clip_norm=plan.clip_norm,
        )
        self.wide: WideLayers | None = None
        if WideLayers.suits(network, device):
            middle = middle_of(network, penalty, self._other_terms, held=hold is not None)
            self.wide = WideLayers(network, middle, self.optimiser.parameters, self.optimiser.gradients)

    def weights(self) -> dict[str, Tensor]:
        """Copy of the network's weights."""
        return {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    def state(self) -> LoopState:
        """Everything that a continued training depends on."""
        return LoopState(
            self.weights(),
            copy.deepcopy(self.optimiser.state_dict()),
            # A learned graph, and the memory that it is made from.
            copy.deepcopy(self.penalty.state_dict()),
            copy.deepcopy(self.order.bit_generator.state),
        )

    def restore(self, state: LoopState) -> None:
        """Go back to an earlier state; going on from there gives the same bits every time."""
        self.network.load_state_dict(state.weights)
        self.optimiser.load_state_dict(state.optimiser)
        self.penalty.load_state_dict(state.penalty)
        self.order.bit_generator.state = copy.deepcopy(state.order)

    def train_epoch(
        self,
        rows: NDArray[np.intp],
        *,
        weight: float,
        pull: float,
        rate: Callable[[float], float],
        on_step: Callable[[float], None],
    ) -> Losses:
        """Train on every row once, or on some of them where there are more than the plan takes in an epoch.

        Parameters
        ----------
        rows
            Sorted numbers of the training rows.
        weight
            Weight of the roughness in the loss.
        pull
            Weight of the annealed map in the loss.
        rate
            Learning rate at a share in [0, 1) of this epoch.
        on_step
            Called with the loss after every step.
        """
        self._holding = self.hold is not None and pull == 0
        pull = self.plan.hold if self._holding else pull
        self.network.train()
        self.penalty.train()
        world = self.world
        dealt = self.source.shuffled(rows, self.order, self.plan.rows_per_epoch, n_shares=world.size, mine=world.rank)
        *noises, hidden = self._noise_of_an_epoch(sum(map(len, dealt)))
        # No process may be without a part in a step, or it would have no gradients.
        n_steps = min(self.plan.n_steps(len(rows)), *map(len, dealt))
        batches = [np.array_split(each, n_steps) for each in dealt]
        sizes = np.sum([[len(index) for index in each] for each in batches], axis=0)
        steps = [self._parts(index) for index in batches[world.rank]]
        sums = np.zeros(4)
        with self._pool() as pool:
            for step, parts in enumerate(self.reader.each(steps, with_start=pull > 0, noise=hidden)):
                self.optimiser.rate = rate(step / n_steps)
                gradients, values = self._gradients(pool, parts, noises, weight=weight, pull=pull)
                values = world.whole(gradients, values, share=sum(map(len, steps[step])) / sizes[step])
                self.optimiser.step(gradients, pool)
                value = float(values @ (1.0, weight, pull, self.context.label_weight))
                if not math.isfinite(value):
                    msg = (
                        f"The loss became {value} at learning rate {self.optimiser.rate:.2g} with batches of "
                        f"{self.plan.batch_size}. Look for extreme values in the input, or standardise it."
                    )
                    raise DivergedError(msg)
                sums += values * sizes[step]
                on_step(value)
        return Losses(*(sums / sizes.sum()).tolist())

    @torch.no_grad()
    def evaluate(self, rows: NDArray[np.intp]) -> Losses:
        """Losses of rows without noise."""
        self.network.eval()
        self.penalty.eval()
        sums = np.zeros(4)
        mine = self.world.share(rows)
        blocks = [mine[start : start + _BLOCK_ROWS] for start in range(0, len(mine), _BLOCK_ROWS)]
        for (batch,) in self.reader.each([[block] for block in blocks], with_start=True):
            sums += len(batch.inputs) * np.array([float(term) for term in self._terms(batch, None)])
        sums = self.world.total(sums)
        if not np.isfinite(sums).all():
            msg = "The held-out loss is not finite. Look for extreme values in the input, or standardise it."
            raise DivergedError(msg)
        return Losses(*(sums / len(rows)).tolist())

    @torch.no_grad()
    def total_variance(self, rows: NDArray[np.intp]) -> float:
        """Mean squared distance of rows from the training mean, per input."""
        baseline = self.source.baseline
        total = 0.0
        for start in range(0, len(rows), _BLOCK_ROWS):
            x = self.source.batch(rows[start : start + _BLOCK_ROWS])
            total += float(((x - baseline) ** 2).mean(axis=1, dtype=np.float64).sum())
        return total / len(rows)

    def _noise_of_an_epoch(self, n_rows: int) -> list[Noise]:
        """Noise of each part of a batch, and last of what the encoder does not see; all of it follows from `order`."""
        seeds = self.world.own_seeds(self.order.integers(2**63, size=_MOST_PARTS + 1)).tolist()
        devices = [self.device] * _MOST_PARTS + [torch.device("cpu")]
        sizes = [_NOISE] * _MOST_PARTS + [_INPUT_NOISE]
        return [
            Noise(torch.Generator(device=device).manual_seed(seed), size=min(size, _NOISE_PER_ROW * n_rows))
            for seed, device, size in zip(seeds, devices, sizes, strict=True)
        ]

    def _parts(self, index: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        whole = self.wide is not None or self.device.type != "cpu" or len(index) < _MOST_PARTS * _LEAST_PART
        return np.array_split(index, 1 if whole else _MOST_PARTS)

    def _pool(self) -> AbstractContextManager[ThreadPoolExecutor | None]:
        # A graph that is learned remembers what it sees, in an order that may not depend on who is first.
        alone = self.n_threads < 2 or (self.wide is None and isinstance(self.penalty, LearnedGraphPenalty))
        return nullcontext() if alone else ThreadPoolExecutor(_MOST_PARTS - 1, "gsr_sc-parts")

    def _gradients(
        self,
        pool: ThreadPoolExecutor | None,
        parts: list[Batch],
        noises: list[Noise],
        *,
        weight: float,
        pull: float,
    ) -> _Learnt:
        """Gradients and losses of a batch, from its parts."""
        factors = np.array([1.0, weight, pull, self.context.label_weight])
        if self.wide is not None:
            return self.optimiser.gradients, self.wide.learn(parts[0], noises[0], factors, pool)
        return gradients_of_parts(parts, noises, self._terms, factors, parameters=self.optimiser.parameters, pool=pool)

    def _terms(self, batch: Batch, noise: Noise | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        batch = batch.to(self.device)
        seen = batch.inputs if batch.seen is None else batch.seen
        observed = batch.inputs if batch.observed is None else batch.observed
        passed = self.network(seen, noise, batch.conditions)
        return self.network.likelihood(passed.reconstruction, observed) / self.unit, *self._other_terms(batch, passed)

    def _other_terms(self, batch: Batch, passed: Pass | Hidden) -> tuple[Tensor, Tensor, Tensor]:
        start = self.hold(passed, batch) if self.hold and self._holding else start_loss(self.network, passed, batch)
        return self.penalty(passed.units), start, label_loss(passed, batch)
