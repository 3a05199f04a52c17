"""How well a decoder's output explains what was observed: losses for values, counts and shares."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import nn
from torch.nn import functional

from .._checks import require_choice

if TYPE_CHECKING:
    from torch import Tensor

LikelihoodKind = Literal["gaussian", "nb", "poisson", "bernoulli"]

# Beyond these a negative binomial is a Poisson distribution in all but name, or nothing but zeros and outliers.
_INVERSE_DISPERSION_RANGE = (1e-2, 1e3)
_TINY = 1e-8


class Likelihood(nn.Module):
    """What the losses below have in common: an output of the decoder, compared with what was observed.

    Called with the output and the observed values, both (batch, n_inputs), a loss returns the mean over all entries.
    """

    kind: LikelihoodKind

    def __init__(self) -> None:
        super().__init__()

    def forward(self, output: Tensor, observed: Tensor) -> Tensor:
        """Mean loss of all entries, a scalar."""
        raise NotImplementedError

    def saturated(self, observed: Tensor) -> Tensor:
        """Loss of an output that gives every observation its own value, the least there is; a scalar."""
        raise NotImplementedError

    def mean(self, output: Tensor) -> Tensor:
        """What the output says is expected, in the units that users read, (batch, n_inputs)."""
        raise NotImplementedError

    def expected(self, output: Tensor, observed: Tensor) -> Tensor:
        """What the output says is expected, in the units of the observed values, (batch, n_inputs)."""
        del observed  # only counts depend on their total
        return self.mean(output)

    def natural(self, output: Tensor) -> Tensor:
        """Scale on which differences are effects: values, log shares or log odds, (batch, n_inputs)."""
        return output

    def output_of(self, mean: Tensor) -> Tensor:
        """Output whose `mean` it is, (n_inputs,)."""
        return mean


class GaussianLoss(Likelihood):
    """Squared error, for values that are about as variable everywhere, such as z-scored logarithms.

    Examples
    --------
    >>> import torch, gsr_sc
    >>> float(gsr_sc.nn.GaussianLoss()(torch.zeros(2, 3), torch.ones(2, 3)))
    1.0
    """

    kind = "gaussian"

    def forward(self, output: Tensor, observed: Tensor) -> Tensor:
        """Mean squared error, a scalar.

        Parameters
        ----------
        output, observed
            (batch, n_inputs).
        """
        return functional.mse_loss(output, observed)

    def saturated(self, observed: Tensor) -> Tensor:
        """Zero."""
        return observed.new_zeros(())

    def mean(self, output: Tensor) -> Tensor:
        """Return the output itself."""
        return output


class BernoulliLoss(Likelihood):
    """Cross-entropy of probabilities, for zeros and ones or for shares between them, such as grey values.

    The output holds log odds.

    Examples
    --------
    >>> import torch, gsr_sc
    >>> round(float(gsr_sc.nn.BernoulliLoss()(torch.zeros(2, 3), torch.ones(2, 3))), 4)
    0.6931
    """

    kind = "bernoulli"

    def forward(self, output: Tensor, observed: Tensor) -> Tensor:
        """Mean cross-entropy, a scalar.

        Parameters
        ----------
        output
            Log odds, (batch, n_inputs).
        observed
            Values in [0, 1], (batch, n_inputs).
        """
        return functional.binary_cross_entropy_with_logits(output, observed)

    def saturated(self, observed: Tensor) -> Tensor:
        """Entropy of the values, which is zero for zeros and ones."""
        return functional.binary_cross_entropy(observed, observed)

    def mean(self, output: Tensor) -> Tensor:
        """Probabilities."""
        return torch.sigmoid(output)

    def output_of(self, mean: Tensor) -> Tensor:
        """Log odds."""
        return torch.logit(mean, eps=1e-4)


class _CountLoss(Likelihood):
    """Counts whose mean is a share, the softmax of the output, of the total that was observed."""

    def mean(self, output: Tensor) -> Tensor:
        """Expected share of all counts."""
        return torch.softmax(output, dim=-1)

    def expected(self, output: Tensor, observed: Tensor) -> Tensor:
        """Expected counts of observations with these totals."""
        return self.mean(output) * observed.sum(dim=-1, keepdim=True)

    def natural(self, output: Tensor) -> Tensor:
        """Log shares, whose differences are log fold changes."""
        return torch.log_softmax(output, dim=-1)

    def output_of(self, mean: Tensor) -> Tensor:
        """Log shares."""
        return mean.clamp_min(_TINY).log()

    @staticmethod
    def log_expected(output: Tensor, observed: Tensor) -> Tensor:
        """Logarithm of the expected counts."""
        total = observed.sum(dim=-1, keepdim=True).clamp_min(_TINY)
        return torch.log_softmax(output, dim=-1) + total.log()


class PoissonLoss(_CountLoss):
    """Negative log-likelihood of counts without overdispersion, given their total.

    The mean is the softmax of the output times the total of the observed counts, so that depth explains nothing.

    Examples
    --------
    >>> import torch, gsr_sc
    >>> counts = torch.tensor([[4.0, 0.0, 2.0]])
    >>> loss = gsr_sc.nn.PoissonLoss()
    >>> bool(loss(counts.clamp_min(1e-6).log(), counts) < loss(torch.zeros(1, 3), counts))
    True
    """

    kind = "poisson"

    def forward(self, output: Tensor, observed: Tensor) -> Tensor:
        """Mean negative log-likelihood, a scalar.

        Parameters
        ----------
        output
            Log shares up to a constant per observation, (batch, n_inputs).
        observed
            Counts, (batch, n_inputs).
        """
        log_expected = self.log_expected(output, observed)
        return (log_expected.exp() - observed * log_expected).mean() + _log_factorial(observed)

    def saturated(self, observed: Tensor) -> Tensor:
        """Loss where every count is its own mean."""
        return (observed - torch.xlogy(observed, observed)).mean() + _log_factorial(observed)


class NegativeBinomialLoss(_CountLoss):
    """Negative log-likelihood of overdispersed counts, given their total.

    The mean m is the softmax of the output times the total of the observed counts, so that depth explains nothing; the
    variance is m + m^2 / theta, with a theta for each variable that is learnt beside the weights of the network.

    Parameters
    ----------
    n_inputs
        Number of variables.

    Notes
    -----
    `log_theta` is a parameter of the module, (n_inputs,): give it to the optimiser. It works within log .01 and log 1000.

    Examples
    --------
    >>> import torch, gsr_sc
    >>> loss = gsr_sc.nn.NegativeBinomialLoss(3)
    >>> loss(torch.zeros(2, 3), torch.tensor([[4.0, 0.0, 2.0], [0.0, 9.0, 1.0]])).shape
    torch.Size([])
    """

    kind = "nb"

    def __init__(self, n_inputs: int) -> None:
        super().__init__()
        self.log_theta = nn.Parameter(torch.zeros(n_inputs))

    @property
    def theta(self) -> Tensor:
        """Inverse dispersion of each variable, (n_inputs,)."""
        lowest, highest = _INVERSE_DISPERSION_RANGE
        return self.log_theta.clamp(math.log(lowest), math.log(highest)).exp()

    def forward(self, output: Tensor, observed: Tensor) -> Tensor:
        """Mean negative log-likelihood, a scalar.

        Parameters
        ----------
        output
            Log shares up to a constant per observation, (batch, n_inputs).
        observed
            Counts, (batch, n_inputs).
        """
        return self._loss(self.log_expected(output, observed), observed)

    def saturated(self, observed: Tensor) -> Tensor:
        """Loss where every count is its own mean, with the same dispersions."""
        return self._loss(observed.clamp_min(_TINY).log(), observed)

    def _loss(self, log_expected: Tensor, observed: Tensor) -> Tensor:
        theta = self.theta
        ratio = log_expected - theta.log()
        loss = ((observed + theta) * functional.softplus(ratio) - observed * ratio).mean()
        # The gamma functions of zeros cancel, and most counts are zero.
        rows, columns = observed.nonzero(as_tuple=True)
        seen, at = observed[rows, columns], theta[columns]
        gammas = torch.lgamma(seen + at) - torch.lgamma(theta)[columns]
        return loss - gammas.sum() / max(observed.numel(), 1) + _log_factorial(observed)

    def extra_repr(self) -> str:
        """Describe the module, for torch's `repr`."""
        return f"n_inputs={len(self.log_theta)}"


@torch.no_grad()
def _log_factorial(observed: Tensor) -> Tensor:
    """Mean of log(x!): a constant, which makes the losses likelihoods; zero for most counts."""
    return torch.lgamma(observed[observed > 1] + 1).sum() / max(observed.numel(), 1)


def make_likelihood(kind: LikelihoodKind, n_inputs: int) -> Likelihood:
    """Return the loss of a name.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    require_choice("likelihood", kind, get_args(LikelihoodKind))
    if kind == "nb":
        return NegativeBinomialLoss(n_inputs)
    return {"gaussian": GaussianLoss, "poisson": PoissonLoss, "bernoulli": BernoulliLoss}[kind]()
