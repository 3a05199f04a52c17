"""Which matrix of an AnnData the options name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._checks import require_key
from ..matrices import SharedRows, open_rows

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import ArrayLike, NDArray

    from ..matrices import Rows
    from ..training import World


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
        msg = (
            f"The first argument is an AnnData; got a {type(adata).__name__}. `anndata.AnnData(matrix)` makes one, and "
            "`anndata.read_h5ad(path)` reads one; collections of files need annbatch (extra `scale`, Python 3.12 or newer)."
        )
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
        need = "Fitting a map takes at least 2 observations" if to_fit else "Placing takes at least 1 observation"
        msg = f"{need}, and {where} has {n_obs}. Was too much filtered out? Look at `adata.shape`."
        raise ValueError(msg)
    if n_vars < 1:
        msg = f"{where} has no variables, and a map takes at least 1. Was too much filtered out? Look at `adata.shape`."
        raise ValueError(msg)
    columns = np.arange(n_vars) if is_representation or not to_fit else _masked(adata, mask_var)
    return Input(rows, columns, adata.obs_names, var_names, where, is_representation)


_REMEDY = {
    False: "Fill it in, `adata.var[name].eq(True)`, or pass another mask as `mask_var=`.",
    True: "For a list of names it is `adata.var_names.isin(names)`.",
}


def _by_name(mask: pd.Series[bool], names: pd.Index[str]) -> pd.Series[bool]:
    """A mask with the variables in another order, put into theirs."""
    same = mask.index.is_unique and len(mask) == len(names) and names.isin(mask.index).all()
    return mask.loc[names] if same else mask


def _masked(adata: AnnData, mask_var: str | ArrayLike | None) -> NDArray[np.intp]:
    if mask_var is None and "highly_variable" not in adata.var:
        return np.arange(adata.n_vars)
    if mask_var is None or isinstance(mask_var, str):
        name = "highly_variable" if mask_var is None else mask_var
        require_key("mask_var", name, adata.var, ".var")
        mask = adata.var[name].to_numpy()
    else:
        name = "mask_var"
        mask = np.asarray(_by_name(mask_var, adata.var_names) if isinstance(mask_var, pd.Series) else mask_var)
    if mask.dtype != np.bool_ or mask.shape != (adata.n_vars,):
        what = "`mask_var`" if name == "mask_var" else f".var[{name!r}]"
        missing = int(pd.isna(mask).sum())
        msg = (
            f"{what} has dtype {mask.dtype} and shape {mask.shape}{f', and {missing} missing values' if missing else ''}; "
            f"it has to be boolean, one entry for each of the {adata.n_vars} variables. {_REMEDY[name == 'mask_var']}"
        )
        raise ValueError(msg)
    if not mask.any():
        msg = f"The mask {name!r} chooses no variable; choose some, or pass an array of True to use all."
        raise ValueError(msg)
    return np.flatnonzero(mask)
