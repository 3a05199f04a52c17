"""Fixtures shared by all tests."""

from __future__ import annotations

import pytest
from _arrays import ARRAY_TYPES, ArrayType


@pytest.fixture(params=ARRAY_TYPES, ids=str)
def array_type(request: pytest.FixtureRequest) -> ArrayType:
    """Each kind of matrix that an AnnData can hold; make one with `_arrays.to_type`."""
    return request.param
