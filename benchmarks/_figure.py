"""One page: a panel per measure, data sets on the vertical axis, a mark for each method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from _table import completed, mean_of

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

# Colours of Okabe and Ito, which the colour-blind can tell apart; within a family the shape tells.
STYLES = {
    "gsr_sc, counts": ("#D55E00", "o"),
    "gsr_sc, log values": ("#D55E00", "D"),
    "plain autoencoder": ("#0072B2", "o"),
    "L1 penalty": ("#0072B2", "v"),
    "L2 penalty": ("#0072B2", "^"),
    "PCA": ("#000000", "x"),
    "leiden": ("#000000", "+"),
    "diffusion pseudotime": ("#000000", "1"),
    "Palantir": ("#999999", "s"),
    "MiniSom": ("#009E73", "s"),
    "FlowSOM": ("#009E73", "P"),
    "scVI": ("#CC79A7", "o"),
    "LinearSCVI": ("#CC79A7", "v"),
    "DRVI": ("#E69F00", "*"),
}
PANELS = {
    "AUROC": "indicator AUROC",
    "kNN": "kNN purity",
    "ARI": "ARI of clusters",
    "order": "order agreement",
    "EV/plain": "explained variance /\nplain autoencoder",
}


def draw(rows: list[dict[str, Any]], folder: Path) -> None:
    """Draw the figure and write it as PNG and SVG; measures that nothing has are left out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    rows = completed(rows)
    panels = {measure: means for measure in PANELS if (means := mean_of(rows, measure))}
    names = list(dict.fromkeys(row["data"] for row in rows))
    figure = Figure(figsize=(2.1 * len(panels) + 1.6, 0.42 * len(names) + 1.9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, max(len(panels), 1), sharey=True, squeeze=False)[0]
    seen: set[str] = set()
    for panel, (measure, means) in zip(axes, panels.items(), strict=False):
        seen |= _panel(panel, means, names)
        panel.set_title(PANELS[measure], fontsize=9)
    axes[0].set_yticks(range(len(names)), [name.replace("_", " ") for name in names], fontsize=8)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    marks = [
        Line2D([], [], linestyle="", marker=shape, color=colour, markersize=5, label=style)
        for style, (colour, shape) in STYLES.items()
        if style in seen
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    figure.savefig(folder / "quality.png", dpi=150)
    figure.savefig(folder / "quality.svg")


def _panel(panel: Axes, means: dict[tuple[str, str, str], float], names: list[str]) -> set[str]:
    """Draw the marks of one measure, ours on top; return which styles were used."""
    used, order = set(), list(STYLES)
    for (name, given, method), value in means.items():
        style = _style(method, given)
        if style not in STYLES:
            continue
        ours = style.startswith("gsr_sc")
        colour, shape = STYLES[style]
        # In the order of the legend from top to bottom, so that equal figures do not hide each other.
        at = names.index(name) + 0.7 * (order.index(style) / (len(order) - 1) - 0.5)
        panel.plot(value, at, shape, color=colour, markersize=6 if ours else 5, zorder=3 if ours else 2, alpha=0.9)
        used.add(style)
    panel.grid(axis="y", linewidth=0.5, color="0.9")
    panel.tick_params(axis="y", length=0)
    panel.tick_params(axis="x", labelsize=8)
    panel.locator_params(axis="x", nbins=4)
    panel.spines[["top", "right", "left"]].set_visible(False)
    return used


def _style(method: str, given: str) -> str:
    if method.startswith("gsr_sc"):
        names = {"counts": "gsr_sc, counts", "lengths": "gsr_sc, per length", "corrected": "gsr_sc, corrected counts"}
        return names.get(given, "gsr_sc, log values")
    return method
