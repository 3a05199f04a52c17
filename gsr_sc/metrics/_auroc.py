"""One-vs-rest AUROC of every column for every label, with intervals and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.stats import norm, rankdata, t

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BISECTIONS = 40


class OneVsRest(NamedTuple):
    """How well each column tells each label from all others; all of shape (n_labels, n_columns).

    Attributes
    ----------
    auroc
        Ties count half.
    variance
        Of the AUROC, by DeLong's method; NaN for labels with one observation, and without others.
    freedom
        Degrees of freedom of that variance, by Welch and Satterthwaite; NaN as above.
    z
        Deviate of the Mann-Whitney test against 0.5, corrected for ties and continuity; 0 where all values are equal.
    """

    auroc: NDArray[np.float64]
    variance: NDArray[np.float64]
    freedom: NDArray[np.float64]
    z: NDArray[np.float64]


def auroc_of_ranks(matrix: NDArray[np.floating[Any]], codes: NDArray[np.intp], n_labels: int) -> NDArray[np.float64]:
    """AUROC of each label against the rest, (n_labels, n_columns); `codes` number the labels from 0."""
    count = np.bincount(codes, minlength=n_labels)
    rank_sum = np.empty((n_labels, matrix.shape[1]))
    for number, column in enumerate(matrix.T):
        rank_sum[:, number] = np.bincount(codes, weights=rankdata(column), minlength=n_labels)
    lowest = count * (count + 1) / 2
    return np.asarray((rank_sum - lowest[:, None]) / (count * (len(codes) - count))[:, None])


def one_vs_rest(matrix: NDArray[np.floating[Any]], codes: NDArray[np.intp], n_labels: int) -> OneVsRest:
    """AUROC of each label against the rest, its variance and its test.

    Parameters
    ----------
    matrix
        Shape (n_obs, n_columns).
    codes
        Number of the label of each observation, (n_obs,), from 0; every label occurs, and there are at least two.
    n_labels
        Number of labels.
    """
    # Sorting values within labels is cheap for small integers.
    small = codes.astype(np.min_scalar_type(n_labels))
    columns = [_one_column(column, small, n_labels) for column in np.ascontiguousarray(matrix.T)]
    return OneVsRest(*(np.stack(part, axis=1) for part in zip(*columns, strict=True)))


def _one_column(
    column: NDArray[np.floating[Any]], codes: NDArray[np.integer[Any]], n_labels: int
) -> tuple[NDArray[np.float64], ...]:
    """AUROC, variance, its degrees of freedom and deviate of each label for one column, each (n_labels,).

    A run is what one label has of one value. All that DeLong's method averages over pairs of observations follows from how
    many of the label and of the others lie below, at and above each run.
    """
    n_obs = len(column)
    n_in = np.bincount(codes, minlength=n_labels).astype(np.float64)
    n_out = n_obs - n_in
    ascending = np.argsort(column)
    values, labels = column[ascending], codes[ascending]
    first = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])
    equal = np.diff(np.concatenate([first, [n_obs]]))
    tie = np.repeat(np.arange(len(first)), equal)
    by_label = np.argsort(labels, kind="stable")
    labels, tie = labels[by_label], tie[by_label]

    start = np.concatenate([[0], np.flatnonzero((labels[1:] != labels[:-1]) | (tie[1:] != tie[:-1])) + 1])
    size = np.diff(np.concatenate([start, [n_obs]])).astype(np.float64)
    label, at = labels[start].astype(np.intp), tie[start]
    own_below = start - (np.cumsum(n_in) - n_in)[label]
    others_below, others_equal = first[at] - own_below, equal[at] - size
    last = np.append(label[1:] != label[:-1], True)
    # Others above this run and below the next one of the same label.
    until = np.where(last, n_out[label], np.append(others_below[1:], 0.0))
    others_between = until - others_below - others_equal

    def total(weights: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(label, weights=weights, minlength=n_labels), dtype=np.float64)

    with np.errstate(invalid="ignore", divide="ignore"):
        placed = (others_below + others_equal / 2) / n_out[label]
        auroc = total(size * placed) / n_in
        of_own = total(size * placed**2) / n_in - auroc**2
        squares = others_equal * (own_below + size / 2) ** 2 + others_between * (own_below + size) ** 2
        # What others see of a label is one minus the AUROC from where they stand.
        of_others = total(squares / n_in[label] ** 2) / n_out - (1 - auroc) ** 2
        by_own, by_others = np.maximum(of_own, 0) / (n_in - 1), np.maximum(of_others, 0) / (n_out - 1)
        variance = by_own + by_others
        freedom = variance**2 / (by_own**2 / (n_in - 1) + by_others**2 / (n_out - 1))
        ties = float((equal.astype(np.float64) ** 3 - equal).sum())
        spread = np.sqrt((n_obs + 1 - ties / (n_obs * (n_obs - 1))) / (12 * n_in * n_out))
        away = np.maximum(np.abs(auroc - 0.5) - 0.5 / (n_in * n_out), 0) * np.sign(auroc - 0.5)
        z = np.where(spread > 1e-12, away / spread, 0.0)
    return auroc, variance, freedom, z


def auroc_interval(
    found: OneVsRest, n_in: NDArray[np.integer[Any]], n_out: NDArray[np.integer[Any]], *, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Confidence limits of each AUROC, each (n_labels, n_columns).

    DeLong's interval on the logit scale, with the quantiles of Student's t; it has no width where labels are told apart
    without error, and none is defined for a single observation. Newcombe's interval, which assumes a shape of the
    distributions and has a width everywhere, is joined to it near both ends, where an observation more or less decides.

    Parameters
    ----------
    found
        From :func:`one_vs_rest`.
    n_in, n_out
        Observations of each label and others, (n_labels,).
    level
        Coverage, such as 0.95.
    """
    z = float(norm.ppf((1 + level) / 2))
    low, high = _newcombe(found.auroc, n_in[:, None].astype(float), n_out[:, None].astype(float), z)
    inner = np.clip(found.auroc, 1e-12, 1 - 1e-12)
    logit = np.log(inner / (1 - inner))
    # The spread is measured on few observations itself.
    reach = t.ppf((1 + level) / 2, np.nan_to_num(found.freedom, nan=1.0))
    reach = reach * np.sqrt(np.nan_to_num(found.variance)) / (inner * (1 - inner))
    delong_low, delong_high = _expit(logit - reach), _expit(logit + reach)
    # Fewer than five expected on the wrong side: the variance itself is hardly known.
    near_end = np.minimum(found.auroc, 1 - found.auroc) * np.minimum(n_in, n_out)[:, None] < 5
    only_newcombe = ~np.isfinite(found.variance) | (found.variance <= 0)
    low = np.where(only_newcombe, low, np.where(near_end, np.minimum(low, delong_low), delong_low))
    high = np.where(only_newcombe, high, np.where(near_end, np.maximum(high, delong_high), delong_high))
    return np.minimum(low, found.auroc), np.maximum(high, found.auroc)


def _newcombe(
    auroc: NDArray[np.float64], n_in: NDArray[np.float64], n_out: NDArray[np.float64], z: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Newcombe's method 5: the values from which the one found is just z standard errors away."""
    extra = (n_in + n_out) / 2 - 1

    def beyond(value: NDArray[np.float64]) -> NDArray[np.bool_]:
        shape = 1 + extra * (1 - value) / (2 - value) + extra * value / (1 + value)
        return np.asarray((auroc - value) ** 2 > z**2 * value * (1 - value) * shape / (n_in * n_out))

    limits = []
    for end in (0.0, 1.0):
        outer, inner = np.full_like(auroc, end), auroc.copy()
        for _ in range(_BISECTIONS):
            middle = (outer + inner) / 2
            out = beyond(middle)
            outer, inner = np.where(out, middle, outer), np.where(out, inner, middle)
        limits.append(inner)
    return limits[0], limits[1]


def _expit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))
