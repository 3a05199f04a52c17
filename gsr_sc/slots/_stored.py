"""Reading a map's slots from an AnnData, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ..graphs import NeuronGraph, neuron_ties
from ._keys import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray


def group_names(group: NDArray[np.str_]) -> list[str]:
    """Names of the indicator groups in natural order: `0`, `1`, ..., `10`."""
    from natsort import natsorted

    return [str(name) for name in natsorted(set(group.tolist()))]


def stored_scan(adata: AnnData, key: str | None = None) -> Mapping[str, Any]:
    """What `gsr_sc.tl.scan` has stored, which belongs to no map.

    Raises
    ------
    KeyError
        If there is no scan under that key.
    """
    slot = Keys.of(key).added("scan")
    if slot not in adata.uns:
        stored = [name.removesuffix("_scan") for name in adata.uns if name.endswith("_scan")]
        hint = (
            f"Scans stored here: {stored}; choose one with `key=`." if stored else "Run `gsr_sc.tl.scan(adata)` first."
        )
        msg = f"No scan is stored in .uns[{slot!r}]. {hint}"
        raise KeyError(msg)
    found: Mapping[str, Any] = adata.uns[slot]
    return found


@dataclass(frozen=True, eq=False)
class StoredMap:
    """A map as it was stored in an AnnData; what `pl` and `get` read.

    Parameters
    ----------
    adata
        The annotated data.
    key
        What was passed as `key_added` when the map was fitted; None for the default.

    Raises
    ------
    KeyError
        If no map is stored under that key.
    """

    adata: AnnData
    key: str | None = None

    def __post_init__(self) -> None:
        uns = self.adata.uns.get(self.keys.uns)
        if not (hasattr(uns, "keys") and "graph" in uns and self.keys.latent in self.adata.obsm):
            stored = [
                name
                for name, value in self.adata.uns.items()
                if hasattr(value, "keys") and {"graph", "quality", "params"} <= set(value.keys())
            ]
            hint = (
                f"Maps stored here: {stored}; choose one with `key=`."
                if stored
                else "Run `gsr_sc.tl.fit(adata)` first."
            )
            msg = f"No map is stored under {self.keys.uns!r} in this AnnData. {hint}"
            raise KeyError(msg)

    @cached_property
    def keys(self) -> Keys:
        """Names of the slots."""
        return Keys.of(self.key)

    @property
    def uns(self) -> Mapping[str, Any]:
        """The entry of `.uns`: `params`, `graph`, `history`, `quality`, `versions`."""
        entry: Mapping[str, Any] = self.adata.uns[self.keys.uns]
        return entry

    @cached_property
    def graph(self) -> NeuronGraph:
        """The neuron graph."""
        stored = self.uns["graph"]
        shape = tuple(int(side) for side in stored["shape"]) if "shape" in stored else None
        return NeuronGraph(
            str(stored["kind"]),
            sparse.csr_array(stored["adjacency"]),
            np.asarray(stored["layout"]),
            tuple(str(name) for name in stored["names"]),
            shape=shape,  # type: ignore[arg-type]
        )

    @cached_property
    def group(self) -> NDArray[np.str_]:
        """Name of the indicator group of each neuron, (n_neurons,)."""
        return np.array([str(name) for name in self.uns["graph"]["group"]])

    @cached_property
    def ties(self) -> NDArray[np.float64]:
        """How often neurons stand for observations that are neighbours, (n_neurons, n_neurons), summing to 1."""
        stored = self.uns["graph"].get("ties")
        # Maps of earlier versions, and those without a start from the data, have only their activations to tell.
        return neuron_ties(self.activations) if stored is None else np.asarray(stored, dtype=np.float64)

    @property
    def groups(self) -> list[str]:
        """Names of the indicator groups in the order of the columns of :attr:`indicators`."""
        return group_names(self.group)

    @property
    def activations(self) -> NDArray[np.float32]:
        """Activations, (n_obs, n_neurons)."""
        return np.asarray(self.adata.obsm[self.keys.latent])

    @property
    def map(self) -> NDArray[np.float32]:
        """Coordinates on the layout, (n_obs, 2)."""
        return np.asarray(self.adata.obsm[self.keys.map])

    @property
    def order(self) -> NDArray[np.float64]:
        """Position of each observation along the map, (n_obs,), NaN where it has none.

        Raises
        ------
        KeyError
            If the map has no order.
        """
        if self.keys.order not in self.adata.obs:
            msg = (
                f"There is no .obs[{self.keys.order!r}]: a map of kind {self.graph.kind!r} has no order of its own. "
                "Say where it begins first: `gsr_sc.tl.order(adata, root=...)`."
            )
            raise KeyError(msg)
        return np.asarray(self.adata.obs[self.keys.order], dtype=np.float64)

    @property
    def is_round(self) -> bool:
        """Whether positions are angles."""
        return self.graph.kind in ("ring", "rings")

    @property
    def indicators(self) -> NDArray[np.float32]:
        """Activation of each indicator group, (n_obs, n_groups)."""
        return np.asarray(self.adata.obsm[self.keys.indicators])

    @property
    def programs(self) -> NDArray[np.float32]:
        """Signed effect of each neuron on each gene, (n_vars, n_neurons).

        Raises
        ------
        KeyError
            If the map has none.
        """
        if self.keys.programs not in self.adata.varm:
            msg = (
                f"No gene programs are stored in .varm[{self.keys.programs!r}]: "
                "the map was fitted on a representation (`use_rep`) or on other genes. "
                "Fit on X or on a layer to have them; those of the cells come from `gsr_sc.tl.programs` with `by='cells'`."
            )
            raise KeyError(msg)
        return np.asarray(self.adata.varm[self.keys.programs])

    def added(self, name: str, *, by: str) -> Any:
        """What `gsr_sc.tl.<by>` has added to `.uns`.

        Raises
        ------
        KeyError
            If it has not been run on this map.
        """
        slot = self.keys.added(name)
        if slot not in self.adata.uns:
            told = "" if self.key is None else f", key={self.key!r}"
            msg = f"Nothing is stored in .uns[{slot!r}]. Run `gsr_sc.tl.{by}(adata{told})` first."
            raise KeyError(msg)
        return self.adata.uns[slot]

    @property
    def cluster(self) -> pd.Series[Any]:
        """Indicator group of each observation, categorical."""
        return self.adata.obs[self.keys.cluster]
