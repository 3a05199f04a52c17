"""The command line: `gsr-sc demo`, `gsr-sc fit`, `gsr-sc map`."""

from __future__ import annotations

from ._main import main

__all__ = ["main"]
