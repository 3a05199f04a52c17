"""Reading off what a picture shows."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def artists(ax: Axes, gid: str) -> list[Any]:
    """All artists of a panel with a name."""
    return ax.findobj(lambda artist: artist.get_gid() == gid)


def neurons(ax: Axes) -> Any:
    """The one artist that shows the neurons of a panel."""
    (artist,) = artists(ax, "neurons")
    return artist


def numbers(ax: Axes) -> NDArray[np.float64]:
    """Number that each neuron of a panel is coloured by, in graph order; NaN where it has none."""
    return np.ma.filled(np.ma.asarray(neurons(ax).get_array(), dtype=float), np.nan).ravel()


def faces(ax: Axes) -> NDArray[np.float64]:
    """Colour of each neuron of a panel, in graph order, (n_neurons, 4)."""
    artist = neurons(ax)
    if hasattr(artist, "get_extent"):
        return np.asarray(artist.get_array()).reshape(-1, 4)
    return artist.get_facecolor()


def pixel(ax: Axes, x: float, y: float) -> NDArray[np.float64]:
    """Colour at a place of a panel as it was drawn, (4,) in 0 to 1."""
    canvas = ax.figure.canvas
    canvas.draw()
    column, row = ax.transData.transform((x, y))
    picture = np.asarray(canvas.buffer_rgba())
    return picture[picture.shape[0] - 1 - int(row), int(column)] / 255


def texts(ax: Axes) -> list[str]:
    """All texts of a panel."""
    return [text.get_text() for text in ax.texts]


def words(figure: Figure) -> list[Text]:
    """Texts that can be seen: of ticks those within the view."""
    figure.canvas.draw()
    of_axes: set[Text] = set()
    seen: list[Text] = []
    for ax in figure.findobj(Axes):
        for axis, view in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            of_axes |= set(axis.findobj(Text))
            if not ax.axison:
                continue
            at = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
            seen += [text for place, text in at if min(view) <= place <= max(view)]
            seen += [axis.label, axis.get_offset_text()]
    seen += [text for text in figure.findobj(Text) if text not in of_axes]
    return [text for text in seen if text.get_visible() and text.get_text().strip()]


def collisions(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that lie over each other, and texts that leave the figure."""
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in words(figure)]
    page = figure.bbox.padded(1)
    found = [
        (one, other)
        for (one, first), (other, second) in combinations(boxes, 2)
        if first.x0 < second.x1 and second.x0 < first.x1 and first.y0 < second.y1 and second.y0 < first.y1
    ]
    return found + [
        (text, "the edge")
        for text, box in boxes
        if box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1
    ]
