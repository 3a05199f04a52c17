"""Penalties without a graph."""

from __future__ import annotations

import pytest
import torch

from gsr_sc.nn import ActivityPenalty


def test_is_the_mean_of_absolute_values_or_squares() -> None:
    z = torch.randn(6, 3, 4, generator=torch.Generator().manual_seed(0))
    assert float(ActivityPenalty()(z)) == pytest.approx(float(z.abs().sum()) / z.numel())
    assert float(ActivityPenalty(order=2)(z)) == pytest.approx(float((z**2).sum()) / z.numel())
    assert repr(ActivityPenalty(order=2)) == "ActivityPenalty(order=2)"


def test_other_orders_are_refused() -> None:
    with pytest.raises(ValueError, match="`order` is 3; it is 1"):
        ActivityPenalty(order=3)
