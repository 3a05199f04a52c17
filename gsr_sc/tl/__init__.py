"""Analysis on AnnData, in scanpy's conventions."""

from __future__ import annotations

from ._fit import fit

__all__ = ["fit"]
