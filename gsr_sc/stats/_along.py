"""Whether variables change along a position, beyond what depth alone would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse, stats

from ._basis import periodic_basis, spline_basis, spline_knots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

# Numbers of a block of variables that are dense at a time: 64 MB.
_BLOCK = 2**23
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
        Dense or sparse, (n_obs, n_vars).
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
    design, over = basis(x), _grid(x, periodic=periodic)
    parts = []
    for y in _blocks(values, scale):
        n_obs = np.count_nonzero(y, axis=0)
        parts.append((*_test(y, design, null, (over, basis(over)), n_obs >= min_obs), n_obs))
    columns = [np.concatenate(part) for part in zip(*parts, strict=True)]
    statistic, explained, amplitude, peak, mean, n_obs = columns
    n_functions = design.shape[1]
    return Along(
        statistic,
        stats.chi2.sf(statistic, n_functions),
        explained,
        amplitude,
        peak,
        mean,
        n_obs.astype(np.intp),
        n_functions,
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


def _blocks(values: Any, scale: Array | None) -> Iterator[Array]:
    """Dense blocks of variables, (n_obs, block), scaled and log-transformed where there is a scale."""
    matrix: Any = sparse.csc_array(values) if sparse.issparse(values) else np.asarray(values)
    n_obs, n_vars = matrix.shape
    width = max(1, _BLOCK // max(n_obs, 1))
    for start in range(0, n_vars, width):
        block: Any = matrix[:, start : start + width].astype(np.float64)
        if sparse.issparse(block):
            if scale is not None:
                block.data = np.log1p(block.data * scale[block.indices])
            yield block.toarray()
        else:
            yield block if scale is None else np.log1p(block * scale[:, None])


def _test(
    y: Array, design: Array, null: Array, curve_at: tuple[Array, Array], enough: NDArray[np.bool_]
) -> tuple[Array, ...]:
    at, over = curve_at
    mean = y.mean(axis=0)
    inverse = np.linalg.pinv(null)
    residual = y - null @ (inverse @ y)
    # What of the curve depth, or a constant, cannot do.
    free = design - null @ (inverse @ design)
    score = free.T @ residual
    squared = np.square(residual, out=residual)
    k = design.shape[1]
    first, second = np.triu_indices(k)
    variance = np.empty((y.shape[1], k, k))
    variance[:, first, second] = ((free[:, first] * free[:, second]).T @ squared).T
    variance[:, second, first] = variance[:, first, second]
    statistic = np.einsum("kg,gkl,lg->g", score, np.linalg.pinv(variance, rcond=1e-10, hermitian=True), score)
    slope = np.linalg.pinv(free.T @ free) @ score
    left = squared.sum(axis=0)
    curve = (over - design.mean(axis=0)) @ slope
    tested = enough & (left > 1e-12 * len(y) * np.maximum(mean**2, 1e-300))
    explained = np.divide(np.einsum("kg,kg->g", score, slope), left, out=np.zeros(len(left)), where=left > 0)
    found = (np.maximum(statistic, 0), np.clip(explained, 0, 1), np.ptp(curve, axis=0), at[curve.argmax(axis=0)])
    return (*(np.where(tested, values, np.nan) for values in found), mean)
