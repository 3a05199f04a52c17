"""What holds for every test and every example in a docstring."""

from __future__ import annotations

import os
import random
import sys
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import settings

# Each test process, started from this one, has a core to itself: with more threads they only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Before anything imports pyplot: no test needs a screen.
mpl.use("Agg")

import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same examples every time, however busy the machine is.
settings.register_profile("gsr_sc", deadline=None, derandomize=True)
settings.load_profile("gsr_sc")


@pytest.fixture(autouse=True)
def _no_open_figure(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a matplotlib figure open; an example in a docstring has its figures closed."""
    plt.close("all")
    yield
    numbers = plt.get_fignums()
    plt.close("all")
    if not isinstance(request.node, pytest.DoctestItem):
        assert not numbers, f"figures {numbers} are still open after the test"


@pytest.fixture(autouse=True)
def _global_randomness_untouched(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test after which the global random state of Python, numpy or torch is another one."""
    before = _random_state()
    yield
    if isinstance(request.node, pytest.DoctestItem):
        return  # an example may draw its own input as a user would
    after = _random_state()
    # What was only imported during the test has no state to compare with.
    changed = [name for name, state in before.items() if after[name] != state]
    assert not changed, f"the global random state of {changed} was changed"


def _random_state() -> dict[str, Any]:
    kind, keys, *position = np.random.get_state()  # noqa: NPY002 (the state that must not be used)
    state: dict[str, Any] = {"random": random.getstate(), "numpy": (kind, keys.tobytes(), *position)}
    if "torch" in sys.modules:
        state["torch"] = sys.modules["torch"].get_rng_state().numpy().tobytes()
    return state
