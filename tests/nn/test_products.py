"""Products by whichever library is fastest are products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gsr_sc.nn import _products
from gsr_sc.nn._products import affine, residual

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["as torch has it", "without oneDNN"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "without oneDNN":
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    _products._onednn.cache_clear()
    yield
    monkeypatch.undo()
    _products._onednn.cache_clear()


def _given(*shape: int, transposed: bool = False) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape[::-1], generator=generator).t() if transposed else torch.randn(shape, generator=generator)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.usefixtures("library")
def test_affine_is_a_linear_layer(transposed: bool, rectified: bool, with_bias: bool) -> None:
    x, weight = _given(33, 70, transposed=transposed), _given(20, 70, transposed=transposed)
    bias = _given(20) if with_bias else None
    expected = torch.nn.functional.linear(x.double(), weight.double(), None if bias is None else bias.double())
    found = affine(x, weight, bias, rectified=rectified)
    torch.testing.assert_close(found.double(), expected.relu() if rectified else expected, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("library")
def test_residual_is_what_is_left_of_the_observed() -> None:
    x, weight, bias, observed = _given(9, 12), _given(300, 12), _given(300), _given(9, 300)
    expected = x.double() @ weight.double().t() + bias.double() - observed.double()
    torch.testing.assert_close(residual(x, weight, bias, observed).double(), expected, rtol=1e-5, atol=1e-5)


@given(n_rows=st.integers(1, 40), n_inputs=st.integers(1, 40), n_outputs=st.integers(1, 40))
def test_any_shape_will_do(n_rows: int, n_inputs: int, n_outputs: int) -> None:
    x, weight = _given(n_rows, n_inputs), _given(n_outputs, n_inputs)
    torch.testing.assert_close(affine(x, weight), x @ weight.t(), rtol=1e-4, atol=1e-4)


def test_an_operation_that_does_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        def __call__(self, x: Any, weight: Any, *_: Any) -> torch.Tensor:
            return x @ weight.t() + 1

        binary = __call__

    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", Other(), raising=False)
    assert _products._onednn.__wrapped__() is None
