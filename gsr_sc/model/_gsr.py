"""The model: parameters, fit, transform, decode, annotate, save, load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from .._checks import require_choice
from .._docs import MODEL, doc_params
from .._log import configure
from .._random import resolve_rng
from ..inputs import identifiers, read_covariates, read_input
from ..matrices import collected
from ..nn._likelihoods import LikelihoodKind
from ..training import (
    Checkpoint,
    Design,
    Progress,
    join_processes,
    limited_threads,
    require_place,
    resolve_device,
    tells_why,
)
from . import _fitted, _folder
from ._options import Options, layer_design, require_numbers, start_coordinates
from ._pipeline import Resources, fit_input
from ._use import FittedModel

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    import torch
    from anndata import AnnData
    from numpy.typing import ArrayLike

    from .._random import Rng
    from ..graphs._laplacian import LaplacianKind
    from ..nn._units import Activation
    from ..training import Init, Penalty


@doc_params(model=MODEL)
class GSR(FittedModel):
    """Autoencoder whose latent neurons sit on a graph and are tied together by its Laplacian.

    `gsr_sc.tl.fit(adata)` is `GSR(...).fit(adata).annotate(adata)`; use the class to keep the model,
    to place new observations, or to decode.

    Parameters
    ----------
    {model}

    References
    ----------
    Tong et al., *Interpretable Neuron Structuring with Graph Spectral Regularization*, IDA 2020, arXiv 1810.00424.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_ring(300, 40)
    >>> model = gsr_sc.GSR(graph="ring", max_epochs=5).fit(adata)
    >>> model.transform(adata).shape
    (300, 32)
    """

    def __init__(
        self,
        *,
        graph: Any = "grid",
        n_neurons: int | None = None,
        layer: str | None = None,
        use_rep: str | None = None,
        mask_var: str | ArrayLike | None = None,
        transform: Literal["auto", "zscore", "pearson", "combined"] | None = "auto",
        likelihood: LikelihoodKind | Literal["auto"] = "auto",
        batch_key: str | Sequence[str] | None = None,
        labels_key: str | None = None,
        unlabelled_category: str | None = None,
        smoothness: float | Literal["auto"] = "auto",
        tolerance: float = 0.02,
        init: Init | str = "auto",
        activation: Activation = "simplex",
        filter_time: float = 1.0,
        hidden: Sequence[int] = (128, 128),
        hidden_decoder: Sequence[int] | None = None,
        penalty: Penalty = "dirichlet",
        laplacian: LaplacianKind = "unnormalised",
        max_epochs: int | None = None,
        rng: Rng = 0,
        device: str | torch.device = "auto",
        n_jobs: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        random_state: Rng = None,
    ) -> None:
        require_choice("likelihood", likelihood, ["auto", *get_args(LikelihoodKind)])
        require_numbers(
            smoothness=smoothness, tolerance=tolerance, max_epochs=max_epochs, n_neurons=n_neurons, n_jobs=n_jobs
        )
        require_choice("transform", transform, ["auto", "zscore", "pearson", "combined", None])
        self.graph = graph
        # Plain numbers, so that they can be stored anywhere.
        self.n_neurons = None if n_neurons is None else int(n_neurons)
        self.layer = layer
        self.use_rep = use_rep
        self.mask_var = mask_var
        self.transform_kind = transform
        self.likelihood = likelihood
        self.batch_key = batch_key
        self.labels_key = labels_key
        self.unlabelled_category = unlabelled_category
        self.smoothness: float | Literal["auto"] = "auto" if smoothness == "auto" else float(smoothness)
        self.tolerance = float(tolerance)
        self.init = init
        self.design = layer_design(
            activation=activation,
            filter_time=filter_time,
            hidden=hidden,
            hidden_decoder=hidden_decoder,
            penalty=penalty,
            laplacian=laplacian,
        )
        self.max_epochs = None if max_epochs is None else int(max_epochs)
        self.rng = rng if random_state is None else random_state
        self.device = resolve_device(device)
        self.n_jobs = n_jobs
        self.checkpoint = checkpoint
        resolve_rng(rng, random_state)
        self._state: _fitted.Fitted | None = None

    def __repr__(self) -> str:
        if self._state is None:
            return f"GSR: not fitted, graph {self.graph if isinstance(self.graph, str) else type(self.graph).__name__}"
        return f"GSR: {self._state.graph!r}, fitted on {self._state.params['n_obs']} observations"

    def fit(self, adata: AnnData, *, progress: bool | None = None) -> GSR:
        """Train on an AnnData, which stays as it is.

        Parameters
        ----------
        adata
            Observations by variables.
        progress
            Whether to show the progress bar; by default in terminals and notebooks.

        Raises
        ------
        ValueError, KeyError, TypeError
            If options or data are wrong, or the checkpoint is of others; before any training.
        KeyboardInterrupt
            If Ctrl-C is pressed before the network has learned anything, or twice. Pressed once, later, it ends the
            training with the best map so far, and `params["interrupted"]` is True.
        """
        self._train(adata, progress=progress)()
        return self

    def _train(self, adata: AnnData, *, progress: bool | None) -> Callable[[], None]:
        """Fit, and return what removes the checkpoint: to be called when there is nothing left that could be lost."""
        configure()
        kept = None
        if self.checkpoint is not None:
            require_place(self.checkpoint)
            kept = Checkpoint(self.checkpoint, {k: v for k, v in self._options().items() if k != "device"})
        adata = collected(adata)
        data = read_input(adata, layer=self.layer, use_rep=self.use_rep, mask_var=self.mask_var)
        covariates = read_covariates(
            adata,
            batch_key=self.batch_key,
            labels_key=self.labels_key,
            unlabelled_category=self.unlabelled_category,
        )
        coordinates = start_coordinates(adata, self.init)
        options = Options(
            graph=self.graph,
            n_neurons=self.n_neurons,
            transform=self.transform_kind,
            likelihood=self.likelihood,
            smoothness=self.smoothness,
            tolerance=self.tolerance,
            init="auto" if coordinates is not None else self.init,  # type: ignore[arg-type]
            design=self.design,
            max_epochs=self.max_epochs,
        )
        world = join_processes()
        shown = progress if world.rank == 0 else False
        with tells_why(world), limited_threads(self.n_jobs) as n_threads, Progress(show=shown) as bar:
            resources = Resources(
                # Drawn anew from the seed at every fit, so that fitting twice gives the same model.
                rng=resolve_rng(self.rng),
                device=self.device,
                n_threads=n_threads,
                progress=bar,
                checkpoint=kept,
                world=world,
            )
            state = fit_input(
                data, options, resources, covariates=covariates, var_ids=identifiers(adata), coordinates=coordinates
            )
        # What was asked for beside what was used.
        state.params.update(self._options(), n_jobs=n_threads)
        self._state = state
        over = kept is not None and world.rank == 0 and not state.params["interrupted"]
        return kept.remove if kept is not None and over else lambda: None

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, device: str | torch.device = "auto") -> GSR:
        """Read a model that :meth:`save` wrote; the AnnData is not needed.

        Parameters
        ----------
        path
            Folder of the model.
        device
            Where to put the network.

        Raises
        ------
        FileNotFoundError
            If there is no model.
        """
        model = cls(device=device)
        state = _folder.load(path, model.device)
        for name in (
            "layer",
            "use_rep",
            "likelihood",
            "batch_key",
            "labels_key",
            "unlabelled_category",
            "tolerance",
            "init",
            "smoothness",
            "max_epochs",
            "rng",
        ):
            if state.params.get(name) is not None:
                setattr(model, name, state.params[name])
        model.design = Design.from_params(state.params)
        model.graph, model.transform_kind = state.graph, state.params["transform"]
        model._state = state
        return model

    def _options(self) -> dict[str, Any]:
        mask = self.mask_var if isinstance(self.mask_var, str | None) else "array"
        options: dict[str, Any] = {
            "layer": self.layer,
            "use_rep": self.use_rep,
            "mask_var": mask,
            "tolerance": self.tolerance,
        }
        batch_key = self.batch_key if isinstance(self.batch_key, str | None) else list(self.batch_key)
        options |= {"batch_key": batch_key, "labels_key": self.labels_key}
        options |= {"unlabelled_category": self.unlabelled_category}
        rng = int(self.rng) if isinstance(self.rng, int | np.integer) else None
        return {**options, "init": self.init, "device": str(self.device), "rng": rng}


def train(model: GSR, adata: AnnData, *, progress: bool | None = None) -> Callable[[], None]:
    """As :meth:`GSR.fit`, for whoever goes on with the model before the training is worth nothing any more.

    Returns
    -------
    What removes the checkpoint, if there is one and the training has ended.
    """
    return model._train(adata, progress=progress)  # noqa: SLF001
