"""torch, loaded so that its threads wait without spinning.

The layers here are small, so threads meet thousands of times a second. Where another process wants a core, threads that
spin while they wait for each other hold it up: two threads then took ten times as long as one.
OpenMP reads how to wait once, when torch is loaded, so it is said for that moment only; the environment stays as it was.
Whoever has set `OMP_WAIT_POLICY`, or loaded torch before, keeps what they have.
"""

from __future__ import annotations

import os
import sys

_NAME = "OMP_WAIT_POLICY"

if "torch" in sys.modules or _NAME in os.environ:
    import torch
else:
    os.environ[_NAME] = "PASSIVE"
    try:
        import torch
    finally:
        del os.environ[_NAME]

__all__ = ["torch"]
