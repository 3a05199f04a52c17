"""Ctrl-C while a network trains: the step is finished, and the best weights so far are the result."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_KEEP = ContextVar("_KEEP", default=True)


class StoppedError(KeyboardInterrupt):
    """A training was stopped before it reached anything that could be kept."""


@dataclass
class Interrupt:
    """What became of Ctrl-C.

    Attributes
    ----------
    asked
        Whether the training is to stop after the step.
    final
        Whether a `KeyboardInterrupt` is to end everything, and not just the training.
    """

    asked: bool = False
    final: bool = False

    def after_step(self) -> None:
        """Stop here if that was asked for.

        Raises
        ------
        KeyboardInterrupt
            If it was.
        """
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def catch_interrupt() -> Iterator[Interrupt]:
    """Let the first Ctrl-C only ask for a stop; the second does what it would have done before.

    Only the main thread gets Ctrl-C and may say what it does. Elsewhere, and where it is ignored, nothing changes.
    """
    interrupt = Interrupt(final=not _KEEP.get())
    before = signal.getsignal(signal.SIGINT)
    if interrupt.final or threading.current_thread() is not threading.main_thread() or not callable(before):
        yield interrupt
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if interrupt.asked:
            interrupt.final = True
            before(number, frame)
        interrupt.asked = True

    signal.signal(signal.SIGINT, handle)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def interrupts_raise() -> Iterator[None]:
    """Have Ctrl-C raise at once: among several fits, one that ended early would be taken for one that did not."""
    token = _KEEP.set(False)
    try:
        yield
    finally:
        _KEEP.reset(token)
