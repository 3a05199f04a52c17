"""One training by several processes: each learns from its share of every batch, and all take the same step."""

from __future__ import annotations

import atexit
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from .._processes import n_processes, rank

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    T = TypeVar("T")


class LostProcessError(RuntimeError):
    """Another of the processes that train together is gone."""


class World:
    """The processes that train one network together; this one alone, unless there are more.

    All of them do the same in the same order, each with its share of the rows. Nothing that is decided may differ between
    them by a rounding error, or they would wait for each other for ever: what decides is told by the first.

    Attributes
    ----------
    rank, size
        Number of this process, counted from 0, and of all.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    def share(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Part of some row numbers that is this process's; in the order of the processes they are all."""
        return rows[self.span(len(rows))]

    def span(self, n_rows: int) -> slice:
        """Which of so many rows, as consecutive ones, are this process's."""
        least, over = divmod(n_rows, self.size)
        start = self.rank * least + min(self.rank, over)
        return slice(start, start + least + (self.rank < over))

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their sums over the processes, in one message."""
        if self.size == 1:
            return
        flat = torch.cat([each.reshape(-1) for each in tensors])
        with _together():
            torch.distributed.all_reduce(flat)
        for each, total in zip(tensors, flat.split([each.numel() for each in tensors]), strict=True):
            each.copy_(total.view_as(each))

    def whole(self, gradients: list[Tensor], losses: NDArray[np.float64], *, share: float) -> NDArray[np.float64]:
        """Make the gradients of this process's share of a batch those of the whole batch, and return its losses."""
        if self.size == 1:
            return losses
        sent = torch.tensor(losses * share, dtype=torch.float32, device=gradients[0].device)
        torch._foreach_mul_(gradients, share)
        self.add([*gradients, sent])
        return sent.double().cpu().numpy()

    def own_seeds(self, seeds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Seeds of this process's noise, from those that all of them drew; the order of the rows is the same in all."""
        if self.rank == 0:
            return seeds
        return np.random.default_rng([*seeds.tolist(), self.rank]).integers(2**63, size=len(seeds))

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of an array over the processes, the same bits in each."""
        if self.size == 1:
            return values
        # In the order of the processes, so that every one of them adds up the same.
        return np.sum(self.collect(values), axis=0)

    def agree(self, value: T) -> T:
        """What the first process says."""
        if self.size == 1:
            return value
        told = [value]
        with _together():
            torch.distributed.broadcast_object_list(told, src=0, device=torch.device("cpu"))
        return told[0]

    def copy_first(self, module: torch.nn.Module) -> None:
        """Give a module the weights and buffers that it has in the first process."""
        for value in module.state_dict().values() if self.size > 1 else ():
            with _together():
                torch.distributed.broadcast(value, src=0)

    def require_same(self, what: Any, told: str) -> None:
        """Raise unless all processes say the same.

        Raises
        ------
        ValueError
            In all of them, if one does not.
        """
        if self.size > 1 and any(other != what for other in self.collect(what)):
            msg = f"The processes have different {told}: every one has to be given the same data and options."
            raise ValueError(msg)

    def collect(self, value: Any) -> list[Any]:
        """What each of the processes says, in their order."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        with _together():
            torch.distributed.all_gather_object(found, value)
        return found


@contextmanager
def _together() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        missed = "lost touch with the others"
        raise _lost(missed) from error


@contextmanager
def tells_why(world: World) -> Iterator[None]:
    """Have a process that is told to end say why: `torchrun` ends all when one has died, often before they miss it.

    Raises
    ------
    LostProcessError
        When SIGTERM comes, unless the caller has a use for it already.
    """
    main = threading.current_thread() is threading.main_thread()
    if world.size == 1 or not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def end(*_: object) -> None:
        ended = "was told to end"
        raise _lost(ended)

    after: signal.Handlers = signal.SIG_DFL
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    except LostProcessError:
        # It ends by this; to be ended meanwhile would leave nobody to tell.
        after = signal.SIG_IGN
        raise
    finally:
        signal.signal(signal.SIGTERM, after)


def _lost(what: str) -> LostProcessError:
    return LostProcessError(
        f"Process {rank()} of {n_processes()} {what}: most likely one of the others has ended, and says why. "
        "Nothing was written; with `checkpoint=` the same command goes on."
    )


def join_processes() -> World:
    """Meet the other processes that `torchrun` started, once; alone without it.

    Where the caller has made a process group already, it is used as it is.
    """
    if not torch.distributed.is_available():
        return World()
    if not torch.distributed.is_initialized():
        if n_processes() == 1:
            return World()
        # NCCL takes what lies on GPUs, gloo the rest.
        torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
        atexit.register(_leave)
    return World(torch.distributed.get_rank(), torch.distributed.get_world_size())


def _leave() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
