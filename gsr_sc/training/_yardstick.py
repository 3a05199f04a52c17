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
_PRIOR_CELLS = 3.0


class Explained(NamedTuple):
    """How much of some rows a network explains.

    Attributes
    ----------
    variance
        1 - residual over total sum of squares, of the observed values about what the mean profile expects.
    deviance
        Share of the way from the loss of the mean profile (of each batch, where there are batches) to the least possible
        one; that of the variance for squared error without batches.
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
        mean = torch.from_numpy(loop.source.baseline) if self.is_squared_error else self._mean_profile(training)
        loop.network.initialise_output(mean)
        self.null = loop.network.likelihood.output_of(mean.to(loop.device))
        self.by_batch: Tensor | None = None
        if loop.context.conditions is not None:
            self.by_batch = self._batch_profiles(mean, loop.context.conditions, training)
        if isinstance(loop.network.likelihood, NegativeBinomialLoss):
            self._start_dispersions(loop.network.likelihood, training)
        if self.is_squared_error:
            self.total_variance = max(loop.total_variance(held_out), 1e-12)
        else:
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
        variance = 1 - loss / self.total_variance if self.is_squared_error else self._variance()
        if self.is_squared_error and self.by_batch is None:
            return Explained(variance, variance, self.total_variance)
        null, saturated = (value / self.loop.unit for value in self._bounds(self.held_out))
        possible = max(null - saturated, 1e-12)
        return Explained(variance, (null - loss) / possible, possible)

    def _variance(self) -> float:
        network, residual, total = self.loop.network.eval(), 0.0, 0.0
        for index, observed in self._observed(self.held_out):
            inputs = torch.from_numpy(self.loop.source.batch(index)).to(self.loop.device)
            output = network(inputs, None, self._conditions(index)).reconstruction
            expected = network.likelihood.expected(output, observed)
            null = network.likelihood.expected(self.null.expand_as(observed), observed)
            residual += float((observed - expected).square().sum(dtype=torch.float64))
            total += float((observed - null).square().sum(dtype=torch.float64))
        return 1 - residual / max(total, 1e-12)

    def _null_of(self, index: NDArray[np.intp]) -> Tensor:
        """Output that knows the mean profile, of its batch where there are batches, (n_rows, n_inputs)."""
        if self.by_batch is None:
            return self.null.expand(len(index), -1)
        conditions = self._conditions(index)
        assert conditions is not None
        return self.null + conditions @ self.by_batch

    def _conditions(self, index: NDArray[np.intp]) -> Tensor | None:
        conditions = self.loop.context.conditions
        return None if conditions is None else torch.from_numpy(conditions[index]).to(self.loop.device)

    def _batch_profiles(self, mean: Tensor, conditions: NDArray[np.float32], rows: NDArray[np.intp]) -> Tensor:
        """Effect of each batch on the mean profile, (n_conditions, n_inputs), which starts those of the network."""
        design, member = np.unique(conditions[rows], axis=0, return_inverse=True)
        count = np.bincount(member.ravel(), minlength=len(design)).astype(np.float64)
        # A few cells of the mean profile beside those of each batch, as log shares of few cells are wild.
        pooled = self._pooled(rows) / len(rows)
        sums = np.array([_PRIOR_CELLS * pooled + self._pooled(rows[member.ravel() == at]) for at in range(len(design))])
        profiles = sums / (_PRIOR_CELLS + count)[:, None]
        likelihood = self.loop.network.likelihood
        if self.is_count:
            profiles = profiles / profiles.sum(axis=1, keepdims=True)
        effect = likelihood.output_of(torch.from_numpy(profiles)) - likelihood.output_of(mean.double().cpu())
        weight = np.sqrt(count)[:, None]
        effects = np.linalg.lstsq(weight * design, weight * effect.numpy(), rcond=None)[0].astype(np.float32)
        by_batch = torch.from_numpy(effects).to(self.loop.device)
        usual = torch.from_numpy(conditions[rows].mean(axis=0)).to(self.loop.device)
        self.loop.network.initialise_conditions(usual, by_batch)
        return by_batch

    @torch.no_grad()
    def _bounds(self, rows: NDArray[np.intp]) -> tuple[float, float]:
        """Loss of the mean profile and the least possible one, per entry."""
        likelihood, sums = self.loop.network.likelihood, np.zeros(2)
        for index, observed in self._observed(rows):
            losses = likelihood(self._null_of(index), observed), likelihood.saturated(observed)
            sums += len(index) * np.array([float(loss) for loss in losses])
        null, saturated = (sums / len(rows)).tolist()
        return null, saturated

    @property
    def is_count(self) -> bool:
        """Whether what is observed are counts."""
        return self.loop.network.likelihood.kind in ("nb", "poisson")

    def _mean_profile(self, rows: NDArray[np.intp]) -> Tensor:
        pooled = self._pooled(rows)
        return torch.from_numpy((pooled / (pooled.sum() if self.is_count else len(rows))).astype(np.float32))

    def _pooled(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Sum of the observed values, (n_inputs,)."""
        total = np.zeros(len(self.loop.source.baseline))
        for _, observed in self._observed(rows):
            total += observed.sum(dim=0, dtype=torch.float64).cpu().numpy()
        return total

    def _start_dispersions(self, likelihood: NegativeBinomialLoss, rows: NDArray[np.intp]) -> None:
        """Give every variable the dispersion by moments about the mean profile."""
        squares, excess = (torch.zeros(len(self.null), dtype=torch.float64, device=self.null.device) for _ in range(2))
        for index, observed in self._observed(rows):
            expected = likelihood.expected(self._null_of(index), observed)
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
