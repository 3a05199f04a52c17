"""`python -m gsr_sc` is the command `gsr-sc`."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
