"""Linear models of many measurements on few samples, and what they say together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize, special, stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Fewer ways to exchange samples than this give p values too coarse to be of use.
_FEWEST_EXCHANGES = 200
# Fewer variances do not tell how variances vary.
_FEWEST_TO_MODERATE = 10
# With as many degrees of freedom variances are alike.
_MOST_DF = 1e6


@dataclass(frozen=True, eq=False)
class LinearEffects:
    """Effects of the first columns of a design on each measurement.

    Attributes
    ----------
    effect
        (n_effects, n_measures).
    standard_error
        (n_effects, n_measures); NaN where no residual degrees of freedom are left.
    df
        Residual degrees of freedom, with those borrowed from other measurements; infinite if all variances are alike.
    """

    effect: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    df: float

    @property
    def t(self) -> NDArray[np.float64]:
        """Effect over its standard error, (n_effects, n_measures); NaN where a measurement does not vary."""
        return np.divide(
            self.effect, self.standard_error, out=np.full_like(self.effect, np.nan), where=self.standard_error > 0
        )

    @property
    def p_value(self) -> NDArray[np.float64]:
        """Two-sided, (n_effects, n_measures)."""
        return np.asarray(2 * stats.t.sf(np.abs(self.t), self.df)) if self.df else np.full(self.effect.shape, np.nan)

    def interval(self, level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Confidence interval of the effect."""
        reach = stats.t.ppf(0.5 + level / 2, self.df) if self.df else np.nan
        return self.effect - reach * self.standard_error, self.effect + reach * self.standard_error


def linear_effects(values: NDArray[np.floating], design: NDArray[np.floating], n_effects: int) -> LinearEffects:
    """Fit a linear model to each column by least squares.

    Variances are not moderated across columns: those of neighbouring neurons are alike because they are correlated, and
    moderation as for genes then finds too much.

    Parameters
    ----------
    values
        (n_samples, n_measures).
    design
        (n_samples, n_columns).
    n_effects
        How many of its first columns to report.
    """
    values, design = np.asarray(values, dtype=np.float64), np.asarray(design, dtype=np.float64)
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ values
    effect = coefficients[:n_effects]
    df = int(len(design) - np.linalg.matrix_rank(design))
    if df < 1:
        return LinearEffects(effect, np.full(effect.shape, np.nan), 0)
    residuals = values - design @ coefficients
    variance = (residuals**2).sum(axis=0) / df
    # Below this a variance is rounding error.
    variance = np.where(variance > 1e-24 * (values**2).mean(axis=0), variance, 0.0)
    unscaled = (inverse @ inverse.T).diagonal()[:n_effects]
    return LinearEffects(effect, np.sqrt(unscaled[:, None] * variance), df)


def moderated(fit: LinearEffects) -> LinearEffects:
    """Draw standard errors of many independent measurements, such as genes, towards what is usual for them.

    Empirical Bayes of Smyth (2004): variances are taken as drawn from a scaled inverse chi-square distribution, whose scale
    and degrees of freedom come from the mean and variance of their logarithms. Few measurements stay as they are.
    """
    if fit.df < 1 or fit.effect.shape[1] < _FEWEST_TO_MODERATE:
        return fit
    variance = fit.standard_error[0] ** 2
    # Measurements that do not vary by chance would draw the usual to zero.
    variance = np.maximum(variance, 1e-5 * np.median(variance))
    if not (variance > 0).all():
        return fit
    logs = np.log(variance) - special.digamma(fit.df / 2) + np.log(fit.df / 2)
    spread = float(logs.var(ddof=1) - special.polygamma(1, fit.df / 2))
    if spread <= special.polygamma(1, _MOST_DF / 2):
        prior, usual = np.inf, float(np.exp(logs.mean()))
        posterior = np.full_like(variance, usual)
    else:
        prior = 2 * optimize.brentq(lambda x: float(special.polygamma(1, x)) - spread, 1e-6, _MOST_DF)
        usual = float(np.exp(logs.mean() + special.digamma(prior / 2) - np.log(prior / 2)))
        posterior = (prior * usual + fit.df * variance) / (prior + fit.df)
    factor = np.sqrt(posterior / variance)
    error = np.sqrt(variance) * factor * fit.standard_error / np.maximum(fit.standard_error[:1], 1e-300)
    error = np.where(fit.standard_error[:1] > 0, error, np.sqrt(posterior))
    return LinearEffects(fit.effect, error, min(prior + fit.df, fit.df * fit.effect.shape[1]))


def with_blocks(columns: NDArray[Any], block: NDArray[np.intp]) -> NDArray[np.float64]:
    """Columns of a design, and one more for each block of samples, numbered from 0, (n_samples, n_columns + n_blocks)."""
    return np.column_stack([columns, np.eye(block.max() + 1)[block]])


def adjusted(p_values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Benjamini-Hochberg false discovery rates; NaN stays NaN and counts for nothing."""
    p = np.asarray(p_values, dtype=np.float64)
    result = np.full(p.shape, np.nan)
    known = np.isfinite(p)
    if known.any():
        result[known] = stats.false_discovery_control(p[known])
    return result


def n_exchanges(treated: NDArray[np.bool_], block: NDArray[np.intp]) -> float:
    """In how many ways the samples of each block can be given to the two conditions."""
    size, inside = np.bincount(block), np.bincount(block[treated], minlength=block.max() + 1)
    return float(np.prod(special.comb(size, inside)))


def overall_p_value(
    values: NDArray[np.floating],
    treated: NDArray[np.bool_],
    block: NDArray[np.intp],
    *,
    p_values: NDArray[np.floating],
    n_permutations: int,
    rng: np.random.Generator,
) -> tuple[float, str]:
    """Whether two conditions differ anywhere in many measurements that may depend on each other.

    Samples are exchanged between the conditions, within blocks, and the mean squared t compared. Where there are too
    few ways to do so, the p values of the measurements are combined by Simes' test.

    Parameters
    ----------
    values
        (n_samples, n_measures).
    treated
        Which samples are of the second condition, (n_samples,).
    block
        Within which samples can be exchanged, numbered from 0, (n_samples,).
    p_values
        Of each measurement, (n_measures,).
    n_permutations
        How often to exchange.
    rng
        Source of the exchanges.

    Returns
    -------
    The p value, and `"permutation"` or `"simes"`.
    """
    if not np.isfinite(p_values).any():
        return float("nan"), "none"
    if n_permutations == 0 or n_exchanges(treated, block) < _FEWEST_EXCHANGES:
        return float(np.nanmin(adjusted(p_values))), "simes"

    def statistic(which: NDArray[np.bool_]) -> float:
        t = linear_effects(values, with_blocks(which, block), 1).t
        return float(np.nanmean(t**2))

    observed = statistic(treated)
    # One random order sorts the samples of all blocks at once.
    within = np.argsort(block, kind="stable")
    higher = 0
    for _ in range(n_permutations):
        shuffled = np.empty_like(treated)
        shuffled[within] = treated[np.lexsort((rng.random(len(block)), block))]
        higher += statistic(shuffled) >= observed - 1e-12
    return (1 + higher) / (1 + n_permutations), "permutation"
