"""Whether variables change along a position, beyond what depth alone would do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy import sparse, stats

from ._basis import periodic_basis, spline_basis, spline_knots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

# Numbers of a block of observations that are dense at a time: 16 MB.
_BLOCK = 2**21
_DEPTH_DF = 3
_GRID = 101


@dataclass(frozen=True, eq=False)
class Along:
    """What was found for each variable, all (n_vars,); NaN where a variable was not tested.

    Attributes
    ----------
    statistic
        Robust score statistic, about chi-squared distributed with `df` degrees of freedom where nothing changes.
    pval
        Probability of one as large where nothing changes.
    explained
        Share of the variance, after depth, that the curve explains.
    amplitude
        Highest minus lowest value of the curve.
    peak
        Where the curve is highest.
    mean
        Mean value.
    n_obs
        Number of observations in which the variable is not 0.
    df
        Degrees of freedom.
    """

    statistic: Array
    pval: Array
    explained: Array
    amplitude: Array
    peak: Array
    mean: Array
    n_obs: NDArray[np.intp]
    df: int


class Observations(Protocol):
    """Observations of many variables, wherever they are."""

    def each(self, work: Callable[..., Any], *along: Array | None) -> Iterator[tuple[Any, Any]]:
        """What a function makes of blocks of observations, each given with its part of arrays that go along with all."""
        ...


def change_along(
    values: Any,
    position: ArrayLike,
    *,
    depth: ArrayLike | None = None,
    counts: bool = False,
    periodic: bool = False,
    df: int = 4,
    min_obs: int = 10,
) -> Along:
    """Test each variable for a change along a position, against a null in which it follows depth alone.

    Counts are scaled to the median depth and log(1 + x) is taken. In the null a value may be any smooth function of depth
    (natural cubic splines of its logarithm), as even values that were normalised are. A curve of position (natural
    cubic splines, or waves) is then added by least squares, and tested by a score statistic whose variance is that of
    the observed residuals of the null. So neither the distribution of the values has to be known, nor how their
    variance changes with depth or position.

    Parameters
    ----------
    values
        Dense or sparse, (n_obs, n_vars), or :class:`Observations`, which are gone through twice.
    position
        Position of each observation, (n_obs,), all finite.
    depth
        Depth of each observation, (n_obs,); needed for counts.
    counts
        Whether the values are counts.
    periodic
        Whether the position is an angle in radians.
    df
        How many functions a curve is made of; with an angle, pairs of waves.
    min_obs
        Variables that are not 0 in fewer observations are not tested.

    Raises
    ------
    ValueError
        If there are too few observations or positions, or counts without depth.
    """
    x = np.asarray(position, dtype=np.float64)
    known = None if depth is None else np.asarray(depth, dtype=np.float64)
    if counts and known is None:
        msg = "Counts need the depth of each observation."
        raise ValueError(msg)
    basis = _basis(x, df, periodic=periodic)
    if len(x) < 5 * (df + 1 + _DEPTH_DF) or np.ptp(x) == 0:
        msg = f"There are {len(x)} observations at {len(np.unique(x))} positions; too few for curves of df={df}."
        raise ValueError(msg)
    scale, null = None, np.ones((len(x), 1))
    if counts:
        assert known is not None
        typical = float(np.median(known[known > 0])) if (known > 0).any() else 1.0
        scale = np.divide(typical, known, out=np.zeros(len(x)), where=known > 0)
    if known is not None and np.ptp(known) > 0:
        log = np.log(np.maximum(known, np.min(known[known > 0], initial=np.inf)))
        null = np.column_stack([null, spline_basis(log, spline_knots(log, _DEPTH_DF))])
    each = values.each if hasattr(values, "each") else _InMemory(values).each
    inverse = np.asarray(np.linalg.pinv(null), dtype=np.float64)
    design, over = basis(x), _grid(x, periodic=periodic)
    total, n_obs, of_null = _added(each(_first_sums, scale, inverse.T))
    # What of the curve depth, or a constant, cannot do.
    free = design - null @ (inverse @ design)
    score, squares, left = _added(each(partial(_second_sums, of_null), scale, null, free))
    mean = total / len(x)
    tested = (n_obs >= min_obs) & (left > 1e-12 * len(x) * np.maximum(mean**2, 1e-300))
    statistic, slope = _score_test(score, squares, free)
    curve = (basis(over) - design.mean(axis=0)) @ slope
    explained = np.divide(np.einsum("kg,kg->g", score, slope), left, out=np.zeros(len(left)), where=left > 0)
    found = (np.maximum(statistic, 0), np.clip(explained, 0, 1), np.ptp(curve, axis=0), over[curve.argmax(axis=0)])
    statistic, explained, amplitude, peak = (np.where(tested, values, np.nan) for values in found)
    return Along(
        statistic,
        stats.chi2.sf(statistic, design.shape[1]),
        explained,
        amplitude,
        peak,
        mean,
        n_obs.astype(np.intp),
        design.shape[1],
    )


def _basis(x: Array, df: int, *, periodic: bool) -> Callable[[Array], Array]:
    if periodic:
        return lambda at: periodic_basis(at, max(df // 2, 1))
    knots = spline_knots(x, df)
    return lambda at: spline_basis(at, knots)


def _grid(x: Array, *, periodic: bool) -> Array:
    if periodic:
        return np.linspace(0, 2 * np.pi, _GRID)[:-1]
    # The ends hold too few observations to say where a peak is.
    return np.linspace(np.quantile(x, 0.01), np.quantile(x, 0.99), _GRID)


class _InMemory:
    """Observations that are here."""

    def __init__(self, values: Any) -> None:
        self._matrix: Any = sparse.csr_array(values) if sparse.issparse(values) else np.asarray(values)

    def each(self, work: Callable[..., Any], *along: Array | None) -> Iterator[tuple[Any, Any]]:
        n_obs, n_vars = self._matrix.shape
        size = max(1, _BLOCK // max(n_vars, 1))
        for start in range(0, n_obs, size):
            part = slice(start, start + size)
            yield part, work(self._matrix[part], *(None if every is None else every[part] for every in along))


def _added(parts: Iterator[tuple[Any, tuple[Array, ...]]]) -> tuple[Array, ...]:
    """Sums over all blocks, in the order in which they come."""
    sums: tuple[Array, ...] | None = None
    for _, part in parts:
        sums = part if sums is None else tuple(map(np.add, sums, part))
    assert sums is not None
    return sums


def _dense(values: Any, scale: Array | None) -> Array:
    """A block of observations, counts scaled and log-transformed."""
    if not sparse.issparse(values):
        block = np.asarray(values, dtype=np.float64)
        return block if scale is None else np.log1p(block * scale[:, None])
    block = sparse.csr_array(values, dtype=np.float64)
    if scale is not None:
        block = sparse.csr_array(
            (np.log1p(block.data * np.repeat(scale, np.diff(block.indptr))), block.indices, block.indptr), block.shape
        )
    return np.asarray(block.toarray())


def _first_sums(values: Any, scale: Array | None, inverse: Array) -> tuple[Array, ...]:
    """Sum of each variable, in how many observations it is not 0, and its coefficients in the null, (n_null, n_vars)."""
    y = _dense(values, scale)
    return y.sum(axis=0), np.count_nonzero(y, axis=0).astype(np.float64), inverse.T @ y


def _second_sums(of_null: Array, values: Any, scale: Array | None, null: Array, free: Array) -> tuple[Array, ...]:
    """Products of the functions with residuals, of pairs of them with their squares, and the squares."""
    residual = _dense(values, scale) - null @ of_null
    score = free.T @ residual
    squared = np.square(residual, out=residual)
    first, second = np.triu_indices(free.shape[1])
    return score, (free[:, first] * free[:, second]).T @ squared, squared.sum(axis=0)


def _score_test(score: Array, squares: Array, free: Array) -> tuple[Array, Array]:
    """Statistic of each variable, (n_vars,), and how much of each function is in it, (n_functions, n_vars)."""
    k, n_vars = score.shape
    first, second = np.triu_indices(k)
    variance = np.empty((n_vars, k, k))
    variance[:, first, second] = squares.T
    variance[:, second, first] = squares.T
    inverse = np.linalg.pinv(variance, rcond=1e-10, hermitian=True)
    return np.einsum("kg,gkl,lg->g", score, inverse, score), np.linalg.pinv(free.T @ free) @ score
