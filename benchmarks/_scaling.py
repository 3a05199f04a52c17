"""From seconds and megabytes by number of cells to exponents and a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

MEASURES = {"seconds": "seconds", "memory": "MB above the loaded data"}
# Okabe and Ito.
COLOURS = {"memory": "#0072B2", "backed": "#D55E00"}
LABELS = {"memory": "in memory", "backed": "from disk"}


def exponents(table: pd.DataFrame) -> pd.DataFrame:
    """Slope of the logarithm of each measure on that of the number of cells: 1 is linear, 0 is flat."""
    found = []
    for way, rows in table.groupby("way", sort=False):
        slopes = {
            measure: np.polyfit(np.log(rows["cells"]), np.log(rows[measure]), 1)[0] if len(rows) > 1 else np.nan
            for measure in MEASURES
        }
        found.append({"way": way, **slopes})
    return pd.DataFrame(found)


def draw(table: pd.DataFrame, fitted: pd.DataFrame, folder: Path) -> None:
    """Draw both measures on logarithmic axes, and write them as PNG and SVG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, (measure, title) in zip(figure.subplots(1, len(MEASURES)), MEASURES.items(), strict=True):
        for way, rows in table.groupby("way", sort=False):
            slope = float(fitted.loc[fitted["way"] == way, measure].iloc[0])
            label = LABELS[str(way)] + (f", cells$^{{{slope:.2f}}}$" if np.isfinite(slope) else "")
            panel.plot(rows["cells"], rows[measure], "o-", color=COLOURS[str(way)], label=label)
        if measure == "memory":
            rows = table.drop_duplicates("cells")
            panel.plot(rows["cells"], rows["results"], ":", color="0.4", label="of it results")
        panel.set(xscale="log", yscale="log", xlabel="cells", title=title)
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(frameon=False, fontsize=8)
    for suffix in ("png", "svg"):
        figure.savefig(folder / f"scale.{suffix}", dpi=150)
