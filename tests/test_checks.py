"""What is said of an argument that is none."""

from __future__ import annotations

import numpy as np
import pytest

from gsr_sc._checks import require_choice, require_key, require_number, unknown


def test_choices_are_named() -> None:
    require_choice("kind", None, ("a", None))
    with pytest.raises(ValueError, match=r"`kind` is 'c'; it is one of \['a', None\]\."):
        require_choice("kind", "c", ("a", None))


@pytest.mark.parametrize("value", [1, 2.5, np.float32(3), np.int64(4)])
def test_numbers_within_bounds(value: object) -> None:
    require_number("x", value, lowest=1, highest=4)
    require_number("x", value, above=0.9, below=4.1)


@pytest.mark.parametrize("value", [0.5, 4.5, np.nan, np.inf, True, "2", None, [2], np.array([1, 2])])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"`x` is .*; it is a number of at least 1 and of at most 4, or None\."):
        require_number("x", value, lowest=1, highest=4, also="None")


def test_bounds_that_are_left_out_of_the_range() -> None:
    for value in (0, 1):
        with pytest.raises(ValueError, match="it is a number above 0 and below 1"):
            require_number("x", value, above=0, below=1)


def test_whole_numbers() -> None:
    require_number("n", np.int32(2), lowest=1, whole=True)
    with pytest.raises(ValueError, match=r"`n` is 2\.0; it is a whole number of at least 1\."):
        require_number("n", 2.0, lowest=1, whole=True)


def test_missing_keys_come_with_the_closest() -> None:
    require_key("layer", "counts", ["counts"], ".layers")
    with pytest.raises(
        KeyError, match=r"`layer='Count'` is not in \.layers, which holds \['counts', 'a'\]\. Did you mean 'counts'\?"
    ):
        require_key("layer", "Count", ["a", "counts"], ".layers")
    with pytest.raises(KeyError) as error:
        require_key("layer", "z", ["a"], ".layers")
    assert "Did you mean" not in str(error.value)


def test_unknown_names_come_with_the_closest_first() -> None:
    message = unknown("`groupby` in .obs", ["Cell_typ"], ["batch", "cell_type", "score"])
    assert message.startswith("`groupby` in .obs: 'Cell_typ' not found. Did you mean 'cell_type'?")
    assert message.endswith("Available: ['cell_type', 'batch', 'score'].")
    assert "and 70 more" in unknown("x", ["nothing like it"], range(100))
