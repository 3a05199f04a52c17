"""What importing the package costs."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest


def seconds(statement: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - began


def test_the_package_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'scanpy', 'anndata', 'matplotlib', 'numba', 'sklearn'}"
    statement = f"import sys, gsr_sc; dir(gsr_sc); sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    assert subprocess.run([sys.executable, "-c", statement], check=False).returncode == 0


@pytest.mark.slow
def test_import_takes_little_longer_than_that_of_scanpy() -> None:
    # The best of several in turns: what else runs on the machine slows some of them.
    turns = [(seconds("import gsr_sc"), seconds("import scanpy")) for _ in range(4)]
    ours, scanpy = (min(turn[side] for turn in turns) for side in (0, 1))
    assert ours <= 1.2 * scanpy + 0.3
