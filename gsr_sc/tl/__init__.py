"""Analysis on AnnData, in scanpy's conventions."""

from __future__ import annotations

from .. import _openmp  # noqa: F401  before torch is imported
from ._fit import fit

__all__ = ["fit"]
