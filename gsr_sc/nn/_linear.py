"""Linear layers whose initial weights come from a generator of our own, not from torch's global one."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Generator


class _Uninitialised(nn.Linear):
    """A linear layer that draws nothing from torch's global generator when it is made."""

    def reset_parameters(self) -> None:
        """Leave the weights as they are."""


def linear(n_inputs: int, n_outputs: int, generator: Generator | None = None) -> nn.Linear:
    """Return a linear layer, initialised as torch does by default, from `generator`."""
    layer = _Uninitialised(n_inputs, n_outputs)
    bound = 1 / math.sqrt(n_inputs)
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer


def perceptron(widths: list[int], generator: Generator | None = None) -> nn.Sequential:
    """Stack linear layers and rectifiers through `widths`, ending in a rectifier."""
    layers: list[nn.Module] = []
    for n_inputs, n_outputs in pairwise(widths):
        layers += [linear(n_inputs, n_outputs, generator), nn.ReLU()]
    return nn.Sequential(*layers)
