"""Penalties on the activity of a layer that know no graph: what a graph penalty is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class ActivityPenalty(nn.Module):
    """Mean size of a layer's activations: an L1 or L2 penalty, to be used in place of a :class:`GraphSpectralPenalty`.

    Both make a layer sparse or small without saying which neurons belong together. On the same network they show
    what the graph itself contributes.
    The mean over neurons, not the sum, keeps the value independent of their number, as that of the graph penalty is:
    neurons of unit variance cost 1 (L2) or about .8 (L1).

    Parameters
    ----------
    order
        1: mean of absolute values, which turns neurons off. 2: mean of squares, which shrinks them all.

    Raises
    ------
    ValueError
        If `order` is another number.

    Examples
    --------
    >>> import torch, gsr_sc
    >>> penalty = gsr_sc.nn.ActivityPenalty(order=2)
    >>> float(penalty(torch.tensor([[1.0, 3.0]])))
    5.0
    """

    def __init__(self, *, order: int = 1) -> None:
        super().__init__()
        if order not in (1, 2):
            msg = f"`order` is {order!r}; it is 1 (mean of absolute values) or 2 (mean of squares)."
            raise ValueError(msg)
        self.order = order

    def forward(self, activations: Tensor) -> Tensor:
        """Return the mean over all activations, a scalar.

        Parameters
        ----------
        activations
            Any shape.
        """
        return activations.abs().mean() if self.order == 1 else activations.square().mean()

    def extra_repr(self) -> str:
        """Describe the option, for torch's `repr`."""
        return f"order={self.order}"
