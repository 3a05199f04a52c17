"""One training from the first step to the best weights."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from ._loop import Loop
    from ._plan import TrainingPlan
    from ._progress import Progress

logger = logging.getLogger(__name__)


_MEASURES = (
    "epoch",
    "loss",
    "reconstruction",
    "penalty",
    "validation_loss",
    "validation_explained_variance",
    "smoothness",
)


@dataclass(frozen=True)
class Run:
    """What one training gave.

    Attributes
    ----------
    weights
        The network's state at its best epoch.
    explained_variance
        Of the held-out rows at that epoch.
    history
        One array per measure, an entry per epoch.
    stopped_early
        Whether patience ended the training.
    """

    weights: dict[str, Tensor]
    explained_variance: float
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
    """

    def __init__(
        self,
        loop: Loop,
        plan: TrainingPlan,
        *,
        training: NDArray[np.intp],
        held_out: NDArray[np.intp],
        progress: Progress,
    ) -> None:
        self.loop = loop
        self.plan = plan
        self.training = training
        self.held_out = held_out
        self.progress = progress
        self.total_variance = max(loop.total_variance(held_out), 1e-12)
        self._n_steps = plan.n_steps(len(training))
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
        best, best_record = math.inf, 0
        weights: dict[str, Tensor] = {}
        for epoch in range(plan.warm_up_epochs, plan.n_epochs):
            records.append(self._epoch(epoch, weight, smoothness))
            if records[-1]["validation_loss"] < best:
                best, best_record = records[-1]["validation_loss"], epoch
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
            history={name: np.array([record[name] for record in records]) for name in _MEASURES},
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
        values = (
            epoch,
            trained.reconstruction + weight * trained.roughness,
            trained.reconstruction,
            weight * trained.roughness,
            seen.reconstruction + weight * seen.roughness,
            1 - seen.reconstruction / self.total_variance,
            smoothness,
        )
        return dict(zip(_MEASURES, values, strict=True))
