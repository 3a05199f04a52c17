"""How long and how fast a training goes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

_BATCH_SIZE, _RATE = 128, 3e-3
# Twice the batch costs a fifth less per observation, and with half more of a rate reaches the same map as soon: where what
# is learnt is limited by noise. Clear data are limited by steps (cytometry lost a twentieth of what is explained), and
# fewer observations than these would be left with few.
_LARGE_BATCH_SIZE, _LARGE_RATE, _LARGE, _NOISY = 256, 4.5e-3, 2000, 0.5
# Few passes are enough for many observations, and more than these never harm: between, as many as show so many rows.
_FEW_EPOCHS, _EPOCHS, _SHOWN = 12, 20, 155_000
_MIN_STEPS = 700
_MAX_EPOCHS = 200
# Beyond this a map learns nothing from more rows per epoch: see `benchmarks/scale.py`. So large data cost no more to train on,
# and early stopping is asked just as often.
_ROWS_PER_EPOCH = 50_000
# Of data that are nothing but noise. Less for data whose leading components hold more: markers and pixels that agree with
# each other need no guard against learning noise by heart, and lose by it.
_DROPOUT = 0.35
_HIDDEN_DROPOUT = 0.12
_WEIGHT_DECAY = 1.2
# Weight of a start that is read from curves of all variables, for data without noise. With a weight of one known orders lose .003
# to .007; with ten whatever the noise, neurons tell little but the place on the tree (kNN purity .04 lower on noisy data).
_CURVES_HOLD = 10.0


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Budget and rates of a training.

    Attributes
    ----------
    warm_up_epochs
        Passes over the data at the start, in which the encoder learns the annealed map.
    max_epochs
        Passes over the data after that.
    batch_size
        Observations per step.
    rows_per_epoch
        Where there are more training observations, each epoch takes so many of them, drawn anew.
    patience
        Epochs without a better held-out loss after which the training stops.
    learning_rate
        Highest learning rate: reached during the warm-up, then falling along a half cosine to a hundredth.
    pull
        Weight of the annealed map beside the loss after the warm-up, fading to zero.
    hold
        Weight of how far observations are from where the annealed map places them, on graphs whose order is their result: it
        does not fade, and takes the place of `pull` there.
    clip_norm
        Largest norm of the gradient.
    dropout
        Share of the inputs that the encoder does not see in a step; it has to guess them from the rest.
    hidden_dropout
        Share of the hidden units that are off in a step.
    weight_decay
        Decay of the weights, as a multiple of the learning rate.
    """

    warm_up_epochs: int
    max_epochs: int
    batch_size: int = _BATCH_SIZE
    rows_per_epoch: int = _ROWS_PER_EPOCH
    patience: int = 8
    learning_rate: float = _RATE
    pull: float = 0.03
    hold: float = 1.0
    clip_norm: float = 5.0
    dropout: float = 0.0
    hidden_dropout: float = 0.0
    weight_decay: float = 0.0

    @classmethod
    def for_data(cls, n_training: int, max_epochs: int | None = None, *, noise: float = 0.0) -> TrainingPlan:
        """Choose a plan by the number of training observations: small data get more passes, for as many steps.

        Parameters
        ----------
        n_training
            Number of training observations.
        max_epochs
            Passes after the warm-up; by default as many as show 155 000 observations, between 12 and 20, or more for 700 batches
            of 128, up to 200.
        noise
            Share of the variance that the leading principal components of the training rows leave of other rows.
        """
        if max_epochs is None:
            enough = min(max(math.ceil(_SHOWN / n_training), _FEW_EPOCHS), _EPOCHS)
            at_least = math.ceil(_MIN_STEPS / math.ceil(n_training / _BATCH_SIZE))
            max_epochs = min(max(enough, at_least), _MAX_EPOCHS)
        large = n_training >= _LARGE and noise >= _NOISY
        return cls(
            batch_size=_LARGE_BATCH_SIZE if large else _BATCH_SIZE,
            learning_rate=_LARGE_RATE if large else _RATE,
            warm_up_epochs=max(math.ceil(max_epochs / 6), 1),
            max_epochs=max_epochs,
            # Rounded, so that rounding errors of the components drop no other input.
            dropout=round(_DROPOUT * noise, 3),
            hidden_dropout=round(_HIDDEN_DROPOUT * noise, 3),
            weight_decay=round(_WEIGHT_DECAY * noise, 3),
        )

    def held_to_curves(self, noise: float) -> TrainingPlan:
        """The same where the start is read from curves of all variables, as well as they can be: it is kept to more closely.

        Parameters
        ----------
        noise
            As in :meth:`for_data`: where little can be explained, little of it is given up for the start.
        """
        return replace(self, hold=_CURVES_HOLD * (1 - noise))

    @property
    def n_epochs(self) -> int:
        """Passes in all, if nothing stops the training early."""
        return self.warm_up_epochs + self.max_epochs

    def n_steps(self, n_training: int) -> int:
        """Steps per epoch."""
        return math.ceil(min(n_training, self.rows_per_epoch) / self.batch_size)

    def rate(self, epoch: float) -> float:
        """Learning rate at a (fractional) epoch."""
        if epoch < self.warm_up_epochs:
            return self.learning_rate * min(1.0, (epoch + 0.1) / (self.warm_up_epochs / 2))
        share = (epoch - self.warm_up_epochs) / max(self.max_epochs, 1)
        return self.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * min(share, 1.0))) / 2)

    def pull_at(self, epoch: int) -> float:
        """Weight of the annealed map in an epoch: one in the warm-up, then small and fading."""
        if epoch < self.warm_up_epochs:
            return 1.0
        return self.pull * (1 - (epoch - self.warm_up_epochs) / max(self.max_epochs, 1))
