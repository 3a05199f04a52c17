"""One training from the first step to the best weights."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from ._loop import Loop
    from ._plan import TrainingPlan
    from ._progress import Progress
    from ._refresh import Refresh
    from ._yardstick import Explained

logger = logging.getLogger(__name__)


_MEASURES = (
    "epoch",
    "loss",
    "reconstruction",
    "penalty",
    "labels",
    "validation_loss",
    "validation_explained_variance",
    "validation_deviance_explained",
    "smoothness",
)


@dataclass(frozen=True)
class Run:
    """What one training gave.

    Attributes
    ----------
    weights
        The network's state at its best epoch.
    explained_variance, deviance_explained
        Of the held-out rows at that epoch; the same for squared error.
    possible
        How much the loss of the held-out rows could fall below that of their mean profile.
    history
        One array per measure, an entry per epoch.
    stopped_early
        Whether patience ended the training.
    """

    weights: dict[str, Tensor]
    explained_variance: float
    deviance_explained: float
    possible: float
    history: dict[str, NDArray[np.float64]]
    stopped_early: bool


class Runner:
    """Trains one network: towards the annealed map first, once, then with any penalty from there.

    Parameters
    ----------
    loop
        The network and its data.
    plan
        Budget and rates.
    training, held_out
        Numbers of the rows to train on and to judge by.
    progress
        The bar to move.
    label_weight
        Weight of the labels in the loss.
    explained
        How much a loss of the held-out rows means.
    refresh
        Makes a learned graph anew after an epoch; what the graph is like is recorded.
    """

    def __init__(
        self,
        loop: Loop,
        plan: TrainingPlan,
        *,
        explained: Callable[[float], Explained],
        label_weight: float = 0.0,
        training: NDArray[np.intp],
        held_out: NDArray[np.intp],
        progress: Progress,
        refresh: Refresh | None = None,
    ) -> None:
        self.loop = loop
        self.plan = plan
        self.training = training
        self.held_out = held_out
        self.progress = progress
        self.explained = explained
        self.refresh = refresh
        self.label_weight = label_weight
        self._n_steps = plan.n_steps(len(training))
        self._possible = 0.0
        self._warm_up = [self._epoch(epoch, 0.0, 0.0) for epoch in range(plan.warm_up_epochs)]
        self._start = loop.state()

    def run(self, *, weight: float, smoothness: float) -> Run:
        """Train from the end of the warm-up with the full loss, and keep the weights of the best held-out epoch.

        Parameters
        ----------
        weight
            Weight of the roughness in the loss.
        smoothness
            What the user calls that weight; kept in the history.
        """
        plan = self.plan
        self.loop.restore(self._start)
        records = list(self._warm_up)
        # Epochs without a graph pay no penalty, and are no candidates where there is one to pay.
        first = plan.warm_up_epochs if weight == 0 or self.refresh is None else self.refresh.first
        best, best_record, possible = math.inf, max(first, plan.warm_up_epochs), 0.0
        weights: dict[str, Tensor] = {}
        for epoch in range(plan.warm_up_epochs, plan.n_epochs):
            records.append(self._epoch(epoch, weight, smoothness))
            if epoch >= first and records[-1]["validation_loss"] < best:
                best, best_record = records[-1]["validation_loss"], epoch
                possible = self._possible
                weights = self.loop.weights()
            if epoch - best_record >= plan.patience:
                self.progress.drop((plan.n_epochs - epoch - 1) * self._n_steps)
                break
        stopped_early = len(records) < plan.n_epochs
        logger.info(
            "smoothness %.3g: %s after %d epochs, best held-out loss at epoch %d",
            smoothness,
            "stopped" if stopped_early else "ended",
            len(records),
            best_record,
        )
        return Run(
            weights=weights,
            explained_variance=records[best_record]["validation_explained_variance"],
            deviance_explained=records[best_record]["validation_deviance_explained"],
            possible=possible,
            history=_history(records),
            stopped_early=stopped_early,
        )

    def _epoch(self, epoch: int, weight: float, smoothness: float) -> dict[str, float]:
        trained = self.loop.train_epoch(
            self.training,
            weight=weight,
            pull=self.plan.pull_at(epoch),
            rate=lambda share: self.plan.rate(epoch + share),
            on_step=self.progress.step,
        )
        seen = self.loop.evaluate(self.held_out)
        explained = self.explained(seen.reconstruction)
        self._possible = explained.possible
        values = (
            epoch,
            trained.reconstruction + weight * trained.roughness + self.label_weight * trained.labels,
            trained.reconstruction,
            weight * trained.roughness,
            self.label_weight * trained.labels,
            seen.reconstruction + weight * seen.roughness + self.label_weight * seen.labels,
            explained.variance,
            explained.deviance,
            smoothness,
        )
        record = dict(zip(_MEASURES, values, strict=True))
        # After the held-out loss, so that every epoch is judged by the graph that it was trained with.
        return record if self.refresh is None else record | self.refresh(epoch)


def _history(records: list[dict[str, float]]) -> dict[str, NDArray[np.float64]]:
    history = {name: np.array([record[name] for record in records]) for name in records[0]}
    # Of squared error it is the variance.
    if (history["validation_deviance_explained"] == history["validation_explained_variance"]).all():
        del history["validation_deviance_explained"]
    if not history["labels"].any():
        del history["labels"]
    return history
