"""Training: knows batches and devices, not where the batches come from."""

from __future__ import annotations

from ._checkpoint import Checkpoint, checkpoints_kept, require_place
from ._context import Context
from ._design import Design, Penalty
from ._devices import resolve_device
from ._distributed import LostProcessError, World, join_processes, tells_why
from ._fit import Fit, fit
from ._interrupt import interrupts_raise
from ._loop import DivergedError
from ._noise import noise_share
from ._plan import TrainingPlan
from ._progress import Progress
from ._start import Init, Targets, annealed_targets
from ._threads import limited_threads

__all__ = [
    "Checkpoint",
    "Context",
    "Design",
    "DivergedError",
    "Fit",
    "Init",
    "LostProcessError",
    "Penalty",
    "Progress",
    "Targets",
    "TrainingPlan",
    "World",
    "annealed_targets",
    "checkpoints_kept",
    "fit",
    "interrupts_raise",
    "join_processes",
    "limited_threads",
    "noise_share",
    "require_place",
    "resolve_device",
    "tells_why",
]
