"""What the simulated processes share: options, where cells lie along them, how genes follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NOISE = 0.4
OPTIONS = """\
density
    How many times more cells there are where the process is crowded than where it is sparse: at its beginning than at
    its end, at angle 0 than opposite of it, on the first branch than on the last.
outliers
    Share of cells, below 1, of another type that has nothing to do with the process; they are True in `.obs["outlier"]`.
doublets
    Share of cells, below 1, that are the sum of two random cells; they are True in `.obs["doublet"]`."""
_N_PLACES = 4096
# Share of genes that follow the truth.
_INFORMATIVE_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What makes a process hard to follow; see `OPTIONS`."""

    density: float = 1.0
    outliers: float = 0.0
    doublets: float = 0.0

    def __post_init__(self) -> None:
        if not (self.density > 0 and np.isfinite(self.density)):
            msg = f"`density` is {self.density}; it is a ratio above 0, 1 for cells that are spread evenly."
            raise ValueError(msg)
        for name in ("outliers", "doublets"):
            share = getattr(self, name)
            if not 0 <= share < 1:
                msg = f"`{name}` is {share}; it is a share of the cells, at least 0 and below 1."
                raise ValueError(msg)

    @property
    def params(self) -> dict[str, float]:
        """What is not as it would be without any trouble."""
        plain = {"density": 1.0, "outliers": 0.0, "doublets": 0.0}
        return {name: float(getattr(self, name)) for name, value in plain.items() if getattr(self, name) != value}


def begin(
    kind: str, n_obs: int, n_vars: int, noise: float, rng: int | np.random.Generator
) -> tuple[np.random.Generator, dict[str, Any]]:
    """Check what all simulators are told; generator, and what is stored about the simulation."""
    if n_obs < 1 or n_vars < 1:
        msg = f"`n_obs={n_obs}`, `n_vars={n_vars}`; at least one cell and one gene are needed."
        raise ValueError(msg)
    if not noise >= 0:
        msg = f"`noise` is {noise}; a standard deviation is at least 0."
        raise ValueError(msg)
    params: dict[str, Any] = {"kind": kind}
    if not isinstance(rng, np.random.Generator):
        params["rng"] = int(rng)
    return np.random.default_rng(rng), params


def crowded(
    uniform: NDArray[np.float64], density: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Bring places that are spread evenly over [0, 1) to a density that need not be normalised."""
    edges = np.linspace(0, 1, _N_PLACES + 1)
    weight = density((edges[1:] + edges[:-1]) / 2)
    if np.ptp(weight) == 0:
        return uniform
    below = np.concatenate([[0.0], np.cumsum(weight)])
    return np.interp(uniform * below[-1], below, edges)


def informative_genes(n_vars: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which genes follow the truth, shape (n_vars,)."""
    chosen = np.zeros(n_vars, dtype=bool)
    chosen[rng.permutation(n_vars)[: max(1, round(_INFORMATIVE_SHARE * n_vars))]] = True
    return chosen


def effect_sizes(n_genes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Change of expression between off and on, natural log: few strong genes, many weak ones, shape (n_genes,)."""
    return rng.gamma(2.0, 0.6, n_genes)


def courses(time: NDArray[np.float64], n_genes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Expression over time: half of the genes switch once, half are on for a while, shape (n_obs, n_genes)."""
    centre = rng.uniform(-0.1, 1.1, n_genes)
    distance = time[:, None] - centre
    switch = 1 / (1 + np.exp(-distance * rng.choice([-1, 1], n_genes) * rng.uniform(6, 25, n_genes)))
    bump = np.exp(-0.5 * (distance / rng.uniform(0.08, 0.25, n_genes)) ** 2)
    return np.where(rng.random(n_genes) < 0.5, switch, bump) * effect_sizes(n_genes, rng)
