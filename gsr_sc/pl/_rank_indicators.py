"""Which neuron stands for which label, and how well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MultipleLocator

from .._checks import require_number
from .._docs import doc_params
from ..get import rank_indicators as ranked
from ..get._columns import read_labels
from ..get._values import picked
from ..slots import StoredMap
from ._canvas import canvas
from ._colors import FRAME, GREY, RIM, ink, label_colors
from ._sheet import write_footnote, write_title
from ._spans import is_lost, write_spans
from ._text import SMALL_SIZE, sized, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes

    from ._canvas import Shown
    from ._colors import Palette

_WIDTH, _TOP, _BOTTOM = 2.8, 0.3, 0.55
# Height of a row with the one mark, and with others below it.
_ROW, _ROW_WITH_OTHERS, _LOWER = 0.165, 0.215, 0.3
_LESS = "less "


@doc_params()
def rank_indicators(
    adata: AnnData,
    *,
    groups: str | Sequence[str] | None = None,
    n_best: int = 3,
    sort: bool = True,
    palette: Palette = None,
    title: str | None = None,
    key: str | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Draw how well each label is indicated by its neuron, or group of neurons, after :func:`gsr_sc.tl.rank_indicators`.

    A row for each label: the AUROC of the neuron assigned to it, with its confidence interval, and in grey below it those of
    the next best. Their names stand at the right, the assigned one first; neurons that indicate a label by being less active
    are drawn as triangles that point down. The vertical line at .5 is chance. A label that no neuron was left for has its best
    ones in grey only.

    Parameters
    ----------
    adata
        Annotated data with a fitted map; nothing of it is changed.
    groups
        Labels to draw, in this order; by default all.
    n_best
        Neurons, or groups of them, to draw for each label: the one assigned, and the best of the others.
    sort
        Whether labels go from the best indicated to the worst; else, and where `groups` are named, they are in their own
        order.
    palette
        Colours of the labels: a mapping, a list in category order, or the name of a colour map; by default those of `.uns`
        (`<column>_colors`).
    title
        Title instead of what is drawn.
    {key}
    {show}
    {return_fig}
    ax
        Axes to draw into; names are written to the right of them.

    Returns
    -------
    None if shown; with `return_fig` the figure; else the axes.

    Raises
    ------
    KeyError
        If no map is stored under `key`, or :func:`gsr_sc.tl.rank_indicators` was not run.
    ValueError
        If a label does not occur, or `n_best` is below 1.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.tl.rank_indicators(adata, groupby="cell_type")  # doctest: +SKIP
    >>> gsr_sc.pl.rank_indicators(adata)  # doctest: +SKIP
    """
    stored = StoredMap(adata, key)
    params = stored.added("rank_indicators", by="rank_indicators")["params"]
    table = ranked(adata, key=key)
    require_number("n_best", n_best, lowest=1, whole=True)
    column, unit = str(params["groupby"]), str(params["unit"])
    labels = [str(name) for name in table["label"].cat.categories]
    wanted = picked(groups, labels, f"`groups` in {column!r}")
    rows = {name: _best(table[table["label"] == name], n_best) for name in wanted}
    if sort and groups is None:
        wanted = sorted(wanted, key=lambda name: -_height(rows[name]))
    # Colours go by all categories of the column, where it is still there.
    categories = read_labels(adata, column, "groupby").categories if column in adata.obs else labels
    colors = label_colors(adata, column, categories, palette)
    texts = [f"{name}  ({int(rows[name]['n'].iloc[0]):,})" for name in wanted]
    told = [_names(rows[name], unit) for name in wanted]
    left = max(text_width(text, SMALL_SIZE) for text in texts) + sized(0.2)
    right = max(text_width(text, SMALL_SIZE) for text in told) + sized(0.3)
    top, high = sized(_TOP), sized(_ROW if n_best == 1 else _ROW_WITH_OTHERS) * len(wanted)
    head = f"{unit}s that indicate {column}" if title is None else title
    with canvas(left + _WIDTH + right, top + high + sized(_BOTTOM), show=show, return_fig=return_fig, ax=ax) as page:
        panel = ax if ax is not None else page.add(left, top, _WIDTH, high)
        drawn = [(row, rows[name], colors.get(name, GREY)) for row, name in enumerate(wanted)]
        lower = 0.0 if n_best == 1 else _LOWER
        for row, found, color in drawn:
            _marks(panel, found[found["assigned"]], row - lower / 2, color, wide=2.2, size=24, gid="assigned")
            _marks(panel, found[~found["assigned"]], row + lower, GREY, wide=0.8, size=9, gid="others")
        _finish(panel, texts, told, list(rows.values()))
        write_title(panel, head)
        write_footnote(page, f"lines: {100 * float(params['coverage']):g} % confidence intervals")
    return page.result


