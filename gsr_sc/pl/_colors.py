"""Colours: the scales of the package, and the palettes that belong to labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap, is_color_like, to_rgba

from .._checks import unknown
from ..slots import UNASSIGNED

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

Palette = Mapping[str, Any] | Sequence[Any] | str | None
"""A colour per label name, a list of colours in label order, or the name of a matplotlib colour map."""

NA_COLOR = "#e4e4e6"
INK = "#2b2b2e"
GREY = "#8b8b90"
FRAME = "#c9c9ce"
EDGE = "#b9b9bf"
RIM = "#77777d"
PAPER = "#ffffff"

# From nearly white to nearly black over orange, red and purple. Lightness falls evenly, so that it reads the same
# in grey and to colour-blind eyes; the pale end lets what is not active recede into the paper.
SEQUENTIAL = LinearSegmentedColormap.from_list(
    "gsr",
    [
        "#fcfaf6",
        "#f6e0c9",
        "#f6c49c",
        "#f6a476",
        "#f28359",
        "#e96146",
        "#d64246",
        "#bb2b4f",
        "#9d1b56",
        "#7c125b",
        "#591259",
        "#39104c",
        "#1d0d35",
    ],
)
DIVERGING = "RdBu_r"


def colormap(cmap: str | Colormap | None, *, diverging: bool = False) -> Colormap:
    """Colour map by name or as given; by default the one of the package. What has no value is light grey.

    Raises
    ------
    ValueError
        If matplotlib knows no map of that name.
    """
    if cmap is None:
        cmap = DIVERGING if diverging else SEQUENTIAL
    if isinstance(cmap, str):
        if cmap not in mpl.colormaps:
            raise ValueError(unknown("`cmap`", [cmap], mpl.colormaps))
        cmap = mpl.colormaps[cmap]
    return cmap.with_extremes(bad=NA_COLOR)


def label_colors(
    adata: AnnData, column: str, categories: Sequence[str], palette: Palette = None
) -> dict[str, tuple[float, float, float, float]]:
    """Colour of each label of a column.

    The colours of `.uns` are used where they fit, those that scanpy would choose otherwise;
    nothing is written, and stale or broken colours never stop a picture.

    Parameters
    ----------
    adata
        Annotated data, for `.uns[f"{column}_colors"]`.
    column
        Column of `.obs` that the labels are from.
    categories
        All categories of that column, in order.
    palette
        What to use instead. Labels that a mapping lacks keep the colour they would have without it.

    Raises
    ------
    ValueError
        If `palette` is a list of fewer colours than labels, or holds what is no colour.
    """
    stored = _stored_colors(adata, column, len(categories))
    colors = dict(zip(categories, stored or default_colors(len(categories)), strict=True))
    if not stored and UNASSIGNED in colors:
        # What has no cluster should not look like one.
        colors[UNASSIGNED] = GREY
    if isinstance(palette, Mapping):
        named = {str(name): color for name, color in palette.items()}
        colors.update({name: named[name] for name in categories if name in named})
    elif isinstance(palette, str):
        cmap = colormap(palette)
        listed = getattr(cmap, "colors", None)
        if listed is not None and cmap.N < 256:
            colors = {name: listed[i % len(listed)] for i, name in enumerate(categories)}
        else:
            colors = dict(zip(categories, cmap(np.linspace(0, 1, len(categories))), strict=True))
    elif palette is not None:
        if len(palette) < len(categories):
            msg = f"`palette` has {len(palette)} colours for the {len(categories)} labels of {column!r}; give as many."
            raise ValueError(msg)
        colors = dict(zip(categories, palette, strict=False))
    wrong = [color for color in colors.values() if not is_color_like(color)]
    if wrong:
        msg = f"`palette` holds {wrong[0]!r}, which is no colour that matplotlib knows; use names or hex codes."
        raise ValueError(msg)
    return {name: to_rgba(color) for name, color in colors.items()}


def default_colors(n: int) -> list[Any]:
    """The `n` colours that scanpy gives to `n` categories."""
    cycle = mpl.rcParams["axes.prop_cycle"].by_key().get("color", [])
    if n <= len(cycle):
        return list(cycle[:n])
    import scanpy as sc

    palettes = getattr(sc.pl, "legacy", sc.pl).palettes
    for palette in (palettes.default_20, palettes.default_28, palettes.default_102):
        if n <= len(palette):
            return list(palette[:n])
    return [GREY] * n


def ink() -> str:
    """Colour of what is written or drawn on the page itself: nearly black, or that of a style such as `dark_background`."""
    styled = mpl.rcParams["text.color"]
    return INK if styled == mpl.rcParamsDefault["text.color"] else str(styled)


def paler(color: tuple[float, ...], strength: NDArray[np.floating] | float) -> NDArray[np.float64]:
    """A colour mixed with paper: all of it at strength 1, a quarter of it at strength 0."""
    weight = 0.25 + 0.75 * np.clip(np.asarray(strength, dtype=np.float64), 0, 1)[..., None]
    paper = np.array(to_rgba(PAPER))
    return np.asarray(paper + weight * (np.array(color) - paper))


def ink_on(color: tuple[float, ...]) -> str:
    """Dark or light text colour, whichever is read better on a colour."""
    red, green, blue = color[:3]
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else PAPER


def _stored_colors(adata: AnnData, column: str, n: int) -> list[Any] | None:
    stored = adata.uns.get(f"{column}_colors")
    if isinstance(stored, Mapping) or not hasattr(stored, "__len__") or isinstance(stored, str):
        return None
    colors = [str(color) for color in stored][:n]
    return colors if len(colors) == n and all(map(is_color_like, colors)) else None
