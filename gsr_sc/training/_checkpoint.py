"""The state of a training in one file of safetensors and JSON: no pickle, and never half of one."""

from __future__ import annotations

import json
import math
import os
import time
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_SCHEMA = 1
# A state is some ten megabytes: written this often it costs nothing, and no more than this is lost.
_SECONDS = 10.0
# Sums of the same values may differ by so much from one machine to another.
_TOLERANCE = 1e-6
# Files of trainings that have ended, while their results are yet to be written.
_NOT_NEEDED: ContextVar[list[Path] | None] = ContextVar("_NOT_NEEDED", default=None)


@contextmanager
def checkpoints_kept() -> Iterator[None]:
    """What is done with the results of a training is done before its checkpoint is removed, and if it fails, that is kept.

    Examples
    --------
    >>> from gsr_sc.training import Checkpoint
    >>> with checkpoints_kept():  # what fits and then writes what it found
    ...     Checkpoint("of_no_fit.checkpoint").remove()
    """
    files: list[Path] = []
    token = _NOT_NEEDED.set(files)
    try:
        yield
    finally:
        _NOT_NEEDED.reset(token)
    for file in files:
        file.unlink(missing_ok=True)


def require_place(path: str | os.PathLike[str]) -> None:
    """Raise unless a checkpoint can be written there.

    Raises
    ------
    ValueError
        If the path is a folder, or its folder does not exist or cannot be written to.
    """
    file = Path(path)
    if file.is_dir():
        msg = f"`checkpoint` is {str(file)!r}, which is a folder; a checkpoint is a file, such as 'fit.checkpoint'."
        raise ValueError(msg)
    if not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        msg = f"`checkpoint` is {str(file)!r}, and nothing can be written to its folder; make it first, or choose another."
        raise ValueError(msg)


class Checkpoint:
    """Where the state of one training is kept until it has ended.

    Parameters
    ----------
    path
        The file.
    identity
        What has to be the same for the training to go on: plain values that say which data and options it is of. Numbers
        with a fraction may differ by a millionth.
    """

    def __init__(self, path: str | os.PathLike[str], identity: Mapping[str, Any] | None = None) -> None:
        self.path = Path(path)
        self.identity = dict(identity or {})
        self._written = time.monotonic()

    def read(self) -> Any:
        """State of the training that was broken off, or None if there is none.

        Raises
        ------
        ValueError
            If the file is no checkpoint, or of other data or options.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, "pt") as file:
                description = json.loads(file.metadata()["gsr_sc"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            msg = f"{str(self.path)!r} is no checkpoint of a training; delete it, or choose another `checkpoint`."
            raise ValueError(msg) from error
        self._require_same(description["identity"])
        return unpack(description["state"], tensors)

    @property
    def is_due(self) -> bool:
        """Whether the last state was written long enough ago."""
        return time.monotonic() - self._written >= _SECONDS

    def write(self, state: Callable[[], Any]) -> None:
        """Write a state in the place of the last one."""
        tensors: dict[str, torch.Tensor] = {}
        described = pack(state(), tensors)
        metadata = {"gsr_sc": json.dumps({"schema": _SCHEMA, "identity": self.identity, "state": described})}
        # Beside its place first: whenever the process is killed, the last whole state is there.
        part = self.path.with_name(f".{self.path.name}.part")
        try:
            save_file(tensors, part, metadata=metadata)
            part.replace(self.path)
        finally:
            part.unlink(missing_ok=True)
            # Also if it failed, or it would be tried after every epoch.
            self._written = time.monotonic()

    def remove(self) -> None:
        """Remove the file, now or at the end of :func:`checkpoints_kept`: the training has ended."""
        waiting = _NOT_NEEDED.get()
        if waiting is None:
            self.path.unlink(missing_ok=True)
        else:
            waiting.append(self.path)

    def _require_same(self, other: dict[str, Any]) -> None:
        # As it would be read back: a tuple is a list then.
        mine = json.loads(json.dumps(self.identity))
        names = [name for name in mine | other if not _alike(mine.get(name), other.get(name))]
        if not names:
            return
        shown = "; ".join(
            f"{name} is {_short(other.get(name))} there and {_short(mine.get(name))} here" for name in names
        )
        msg = (
            f"The checkpoint {str(self.path)!r} is of another fit: {shown}. "
            "Fit the same data with the same options to go on, or delete the file or choose another one to start anew."
        )
        raise ValueError(msg)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE) or (
            math.isnan(one) and math.isnan(other)
        )
    return bool(one == other)


def _short(value: Any, most: int = 40) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def pack(value: Any, tensors: dict[str, torch.Tensor], name: str = "state") -> Any:
    """Put the tensors and arrays in a nest of dicts, lists and tuples aside, and return the rest as JSON can say it."""
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, np.ndarray):
        tensors[name] = torch.from_numpy(np.ascontiguousarray(value)).clone()
        return {"array": name}
    if isinstance(value, dict):
        # As pairs: keys may be numbers, as those of an optimiser's state are.
        return {"items": [[key, pack(part, tensors, f"{name}/{key}")] for key, part in value.items()]}
    if isinstance(value, list | tuple):
        parts = [pack(part, tensors, f"{name}/{i}") for i, part in enumerate(value)]
        return {"tuple": parts} if isinstance(value, tuple) else parts
    if value is None or isinstance(value, bool | int | float | str):
        return value
    msg = f"a {type(value).__name__} has no place in a checkpoint"
    raise TypeError(msg)


def unpack(value: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """Undo :func:`pack`."""
    if isinstance(value, list):
        return [unpack(part, tensors) for part in value]
    if not isinstance(value, dict):
        return value
    ((kind, inside),) = value.items()
    if kind == "items":
        return {key: unpack(part, tensors) for key, part in inside}
    if kind == "tuple":
        return tuple(unpack(part, tensors) for part in inside)
    return tensors[inside].numpy() if kind == "array" else tensors[inside]
