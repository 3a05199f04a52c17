"""Colours for nested groups: a hue for each coarse group, shades of it for the groups within."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Hues in degrees of the OKLCH colour space and how light each is, in an order in which the first ones are told apart by
# colour-blind eyes too: blue, orange, green, pink, sky, yellow, vermilion, grey violet. Beyond these, lightness and the
# hues between them take turns.
_HUES = (250.0, 62.0, 165.0, 345.0, 220.0, 100.0, 35.0, 295.0)
_LIGHTNESS = (0.55, 0.72, 0.66, 0.62, 0.76, 0.86, 0.56, 0.48)
_CHROMA = 0.13
# From the darkest to the lightest shade within one hue, and how far the hue turns on the way.
_REACH = 0.36
_TURN = 30.0
_LIGHTEST, _DARKEST = 0.92, 0.3


def nested_colors(levels: list[NDArray[np.intp]]) -> list[list[str]]:
    """Colour of every group of every level, coarse to fine.

    A group that is not divided further keeps its colour, so that the same group is the same colour at all levels.

    Parameters
    ----------
    levels
        Number of the group of each neuron, (n_neurons,), for each level; every group lies within one of the level before.

    Returns
    -------
    For each level hex codes in the order of the groups' numbers.
    """
    hue = np.arange(levels[0].max() + 1)
    interval = np.tile([0.0, 1.0], (len(hue), 1))
    result = [_shades(hue, interval)]
    for coarse, fine in pairwise(levels):
        first = np.array([int(np.flatnonzero(fine == number)[0]) for number in range(fine.max() + 1)])
        parent = coarse[first]
        within = np.empty((len(parent), 2))
        for number in np.unique(parent):
            children = np.flatnonzero(parent == number)
            cuts = np.linspace(interval[number, 0], interval[number, 1], len(children) + 1)
            within[children] = np.column_stack([cuts[:-1], cuts[1:]])
        hue, interval = hue[parent], within
        result.append(_shades(hue, interval))
    return result


def _shades(hue: NDArray[np.intp], interval: NDArray[np.float64]) -> list[str]:
    return [_shade(int(number), float(place)) for number, place in zip(hue, interval.mean(axis=1), strict=True)]


def _shade(number: int, place: float) -> str:
    """One shade of the hue of a coarse group: dark at place 0, light at 1."""
    turn, base = divmod(number, len(_HUES))
    angle = np.deg2rad(_HUES[base] + 22.5 * (turn % 2) + _TURN * (place - 0.5))
    # Every second round of the hues is darker.
    middle = _LIGHTNESS[base] - 0.12 * ((turn + 1) // 2)
    middle = float(np.clip(middle, _DARKEST + _REACH / 2, _LIGHTEST - _REACH / 2) if place != 0.5 else middle)
    lightness = middle + _REACH * (place - 0.5)
    return _hex(lightness, _CHROMA, angle)


def _hex(lightness: float, chroma: float, angle: float) -> str:
    """OKLCH to a hex code, with as much of the chroma as the screen can show."""
    rgb = np.zeros(3)
    for part in np.linspace(1, 0, 21):
        a, b = part * chroma * np.cos(angle), part * chroma * np.sin(angle)
        cone = np.array(
            [
                lightness + 0.3963377774 * a + 0.2158037573 * b,
                lightness - 0.1055613458 * a - 0.0638541728 * b,
                lightness - 0.0894841775 * a - 1.2914855480 * b,
            ]
        )
        rgb = np.array(
            [
                [4.0767416621, -3.3077115913, 0.2309699292],
                [-1.2684380046, 2.6097574011, -0.3413193965],
                [-0.0041960863, -0.7034186147, 1.7076147010],
            ]
        ) @ (cone**3)
        if rgb.min() >= -1e-4 and rgb.max() <= 1.0001:
            break
    rgb = np.clip(rgb, 0, 1)
    rgb = np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * float(value)):02x}" for value in rgb)
