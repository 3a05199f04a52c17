"""The neuron graph, drawn as a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.colors import to_rgba

from .._checks import unknown
from .._docs import doc_params
from ..get import neurons
from ..slots import StoredMap
from ._canvas import canvas, check_places
from ._color_panels import BAR_HEIGHT, bar_beside, heading, legend, legend_width, paint_numbers, write_on
from ._colors import NA_COLOR
from ._layer import Layer
from ._paint import Mixture, Numbers, mixture, paint
from ._sheet import Sheet, title_height, write_title
from ._text import sized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from numpy.typing import NDArray

    from ..graphs import NeuronGraph
    from ._canvas import Shown
    from ._colors import Palette
    from ._norm import Bound

EdgeWidth = Literal["coactivation", "weight"]
_EVEN, _WIDEST, _THINNEST = 0.8, 3.5, 0.3


@doc_params()
def neuron_graph(
    adata: AnnData,
    *,
    color: str | None = None,
    pie: str | None = None,
    key: str | None = None,
    groups: str | Sequence[str] | None = None,
    layer: str | None = None,
    use_raw: bool = False,
    labels: Literal["neurons", "groups"] | Mapping[str, str] | None = None,
    edge_width: EdgeWidth | float = _EVEN,
    cmap: str | Colormap | None = None,
    palette: Palette = None,
    vmin: Bound = None,
    vmax: Bound = None,
    vcenter: Bound = None,
    norm: Normalize | None = None,
    title: str | None = None,
    legend_loc: Literal["right margin", "on data", "none"] | None = "right margin",
    colorbar_loc: Literal["right", "bottom"] | None = "right",
    size: float = 1.0,
    frameon: bool | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Draw the neuron graph with its edges: how much each neuron is used, and by what.

    The area of a node grows with the share of observations whose winning neuron it is;
    neurons that carry nothing, so-called dead ones, are small, grey and crossed.

    Parameters
    ----------
    adata
        Annotated data with a fitted map; nothing of it is changed.
    color
        What to colour nodes by: a gene or numeric column of `.obs` (mean over observations, weighted by activation),
        or a column of labels (the largest one). By default the indicator group.
    pie
        Column of labels to draw each node as a pie of: the shares of the labels in its activation.
    {key}
    groups
        Labels to give colours to; others are grey.
    layer
        Layer to take a gene from instead of X.
    use_raw
        Whether to take a gene from `.raw`.
    labels
        Text on the nodes: names of all `"neurons"`, the name of each of the indicator `"groups"` on its
        most used neuron, or a mapping from neuron names to text.
    edge_width
        One width in points, or `"coactivation"` (cosine similarity of the activations of the two neurons)
        or `"weight"` (of the edge), drawn from thin for the lowest to thick for the highest.
    cmap
        Colour map for numbers.
    palette
        Colours of labels: a mapping, a list in category order, or the name of a colour map;
        by default those of `.uns` (`<column>_colors`).
    vmin, vmax, vcenter
        Limits and middle of the colour scale: numbers, percentiles such as `"p99"`, or functions of the values.
    {norm}
    title
        Title instead of the name of the colour.
    legend_loc
        Where labels are told: `"right margin"`, `"on data"`, or `"none"`.
    colorbar_loc
        Where the colour bar is, or None for none.
    size
        Factor on the size of all nodes.
    frameon
        Whether to draw a frame; by default none.
    {show}
    {return_fig}
    ax
        Axes to draw into.

    Returns
    -------
    None if shown; with `return_fig` the figure; else the axes.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or if a column, gene or layer does not exist.
    ValueError
        If options contradict each other or name groups that do not occur.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.pl.neuron_graph(adata, pie="cell_type", edge_width="coactivation")  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    if color is not None and pie is not None:
        msg = f"`color={color!r}` and `pie={pie!r}` both fill the nodes; choose one of them."
        raise ValueError(msg)
    check_places(legend_loc=legend_loc, colorbar_loc=colorbar_loc)
    if size <= 0:
        msg = f"`size` is {size!r}; it is a factor above 0."
        raise ValueError(msg)
    drawn = replace(Layer.of(stored), tiled=False)
    if pie is not None:
        painted: Numbers | Mixture = mixture(stored, pie, groups=groups, palette=palette, option="pie")
    else:
        painted = paint(stored, color, groups=groups, layer=layer, use_raw=use_raw, palette=palette)
    if isinstance(painted, Numbers) and groups is not None:
        msg = f"`groups` chooses labels, and {color!r} holds numbers; leave it out."
        raise ValueError(msg)
    use = neurons(adata, key=key)["use"].to_numpy()
    texts = _texts(stored, use, labels)
    widths = _edge_widths(stored, edge_width)
    diameter = size * drawn.diameter * np.clip(np.sqrt(use / max(use.max(), 1e-12)), 0.35, 1) * 1.1
    heads = heading(None if title is None else [title], [painted.title])
    place = legend_loc or "none"
    sheet = _plan(drawn, painted, heads[0], place, colorbar_loc)

    with canvas(*sheet.size, show=show, return_fig=return_fig, ax=ax) as page:
        spot = next(sheet.places(0))
        panel = ax if ax is not None else page.add(*spot, sheet.width, sheet.height)
        drawn.prepare(panel, frameon=frameon)
        drawn.draw_edges(panel, linewidth=widths)
        if isinstance(painted, Numbers):
            limits = {"vmin": vmin, "vmax": vmax, "vcenter": vcenter, "norm": norm}
            mappable = paint_numbers(panel, drawn, painted, cmap=cmap, limits=limits, diameter=diameter)
            if colorbar_loc is not None:
                bar_beside(panel, mappable, horizontal=colorbar_loc == "bottom")
        else:
            if pie is not None:
                drawn.pies(panel, *_slices(painted, drawn.dead), diameter)
            else:
                faces = np.where(drawn.dead[:, None], to_rgba(NA_COLOR), painted.faces)
                drawn.fill(panel, faces, diameter=diameter)
            legend(panel, drawn, painted, place)
        drawn.mark_dead(panel, diameter=diameter)
        for neuron, text in texts.items():
            x, y = drawn.graph.layout[neuron]
            write_on(panel, x, y, text, to_rgba("white"))
        write_title(panel, heads[0])
        note = f"node area: share of cells, at most {100 * use.max():.2g} %"
        drawn.write_notes(page, note)
    return page.result


def _slices(painted: Mixture, dead: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Parts and colours of all slices, what is not drawn as a grey last one; NaN for dead neurons."""
    parts = np.column_stack([painted.parts, np.clip(painted.rest, 0, None)])
    parts[dead] = np.nan
    return parts, np.vstack([painted.colors, to_rgba(NA_COLOR)])


