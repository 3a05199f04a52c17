"""Train a map and write it into the AnnData."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .._docs import MODEL, doc_params
from .._log import configure, warn
from .._processes import rank
from ..matrices import Collected, collected
from ..model import GSR, require_folder, require_writable, train
from ..slots import Keys, require_own

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import torch
    from anndata import AnnData
    from numpy.typing import ArrayLike

    from .._random import Rng
    from ..graphs._laplacian import LaplacianKind
    from ..nn._likelihoods import LikelihoodKind
    from ..nn._units import Activation
    from ..training import Init, Penalty

logger = logging.getLogger(__name__)


@doc_params(model=MODEL)
def fit(
    adata: AnnData,
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
    progress: bool | None = None,
    save_model: str | os.PathLike[str] | None = None,
    key_added: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Map observations onto a layer of neurons that can be looked at.

    Trains an autoencoder whose latent neurons sit on a graph and are tied together by the graph's Laplacian
    (Graph Spectral Regularization), and writes ordered coordinates, cluster indicators and gene programs.

    Parameters
    ----------
    adata
        Observations by variables: log-normalised values or counts. A view becomes an AnnData of its own. The matrix may be
        on disk or in parts (backed h5ad, zarr, dask); the activations are then in a temporary file
        too if they are more than 67 MB. Or an `annbatch.DatasetCollection` of many files (Python 3.12 or newer, extra `scale`).
    {model}
    {progress}
    save_model
        Folder to save the model to, for :meth:`gsr_sc.GSR.load`.
    key_added
        With `"k"`, `X_gsr` becomes `k` and every other `gsr` in the names below becomes `k`.
    {copy}

    Returns
    -------
    None, or the annotated copy; for a collection an AnnData without X, rows in the order of its files. These fields are set:

    `.obsm["X_gsr"]`
        Activations, float32 (n_obs, n_neurons), columns in the order of the graph's neurons.
    `.obsm["X_gsr_map"]`
        Mean position of the activations on the neuron layout, float32 (n_obs, 2).
    `.obsm["X_gsr_indicators"]`
        Activation of every cluster-indicator group of neurons, float32 (n_obs, n_groups).
    `.obs["gsr_neuron"]`
        The winning neuron, categorical.
    `.obs["gsr_cluster"]`, `.obs["gsr_confidence"]`
        The indicator group that the observation lights up, and the share there of its activation, sharpened so that the
        median observation lights three neurons; `unassigned` where no
        group has a quarter more than the next.
    `.obs["gsr_prediction"]`, `.obs["gsr_prediction_probability"]`
        With `labels_key`: the most probable label, categorical, and its probability.
    `.obs["gsr_order"]`
        On line, lines, star, tree and wishbone the position in [0, 1] from the root, on the branch or line of the winning
        neuron; on a ring or rings the angle in [0, 2 pi).
    `.obs["gsr_branch"]`
        On star, tree and wishbone the branch, on rings, lines and groups which of them; categorical.
    `.varm["gsr_programs"]`
        Signed effect of every neuron on every gene, float32 (n_vars, n_neurons); NaN for genes that were not used.
    `.uns["gsr"]`
        `params` as used, `graph`, `history`, `quality` and `versions`.

    Raises
    ------
    ValueError, KeyError, TypeError, OSError
        If options or data are wrong, or no model can be saved where it is to be: before any training, and with `adata` unchanged.
    KeyboardInterrupt
        If Ctrl-C is pressed before the network has learned anything, twice, or while cells are placed; `adata` is unchanged,
        and with `checkpoint` the same call goes on. Pressed once, during the training, it ends that with the best map so far, and
        `params["interrupted"]` is True.

    Warns
    -----
    UserWarning
        If observations or variables carry nothing: they are named and left out of the fit.
        If a checkpoint or the model cannot be written, as on a full disk: the fit goes on.

    References
    ----------
    Tong et al., *Interpretable Neuron Structuring with Graph Spectral Regularization*, IDA 2020, arXiv 1810.00424.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_line(300, 40)
    >>> gsr_sc.tl.fit(adata, graph="line", max_epochs=5)
    >>> adata.obsm["X_gsr"].shape
    (300, 32)
    """
    configure()
    keys = Keys.of(key_added)
    adata = collected(adata)
    require_writable(adata, copy=copy)
    require_own(adata, keys)
    if save_model is not None:
        require_folder(save_model)
    model = GSR(
        graph=graph,
        n_neurons=n_neurons,
        layer=layer,
        use_rep=use_rep,
        mask_var=mask_var,
        transform=transform,
        likelihood=likelihood,
        batch_key=batch_key,
        labels_key=labels_key,
        unlabelled_category=unlabelled_category,
        smoothness=smoothness,
        tolerance=tolerance,
        init=init,
        activation=activation,
        filter_time=filter_time,
        hidden=hidden,
        hidden_decoder=hidden_decoder,
        penalty=penalty,
        laplacian=laplacian,
        max_epochs=max_epochs,
        rng=rng,
        device=device,
        n_jobs=n_jobs,
        checkpoint=checkpoint,
        random_state=random_state,
    )
    start = time.perf_counter()
    logger.info("fitting a map of neurons")
    remove_checkpoint = train(model, adata, progress=progress)
    # Before cells are placed, which may take long and is no more than `GSR.load(path).annotate(adata)`.
    saved = save_model is None or rank() > 0 or _saved(model, save_model)
    if copy and not isinstance(adata, Collected):
        adata = adata.copy()
    # Every process that trained is here.
    model.annotate(adata, key_added=key_added, together=True)
    if saved:
        remove_checkpoint()
    logger.info(
        "    finished (%.1f s): added\n    %r, activations (adata.obsm)\n    %r, coordinates on the map (adata.obsm)\n"
        "    %r, cluster-indicator groups (adata.obs)",
        time.perf_counter() - start,
        keys.latent,
        keys.map,
        keys.cluster,
    )
    if isinstance(adata, Collected):
        return adata.annotation
    return adata if copy else None


def _saved(model: GSR, path: str | os.PathLike[str]) -> bool:
    """Save a model; if that fails, as on a full disk, say so rather than lose what took hours."""
    try:
        model.save(path)
    except OSError as error:
        kept = model.checkpoint is not None and Path(model.checkpoint).exists()
        with_checkpoint = " The checkpoint is kept: the same call saves again without training." if kept else ""
        msg = (
            f"The model could not be saved to {str(path)!r} ({error}); cells are placed all the same.{with_checkpoint}"
        )
        warn(msg)
        return False
    return True
