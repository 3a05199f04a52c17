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
    ValueError
        If a seed is negative.
    """
    if random_state is not None and not (rng is None or (isinstance(rng, int) and rng == 0)):
        msg = f"`rng={rng!r}` and `random_state={random_state!r}` are two spellings of the same; pass only `rng`."
        raise TypeError(msg)
    seed = rng if random_state is None else random_state
    if isinstance(seed, bool) or not (
        seed is None or isinstance(seed, int | np.integer | np.random.SeedSequence | np.random.Generator)
    ):
        msg = f"`rng` is a {type(seed).__name__}; pass a whole number, a `numpy.random.Generator`, or None."
        raise TypeError(msg)
    if isinstance(seed, int | np.integer) and seed < 0:
        msg = f"`rng` is {seed}; a seed is a whole number >= 0."
        raise ValueError(msg)
    return np.random.default_rng(seed)


def draw_seed(rng: np.random.Generator) -> int:
    """Draw a seed for something that has a generator of its own."""
    return int(rng.integers(2**63))
