"""Rows of any container as float32 mini-batches; the one room that knows containers."""

from __future__ import annotations

from ._abundances import abundances
from ._collection import Collected, collected
from ._components import Blocks, component_scores, principal_axes
from ._integrate import Integration, fit_integration
from ._learn_transform import fit_transform
from ._look import look
from ._open import open_rows
from ._partial import PartialSource
from ._rows import Rows, as_float
from ._shared import SharedRows
from ._source import Block, MatrixSource
from ._spill import release
from ._transform import Transform, TransformKind, log_normalise, row_totals
from ._unlog import BASES, NO_LOGARITHM, unlogged

__all__ = [
    "BASES",
    "NO_LOGARITHM",
    "Block",
    "Blocks",
    "Collected",
    "Integration",
    "MatrixSource",
    "PartialSource",
    "Rows",
    "SharedRows",
    "Transform",
    "TransformKind",
    "abundances",
    "as_float",
    "collected",
    "component_scores",
    "fit_integration",
    "fit_transform",
    "log_normalise",
    "look",
    "open_rows",
    "principal_axes",
    "release",
    "row_totals",
    "unlogged",
]
