"""Pictures of the layer in which each neuron has the colour of what it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.colors import Normalize, to_rgba
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ._canvas import canvas, check_ax
from ._colors import NA_COLOR, colormap, ink, ink_on
from ._norm import beyond, is_diverging, pick, scale
from ._paint import Mixture, Numbers, paint
from ._sheet import Sheet, inches, title_height, write_colorbar, write_title
from ._text import LABEL_SIZE, drawn_width, legend_names, sized

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from numpy.typing import NDArray

    from ..slots import StoredMap
    from ._canvas import Shown
    from ._colors import Palette
    from ._layer import Layer
    from ._norm import Extend

LegendLoc = Literal["right margin", "on data", "none"]
_ROW = 0.165
BAR_HEIGHT = 0.75
_MIXED_NOTE = "paler where labels mix"


def draw_colors(
    stored: StoredMap,
    drawn: Layer,
    names: list[str],
    *,
    groups: Any,
    layer: str | None,
    use_raw: bool,
    titles: list[str] | None,
    ncols: int | None,
    cmap: Any,
    palette: Palette,
    limits: dict[str, Any],
    outline: bool | None,
    legend_loc: LegendLoc | None,
    colorbar_loc: Literal["right", "bottom"] | None,
    size: float | None,
    wspace: float | None,
    hspace: float | None,
    frameon: bool | None,
    show: bool | None,
    return_fig: bool | None,
    ax: Axes | None,
) -> Shown:
    """Draw one panel for each colouring, with its own colour bar or legend."""
    wanted: list[str | None] = [*names] or [None]
    paints = [paint(stored, name, groups=groups, layer=layer, use_raw=use_raw, palette=palette) for name in wanted]
    if groups is not None and not any(isinstance(painted, Mixture) for painted in paints):
        msg = f"`groups` chooses labels, and `color={names}` holds numbers only; leave it out."
        raise ValueError(msg)
    check_ax(ax, len(paints), "a single `color`")
    titles = heading(titles, [painted.title for painted in paints])
    places: list[str] = [legend_loc or ("on data" if not names else "right margin")] * len(paints)
    sheet = _plan(
        paints, drawn, titles, places, ncols=ncols, size=size, wspace=wspace, hspace=hspace, colorbar_loc=colorbar_loc
    )
    n = len(paints)
    with canvas(*sheet.size, show=show, return_fig=return_fig, ax=ax) as page:
        for i, (painted, title, place, spot) in enumerate(zip(paints, titles, places, sheet.places(0), strict=True)):
            panel = ax if ax is not None else page.add(*spot, sheet.width, sheet.height)
            drawn.prepare(panel, frameon=frameon)
            if not drawn.tiled:
                drawn.draw_edges(panel)
            if isinstance(painted, Numbers):
                options = {name: pick(value, i, n, name) for name, value in limits.items()}
                mappable = paint_numbers(panel, drawn, painted, cmap=pick(cmap, i, n, "cmap"), limits=options)
                if colorbar_loc is not None:
                    bar_beside(panel, mappable, horizontal=colorbar_loc == "bottom")
            else:
                drawn.fill(panel, np.where(drawn.dead[:, None], to_rgba(NA_COLOR), painted.faces))
                legend(panel, drawn, painted, place)
            if outline or (outline is None and names):
                drawn.draw_outline(panel)
            drawn.mark_dead(panel)
            write_title(panel, title)
        mixed = any(isinstance(painted, Mixture) and painted.is_mixed for painted in paints)
        drawn.write_notes(page, _MIXED_NOTE if mixed else "")
    return page.result


def heading(titles: list[str] | None, names: list[str]) -> list[str]:
    """Titles of the caller, or the names of what is drawn.

    Raises
    ------
    ValueError
        If there is not one title for each panel.
    """
    if titles is None:
        return names
    if len(titles) != len(names):
        msg = f"`title` has {len(titles)} entries for {len(names)} panels: {names}. Give one for each."
        raise ValueError(msg)
    return titles


def paint_numbers(
    ax: Axes,
    layer: Layer,
    numbers: Numbers,
    *,
    cmap: Any,
    limits: dict[str, Any],
    diameter: NDArray[np.floating] | None = None,
) -> ScalarMappable:
    """Colour neurons by a number; dead ones have no colour."""
    values = np.where(layer.dead, np.nan, numbers.values)
    norm = scale(values, from_zero=numbers.from_zero, **limits)
    return layer.paint(ax, values, cmap=colormap(cmap, diverging=is_diverging(norm)), norm=norm, diameter=diameter)


def bar_beside(
    ax: Axes, mappable: ScalarMappable, label: str = "", *, horizontal: bool, extend: Extend | None = None
) -> None:
    """Colour bar close to a panel, pointed where values lie beyond it: by default those of the mappable."""
    if extend is None:
        assert isinstance(mappable.norm, Normalize)
        extend = beyond(mappable.norm, np.ma.filled(np.ma.asarray(mappable.get_array(), dtype=float), np.nan))
    width, height = inches(ax)
    if horizontal:
        box = (0.0, -0.2 / height, 0.7, 0.08 / height)
    else:
        length = max(0.6 * height, sized(BAR_HEIGHT)) / height
        box = (1 + 0.1 / width, 1 - length, 0.1 / width, length)
    write_colorbar(ax.inset_axes(box), mappable, label, horizontal=horizontal, extend=extend)


def legend(ax: Axes, layer: Layer, mixture: Mixture, place: str) -> None:
    """Tell which colour is which label, beside the panel or on the neurons."""
    if place == "on data":
        for label, name in enumerate(mixture.names):
            members = np.flatnonzero((mixture.major == label) & ~layer.dead)
            if len(members):
                x, y = layer.graph.layout[layer.medoid(members)]
                write_on(ax, x, y, name, tuple(mixture.colors[label]))
    elif place == "right margin":
        handles = [
            Line2D([], [], marker="o", linestyle="none", markersize=sized(5.5), color=tuple(color), label=name)
            for name, color in zip(_told(mixture), mixture.colors, strict=True)
        ]
        for text in ax.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(1.02, 1.02),
            frameon=False,
            fontsize=sized(LABEL_SIZE),
            handletextpad=0.2,
            labelspacing=0.35,
            borderpad=0,
            borderaxespad=0.3,
            handlelength=1.4,
            ncols=_legend_columns(len(handles)),
            columnspacing=1,
        ).get_texts():
            text.set(parse_math=False, color=ink())


def write_on(ax: Axes, x: float, y: float, text: str, color: tuple[float, ...]) -> None:
    """A label on a neuron of some colour."""
    ax.text(
        x,
        y,
        text,
        ha="center",
        va="center",
        fontsize=sized(LABEL_SIZE),
        color=ink_on(color),
        zorder=5,
        parse_math=False,
        path_effects=[withStroke(linewidth=1.5, foreground=color)],
    )


def legend_width(mixture: Mixture, place: str) -> float:
    """Room for a legend beside a panel, in inches."""
    if place != "right margin":
        return 0.05
    longest = max(drawn_width(name, LABEL_SIZE) for name in _told(mixture))
    return _legend_columns(len(mixture.names)) * (longest + sized(0.35))


def _told(mixture: Mixture) -> list[str]:
    return legend_names(mixture.names, _legend_columns(len(mixture.names)))


def _plan(
    paints: list[Numbers | Mixture],
    layer: Layer,
    titles: list[str],
    places: list[str],
    *,
    ncols: int | None,
    size: float | None,
    wspace: float | None,
    hspace: float | None,
    colorbar_loc: str | None,
) -> Sheet:
    flat = layer.aspect < 0.25
    width = (4.6 if flat else 2.4) if size is None else size
    height = width * layer.aspect
    bar = sized(0.55) if colorbar_loc == "right" else 0.05
    sides = [
        legend_width(painted, place) if isinstance(painted, Mixture) else bar
        for painted, place in zip(paints, places, strict=True)
    ]
    # A long legend may be higher than a flat picture.
    legends = [len(p.names) / _legend_columns(len(p.names)) for p in paints if isinstance(p, Mixture)]
    tallest = max((sized(_ROW) * rows for rows in legends), default=0.0) if "right margin" in places else 0.0
    if colorbar_loc == "right" and any(isinstance(painted, Numbers) for painted in paints):
        tallest = max(tallest, sized(BAR_HEIGHT))
    foot = max(tallest - height, sized(0.4) if colorbar_loc == "bottom" else 0.0, 0.0)
    most = 1 if flat else max(1, int(9 / (width + max(sides))))
    return Sheet(
        (tuple(title_height(title, with_dot=False, width=width) for title in titles),),
        _even_columns(len(paints), most) if ncols is None else ncols,
        width,
        height,
        gap_x=0.16 if wspace is None else wspace * width,
        gap_y=0.08 if hspace is None else hspace * height,
        foot=foot,
        side=max(sides),
        bottom=sized(0.2),
    )


def _even_columns(n: int, most: int) -> int:
    n_rows = -(-n // most)
    return -(-n // n_rows)


def _legend_columns(n: int) -> int:
    return 1 + (n - 1) // 16
