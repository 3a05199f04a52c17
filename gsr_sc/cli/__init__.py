"""The command line: `gsr-sc demo`, `gsr-sc fit`, `gsr-sc map`, `gsr-sc report`."""

from __future__ import annotations

from ._main import main

__all__ = ["main"]
