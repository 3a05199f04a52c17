"""How the neurons are coloured by one thing: their group, a gene, or a column of `.obs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgba

from ..get._columns import Labels, is_numeric, read_labels
from ..get._values import chosen, composition, neuron_means, read_values
from ..graphs._position import belonging
from ._colors import GREY, NA_COLOR, label_colors, paler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..slots import StoredMap
    from ._colors import Palette

Color = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Numbers:
    """A number for each neuron, (n_neurons,); genes are seen against 0, other numbers against the smallest."""

    title: str
    values: NDArray[np.float64]
    from_zero: bool


@dataclass(frozen=True, eq=False)
class Mixture:
    """Labels for each neuron.

    Attributes
    ----------
    title
        What the labels are.
    names
        The labels that are drawn.
    colors
        Colour of each, (n_labels, 4).
    parts
        Share of each label in each neuron, (n_neurons, n_labels); NaN where a neuron has none of them.
    rest
        Share of labels that are not drawn, (n_neurons,).
    """

    title: str
    names: list[str]
    colors: NDArray[np.float64]
    parts: NDArray[np.float64]
    rest: NDArray[np.float64]

    @property
    def major(self) -> NDArray[np.intp]:
        """Number of the label with the largest share in each neuron, -1 where none is drawn."""
        known = np.isfinite(self.parts).all(axis=1)
        best = np.nan_to_num(self.parts).argmax(axis=1)
        drawn = known & (np.nan_to_num(self.parts).max(axis=1) >= np.nan_to_num(self.rest))
        return np.where(drawn, best, -1)

    @property
    def faces(self) -> NDArray[np.float64]:
        """Colour of each neuron: that of its largest label, paler the less it holds; (n_neurons, 4)."""
        faces = np.tile(np.array(to_rgba(NA_COLOR)), (len(self.parts), 1))
        for neuron, label in enumerate(self.major):
            if label >= 0:
                faces[neuron] = paler(tuple(self.colors[label]), float(self.parts[neuron, label]))
        return faces

    @property
    def is_mixed(self) -> bool:
        """Whether any neuron is shared between labels, so that colours are paler than those of the labels."""
        return bool((np.nan_to_num(self.parts, nan=1.0).max(axis=1) < 0.99).any())


def paint(
    stored: StoredMap,
    name: str | None,
    *,
    groups: str | Sequence[str] | None = None,
    layer: str | None = None,
    use_raw: bool = False,
    palette: Palette = None,
    option: str = "color",
) -> Numbers | Mixture:
    """Read what to colour the neurons by; None is their indicator group."""
    if name is None:
        return _of_groups(stored, groups, palette)
    if name in stored.adata.obs and not is_numeric(stored.adata.obs[name]):
        return mixture(stored, name, groups=groups, palette=palette, option=option)
    values = read_values(stored.adata, name, layer=layer, use_raw=use_raw, option=option)
    means = neuron_means(belonging(stored.activations), values)
    return Numbers(name, means, from_zero=name not in stored.adata.obs)


def mixture(
    stored: StoredMap, name: str, *, groups: str | Sequence[str] | None, palette: Palette, option: str
) -> Mixture:
    """Composition of each neuron by the labels of a column of `.obs`."""
    labels = read_labels(stored.adata, name, option)
    return _mixture(stored, labels, composition(belonging(stored.activations), labels), groups=groups, palette=palette)


def _of_groups(stored: StoredMap, groups: str | Sequence[str] | None, palette: Palette) -> Mixture:
    column = stored.cluster
    known = [str(value) for value in column.cat.categories] if hasattr(column, "cat") else []
    # A group that no cell is assigned to has no category, and so no colour of its own.
    categories = known + [name for name in stored.groups if name not in known]
    codes = np.array([categories.index(name) for name in stored.group])
    parts = np.zeros((len(codes), len(categories)))
    parts[np.arange(len(codes)), codes] = 1.0
    labels = Labels(stored.keys.cluster, categories, codes)
    return _mixture(stored, labels, parts, groups=groups, palette=palette, n_colored=len(known))


def _mixture(
    stored: StoredMap,
    labels: Labels,
    parts: NDArray[np.float64],
    *,
    groups: str | Sequence[str] | None,
    palette: Palette,
    n_colored: int | None = None,
) -> Mixture:
    names = chosen(groups, [labels])[0]
    index = [labels.categories.index(name) for name in names]
    colors = label_colors(stored.adata, labels.column, labels.categories[:n_colored], palette)
    drawn = parts[:, index]
    return Mixture(
        labels.column,
        names,
        np.array([colors.get(name, to_rgba(GREY)) for name in names]),
        drawn,
        parts.sum(axis=1) - drawn.sum(axis=1),
    )
