"""Importing this makes `gsr_sc` the one of this checkout, installed or not: of peers' environments it needs no torch."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