def _edge_widths(stored: StoredMap, edge_width: EdgeWidth | float) -> NDArray[np.float64]:
    graph = stored.graph
    if graph.n_edges == 0 and edge_width in ("coactivation", "weight"):
        return np.zeros(0)
    if edge_width == "coactivation":
        strength = coactivation(graph, stored.activations)
    elif edge_width == "weight":
        strength = np.array([float(graph.adjacency[i, j]) for i, j in graph.edges])
    elif isinstance(edge_width, int | float | np.number) and edge_width >= 0:
        return np.full(graph.n_edges, float(edge_width))
    else:
        msg = f"`edge_width` is {edge_width!r}; choose 'coactivation', 'weight', or a width in points."
        raise ValueError(msg)
    span = float(np.ptp(strength))
    if span < 1e-9 * max(float(np.abs(strength).max()), 1.0):
        return np.full(graph.n_edges, _EVEN)
    # From the weakest to the strongest edge: on a smooth map all neighbours act together, and the gaps are what counts.
    return np.asarray(_THINNEST + (_WIDEST - _THINNEST) * (strength - strength.min()) / span)


def coactivation(graph: NeuronGraph, activations: NDArray[np.floating]) -> NDArray[np.float64]:
    """Cosine similarity of the activations of the two neurons of each edge, (n_edges,)."""
    values = np.asarray(activations, dtype=np.float64)
    values = values / np.maximum(np.linalg.norm(values, axis=0), 1e-12)
    i, j = graph.edges.T
    return np.asarray(np.einsum("ce,ce->e", values[:, i], values[:, j]))


def _texts(stored: StoredMap, use: NDArray[np.floating], labels: str | Mapping[str, str] | None) -> dict[int, str]:
    names = stored.graph.names
    if labels is None:
        return {}
    if isinstance(labels, Mapping):
        missing = [name for name in labels if name not in names]
        if missing:
            raise ValueError(unknown("`labels`", missing, names))
        return {names.index(name): str(text) for name, text in labels.items()}
    if labels == "neurons":
        return dict(enumerate(names))
    if labels == "groups":
        most_used = {name: int(np.where(stored.group == name, use, -1.0).argmax()) for name in stored.groups}
        return {neuron: name for name, neuron in most_used.items()}
    msg = f"`labels` is {labels!r}; choose 'neurons', 'groups', or a mapping from neuron names to text."
    raise ValueError(msg)


def _plan(layer: Layer, painted: Numbers | Mixture, title: str, place: str, colorbar_loc: str | None) -> Sheet:
    width = min(4.0 / layer.aspect, 4.0) if layer.aspect > 0.25 else 7.0
    height = width * layer.aspect
    foot = 0.1
    if isinstance(painted, Mixture):
        side = legend_width(painted, place)
        foot = max(foot, sized(0.17) * min(len(painted.names), 16) - height) if place == "right margin" else foot
    else:
        side = sized(0.6) if colorbar_loc == "right" else 0.05
        foot = sized(0.4) if colorbar_loc == "bottom" else max(foot, sized(BAR_HEIGHT) - height)
    return Sheet(
        ((title_height(title, with_dot=False, width=width),),),
        1,
        width,
        height,
        gap_x=0.0,
        gap_y=0.08,
        foot=foot,
        side=side,
        bottom=sized(0.2),
    )
