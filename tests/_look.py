"""Reading off what a picture shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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
