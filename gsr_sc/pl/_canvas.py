"""Figures, and what a plotting function returns: the same rules for every one of them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .._checks import require_choice

if TYPE_CHECKING:
    from collections.abc import Iterator

Shown = Axes | list[Axes] | Figure | None


@dataclass(eq=False)
class Canvas:
    """What is drawn on, and what comes back from it.

    Attributes
    ----------
    figure
        The figure, sized in inches.
    panels
        Axes of the panels, in drawing order; colour bars and legends are not among them.
    own
        Whether the figure was made here, and not by the caller.
    result
        What the plotting function returns, set when the canvas is closed.
    """

    figure: Figure
    own: bool
    panels: list[Axes] = field(default_factory=list)
    result: Shown = None

    def add(self, left: float, top: float, width: float, height: float, *, panel: bool = True) -> Axes:
        """Add axes at a place in inches from the top left corner of the figure."""
        full_width, full_height = self.figure.get_size_inches()
        ax = self.figure.add_axes(
            (left / full_width, 1 - (top + height) / full_height, width / full_width, height / full_height)
        )
        if panel:
            self.panels.append(ax)
        return ax


def check_ax(ax: Axes | None, n_panels: int, what: str) -> None:
    """Refuse the caller's axes for anything but a single panel.

    Raises
    ------
    ValueError
        If there are several panels.
    """
    if ax is not None and n_panels != 1:
        msg = f"`ax` takes a single panel, and this draws {n_panels}. Choose one with {what}, or leave out `ax`."
        raise ValueError(msg)


def check_places(*, legend_loc: object, colorbar_loc: object) -> None:
    """Refuse places where no legend or colour bar can be."""
    require_choice("legend_loc", legend_loc, (None, "right margin", "on data", "none"))
    require_choice("colorbar_loc", colorbar_loc, (None, "right", "bottom"))


@contextmanager
def canvas(
    width: float, height: float, *, show: bool | None, return_fig: bool | None, ax: Axes | None
) -> Iterator[Canvas]:
    """Open a figure, or take the caller's axes; show or hand back when all is drawn.

    Parameters
    ----------
    width, height
        Size of a new figure in inches.
    show
        Whether to show the figure and return nothing; None follows `scanpy.settings.autoshow`.
    return_fig
        Whether to return the figure, without showing it.
    ax
        Axes to draw into instead of a new figure.
    """
    if return_fig:
        show = False
    elif show is None:
        from scanpy import settings

        show = bool(settings.autoshow)
    if ax is not None:
        opened = Canvas(_root(ax), own=False, panels=[ax])
    elif show:
        import matplotlib.pyplot as plt

        # Only what pyplot manages can be shown; constrained or tight layouts would undo the places given in inches.
        opened = Canvas(plt.figure(figsize=(width, height), layout="none"), own=True)
    else:
        figure = Figure(figsize=(width, height))
        # Whatever `rcParams` say, as above.
        figure.set_layout_engine("none")
        FigureCanvasAgg(figure)
        opened = Canvas(figure, own=True)
    try:
        yield opened
        if show:
            import matplotlib.pyplot as plt

            plt.show()
        else:
            panels = opened.panels
            opened.result = opened.figure if return_fig else panels[0] if len(panels) == 1 else panels
    finally:
        if show and opened.own:
            plt.close(opened.figure)


def _root(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    if figure is None:
        msg = "`ax` belongs to no figure any more."
        raise ValueError(msg)
    return figure
