"""One training under way, and what it gave."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


MEASURES = (
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
    best_epoch
        The epoch of these weights.
    interrupted
        Whether Ctrl-C ended the training.
    """

    weights: dict[str, Tensor]
    explained_variance: float
    deviance_explained: float
    possible: float
    history: dict[str, NDArray[np.float64]]
    stopped_early: bool
    best_epoch: int = 0
    interrupted: bool = False


@dataclass
class Attempt:
    """A training under way.

    Attributes
    ----------
    records
        What was measured, an entry per epoch, with those of the warm-up.
    best_epoch, best, possible, weights
        The best epoch, its held-out loss, how much that could fall, and its weights; none before the first candidate.
    """

    records: list[dict[str, float]]
    best_epoch: int
    best: float = math.inf
    possible: float = 0.0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def run(self, *, stopped_early: bool, interrupted: bool) -> Run:
        """What it gave."""
        best = self.records[self.best_epoch]
        return Run(
            weights=self.weights,
            explained_variance=best["validation_explained_variance"],
            deviance_explained=best["validation_deviance_explained"],
            possible=self.possible,
            history=_history(self.records),
            stopped_early=stopped_early,
            best_epoch=self.best_epoch,
            interrupted=interrupted,
        )


def _history(records: list[dict[str, float]]) -> dict[str, NDArray[np.float64]]:
    history = {name: np.array([record[name] for record in records]) for name in records[0]}
    # Of squared error it is the variance.
    if (history["validation_deviance_explained"] == history["validation_explained_variance"]).all():
        del history["validation_deviance_explained"]
    if not history["labels"].any():
        del history["labels"]
    return history
