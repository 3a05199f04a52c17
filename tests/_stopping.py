"""Fits that are stopped on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gsr_sc.tl._refit import Refit
from gsr_sc.training import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

# Of `_fits.cells()`: 135 training rows in batches of 128.
STEPS_PER_EPOCH = 2


class Killed(BaseException):
    """What nobody catches, as if the process had died."""


def kill() -> None:
    raise Killed


def at_step(monkeypatch: pytest.MonkeyPatch, number: int, do: Callable[[], object]) -> None:
    """Have something done at the end of the `number`-th step from now on, counted from 1."""
    step, seen = Progress.step, []

    def counting(self: Progress, loss: float) -> None:
        step(self, loss)
        seen.append(loss)
        if len(seen) == number:
            do()

    monkeypatch.setattr(Progress, "step", counting)


def interrupt_refit(monkeypatch: pytest.MonkeyPatch, number: int) -> list[int]:
    """Have the `number`-th of several fits interrupted, counted from 1; return what grows by one for each begun."""
    fit, begun = Refit.fit, list[int]()

    def interrupted(self: Refit, *args: Any, **options: Any) -> Any:
        begun.append(1)
        if len(begun) == number:
            raise KeyboardInterrupt
        return fit(self, *args, **options)

    monkeypatch.setattr(Refit, "fit", interrupted)
    return begun
