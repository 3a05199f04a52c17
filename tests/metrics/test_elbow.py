"""Where trade-offs bend."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsr_sc.metrics._elbow import elbow

numbers = st.integers(0, 1000).map(float)
curves = st.lists(st.tuples(numbers, numbers), min_size=0, max_size=9).map(
    lambda pairs: np.array(pairs, dtype=float).reshape(-1, 2)
)


def front(points: np.ndarray) -> np.ndarray:
    """Numbers of the points that none beats, each once, by its definition."""
    kept: list[int] = []
    for number, (x, y) in enumerate(points):
        beaten = any(a >= x and b >= y and (a, b) != (x, y) for a, b in points)
        again = any((points[other] == (x, y)).all() for other in kept)
        if not beaten and not again:
            kept.append(number)
    return np.array(kept, dtype=int)


@pytest.mark.parametrize(
    ("gained", "kept", "at"),
    [
        ([0, 0.8, 1], [1, 0.9, 0], 1),  # a sharp bend
        ([0, 0.5, 1], [1, 0.5, 0], None),  # a straight line
        ([0, 0.2, 1], [1, 0.1, 0], None),  # bends the other way: any smoothness costs most at once
        ([0, 0.7, 1], [1, 0.7, 0], None),  # too little for three points
        ([0, 0.35, 0.7, 0.9, 1], [1, 0.9, 0.7, 0.4, 0], 2),  # enough for five
        ([0, 1], [1, 0], None),
        ([], [], None),
        ([0, 0.8, 1], [0.2, 0.9, 1], None),  # one is best in both
        ([0, np.nan, 0.8, 1], [1, 1, 0.9, 0], 2),
    ],
)
def test_known_curves(gained: list[float], kept: list[float], at: int | None) -> None:
    assert elbow(gained, kept) == at


def test_sides_of_a_curve_that_is_known() -> None:
    x = np.linspace(0, 1, 41)
    # A quarter of a circle bends most in its middle, where the chord is farthest: at the square root of a half.
    at = elbow(x, np.sqrt(1 - x**2))
    assert at is not None
    assert x[at] == pytest.approx(np.sqrt(0.5), abs=0.0125)


def test_nothing_to_trade() -> None:
    gained, kept = [0, 0.8, 1], [0.3, 0.299, 0.295]
    assert elbow(gained, kept) == 1
    assert elbow(gained, kept, least=0.004) == 1
    assert elbow(gained, kept, least=0.006) is None


@given(points=curves)
def test_farthest_beyond_the_chord_of_those_that_none_beats(points: np.ndarray) -> None:
    at = elbow(*points.T)
    ends = points[front(points)]
    if len(ends) < 3:
        assert at is None
        return
    low, high = ends.min(axis=0), ends.max(axis=0)
    beyond = ((ends - low) / (high - low)).sum(axis=1) - 1
    assert (at is not None) == (beyond.max() > 1 / (len(ends) - 1))
    if at is not None:
        assert (points[at] == ends).all(axis=1).any()
        assert ((points[at] - low) / (high - low)).sum() - 1 == pytest.approx(beyond.max())


@given(points=curves, scale=st.sampled_from([0.25, 2.0, 64.0]), shift=st.integers(-9, 9), seed=st.integers(0, 99))
def test_units_order_and_beaten_points_do_not_matter(points: np.ndarray, scale: float, shift: int, seed: int) -> None:
    at = elbow(*points.T)
    moved = elbow(points[:, 0] * scale + shift, points[:, 1] / scale - shift)
    place = None if at is None else tuple(points[at])
    assert (None if moved is None else tuple(points[moved])) == place
    order = np.random.default_rng(seed).permutation(len(points))
    mixed = elbow(*points[order].T)
    assert (None if mixed is None else tuple(points[order][mixed])) == place
    if len(points):
        worse = np.vstack([points, points - 1.0, points])
        again = elbow(*worse.T)
        assert (None if again is None else tuple(worse[again])) == place


@given(points=curves)
def test_exchanging_what_is_gained_and_kept_changes_nothing(points: np.ndarray) -> None:
    one, other = elbow(*points.T), elbow(*points.T[::-1])
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        ends = points[front(points)]
        low, high = ends.min(axis=0), ends.max(axis=0)
        sums = [((points[at] - low) / (high - low)).sum() for at in (one, other)]
        assert sums[0] == pytest.approx(sums[1])
