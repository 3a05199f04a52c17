"""One training from the first step to the best weights."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from .._log import warn
from ._attempt import MEASURES, Attempt, Run
from ._interrupt import Interrupt, StoppedError
from ._loop import LoopState

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from ._checkpoint import Checkpoint
    from ._distributed import World
    from ._loop import Loop
    from ._plan import TrainingPlan
    from ._progress import Progress
    from ._refresh import Refresh
    from ._yardstick import Explained

logger = logging.getLogger(__name__)


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
    interrupt
        Whether to stop after the step.
    checkpoint
        Where the state is kept. What is there already is gone on with.

    Attributes
    ----------
    finished
        Trainings that have ended, in order.

    Raises
    ------
    KeyboardInterrupt
        If the warm-up is interrupted.
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
        interrupt: Interrupt | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.loop = loop
        self.plan = plan
        self.training = training
        self.held_out = held_out
        self.progress = progress
        self.explained = explained
        self.refresh = refresh
        self.label_weight = label_weight
        self.interrupt = Interrupt() if interrupt is None else interrupt
        self.checkpoint = checkpoint
        self.finished: list[Run] = []
        self._n_steps = plan.n_steps(len(training))
        self._possible = 0.0
        self._warm_up: list[dict[str, float]] = []
        self._start: LoopState | None = None
        self._attempt: Attempt | None = None
        self._warned = False
        saved = None if checkpoint is None else _read(checkpoint, loop.world)
        if saved is not None:
            self._restore(saved)
        # Trainings that had ended before this process began.
        self._known = len(self.finished)
        for epoch in range(len(self._warm_up), plan.warm_up_epochs):
            self._warm_up.append(self._epoch(epoch, 0.0, 0.0))
            self._keep()
        if self._start is None:
            self._start = loop.state()

    def run(self, *, weight: float, smoothness: float) -> Run:
        """Train from the end of the warm-up with the full loss, and keep the weights of the best held-out epoch.

        Parameters
        ----------
        weight
            Weight of the roughness in the loss.
        smoothness
            What the user calls that weight; kept in the history.

        Raises
        ------
        StoppedError
            If the training is interrupted before any weights are there to be kept.
        """
        plan = self.plan
        if self._known > 0:
            self._known -= 1
            run = self.finished[-self._known - 1]
            self._skip(len(run.history["epoch"]))
            self.progress.drop((plan.n_epochs - len(run.history["epoch"])) * self._n_steps)
            return run
        # Epochs without a graph pay no penalty, and are no candidates where there is one to pay.
        first = plan.warm_up_epochs if weight == 0 or self.refresh is None else self.refresh.first
        if self._attempt is None:
            assert self._start is not None
            self.loop.restore(self._start)
            self._attempt = Attempt(list(self._warm_up), max(first, plan.warm_up_epochs))
        else:
            self._skip(len(self._attempt.records))
        attempt, interrupted = self._attempt, False
        for epoch in range(len(attempt.records), plan.n_epochs):
            try:
                attempt.records.append(self._epoch(epoch, weight, smoothness))
            except KeyboardInterrupt as error:
                if self.interrupt.final:
                    raise
                if not attempt.weights:
                    raise StoppedError from error
                interrupted = True
                break
            if epoch >= first and attempt.records[-1]["validation_loss"] < attempt.best:
                attempt.best, attempt.best_epoch = attempt.records[-1]["validation_loss"], epoch
                attempt.possible = self._possible
                attempt.weights = self.loop.weights()
            if epoch - attempt.best_epoch >= plan.patience:
                self.progress.drop((plan.n_epochs - epoch - 1) * self._n_steps)
                break
            self._keep()
        stopped_early = len(attempt.records) < plan.n_epochs
        logger.info(
            "smoothness %.3g: %s after %d epochs, best held-out loss at epoch %d",
            smoothness,
            "interrupted" if interrupted else "stopped" if stopped_early else "ended",
            len(attempt.records),
            attempt.best_epoch,
        )
        run = attempt.run(stopped_early=stopped_early and not interrupted, interrupted=interrupted)
        if not interrupted:
            self.finished.append(run)
            self._attempt = None
            self._keep()
        return run

    def _skip(self, n_epochs: int) -> None:
        """Move the bar over what an earlier process trained after the warm-up."""
        self.progress.skip((n_epochs - self.plan.warm_up_epochs) * self._n_steps)

    def _keep(self) -> None:
        if self.checkpoint is None or self.loop.world.rank > 0 or not self.checkpoint.is_due:
            return
        try:
            self.checkpoint.write(self._state)
        except (OSError, SafetensorError) as error:
            # What is trained is worth more than the means to go on with it.
            if not self._warned:
                warn(
                    f"No checkpoint could be written to {str(self.checkpoint.path)!r} ({error}); the training goes on."
                )
            self._warned = True

    def _state(self) -> dict[str, Any]:
        """Everything that a continued training depends on; between two epochs."""
        return {
            "loop": tuple(self.loop.state()),
            "warm_up": self._warm_up,
            "start": None if self._start is None else tuple(self._start),
            "finished": [vars(run) for run in self.finished],
            "attempt": None if self._attempt is None else vars(self._attempt),
        }

    def _restore(self, saved: dict[str, Any]) -> None:
        self.loop.restore(LoopState(*saved["loop"]))
        self._warm_up = saved["warm_up"]
        self._start = None if saved["start"] is None else LoopState(*saved["start"])
        self.finished = [Run(**run) for run in saved["finished"]]
        self._attempt = None if saved["attempt"] is None else Attempt(**saved["attempt"])
        self.progress.skip(len(self._warm_up) * self._n_steps)
        logger.info(
            "going on from %s: %d trainings had ended, %d epochs of the next",
            self.checkpoint.path if self.checkpoint else None,
            len(self.finished),
            len(self._attempt.records if self._attempt else self._warm_up),
        )

    def _epoch(self, epoch: int, weight: float, smoothness: float) -> dict[str, float]:
        trained = self.loop.train_epoch(
            self.training,
            weight=weight,
            pull=self.plan.pull_at(epoch),
            rate=lambda share: self.plan.rate(epoch + share),
            on_step=self._step,
        )
        seen = self.loop.evaluate(self.held_out)
        explained = self.explained(seen.reconstruction)
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
        record = dict(zip(MEASURES, values, strict=True))
        # After the held-out loss, so that every epoch is judged by the graph that it was trained with.
        record = record if self.refresh is None else record | self.refresh(epoch)
        self._possible, record = self.loop.world.agree((explained.possible, record))
        return record

    def _step(self, loss: float) -> None:
        self.progress.step(loss)
        self.interrupt.after_step()


def _read(checkpoint: Checkpoint, world: World) -> Any:
    """What the first process finds in a checkpoint: others may be where there is no such file, and would begin anew.

    Raises
    ------
    ValueError
        In all processes, if the file is no checkpoint, or of other data or options.
    """
    saved, error = None, None
    if world.rank == 0:
        try:
            saved = checkpoint.read()
        except ValueError as wrong:
            error = wrong
    saved, error = world.agree((saved, error))
    if error is not None:
        raise error
    return saved
