"""One network, one data source: passes over batches, and what they cost."""

from __future__ import annotations

import copy
import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from ._context import Context
from ._terms import label_loss, start_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from ..nn import GraphAutoencoder
    from ._plan import TrainingPlan
    from ._source import Source


_BLOCK_ROWS = 1024


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
        Cross-entropy (simplex) or squared distance (other units) to the annealed map.
    labels
        Cross-entropy of the labels.
    """

    reconstruction: float
    roughness: float
    start: float
    labels: float = 0.0


class Batch(NamedTuple):
    """Rows on their way to the network.

    Attributes
    ----------
    inputs
        (batch, n_inputs).
    targets
        Annealed map of the rows, (batch, n_neurons), or None where it is not needed.
    observed
        What the likelihood is about, (batch, n_inputs), or None where it is about the inputs.
    conditions
        Batches of the rows, (batch, n_conditions), or None.
    labels
        Labels of the rows, -1 where there is none, (batch,), or None.
    """

    inputs: Tensor
    targets: Tensor | None
    observed: Tensor | None = None
    conditions: Tensor | None = None
    labels: Tensor | None = None


class LoopState(NamedTuple):
    """State of a loop between two epochs."""

    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    penalty: dict[str, Tensor]
    order: Any
    noise: Tensor


class Loop:
    """Passes of one network over batches of one source.

    Parameters
    ----------
    network, penalty
        What is trained, and the penalty on its layer: a module from activations (batch, n_neurons) to a scalar.
    source
        Where batches come from.
    targets
        Responsibilities of the annealed map by row of the source, (n_obs, n_neurons); None for a random start.
    plan
        Rates and sizes.
    seed
        Seed of the order of batches and of the noise.
    device
        Where the network is.
    prefetch
        Whether a second thread prepares the next batch while the network learns from this one; changes no result.
    context
        What is known of the rows beside what the encoder sees.

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
        targets: Callable[[NDArray[np.intp]], NDArray[np.float32]] | None,
        plan: TrainingPlan,
        seed: int,
        device: torch.device,
        prefetch: bool = False,
        context: Context | None = None,
    ) -> None:
        self.unit = 1.0
        self.context = Context() if context is None else context
        self.network = network
        self.penalty = penalty
        self.source = source
        self.targets = targets
        self.plan = plan
        self.device = device
        self.prefetch = prefetch
        self.order = np.random.default_rng(seed)
        self.noise = torch.Generator(device=device).manual_seed(seed)
        self.baseline = torch.from_numpy(source.baseline).to(device)
        self.optimiser = torch.optim.AdamW(
            network.parameters(),
            lr=plan.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=plan.weight_decay,
            fused=True,
        )

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
            self.noise.get_state(),
        )

    def restore(self, state: LoopState) -> None:
        """Go back to an earlier state; going on from there gives the same bits every time."""
        self.network.load_state_dict(state.weights)
        self.optimiser.load_state_dict(copy.deepcopy(state.optimiser))
        self.penalty.load_state_dict(state.penalty)
        self.order.bit_generator.state = copy.deepcopy(state.order)
        self.noise.set_state(state.noise)

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
        self.network.train()
        self.penalty.train()
        shuffled = self.source.shuffled(rows, self.order, self.plan.rows_per_epoch)
        n_steps = self.plan.n_steps(len(rows))
        sums = np.zeros(4)
        for step, batch in enumerate(self._batches(np.array_split(shuffled, n_steps), with_start=pull > 0)):
            for group in self.optimiser.param_groups:
                group["lr"] = rate(step / n_steps)
            terms = self._terms(batch)
            loss = terms[0] + weight * terms[1] + pull * terms[2] + self.context.label_weight * terms[3]
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.plan.clip_norm)
            self.optimiser.step()
            value = float(loss.detach())
            if not math.isfinite(value):
                msg = (
                    f"The loss became {value} at learning rate {self.optimiser.param_groups[0]['lr']:.2g} with batches of "
                    f"{self.plan.batch_size}. Look for extreme values in the input, or standardise it."
                )
                raise DivergedError(msg)
            sums += len(batch.inputs) * np.array([float(term.detach()) for term in terms])
            on_step(value)
        return Losses(*(sums / len(shuffled)).tolist())

    @torch.no_grad()
    def evaluate(self, rows: NDArray[np.intp]) -> Losses:
        """Losses of rows without noise."""
        self.network.eval()
        self.penalty.eval()
        sums = np.zeros(4)
        blocks = [rows[start : start + _BLOCK_ROWS] for start in range(0, len(rows), _BLOCK_ROWS)]
        for batch in self._batches(blocks, with_start=True):
            sums += len(batch.inputs) * np.array([float(term) for term in self._terms(batch)])
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

    def _batches(self, indices: list[NDArray[np.intp]], *, with_start: bool) -> Iterator[Batch]:
        if not self.prefetch:
            for index in indices:
                yield self._load(index, with_start=with_start)
            return
        with ThreadPoolExecutor(1, "gsr_sc-batches") as pool:
            coming = pool.submit(self._load, indices[0], with_start=with_start)
            for index in indices[1:]:
                ready, coming = coming.result(), pool.submit(self._load, index, with_start=with_start)
                yield ready
            yield coming.result()

    def _load(self, index: NDArray[np.intp], *, with_start: bool) -> Batch:
        target = self.targets(index) if with_start and self.targets is not None else None
        known = self.context
        beside = (
            target,
            None if known.observed is None else known.observed(index),
            None if known.conditions is None else known.conditions[index],
            None if known.labels is None else known.labels[index],
        )
        return Batch(
            torch.from_numpy(self.source.batch(index)),
            *(None if values is None else torch.from_numpy(values) for values in beside),
        )

    def _terms(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = batch.inputs.to(self.device)
        conditions = None if batch.conditions is None else batch.conditions.to(self.device)
        passed = self.network(self._hidden_in_part(x), self.noise, conditions)
        observed = x if batch.observed is None else batch.observed.to(self.device)
        reconstruction = self.network.likelihood(passed.reconstruction, observed) / self.unit
        roughness = self.penalty(passed.units)
        return reconstruction, roughness, start_loss(self.network, passed, batch), label_loss(passed, batch)

    def _hidden_in_part(self, x: Tensor) -> Tensor:
        """Rows as the encoder sees them: in training some inputs at their mean, and the others further from it instead."""
        if not self.network.training or self.plan.dropout == 0:
            return x
        # Not `empty_like`: the order in memory, and with it the draw, would depend on how the rows were read.
        seen = torch.empty(x.shape, device=x.device).bernoulli_(1 - self.plan.dropout, generator=self.noise)
        return self.baseline + (x - self.baseline) * seen / (1 - self.plan.dropout)
