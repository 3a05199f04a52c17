"""Localising filters: patterns on the graph, one around each neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from .._checks import require_choice, require_number
from ._laplacian import HeatKernel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from scipy import sparse

FilterKind = Literal["heat", "wavelet"]


def localising_filter(
    adjacency: ArrayLike | sparse.sparray, kind: FilterKind = "heat", *, time: float = 1.0
) -> NDArray[np.float64]:
    """Matrix whose columns are patterns of the same form around each node of a graph.

    A layer that mixes these columns (`z = H softmax(s)`) has local receptive fields on the graph whatever is learnt.

    Parameters
    ----------
    adjacency
        Symmetric weights >= 0, shape (n, n).
    kind
        `"heat"`: exp(-t L), heat that has spread from the node for a time t; non-negative, columns sum to 1.
        `"wavelet"`: Mexican hats, the spectral graph wavelets g(t L) with g(x) = x exp(1 - x), whose largest gain is 1:
        positive at the node, negative around it, nothing far away; columns sum to 0.
    time
        How far the patterns reach: on a line or grid with weights of 1 about sqrt(2 t) steps in each direction.

    Returns
    -------
    Shape (n, n), symmetric.

    Raises
    ------
    ValueError
        If `kind` is unknown or `time` is not a positive number.

    References
    ----------
    Hammond et al., *Wavelets on graphs via spectral graph theory*, Appl. Comput. Harmon. Anal. 30 (2011).

    Examples
    --------
    >>> import gsr_sc
    >>> hats = gsr_sc.graphs.localising_filter(gsr_sc.graphs.line(9).adjacency, "wavelet")
    >>> [round(float(value), 2) for value in hats[:, 4]]
    [-0.06, -0.12, -0.16, 0.08, 0.51, 0.08, -0.16, -0.12, -0.06]
    """
    require_choice("kind", kind, get_args(FilterKind))
    require_number("time", time, above=0)
    heat = HeatKernel(adjacency)
    if kind == "heat":
        return heat(time)
    x = time * heat.eigenvalues
    return (heat.eigenvectors * (x * np.exp(1 - x))) @ heat.eigenvectors.T
