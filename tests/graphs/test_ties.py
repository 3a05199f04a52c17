"""What ties between neurons say of the neighbours of observations."""

from __future__ import annotations

import numpy as np
import pytest

from gsr_sc.graphs import neuron_ties
from gsr_sc.graphs._ties import CALIBRATION, calibration_of, neighbour_shares


def _blurred(rng: np.random.Generator, blur: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Activations of 8 neurons along a line, neighbours among the observations, two groups of neurons."""
    place = np.sort(rng.uniform(0, 7, 400))
    activations = np.exp(-((place[:, None] - np.arange(8)) ** 2) / blur)
    near = np.argsort(abs(place[:, None] - place), axis=1)[:, 1:16]
    return activations, near, np.repeat([0, 1], 4)


@pytest.mark.parametrize("blur", [0.05, 0.1, 0.2])
def test_calibrated_shares_are_right_on_average(blur: float) -> None:
    activations, near, group = _blurred(np.random.default_rng(0), blur)
    ties = neuron_ties(activations, near, power=1)
    power = calibration_of(activations, near, [group], ties, power=1)
    shares = neighbour_shares(activations, group, ties, power=1, calibration=power)
    own = shares.argmax(axis=1)
    found = (own[near] == own[:, None]).mean()
    assert shares.max(axis=1).mean() == pytest.approx(found, abs=0.005)
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_the_more_neurons_are_blurred_the_higher_the_power() -> None:
    powers = []
    for blur in (0.05, 0.1, 0.2):
        activations, near, group = _blurred(np.random.default_rng(0), blur)
        powers.append(calibration_of(activations, near, [group], neuron_ties(activations, near, power=1), power=1))
    assert powers == sorted(powers)
    assert powers[0] < powers[-1]


def test_one_group_for_all_has_nothing_to_calibrate() -> None:
    activations, near, group = _blurred(np.random.default_rng(0), 1)
    ties = neuron_ties(activations, near, power=1)
    assert calibration_of(activations, near, [0 * group], ties, power=1) == CALIBRATION
