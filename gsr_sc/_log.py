"""Log lines in scanpy's format, shown at the verbosity that scanpy is set to."""

from __future__ import annotations

import inspect
import logging
import sys
import warnings
from typing import Any

from ._processes import rank

logger = logging.getLogger("gsr_sc")

# scanpy's verbosity: 0 errors, 1 warnings, 2 info, 3 hints, 4 debug.
_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.INFO, logging.DEBUG)


class _ScanpyVerbosity(logging.Filter):
    """Lets through what scanpy itself would show; warnings and errors only while scanpy is not imported."""

    def filter(self, record: logging.LogRecord) -> bool:
        scanpy = sys.modules.get("scanpy")
        settings = getattr(scanpy, "settings", None)
        if rank() > 0:
            # The first of several processes speaks for all.
            return record.levelno >= logging.ERROR
        verbosity = int(getattr(settings, "verbosity", 1)) if settings is not None else 1
        return record.levelno >= _LEVELS[min(max(verbosity, 0), len(_LEVELS) - 1)]


class _StandardError(logging.StreamHandler[Any]):
    """Writes to whatever the standard error stream is by then: notebooks and tests exchange it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


def configure() -> None:
    """Send log lines to the standard error stream, once."""
    if any(isinstance(handler.filters[0], _ScanpyVerbosity) for handler in logger.handlers if handler.filters):
        return
    handler = _StandardError()
    handler.addFilter(_ScanpyVerbosity())
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False


def warn(message: str) -> None:
    """Warn at the line outside this package that led here; the first of several processes speaks for all."""
    if rank() > 0:
        return
    level, frame = 1, inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith(__package__ + "."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)
