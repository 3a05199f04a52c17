"""How much counts vary beyond sampling, and what follows for what the encoder sees of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from ._moments import Sums, moments, sums_of
from ._rows import as_float

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._rows import Rows

# Overdispersion of whole data sets from cell lines to atlases lies between .05 and 5.
_RANGE = (0.05, 5.0)
# At this overdispersion logarithms and residuals weigh the same.
_EVEN = 0.25
# Targeted panels have fewer variables than this.
_PANEL = 500


class Dispersion(NamedTuple):
    """How counts vary beyond sampling.

    Attributes
    ----------
    depth
        Median total of a row.
    overdispersion
        alpha, where the variance of counts of mean m is m + alpha m^2; of all variables together.
    level
        Of panels: median over the variables, without silent ones, of their mean count at median depth. Else zero.
    """

    depth: float
    overdispersion: float
    level: float

    @property
    def target(self) -> float:
        """Total to which counts are scaled, so that log(1 + x) stabilises their variance.

        Counts are stabilised by log(x + 1 / 4 alpha) (Ahlmann-Eltze and Huber 2023). Adding one to rescaled counts is
        the same as adding less to the counts themselves, so the scale carries the pseudo-count: with 1 / 2 alpha, because
        alpha measured over all cells contains the differences between cell types too. In panels of marker genes it contains
        little else, so that sampling noise of shallow cells would be as loud as cell types: no less is added than what a
        usual variable counts.
        """
        return self.depth / max(1 / (2 * self.overdispersion), self.level)

    @property
    def log_weight(self) -> float:
        """Weight of logarithms against Pearson residuals.

        Residuals are right if counts vary little beyond sampling; the more they do, the more a few strong programs
        lead them.
        """
        return float(1 / (1 + np.sqrt(_EVEN / self.overdispersion)))


def dispersion(
    rows: Rows, columns: NDArray[np.intp], training: NDArray[np.intp], totals: NDArray[np.float64]
) -> Dispersion:
    """Measure how counts vary beyond sampling."""
    depth = float(np.median(totals[training][totals[training] > 0]))
    factor = np.divide(depth, totals, out=np.zeros(len(totals)), where=totals > 0)
    mean, variance, poisson = moments(rows.each(_scaled_sums, training, factor))
    mean, excess = mean[columns], (variance - poisson / len(training))[columns]
    overdispersion = float(excess.sum() / max((mean**2).sum(), 1e-12))
    # Silent variables are as if they were not there.
    mean = mean[mean > 0]
    level = float(np.median(mean)) if 0 < len(mean) < _PANEL else 0.0
    return Dispersion(depth, float(np.clip(overdispersion, *_RANGE)), level)


def _scaled_sums(values: Any, factor: NDArray[np.float64]) -> Sums:
    values, by_row = as_float(values), factor.astype(np.float32)[:, None]
    values = sparse.csr_array(values.multiply(by_row)) if sparse.issparse(values) else values * by_row
    return sums_of(values, factor)
