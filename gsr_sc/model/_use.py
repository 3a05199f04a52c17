"""What a model is good for once it is fitted: placing, decoding, predicting, annotating, saving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from .._log import configure
from ..inputs import read_conditions, read_input
from ..matrices import Collected, collected
from ..slots import Keys, require_own, write_results
from ..training import World, join_processes, limited_threads, tells_why
from . import _fitted, _folder
from ._placing import place

if TYPE_CHECKING:
    import os
    from typing import Self

    import numpy as np
    from anndata import AnnData
    from numpy.typing import ArrayLike, NDArray

    from ._placing import Placed


class FittedModel:
    """What :class:`gsr_sc.GSR` can do after `fit` or `load`."""

    layer: str | None
    use_rep: str | None
    n_jobs: int | None
    _state: _fitted.Fitted | None

    @property
    def fitted(self) -> _fitted.Fitted:
        """What the fit gave: network, graph, groups, transform, history, quality.

        Raises
        ------
        RuntimeError
            If the model is not fitted.
        """
        if self._state is None:
            msg = "This model is not fitted; call `fit(adata)` first."
            raise RuntimeError(msg)
        return self._state

    @property
    def var_names(self) -> pd.Index[str]:
        """Variables that the network reads, in order."""
        return self.fitted.var_names

    def summary(self) -> dict[str, Any]:
        """Parameters as used and quality measures, as one plain dict."""
        return {**self.fitted.params, **self.fitted.quality}

    def transform(self, adata: AnnData, *, together: bool = False) -> NDArray[np.float32]:
        """Activations of the neurons for observations old or new.

        Parameters
        ----------
        adata
            Observations by variables; variables are matched by name. It stays as it is.
        together
            Whether all processes of `torchrun` call this with the same data: each then places its share of the rows, and
            all return all of them. By default a process places all rows itself and waits for no other.

        Returns
        -------
        Shape (n_obs, n_neurons), columns in graph node order.

        Raises
        ------
        KeyError
            If variables that the model reads are missing.
        ValueError
            If the values are not of the kind that the model was fitted on, or a batch is one that it has not seen.
        """
        return self._place(adata, together=together).activations

    def decode(self, activations: ArrayLike) -> NDArray[np.float32]:
        """What the decoder makes of activations.

        Parameters
        ----------
        activations
            Shape (n, n_neurons).

        Returns
        -------
        Shape (n, number of `var_names`): with a gaussian likelihood on the scale that the network reads (z-scored genes by
        default), or that of the values where these are taken as given; of counts the expected share of all counts of these
        variables, rows summing to one; with `likelihood="bernoulli"` probabilities.

        Raises
        ------
        ValueError
            If there is not one column per neuron.
        """
        with limited_threads(self.n_jobs):
            return _fitted.decoded(self.fitted, _fitted.require_activations(activations, self.fitted.graph.n_neurons))

    def predict(self, adata: AnnData) -> pd.DataFrame:
        """Probability of every label, read from the structured layer; for models fitted with `labels_key`.

        Parameters
        ----------
        adata
            Observations by variables, those of the fit or new ones. It stays as it is.

        Returns
        -------
        One row per observation and one column per label; rows sum to one.

        Raises
        ------
        ValueError
            If the model was fitted without labels.
        """
        activations = self._place(adata).activations
        return pd.DataFrame(
            _fitted.predict(self.fitted, activations), index=adata.obs_names, columns=self.fitted.label_names
        )

    def annotate(self, adata: AnnData, *, key_added: str | None = None, together: bool = False) -> Self:
        """Place observations on the map and write all results into the AnnData.

        Parameters
        ----------
        adata
            Observations by variables, those of the fit or new ones. A view becomes an AnnData of its own.
        key_added
            Name of the results; see :func:`gsr_sc.tl.fit` for the slots.
        together
            See :meth:`transform`.

        Raises
        ------
        ValueError
            If results cannot be written, or would take the place of something that is no map.
        """
        require_writable(adata)
        keys = Keys.of(key_added)
        require_own(adata, keys)
        placed = self._place(adata, together=together)
        results = _fitted.results(
            self.fitted, placed.activations, placed.silent, columns=placed.columns, n_vars=adata.n_vars
        )
        write_results(adata.annotation if isinstance(adata, Collected) else adata, results, keys)
        return self

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False, cells: bool = False) -> None:
        """Write the model to a folder: weights as safetensors, the rest as JSON; no pickle, and no data unless asked.

        Parameters
        ----------
        path
            Folder to write.
        overwrite
            Whether to replace a model that is there.
        cells
            Whether to write some cells of the data too, at most 1000 and 1 MB: their values of the variables that the
            model reads. :func:`gsr_sc.tl.map_query` then knows new types as well without its `reference` as it
            does from a model that was never saved.

        Raises
        ------
        FileExistsError
            If a model is there already.
        """
        _folder.save(self.fitted, path, overwrite=overwrite, cells=cells)

    def _place(self, adata: AnnData, *, together: bool = False) -> Placed:
        configure()
        adata = collected(adata)
        data = read_input(adata, layer=self.layer, use_rep=self.use_rep, to_fit=False)
        conditions = read_conditions(adata, self.fitted.batches)
        world = join_processes() if together else World()
        with tells_why(world), limited_threads(self.n_jobs):
            return place(self.fitted, data.shared(world), conditions)


def require_writable(adata: AnnData, *, copy: bool = False) -> None:
    """Raise if results could not be written into an AnnData in the end.

    Parameters
    ----------
    adata
        What results are to be written into.
    copy
        Whether into a copy of it.

    Raises
    ------
    ValueError
        If that would have to copy a file: AnnData does not copy backed data without a name for the new file.
    TypeError
        If `.obs` is lazy, so that no column can be added.
    """
    if getattr(adata, "isbacked", False) and (copy or adata.is_view):
        what = "a view of backed data" if adata.is_view else "a copy of backed data"
        msg = (
            f"Results cannot be written into {what}. Fit the backed AnnData itself, or one in memory "
            "(`adata.to_memory()`), or one in a file of its own (`adata.copy(filename=...)`)."
        )
        raise ValueError(msg)
    obs = getattr(adata, "obs", None)
    if callable(obs):
        msg = (
            "A collection of files has no place for results: `tl.fit(collection)` returns an AnnData with them, and "
            "`GSR.transform(collection)` the activations."
        )
        raise TypeError(msg)
    if not isinstance(obs, pd.DataFrame | None):
        msg = (
            f"`.obs` is a lazy {type(obs).__name__}, into which no results can be written. Make an AnnData whose annotation "
            "is in memory: `AnnData(adata.X, obs=adata.obs.to_memory(), var=adata.var.to_memory())`; `.X` may stay lazy."
        )
        raise TypeError(msg)
