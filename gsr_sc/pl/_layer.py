"""Drawing a layer of neurons: tiles for grids and tori, nodes and edges for every other graph."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import EllipseCollection, LineCollection, PatchCollection
from matplotlib.patches import Wedge

from .._log import configure
from ..get import neurons
from ._colors import EDGE, FRAME, GREY, INK, NA_COLOR, PAPER, RIM, ink
from ._sheet import inches, write_footnote
from ._text import SMALL_SIZE, listed, text_width

if TYPE_CHECKING:
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap, Normalize
    from numpy.typing import NDArray

    from ..graphs import NeuronGraph
    from ..slots import StoredMap
    from ._canvas import Canvas

logger = logging.getLogger(__name__)

DOT, _DEAD, _CONSTANT = "\u25cf", "\u00d7", "\u2013"


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of neurons that can be drawn into any axes, in layout units.

    Attributes
    ----------
    graph
        The neuron graph.
    group
        Indicator group of each neuron, (n_neurons,).
    dead
        Whether a neuron carries nothing, (n_neurons,).
    constant
        Whether a neuron is the same in all observations, (n_neurons,).
    tiled
        Whether neurons are squares without gaps.
    """

    graph: NeuronGraph
    group: NDArray[np.str_]
    dead: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    tiled: bool

    @classmethod
    def of(cls, stored: StoredMap) -> Layer:
        """Layer of a stored map."""
        table = neurons(stored.adata, key=stored.key)
        dead, constant = (table[name].to_numpy(dtype=bool) for name in ("is_dead", "is_constant"))
        graph = stored.graph
        # A lattice that was laid out in another way is drawn as any other graph.
        places = np.unique(np.rint(graph.layout), axis=0)
        on_lattice = len(places) == graph.n_neurons and np.allclose(graph.layout, np.rint(graph.layout))
        layer = cls(graph, stored.group, dead, constant, tiled=graph.shape is not None and bool(on_lattice))
        configure()
        for note in layer.notes():
            logger.info("%s", note[3:])
        return layer

    def notes(self, width: float = np.inf) -> list[str]:
        """What crosses and dashes stand for: neurons that tell nothing, by name, as many as fit a width in inches."""
        names = np.array(self.graph.names)
        marked = ((_DEAD, self.dead, "that no cell lights up"), (_CONSTANT, self.constant, "the same in all cells"))
        return [
            listed(f"{mark}  {mask.sum()} neuron{'s' * int(mask.sum() != 1)} {what}", names[mask].tolist(), width)
            for mark, mask, what in marked
            if mask.any()
        ]

    def write_notes(self, page: Canvas, *more: str) -> None:
        """Small text at the bottom of a figure, with the neurons that tell nothing last."""
        width = (page.figure.get_size_inches()[0] if page.own else max(inches(page.panels[0])[0], 3.0)) - 0.2
        told = [text for text in more if text]
        free = width - sum(text_width(text, SMALL_SIZE) + 0.2 for text in told)
        share = free / max(int(self.dead.any()) + int(self.constant.any()), 1)
        write_footnote(page, "    ".join([*told, *self.notes(share - 0.1)]))

    @cached_property
    def diameter(self) -> float:
        """Diameter of a node: neighbours do not touch, and no node is lost in a large layout."""
        if self.tiled:
            return 0.8
        distance = np.linalg.norm(self.graph.layout[:, None] - self.graph.layout[None], axis=2)
        np.fill_diagonal(distance, np.inf)
        return float(max(0.8 * np.quantile(distance.min(axis=1), 0.05), 0.02 * np.ptp(self.graph.layout, axis=0).max()))

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of the drawing."""
        pad = 0.5 if self.tiled else 0.75 * self.diameter
        (left, bottom), (right, top) = self.graph.layout.min(axis=0) - pad, self.graph.layout.max(axis=0) + pad
        return float(left), float(right), float(bottom), float(top)

    @property
    def aspect(self) -> float:
        """Height of the drawing for a width of 1."""
        left, right, bottom, top = self.box
        return (top - bottom) / (right - left)

    def prepare(self, ax: Axes, *, frameon: bool | None) -> None:
        """Limits, equal aspect, no ticks; a thin frame round tiles unless asked otherwise."""
        left, right, bottom, top = self.box
        ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", xticks=[], yticks=[])
        framed = self.tiled if frameon is None else frameon
        for spine in ax.spines.values():
            spine.set(visible=framed, color=FRAME, linewidth=0.6)
            if self.graph.kind == "torus":
                # Opposite sides are joined.
                spine.set_linestyle((0, (3, 2)))
        ax.patch.set_visible(False)

    def paint(
        self,
        ax: Axes,
        values: NDArray[np.floating],
        *,
        cmap: Colormap,
        norm: Normalize,
        diameter: NDArray[np.floating] | None = None,
    ) -> ScalarMappable:
        """Colour each neuron by a number; (n_neurons,), NaN in the colour for what has no value."""
        masked = np.ma.masked_invalid(np.asarray(values, dtype=np.float64))
        if self.tiled:
            return self._image(ax, self._on_lattice(masked), cmap=cmap, norm=norm)
        nodes = self._nodes(diameter, ax)
        nodes.set(cmap=cmap, norm=norm, edgecolor=EDGE, linewidth=0.5)
        nodes.set_array(masked)
        ax.add_collection(nodes, autolim=False)
        return nodes

    def fill(self, ax: Axes, colors: NDArray[np.floating], *, diameter: NDArray[np.floating] | None = None) -> None:
        """Give each neuron a colour of its own; (n_neurons, 4). Nodes of the given diameters, or tiles."""
        if self.tiled:
            lattice = self._on_lattice(np.ma.masked_array(colors, dtype=np.float64))
            self._image(ax, np.ma.filled(lattice, 0.0))
            return
        nodes = self._nodes(diameter, ax)
        nodes.set(facecolor=colors, edgecolor=RIM, linewidth=0.5)
        ax.add_collection(nodes, autolim=False)

    def pies(
        self, ax: Axes, parts: NDArray[np.floating], colors: NDArray[np.floating], diameter: NDArray[np.floating]
    ) -> None:
        """Draw each neuron as a pie; parts (n_neurons, n_labels) with rows of sum 1, colours (n_labels, 4)."""
        wedges, faces = [], []
        for centre, shares, width in zip(self.graph.layout, parts, diameter, strict=True):
            if not np.isfinite(shares).all():
                wedges.append(Wedge((centre[0], centre[1]), width / 2, 0, 360))
                faces.append(NA_COLOR)
                continue
            # Clockwise from noon.
            ends = 90 - 360 * np.concatenate([[0.0], np.cumsum(shares)])
            for k in np.flatnonzero(shares > 1e-3):
                wedges.append(Wedge((centre[0], centre[1]), width / 2, ends[k + 1], ends[k]))
                faces.append(colors[k])
        ax.add_collection(
            PatchCollection(wedges, facecolor=faces, edgecolor="none", zorder=2, gid="neurons"), autolim=False
        )
        rims = self._nodes(diameter, ax)
        rims.set(facecolor="none", edgecolor=RIM, linewidth=0.5, gid="rims")
        ax.add_collection(rims, autolim=False)

    def draw_edges(self, ax: Axes, *, linewidth: NDArray[np.floating] | float = 0.8, color: str = EDGE) -> None:
        """Lines between tied neurons; on a torus those across the seam are stubs that point outwards."""
        ends = self.graph.layout[self.graph.edges]
        widths = np.broadcast_to(np.asarray(linewidth, dtype=np.float64), len(ends))
        along = ends[:, 1] - ends[:, 0]
        length = np.linalg.norm(along, axis=1)
        if self.graph.kind == "torus":
            seam = length > 1.5
            stub = 0.45 * along[seam] / length[seam, None]
            starts, stops = ends[seam, 0], ends[seam, 1]
            ends = np.concatenate(
                [ends[~seam], np.stack([starts, starts - stub], axis=1), np.stack([stops, stops + stub], axis=1)]
            )
            widths = np.concatenate([widths[~seam], widths[seam], widths[seam]])
        ax.add_collection(
            LineCollection(list(ends), colors=color, linewidths=widths, zorder=1, capstyle="round", gid="edges"),
            autolim=False,
        )

    def draw_outline(self, ax: Axes, *, color: str | None = None, linewidth: float = 0.7) -> None:
        """Lines between neighbouring neurons of different groups: along tiles, or across the edge of two nodes."""
        if color is None:
            # Tiles are light where nothing is active, whatever the page; the lines between nodes lie on the page.
            color = INK if self.tiled else ink()
        i, j = self.graph.edges.T
        apart = self.group[i] != self.group[j]
        start, stop = self.graph.layout[i[apart]], self.graph.layout[j[apart]]
        if self.graph.kind == "torus":
            near = np.linalg.norm(start - stop, axis=1) < 1.5
            start, stop = start[near], stop[near]
        middle, along = (start + stop) / 2, stop - start
        length = np.linalg.norm(along, axis=1, keepdims=True)
        half = 0.5 if self.tiled else 0.45 * self.diameter
        across = half * np.column_stack([-along[:, 1], along[:, 0]]) / np.where(length > 0, length, 1)
        lines = np.stack([middle - across, middle + across], axis=1)
        ax.add_collection(
            LineCollection(
                list(lines), colors=color, linewidths=linewidth, zorder=3, capstyle="projecting", gid="outline"
            ),
            autolim=False,
        )

    def mark_dead(self, ax: Axes, *, diameter: NDArray[np.floating] | None = None) -> None:
        """Put a small cross on each neuron that carries nothing, and a dash on each that is the same in all cells."""
        widths = np.full(len(self.dead), 1.0 if self.tiled else self.diameter) if diameter is None else diameter
        for mask, slopes, gid in ((self.dead, ((1, 1), (1, -1)), "dead"), (self.constant, ((1, 0),), "constant")):
            if not mask.any():
                continue
            lines = [
                [centre - 0.2 * width * np.array(slope), centre + 0.2 * width * np.array(slope)]
                for centre, width in zip(self.graph.layout[mask], widths[mask], strict=True)
                for slope in slopes
            ]
            ax.add_collection(LineCollection(lines, colors=GREY, linewidths=0.7, zorder=4, gid=gid), autolim=False)

    def mark(self, ax: Axes, which: NDArray[np.bool_], *, gid: str) -> None:
        """Put a dot on some of the neurons."""
        x, y = self.graph.layout[which].T
        ax.scatter(x, y, s=11, c=INK, edgecolors=PAPER, linewidths=0.6, zorder=4, gid=gid)

    def _on_lattice(self, values: np.ma.MaskedArray[Any, Any]) -> np.ma.MaskedArray[Any, Any]:
        """Place values by layout on rows from the top and columns from the left, (n_rows, n_columns, ...)."""
        left, _, _, top = self.box
        column = np.rint(self.graph.layout[:, 0] - left - 0.5).astype(int)
        row = np.rint(top - 0.5 - self.graph.layout[:, 1]).astype(int)
        image = np.ma.masked_all((row.max() + 1, column.max() + 1, *values.shape[1:]))
        image[row, column] = values
        return image

    def _image(
        self, ax: Axes, image: NDArray[np.floating], cmap: Colormap | None = None, norm: Normalize | None = None
    ) -> ScalarMappable:
        return ax.imshow(
            image, cmap=cmap, norm=norm, extent=self.box, origin="upper", interpolation="nearest", gid="neurons"
        )

    def medoid(self, members: NDArray[np.intp]) -> int:
        """Return the most central of some neurons on the layout."""
        layout = self.graph.layout[members]
        distance = np.linalg.norm(layout[:, None] - layout[None], axis=2).sum(axis=1)
        return int(members[distance.argmin()])

    def _nodes(self, diameter: NDArray[np.floating] | None, ax: Axes) -> EllipseCollection:
        if diameter is None:
            diameter = np.full(self.graph.n_neurons, self.diameter)
        return EllipseCollection(
            diameter,
            diameter,
            np.zeros(len(diameter)),
            units="xy",
            offsets=self.graph.layout,
            offset_transform=ax.transData,
            zorder=2,
            gid="neurons",
        )
