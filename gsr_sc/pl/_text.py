"""Words in pictures: how large they are, what room they need, and how they are made to fit."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.textpath import TextPath

if TYPE_CHECKING:
    from collections.abc import Sequence

# Points, where `rcParams["font.size"]` is 10.
TITLE_SIZE = 8.5
LABEL_SIZE = 7.5
SMALL_SIZE = 7.0


def sized(length: float) -> float:
    """A size of words, or a length in inches that is kept for them, at the font size that the user has set.

    Parameters
    ----------
    length
        What it is where `rcParams["font.size"]` is 10, as matplotlib sets it; `scanpy.set_figure_params` sets 14.
    """
    return length * float(mpl.rcParams["font.size"]) / 10


def text_width(text: str, size: float = TITLE_SIZE) -> float:
    """Width of a line of text in inches, of a size that is :func:`sized`."""
    return sized(size) * _extent(text, tuple(mpl.rcParams["font.family"]))


@cache
def _extent(text: str, family: tuple[str, ...]) -> float:  # noqa: ARG001
    """Width in inches of text of one point; the family is what fonts are looked up by."""
    if not text.strip():
        return 0.0
    return float(TextPath((0, 0), text.replace("$", "S"), size=100).get_extents().x1) / 7200


def wrap(text: str, width: float, size: float = TITLE_SIZE) -> str:
    """Break a name into lines that fit a width in inches, after spaces and marks, in words only if they must be."""
    lines = [""]
    for word in re.findall(r"[^\s/_\-+,;|]*[\s/_\-+,;|]*", text):
        rest = word
        if lines[-1] and text_width((lines[-1] + rest).rstrip(), size) > width:
            lines.append("")
        while text_width(rest.rstrip(), size) > width and len(rest) > 1:
            fits = next(n for n in range(len(rest) - 1, 0, -1) if n == 1 or text_width(rest[:n], size) <= width)
            lines[-1], rest = rest[:fits], rest[fits:]
            lines.append("")
        lines[-1] += rest
    return "\n".join(line.rstrip() for line in lines if line.strip())


def listed(what: str, names: Sequence[str], width: float, size: float = SMALL_SIZE) -> str:
    """A line that names as many things as fit a width in inches: `3 neurons: A1, B2 and 1 more`."""
    for n in range(len(names), 0, -1):
        more = f" and {len(names) - n} more" if n < len(names) else ""
        line = f"{what}: {', '.join(names[:n])}{more}"
        if not np.isfinite(width) or text_width(line, size) <= width:
            return line
    return what


def shortened(names: Sequence[str], width: float, size: float = LABEL_SIZE) -> list[str]:
    """Names that fit a width in inches: longer ones lose their middle, as beginning and end tell most names apart."""
    return [_shortened(name, width, size) for name in names]


def _shortened(name: str, width: float, size: float) -> str:
    short, kept = name, len(name)
    while text_width(short, size) > width and kept > 2:
        kept -= 1
        tail = kept // 2
        short = f"{name[: kept - tail].rstrip()}\u2026{name[len(name) - tail :].lstrip()}"
    return short
