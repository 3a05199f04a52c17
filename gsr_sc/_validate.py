"""All that can be wrong with an input, said before any work."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._checks import require_key
from ._log import warn
from .matrices import SharedRows, look, open_rows

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import ArrayLike, NDArray

    from .matrices import Rows
    from .training import World

logger = logging.getLogger(__name__)

_SHOWN = 5
# Squares of larger values overflow float32.
_LARGEST = 1e18


@dataclass(frozen=True)
class Input:
    """The matrix of an AnnData that a model reads.

    Attributes
    ----------
    rows
        The whole matrix, all variables.
    columns, obs_names, var_names
        Numbers of the variables chosen by the mask, sorted; names of the rows and of all columns.
    where
        What the matrix is called in messages, such as `X` or `layer 'counts'`.
    is_representation
        Whether it comes from `.obsm`, so that its columns are no genes.
    """

    rows: Rows
    columns: NDArray[np.intp]
    obs_names: pd.Index[str]
    var_names: pd.Index[str]
    where: str
    is_representation: bool

    def shared(self, world: World | None) -> Input:
        """The same, with passes over its rows shared out between processes; all of them then have to make them."""
        return self if world is None or world.size == 1 else replace(self, rows=SharedRows(self.rows, world))


@dataclass(frozen=True)
class Facts:
    """What one pass over an input says about it.

    Attributes
    ----------
    kind
        `"counts"`: whole numbers >= 0. `"binary"`: only 0 and 1. `"unit"`: between 0 and 1. `"positive"`: >= 0.
        `"real"`: some below 0.
    totals
        Sum of each row, (n_obs,).
    silent
        Which rows are all zero, (n_obs,).
    unseen
        Which columns are all zero, (n_vars,).
    """

    kind: str
    totals: NDArray[np.float64]
    silent: NDArray[np.bool_]
    unseen: NDArray[np.bool_]


def read_input(
    adata: AnnData,
    *,
    layer: str | None = None,
    use_rep: str | None = None,
    mask_var: str | ArrayLike | None = None,
    to_fit: bool = True,
) -> Input:
    """Find the matrix that the options name.

    Parameters
    ----------
    adata, layer, use_rep, mask_var
        See :class:`gsr_sc.GSR`.
    to_fit
        Whether a map is to be fitted, which takes a mask and two observations. Placing reads what the model
        reads, of any number of observations.

    Raises
    ------
    TypeError
        If `adata` is no AnnData, or the matrix is of a kind that cannot be read by rows.
    KeyError
        If a layer, representation or mask does not exist.
    ValueError
        If options contradict each other, or there are too few observations or variables.
    """
    if not (hasattr(adata, "obsm") and hasattr(adata, "var_names")):
        msg = f"The first argument is an AnnData; got a {type(adata).__name__}. Files of a collection need the extra `scale`."
        raise TypeError(msg)
    if layer is not None and use_rep not in (None, "X"):
        msg = f"`layer={layer!r}` and `use_rep={use_rep!r}` both name the input; pass only one of them."
        raise ValueError(msg)
    is_representation = use_rep not in (None, "X")
    if is_representation and mask_var is not None:
        msg = f"`mask_var` chooses variables of X or of a layer; it cannot be used with `use_rep={use_rep!r}`."
        raise ValueError(msg)
    if is_representation:
        require_key("use_rep", use_rep, adata.obsm, ".obsm")
        matrix, where = adata.obsm[use_rep], f".obsm[{use_rep!r}]"
        if isinstance(matrix, pd.DataFrame):
            matrix = matrix.to_numpy()
        var_names = pd.Index([f"{use_rep}_{i}" for i in range(matrix.shape[1])])
    else:
        if layer is not None:
            require_key("layer", layer, [name for name in adata.layers if name is not None], ".layers")
        matrix = adata.X if layer is None else adata.layers[layer]
        where = "X" if layer is None else f"layer {layer!r}"
        var_names = adata.var_names
        if matrix is None:
            msg = "This AnnData has no X. Pass `layer=` or `use_rep=`."
            raise ValueError(msg)
    rows = open_rows(matrix)
    n_obs, n_vars = rows.shape
    if n_obs < (2 if to_fit else 1):
        msg = f"A map needs at least 2 observations and placing 1; {where} has {n_obs}."
        raise ValueError(msg)
    if n_vars < 1:
        msg = f"{where} has no variables."
        raise ValueError(msg)
    columns = np.arange(n_vars) if is_representation or not to_fit else _masked(adata, mask_var)
    return Input(rows, columns, adata.obs_names, var_names, where, is_representation)


def _masked(adata: AnnData, mask_var: str | ArrayLike | None) -> NDArray[np.intp]:
    if mask_var is None and "highly_variable" not in adata.var:
        return np.arange(adata.n_vars)
    if mask_var is None or isinstance(mask_var, str):
        name = "highly_variable" if mask_var is None else mask_var
        require_key("mask_var", name, adata.var, ".var")
        mask = adata.var[name].to_numpy()
    else:
        name = "mask_var"
        mask = np.asarray(mask_var)
    if mask.dtype != np.bool_ or mask.shape != (adata.n_vars,):
        msg = (
            f"`mask_var` has dtype {mask.dtype} and shape {mask.shape}; "
            f"it has to be boolean, one entry for each of the {adata.n_vars} variables."
        )
        raise ValueError(msg)
    if not mask.any():
        msg = f"The mask {name!r} chooses no variable; choose some, or pass an array of True to use all."
        raise ValueError(msg)
    return np.flatnonzero(mask)


def examine(data: Input, *, report: bool = True) -> Facts:
    """Look at every value once, block by block, and say what is wrong or carries nothing.

    Parameters
    ----------
    data
        The input.
    report
        Whether to warn of rows and columns that are zero throughout.

    Raises
    ------
    ValueError
        If a value is NaN, infinite or too large to be squared, or if all are zero.

    Warns
    -----
    UserWarning
        If observations or variables are zero throughout.
    """
    n_obs = data.rows.shape[0]
    totals, silent = np.zeros(n_obs), np.zeros(n_obs, dtype=bool)
    seen = np.zeros(data.rows.shape[1], dtype=bool)
    lowest, highest, whole = np.inf, -np.inf, True
    for span, block in data.rows.each(look):
        if block.not_finite is not None:
            _refuse_not_finite(block.not_finite, data, span)
        lowest, highest, whole = min(lowest, block.lowest), max(highest, block.highest), whole and block.whole
        totals[span], silent[span] = block.totals, block.silent
        seen |= block.seen
    if max(highest, -lowest) > _LARGEST:
        msg = (
            f"{data.where} holds values of up to {max(highest, -lowest):.2g}, beyond what can be squared in single "
            f"precision ({_LARGEST:.0g}). Look for values that stand for missing ones, or rescale."
        )
        raise ValueError(msg)
    if silent.all():
        msg = f"All values of {data.where} are zero: there is nothing to map."
        raise ValueError(msg)
    if report:
        where = f"zero throughout {data.where}"
        report_carrying_nothing("observation", data.obs_names[silent], where, "left out of the fit and `unassigned`")
        unseen = data.columns[~seen[data.columns]]
        consequence = "left out, with NaN as their gene programs"
        report_carrying_nothing("variable", data.var_names[unseen], where, consequence)
    # Zeros that a sparse matrix does not store are values as well.
    lowest = min(lowest, 0.0) if data.rows.is_sparse else lowest
    return Facts(_kind(lowest, highest, whole=whole), totals, silent, ~seen)


def _kind(lowest: float, highest: float, *, whole: bool) -> str:
    if lowest < 0:
        return "whole_with_negative" if whole else "real"
    if whole:
        return "counts" if highest > 1 else "binary"
    return "unit" if highest <= 1 else "positive"


def _refuse_not_finite(found: tuple[int, int, int], data: Input, span: slice) -> None:
    row, column, n = found
    msg = (
        f"{data.where} holds NaN or infinite values, such as at observation {data.obs_names[span][row]!r}, variable "
        f"{data.var_names[column]!r} ({n} within {span.stop - span.start} observations). "
        "Remove or impute them first."
    )
    raise ValueError(msg)


def report_carrying_nothing(what: str, names: pd.Index[str], why: str, consequence: str) -> None:
    """Warn of observations or variables by name; silent where there are none."""
    if len(names) == 0:
        return
    shown = ", ".join(repr(str(name)) for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    noun = f"{what}s are" if len(names) > 1 else f"{what} is"
    msg = f"{len(names)} {noun} {why}: {shown}{more}; {consequence}."
    warn(msg)


def choose_transform(transform: str | None, facts: Facts, data: Input) -> tuple[Any, bool]:
    """Settle the transform, and whether the matrix is treated as counts.

    Returns
    -------
    The kind of transform and whether the values are counts.

    Raises
    ------
    ValueError
        If the option is unknown, or cannot be used with these values.
    """
    if transform in (None, "none"):
        return "none", False
    if transform in ("pearson", "combined") and facts.kind not in ("counts", "binary"):
        msg = (
            f"`transform={transform!r}` needs counts (whole numbers >= 0); {data.where} holds other values. "
            "Pass the counts with `layer=`, or use `transform='zscore'`."
        )
        raise ValueError(msg)
    if transform in ("pearson", "combined"):
        return transform, True
    if transform == "auto":
        if data.is_representation or facts.kind == "unit":
            return "none", False
        if facts.kind == "whole_with_negative":
            msg = (
                f"{data.where} holds whole numbers, as counts are, but negative ones too. Correct the counts, "
                "or say `transform='zscore'` or `transform=None` if these are not counts."
            )
            raise ValueError(msg)
        if facts.kind == "counts":
            logger.info("%s holds counts: transform='combined' (z-scored logarithms and Pearson residuals)", data.where)
            return "combined", True
    return "zscore", facts.kind == "counts"