def _best(rows: pd.DataFrame, n: int) -> pd.DataFrame:
    """The assigned one first, then the best of the others."""
    return rows.sort_values(["assigned", "auroc"], ascending=False, kind="stable").iloc[:n]


def _height(rows: pd.DataFrame) -> float:
    """AUROC that a label is sorted by; labels without a neuron of their own come last."""
    first = rows.iloc[0]
    return float(first["auroc"]) if first["assigned"] else float(first["auroc"]) - 1


def _names(rows: pd.DataFrame, unit: str) -> str:
    names = [_LESS * (sign < 0) + str(name) for name, sign in zip(rows[unit], rows["sign"], strict=True)]
    if not rows["assigned"].iloc[0]:
        return f"none left ({', '.join(names)})"
    return names[0] + (f"  ({', '.join(names[1:])})" if len(names) > 1 else "")


def _marks(panel: Axes, rows: pd.DataFrame, at: float, color: Any, *, wide: float, size: float, gid: str) -> None:
    ends = [[(low, at), (high, at)] for low, high in zip(rows["ci_low"], rows["ci_high"], strict=True)]
    write_spans(panel, ends, [color] * len(ends), linewidth=wide, gid=f"{gid} intervals")
    page = panel.get_facecolor()
    rim = RIM if is_lost(color, page) else page
    for sign, marker in ((1, "o"), (-1, "v")):
        some = rows[rows["sign"] == sign]
        panel.scatter(
            some["auroc"],
            np.full(len(some), at),
            s=size,
            marker=marker,
            c=[color] if gid == "assigned" else [page],
            edgecolors=[rim] if gid == "assigned" else [color],
            linewidths=0.7,
            zorder=4 if gid == "assigned" else 3,
            gid=gid,
        )


def _finish(panel: Axes, texts: list[str], told: list[str], rows: list[pd.DataFrame]) -> None:
    lowest = min(0.5, *(float(found["ci_low"].min()) for found in rows))
    panel.set(xlim=(lowest - 0.01, 1.005), ylim=(len(texts) - 0.5, -0.5))
    panel.set_yticks(np.arange(len(texts)), texts, fontsize=sized(SMALL_SIZE), color=ink(), parse_math=False)
    for row, text in enumerate(told):
        panel.annotate(
            text,
            (1, row),
            (5, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=sized(SMALL_SIZE),
            color=ink(),
            va="center",
            annotation_clip=False,
            parse_math=False,
            gid="names",
        )
    panel.axvline(0.5, color=GREY, linewidth=0.8, zorder=1, gid="chance")
    panel.set_xlabel("AUROC", fontsize=sized(SMALL_SIZE), color=ink(), labelpad=2)
    panel.xaxis.set_major_locator(MultipleLocator(0.1))
    panel.tick_params(labelsize=sized(SMALL_SIZE), color=GREY, labelcolor=ink(), length=2, width=0.6)
    panel.tick_params(axis="y", length=0)
    panel.grid(visible=False)
    panel.grid(visible=True, axis="x", color=FRAME, linewidth=0.5)
    panel.set_axisbelow(True)
    # Bands lead the eye from a label to its names.
    for row in range(1, len(texts), 2):
        panel.axhspan(row - 0.5, row + 0.5, color=FRAME, alpha=0.22, linewidth=0, zorder=0, gid="band")
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.spines["bottom"].set(color=GREY, linewidth=0.6)
