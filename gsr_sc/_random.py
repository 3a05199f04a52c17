"""Where randomness comes from: one generator of the caller's, never the global state."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Rng: TypeAlias = "int | np.integer | np.random.SeedSequence | np.random.Generator | None"


def resolve_rng(rng: Rng, random_state: Rng = None) -> np.random.Generator:
    """Return the generator for what a user passed as `rng` or, in the older spelling, `random_state`.

    Raises
    ------
    TypeError
        If both were passed, or either is no seed and no generator.
    """
    if random_state is not None and rng not in (None, 0):
        msg = f"`rng={rng!r}` and `random_state={random_state!r}` are two spellings of the same; pass only `rng`."
        raise TypeError(msg)
    seed = rng if random_state is None else random_state
    if isinstance(seed, bool) or not (
        seed is None or isinstance(seed, int | np.integer | np.random.SeedSequence | np.random.Generator)
    ):
        msg = f"`rng` is a {type(seed).__name__}; pass a whole number, a `numpy.random.Generator`, or None."
        raise TypeError(msg)
    return np.random.default_rng(seed)


def seeds(rng: np.random.Generator, n: int) -> list[int]:
    """Draw seeds for `n` purposes."""
    return [int(seed) for seed in rng.integers(2**63, size=n)]
