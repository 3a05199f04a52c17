"""Products of narrow and wide matrices on a processor, by the library of those that come with torch that is fastest there."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

# Rounding of float32 sums; an operation that does something else is wrong by far more.
_TOLERANCE = 1e-4


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None, *, rectified: bool = False) -> Tensor:
    """`x @ weight.T + bias` of what asks for no gradient, its negative values set to zero if `rectified`.

    Parameters
    ----------
    x
        Shape (n_rows, n_inputs), float32, in any layout, as `weight` and `bias`.
    weight
        Shape (n_outputs, n_inputs).
    bias
        Shape (n_outputs,).
    """
    if (fused := _onednn()) is not None:
        return fused(x, weight, bias, "relu" if rectified else "none", [], "")
    out = torch.nn.functional.linear(x, weight, bias)
    return out.relu_() if rectified else out


def residual(x: Tensor, weight: Tensor, bias: Tensor, observed: Tensor) -> Tensor:
    """`x @ weight.T + bias - observed` of what asks for no gradient; `observed`, (n_rows, n_outputs), may be written over."""
    if (fused := _onednn()) is not None:
        return fused.binary(x, observed, weight, bias, "sub")
    return observed.sub_(bias).addmm_(x, weight.t(), beta=-1)


@cache
def _onednn() -> Any:
    """The linear layer of oneDNN, or None where torch has none or it does something else.

    The products of MKL, which torch takes for float32, keep to older instructions on processors that are not Intel's: with
    AVX-512 those of oneDNN are 2.3 times as fast there, at the same precision. torch itself calls this operation
    in compiled models only.
    """
    if not torch.backends.mkldnn.is_available():
        return None
    generator = torch.Generator().manual_seed(0)
    x, weight, bias, observed = (torch.randn(shape, generator=generator) for shape in ((4, 8), (5, 8), (5,), (4, 5)))
    expected = x @ weight.t() + bias
    try:
        operation = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001
        pairs = [
            (operation(x, weight, bias, "relu", [], ""), expected.relu()),
            (operation(x.t().contiguous().t(), weight, None, "none", [], ""), expected - bias),
            (operation.binary(x, observed, weight, bias, "sub"), expected - observed),
        ]
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return None
    return operation if all(torch.allclose(a, b, atol=_TOLERANCE) for a, b in pairs) else None
