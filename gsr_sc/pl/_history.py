"""How the training went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from .._checks import require_number
from .._docs import doc_params
from ..get import history as recorded_history
from ..get._values import names_list, picked
from ..slots import StoredMap
from ._canvas import canvas, check_ax
from ._colors import FRAME, GREY, ink
from ._sheet import columns_for
from ._text import SMALL_SIZE, TITLE_SIZE, sized

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes

    from ._canvas import Shown

# Curves that are compared with each other share a panel.
_PANELS = (
    ("explained variance", ("explained_variance", "validation_explained_variance")),
    ("reconstruction loss", ("loss", "reconstruction", "validation_loss", "validation_reconstruction")),
    ("penalty", ("penalty", "validation_penalty")),
    # Of a graph that is learned.
    ("parts of the graph", ("n_communities", "n_components")),
)
_TRAINING, _VALIDATION = "#8a8a90", "#bb2b4f"
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 2.7, 1.9, 0.62, 0.5, 0.32


@doc_params()
def history(
    adata: AnnData,
    *,
    names: str | Sequence[str] | None = None,
    key: str | None = None,
    ncols: int | None = None,
    title: str | Sequence[str] | None = None,
    show: bool | None = None,
    return_fig: bool | None = None,
    ax: Axes | None = None,
) -> Shown:
    """Draw what was recorded in each epoch of the training, and mark the epoch whose weights were kept.

    The best epoch is the one with the highest held-out explained variance or, where that was not recorded,
    with the lowest held-out loss.

    Parameters
    ----------
    adata
        Annotated data with a fitted map; nothing of it is changed.
    names
        Recorded quantities to draw, all in one panel. By default all of them: explained variance, losses
        and penalty in a panel each, then one for every other quantity that changed.
    {key}
    ncols
        Panels per row.
    title
        Titles of the panels.
    {show}
    {return_fig}
    {ax}

    Returns
    -------
    {shown}

    Raises
    ------
    KeyError
        If no map is stored under `key`, or if nothing of that name was recorded.
    ValueError
        If the map has no history, or if `ax` is given for several panels.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.pl.history(adata)  # doctest: +SKIP
    """
    table = recorded_history(adata, key=key)
    if table.empty:
        msg = (
            f"No history is stored in .uns[{StoredMap(adata, key).keys.uns!r}]['history'], so there is nothing to draw."
        )
        raise ValueError(msg)
    panels = _arrange(table, names)
    titles = [text for text, _ in panels] if title is None else names_list(title)
    if len(titles) != len(panels):
        msg = f"`title` has {len(titles)} entries for {len(panels)} panels: {[text for text, _ in panels]}."
        raise ValueError(msg)
    if ncols is not None:
        require_number("ncols", ncols, lowest=1, whole=True)
    check_ax(ax, len(panels), "`names`")
    ncols = min(len(panels), columns_for(len(panels)) if ncols is None else ncols)
    n_rows = -(-len(panels) // ncols)
    best = _best_epoch(table)
    left, top = sized(_LEFT), sized(_TOP)
    width, height = left + _WIDTH, top + _HEIGHT + sized(_BOTTOM)
    with canvas(ncols * width + 0.15, n_rows * height, show=show, return_fig=return_fig, ax=ax) as page:
        for number, (text, (_, columns)) in enumerate(zip(titles, panels, strict=True)):
            row, column = divmod(number, ncols)
            spot = (column * width + left, row * height + top)
            panel = ax if ax is not None else page.add(*spot, _WIDTH, _HEIGHT)
            _curves(panel, table, columns, best)
            panel.set_title(text, loc="center", x=0, ha="left", fontsize=sized(TITLE_SIZE), color=ink())
    return page.result


def _arrange(table: pd.DataFrame, names: str | Sequence[str] | None) -> list[tuple[str, list[str]]]:
    if names_list(names):
        wanted = picked(names, table.columns, "`names` in the history", error=KeyError)
        return [(", ".join(_words(name) for name in wanted), wanted)]
    panels = [(title, [name for name in members if name in table]) for title, members in _PANELS]
    panels = [(title, members) for title, members in panels if members]
    placed = {name for _, members in panels for name in members}
    # What never changed, such as a fixed smoothness, is no curve.
    rest = [name for name in table.columns if name not in placed and np.ptp(table[name].dropna()) > 0]
    panels += [(_words(name), [name]) for name in rest]
    return panels or [(_words(table.columns[0]), [str(table.columns[0])])]


def _best_epoch(table: pd.DataFrame) -> float | None:
    for name, sign in (("validation_explained_variance", 1), ("validation_loss", -1)):
        if name in table and np.isfinite(table[name]).any():
            return float((sign * table[name]).idxmax())
    return None


def _curves(ax: Axes, table: pd.DataFrame, columns: list[str], best: float | None) -> None:
    styles = ("-", "--", ":", "-.")
    drawn = {_TRAINING: 0, _VALIDATION: 0}
    for name in columns:
        color = _VALIDATION if name.startswith("validation") else _TRAINING
        style = styles[drawn[color] % len(styles)]
        drawn[color] += 1
        ax.plot(table.index, table[name], color=color, linestyle=style, linewidth=1.4, label=_words(name), zorder=2)
        if best is not None and name in ("validation_explained_variance", "validation_loss"):
            ax.plot(best, table.loc[best, name], "o", color=color, markersize=4.5, zorder=3, gid="best")
    if best is not None:
        ax.axvline(best, color=FRAME, linewidth=0.8, zorder=1, gid="best epoch", label=f"best epoch: {best:g}")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.set_xlabel("epoch", fontsize=sized(SMALL_SIZE + 1), color=ink())
    ax.tick_params(labelsize=sized(SMALL_SIZE), color=GREY, labelcolor=ink(), length=2.5, width=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set(color=GREY, linewidth=0.6)
    ax.grid(visible=False)
    ax.margins(x=0.03, y=0.08)
    # A plain ground keeps curves from running through the words where there is no free corner.
    ax.legend(
        framealpha=0.85,
        edgecolor="none",
        fancybox=False,
        fontsize=sized(SMALL_SIZE),
        labelcolor=ink(),
        handlelength=1.6,
    )


def _words(name: str) -> str:
    return name.replace("validation_", "held-out ").replace("_", " ")
