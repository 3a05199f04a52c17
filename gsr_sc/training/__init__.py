"""Training: knows batches and devices, not where the batches come from."""

from __future__ import annotations

from ._context import Context
from ._design import Design, Penalty
from ._devices import resolve_device
from ._fit import Fit, fit
from ._loop import DivergedError
from ._noise import noise_share
from ._plan import TrainingPlan
from ._progress import Progress
from ._start import Init, Targets, annealed_targets
from ._threads import limited_threads

__all__ = [
    "Context",
    "Design",
    "DivergedError",
    "Fit",
    "Init",
    "Penalty",
    "Progress",
    "Targets",
    "TrainingPlan",
    "annealed_targets",
    "fit",
    "limited_threads",
    "noise_share",
    "resolve_device",
]
