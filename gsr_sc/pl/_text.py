"""Words in pictures: how large they are, what room they need, and how they are made to fit."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

if TYPE_CHECKING:
    from collections.abc import Sequence

# Points, where `rcParams["font.size"]` is 10.
TITLE_SIZE = 8.5
LABEL_SIZE = 7.5
SMALL_SIZE = 7.0
# Inches, too: a legend, and a name in it.
_LEGEND, _LONGEST, _SHORTEST = 4.8, 2.4, 0.7


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


def drawn_width(text: str, size: float) -> float:
    """Width of a line of text in inches as it is drawn: where dots are few, letters are widened to whole ones."""
    dpi = float(mpl.rcParams["figure.dpi"])
    font = FontProperties(size=sized(size))
    drawn = RendererAgg(1, 1, dpi).get_text_width_height_descent(text, font, ismath=False)[0] / dpi
    return max(text_width(text, size), drawn)


@cache
def _extent(text: str, family: tuple[str, ...]) -> float:  # noqa: ARG001
    """Width in inches of text of one point; the family is what fonts are looked up by."""
    if not text.strip():
        return 0.0
    return float(TextPath((0, 0), text.replace("$", "S"), size=100).get_extents().x1) / 7200


def wrap(text: str, width: float, size: float = TITLE_SIZE) -> str:
    """Break a name into lines that fit a width in inches, after spaces and marks, in words only if they must be."""
    lines = [""]
    # A number keeps its percent sign.
    for word in re.findall(r"(?:[^\s/_\-+,;|]|\s(?=%))*[\s/_\-+,;|]*", text):
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
        if not np.isfinite(width) or drawn_width(line, size) <= width:
            return line
    return what


def shortened(names: Sequence[str], width: float, size: float = LABEL_SIZE) -> list[str]:
    """Names that fit a width in inches: longer ones lose their middle, or what else leaves all of them different."""
    n_names = len(set(names))
    first = None
    for tail in (0.5, 0.7, 0.3):
        short = [_shortened(name, width, size, tail) for name in names]
        if len(set(short)) == n_names:
            return short
        first = first or short
    # What all of them begin with tells nothing apart.
    same = next((at for at, letters in enumerate(zip(*names, strict=False)) if len(set(letters)) > 1), 0)
    short = [_shortened(f"\u2026{name[same:]}", width, size, 0.2) for name in names]
    return short if len(set(short)) == n_names else first or short


def legend_names(names: Sequence[str], n_columns: int) -> list[str]:
    """Names of a legend, shortened so that many long ones do not make it wider than the picture beside it."""
    return shortened(names, sized(max(min(_LONGEST, _LEGEND / n_columns - 0.4), _SHORTEST)))


def _shortened(name: str, width: float, size: float, tail: float) -> str:
    full = text_width(name, size)
    if full <= width:
        return name
    # A little more than its share of the letters, and from there down: to measure words takes time.
    kept = max(min(int(1.1 * len(name) * width / full) + 2, len(name)), 2)
    while True:
        kept -= 1
        end = max(round(tail * kept), 1)
        short = f"{name[: kept - end].rstrip()}\u2026{name[len(name) - end :].lstrip()}"
        if kept <= 2 or text_width(short, size) <= width:
            return short
