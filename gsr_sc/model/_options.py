"""What can be wrong with an option, whatever the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy import sparse

from .._checks import require_choice, require_number
from ..graphs._laplacian import LaplacianKind
from ..nn._units import Activation
from ..training import Design, Init, Penalty

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a fit is asked for, by the names of :class:`gsr_sc.GSR`; all that can be checked without data is."""

    graph: Any
    n_neurons: int | None
    transform: str | None
    likelihood: str
    smoothness: float | Literal["auto"]
    tolerance: float
    init: Init
    design: Design
    max_epochs: int | None


def require_numbers(*, smoothness: Any, tolerance: Any, max_epochs: Any, n_neurons: Any, n_jobs: Any) -> None:
    """Raise unless the numbers that a model takes are in their ranges, or left open where they may be."""
    if smoothness != "auto":
        require_number("smoothness", smoothness, lowest=0, also="'auto'")
    require_number("tolerance", tolerance, lowest=0)
    if max_epochs is not None:
        require_number("max_epochs", max_epochs, lowest=1, whole=True)
    if n_neurons is not None:
        require_number("n_neurons", n_neurons, lowest=2, whole=True)
    if n_jobs is not None and n_jobs != -1:
        require_number("n_jobs", n_jobs, lowest=1, whole=True)


def layer_design(
    *,
    activation: Activation,
    filter_time: float,
    hidden: Sequence[int],
    hidden_decoder: Sequence[int] | None,
    penalty: Penalty,
    laplacian: LaplacianKind,
) -> Design:
    """Check the options of the network and of its penalty, and put them together.

    Raises
    ------
    TypeError
        If widths are no sequence.
    ValueError
        If one is wrong, or two contradict each other.
    """
    require_choice("activation", activation, get_args(Activation))
    require_number("filter_time", filter_time, lowest=0)
    if filter_time == 0:
        msg = "`filter_time` is 0, which is no filter; pass a number above 0, or `activation='simplex'`."
        raise ValueError(msg)
    require_choice("penalty", penalty, get_args(Penalty))
    require_choice("laplacian", laplacian, get_args(LaplacianKind))
    widths = {"hidden": hidden, "hidden_decoder": () if hidden_decoder is None else hidden_decoder}
    for option, values in widths.items():
        if not isinstance(values, Sequence) or isinstance(values, str):
            msg = f"`{option}` is {values!r}; it is a sequence of widths, such as (128, 128)."
            raise TypeError(msg)
        for width in values:
            require_number(option, width, lowest=1, whole=True)
    if penalty in ("l1", "l2") and laplacian != "unnormalised":
        msg = (
            f"`penalty={penalty!r}` knows no graph, so `laplacian={laplacian!r}` has no effect; leave one of them out."
        )
        raise ValueError(msg)
    if penalty == "l2" and activation in ("simplex", "heat"):
        msg = (
            f"`penalty='l2'` is the same for all activations of {activation} units, which have unit length; "
            "pass `activation='relu'` or `'linear'`, or `penalty='l1'`."
        )
        raise ValueError(msg)
    return Design(
        activation=activation,
        filter_time=float(filter_time),
        hidden=tuple(int(width) for width in hidden),
        hidden_decoder=None if hidden_decoder is None else tuple(int(width) for width in hidden_decoder),
        penalty=penalty,
        laplacian=laplacian,
    )


def start_coordinates(adata: AnnData, init: str) -> NDArray[np.float64] | None:
    """Coordinates to start the map from, (n_obs, n_coordinates); None where `init` names a start of our own.

    Raises
    ------
    KeyError
        If `init` is neither such a start nor a key of `.obsm`.
    ValueError
        If the coordinates are not finite.
    """
    if init in get_args(Init):
        return None
    # As scanpy's `basis`: with `X_` or without.
    key = init if init in adata.obsm else f"X_{init}"
    if key not in adata.obsm:
        msg = (
            f"`init={init!r}` is neither one of {list(get_args(Init))} nor a key of .obsm, "
            f"which holds {list(adata.obsm)}. To start from PHATE, store its coordinates as .obsm['X_phate']."
        )
        raise KeyError(msg)
    stored = adata.obsm[key]
    coordinates = np.asarray(stored.toarray() if sparse.issparse(stored) else stored, dtype=np.float64)
    if coordinates.shape[1] == 0 or not np.isfinite(coordinates).all():
        msg = f"`init={init!r}` has shape {coordinates.shape} and has to hold finite coordinates only."
        raise ValueError(msg)
    return coordinates
