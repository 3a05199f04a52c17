"""One progress bar for a whole fit."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType


class Progress:
    """A bar over all training steps, with the loss and the time left.

    Parameters
    ----------
    show
        Whether to draw it; None draws it only where somebody can see it move (a terminal or a notebook).
    """

    def __init__(self, *, show: bool | None = None) -> None:
        with warnings.catch_warnings():
            # In a notebook without ipywidgets tqdm warns and falls back to text, which is all that is needed.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
        in_notebook = "ipykernel" in sys.modules
        self._moves = in_notebook or sys.stderr.isatty()
        hidden = not show if show is not None else not self._moves
        # Shown on request even where there is no terminal: then rarely, since every update is a line of its own.
        interval = 0.1 if self._moves else 5.0
        self._bar: Any = tqdm(total=0, disable=hidden, desc="gsr_sc", unit="step", mininterval=interval, leave=True)

    def expect(self, n_steps: int) -> None:
        """Add steps still to come."""
        self._resize(self._bar.total + n_steps)

    def drop(self, n_steps: int) -> None:
        """Take away steps that an early stop saved."""
        self._resize(self._bar.total - n_steps)

    def step(self, loss: float) -> None:
        """Advance by one step."""
        self._bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
        self._bar.update()

    def skip(self, n_steps: int) -> None:
        """Advance by steps that were done before."""
        self._bar.update(n_steps)

    def _resize(self, total: int) -> None:
        bar = self._bar
        done, since = bar.n, getattr(bar, "start_t", None)
        # Only `reset` tells a notebook's widget about a new length; what was done and when it began stays.
        bar.reset(total=total)
        bar.n = done
        if not bar.disable:
            bar.last_print_n, bar.start_t = done, since
            if self._moves:
                bar.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
