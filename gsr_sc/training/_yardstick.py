"""How much of what could be explained is explained, for any likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ..nn._likelihoods import NegativeBinomialLoss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from ._loop import Loop

_BLOCK_ROWS = 1024
# Where the inverse dispersions start: what one profile leaves over is mostly differences between cell types.
_FIRST_THETA_RANGE = (0.1, 100.0)


class Explained(NamedTuple):
    """How much of some rows a network explains.

    Attributes
    ----------
    variance
        1 - residual over total sum of squares, of the observed values about what the mean profile expects.
    deviance
        Share of the way from the loss of the mean profile to the least possible one; that of the variance for squared error.
    possible
        Loss of the mean profile above the least possible one.
    """

    variance: float
    deviance: float
    possible: float


class Yardstick:
    """Measures the network of a loop against a network that knows only the mean profile, and scales its loss.

    The loss of counts is a likelihood, whose scale says nothing: it is divided by what the mean profile leaves to be
    explained in the training rows, as it is by itself for z-scored values. So rates, the penalty and the pull of the start
    weigh the same whatever the likelihood.

    Parameters
    ----------
    loop
        The network and its data. The decoder is started at the mean profile, and `loop.unit` is set.
    training, held_out
        Numbers of the rows to learn the mean profile from, and to judge by.
    """

    def __init__(self, loop: Loop, *, training: NDArray[np.intp], held_out: NDArray[np.intp]) -> None:
        self.loop = loop
        self.held_out = held_out
        self.is_squared_error = loop.network.likelihood.kind == "gaussian"
        if self.is_squared_error:
            self.total_variance = max(loop.total_variance(held_out), 1e-12)
            loop.network.initialise_output(torch.from_numpy(loop.source.baseline))
            return
        mean = self._mean_profile(training)
        loop.network.initialise_output(mean)
        self.null = loop.network.likelihood.output_of(mean.to(loop.device))
        if isinstance(loop.network.likelihood, NegativeBinomialLoss):
            self._start_dispersions(loop.network.likelihood, training)
        null, saturated = self._bounds(training)
        loop.unit = max(null - saturated, 1e-12)

    @torch.no_grad()
    def __call__(self, loss: float) -> Explained:
        """How much of the held-out rows the network explains now.

        Parameters
        ----------
        loss
            Its loss on them, in the units of the loop.
        """
        if self.is_squared_error:
            explained = 1 - loss / self.total_variance
            return Explained(explained, explained, self.total_variance)
        network, residual, total = self.loop.network.eval(), 0.0, 0.0
        for index, observed in self._observed(self.held_out):
            inputs = torch.from_numpy(self.loop.source.batch(index)).to(self.loop.device)
            output = network(inputs).reconstruction
            residual += float(
                (observed - network.likelihood.expected(output, observed)).square().sum(dtype=torch.float64)
            )
            null = network.likelihood.expected(self.null.expand_as(observed), observed)
            total += float((observed - null).square().sum(dtype=torch.float64))
        null_loss, saturated = (value / self.loop.unit for value in self._bounds(self.held_out))
        possible = max(null_loss - saturated, 1e-12)
        return Explained(1 - residual / max(total, 1e-12), (null_loss - loss) / possible, possible)

    @torch.no_grad()
    def _bounds(self, rows: NDArray[np.intp]) -> tuple[float, float]:
        """Loss of the mean profile and the least possible one, per entry."""
        likelihood, sums = self.loop.network.likelihood, np.zeros(2)
        for index, observed in self._observed(rows):
            losses = likelihood(self.null.expand_as(observed), observed), likelihood.saturated(observed)
            sums += len(index) * np.array([float(loss) for loss in losses])
        null, saturated = (sums / len(rows)).tolist()
        return null, saturated

    def _mean_profile(self, rows: NDArray[np.intp]) -> Tensor:
        total = sum(observed.sum(dim=0, dtype=torch.float64) for _, observed in self._observed(rows))
        assert isinstance(total, torch.Tensor)
        is_count = self.loop.network.likelihood.kind in ("nb", "poisson")
        return (total / (total.sum() if is_count else len(rows))).float().cpu()

    def _start_dispersions(self, likelihood: NegativeBinomialLoss, rows: NDArray[np.intp]) -> None:
        """Give every variable the dispersion by moments about the mean profile."""
        squares, excess = (torch.zeros(len(self.null), dtype=torch.float64, device=self.null.device) for _ in range(2))
        for _, observed in self._observed(rows):
            expected = likelihood.expected(self.null.expand_as(observed), observed)
            squares += expected.square().sum(dim=0, dtype=torch.float64)
            excess += ((observed - expected).square() - expected).sum(dim=0, dtype=torch.float64)
        theta = (squares / excess.clamp_min(1e-12)).clamp(*_FIRST_THETA_RANGE)
        with torch.no_grad():
            likelihood.log_theta.copy_(theta.log())

    def _observed(self, rows: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], Tensor]]:
        observed = self.loop.context.observed or self.loop.source.batch
        for start in range(0, len(rows), _BLOCK_ROWS):
            index = rows[start : start + _BLOCK_ROWS]
            yield index, torch.from_numpy(observed(index)).to(self.loop.device)
