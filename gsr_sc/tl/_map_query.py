"""New observations on the map of a model that was fitted on others."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._checks import require_number
from .._docs import doc_params
from .._log import configure
from ..get._columns import read_labels
from ..inputs import read_input
from ..model import GSR, place_query, results
from ..slots import Keys, StoredMap, require_own, write_query, write_results
from ..stats import transfer_labels
from ..training import limited_threads

if TYPE_CHECKING:
    import os

    import torch
    from anndata import AnnData
    from numpy.typing import NDArray

    from ..inputs import Input
    from ..model import Fitted

logger = logging.getLogger(__name__)


@doc_params()
def map_query(
    adata: AnnData,
    model: GSR | str | os.PathLike[str],
    *,
    reference: AnnData | None = None,
    labels_key: str | None = None,
    n_neighbors: int = 15,
    together: bool = True,
    var_key: str | None = None,
    min_overlap: float = 0.5,
    layer: str | None = None,
    key: str | None = None,
    device: str | torch.device = "auto",
    n_jobs: int | None = None,
    key_added: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Place new observations on the map of a fitted model, carry labels over, and say which cells look unlike the reference.

    The model stays as it is, so observations of the reference come to lie exactly where they were. Genes are matched by name,
    in any order; others are not used. Genes that are missing stand at their mean in the reference, and those that are there
    count the more for it. Counts are scaled by their total over the genes of the reference, whatever other genes there are.

    Parameters
    ----------
    adata
        The query: observations by variables, with values of the kind that the model was fitted on.
    model
        The fitted model, or the folder that it was saved to.
    reference
        The data that the model was fitted on. With labels to carry over and the map in it, see `labels_key`. The novelty of a
        model that was read from a folder is much better with it: see `together`.
    labels_key
        Column of `reference.obs` with these labels; observations without one are not asked. Without a `reference`, it is
        the `labels_key` that the model was fitted with, and its own classifier speaks.
    n_neighbors
        How many reference observations, nearest in their activations, say which label an observation gets.
    together
        Whether cells of the query are looked at together: whether what the decoder leaves unexplained of one is left of
        many, and whether it lies among cells of the reference or among its own kind. New types are
        recognised much better so, and the more so the more cells of them there are.
        They are seen beside held-out cells: those of a `reference` that has the rows and values of the fit, or those that
        the model keeps. Folders hold no cells unless written by `model.save(path, cells=True)`; without both each
        cell is judged alone. So are, whatever this says, those of a query that as a whole differs from the reference, as
        another batch does: together, all of them would be novel. To tell that, cells which are strange alone are not asked,
        so that a query of which most cells are of a new type is not taken for another batch.
    var_key
        Column of `.var` that names the variables, such as `"gene_ids"`, instead of `.var_names`. It is compared with the
        names that the model was fitted on and with every column of identifiers that the reference had; release numbers of
        Ensembl identifiers make no difference.
    min_overlap
        Smallest share of the variables that the model reads which has to be there. With a half of 800 genes, taken at
        random, 0 to 7 % fewer labels were right on three sets than with all, with three tenths 1 to 15 %; small panels
        lose more.
    layer
        Layer to read; by default that which the model was fitted on. `"X"` means X.
    key
        What was passed as `key_added` when the map in `reference` was fitted.
    device
        Where to put a network that is read from a folder.
    n_jobs
        Number of threads; by default as for the model.
    key_added
        Name of the results; see :func:`gsr_sc.tl.fit`.
    {copy}

    Returns
    -------
    None, or the annotated copy. The fields of :func:`gsr_sc.tl.fit` are set, so that all functions for stored maps
    work on the query, and these:

    `.obs["gsr_novelty"]`
        Share of the observations held out in the fit that look less strange, in [0, 1): uniform for more cells of the
        reference, near 1 for cells that it has none of. One minus this is a conformal p-value, continued
        beyond the strangest of them; see Notes. The cells of the fit themselves are no new ones: what is usual was learnt
        from their noise too, and judged alone more than one in twenty of them can lie above .95. NaN for
        cells without counts, and for models saved by an earlier version or fitted on fewer than about 190 observations.
    `.obs["gsr_label"]`, `.obs["gsr_label_confidence"]`
        With `labels_key`: the label of most neighbours, categorical, and how often that label is right among reference
        observations whose neighbours agree as much. It speaks of cells as the reference has them: look at the novelty too.
    `.uns["gsr_query"]`
        `n_variables` that the model reads, `n_matched` of them in the query, the `missing_share` and names of those
        `missing`, the number of variables not used (`n_extra`), what was `matched_by` and `matched_to`,
        `unseen_batches`, `n_novelty_reference`, the number of observations behind the novelty, and whether cells were
        `judged_together`.

    Raises
    ------
    ValueError
        If too few variables are there, names are not unique, values are of another kind than those of the fit, or
        options contradict each other.
    KeyError
        If a column, a layer or the map in `reference` does not exist.

    Warns
    -----
    UserWarning
        If logarithms seem to be on another scale than those of the fit, or there are batches that the model does not know;
        these are placed as the mean of those it knows.

    Notes
    -----
    Three measures make up the novelty, all freed of the part that depth explains: the mean square of the residual (what the
    decoder does not explain) over genes, and how far a cell is from the nearest cluster of the reference, along its principal
    components and in what drives the neurons. Two are added where cells are looked at `together`: how much of the residual
    lies along the five main axes of the residuals of query and held-out cells; and how many more cells of the query are around
    a cell than around those of the reference nearby, which counts twice. That finds new types between known ones, and has
    little to say of a type that the query just has more of. What nearly all cells of the query have of it, as those have
    that were sequenced deeper, is taken off. As query and held-out cells are treated alike, more cells of the reference stay
    uniform whoever comes with them. To be far in one of the measures is enough. If all cells of a query are of one type of the
    reference, as after sorting, more than one in twenty go beyond .95: 6 to 22 % on four sets.

    Held-out cells are seen without the genes that the query lacks, so that missing ones make nothing strange; without such
    cells (see `together`), queries that lack many genes look stranger than they are. Uniform novelty is promised for cells
    measured like the reference; as it is a rank among those held out, compare it with a sample of as many, not with an exact
    law. Rare types of the reference look stranger than common ones, and single cells of a new type that lies between known
    ones do not look strange. A query from another laboratory is novel as a whole to some extent: of cells sequenced with another
    chemistry a tenth to a fifth, instead of a twentieth, went beyond .95. Compare its cells with each other. Observations that
    the model was trained on look less strange than others.

    Examples
    --------
    >>> import gsr_sc
    >>> adata = gsr_sc.datasets.simulate_clusters(400, 40)
    >>> reference, query = adata[:300].copy(), adata[300:].copy()
    >>> model = gsr_sc.GSR(max_epochs=3).fit(reference).annotate(reference)
    >>> gsr_sc.tl.map_query(query, model, reference=reference, labels_key="cluster")
    >>> sorted(set(query.obs["gsr_label"]) - set(reference.obs["cluster"]))
    []
    """
    configure()
    require_number("min_overlap", min_overlap, above=0, highest=1)
    require_number("n_neighbors", n_neighbors, lowest=1, whole=True)
    keys = Keys.of(key_added)
    require_own(adata, keys)
    model = model if isinstance(model, GSR) else GSR.load(model, device=device)
    state = model.fitted
    _check_labels(state, reference, labels_key)
    beside = None if reference is None else _values_of(reference, model)
    taught = None if reference is None or labels_key is None else _read_reference(state, reference, labels_key, key)
    layer = None if layer == "X" else model.layer if layer is None else layer
    data = read_input(adata, layer=layer, use_rep=model.use_rep, to_fit=False)
    with limited_threads(model.n_jobs if n_jobs is None else n_jobs):
        placed = place_query(
            state, adata, data, var_key=var_key, min_overlap=min_overlap, reference=beside, together=together
        )
        stored = results(state, placed.activations, placed.silent, columns=placed.columns, n_vars=adata.n_vars)
        labelled: dict[str, Any] = {}
        if taught is not None:
            labelled = taught(placed.activations, n_neighbors)
        elif labels_key is not None and stored.label_probabilities is not None:
            labelled = _as_label(stored.label_probabilities, state.label_names)
    if copy:
        adata = adata.copy()
    write_results(adata, stored, keys)
    write_query(adata, keys, novelty=placed.novelty, report=placed.report, **labelled)
    logger.info(
        "    added %r (adata.obs) and %r (adata.uns) beside the map", keys.added("novelty"), keys.added("query")
    )
    return adata if copy else None


@dataclass(frozen=True)
class _Reference:
    """Labelled observations of the reference: activations, number of the label, names and colours of all labels."""

    activations: NDArray[np.float32]
    codes: NDArray[np.intp]
    names: list[str]
    colors: list[str] | None

    def __call__(self, activations: NDArray[np.float32], n_neighbors: int) -> dict[str, Any]:
        """What is to be written about observations with these activations."""
        found = transfer_labels(self.activations, self.codes, activations, n_neighbors=n_neighbors)
        return {
            "label": pd.Categorical.from_codes(found.codes.tolist(), categories=self.names),
            "label_confidence": found.confidence,
            "colors": self.colors,
        }


def _as_label(probabilities: NDArray[np.float32], names: list[str]) -> dict[str, Any]:
    return {
        "label": pd.Categorical.from_codes(probabilities.argmax(axis=1).tolist(), categories=names),
        "label_confidence": probabilities.max(axis=1).astype(np.float64),
    }


def _values_of(reference: AnnData, model: GSR) -> tuple[AnnData, Input] | None:
    """What the model was fitted on, if it is still there."""
    try:
        return reference, read_input(reference, layer=model.layer, use_rep=model.use_rep, to_fit=False)
    except (KeyError, ValueError) as error:
        logger.info("`reference` has not the values of the fit (%s): novelty does not look at it", error)
        return None


def _check_labels(state: Fitted, reference: AnnData | None, labels_key: str | None) -> None:
    if reference is None and labels_key is not None and labels_key != state.params.get("labels_key"):
        knows = state.params.get("labels_key")
        msg = (
            f"`labels_key={labels_key!r}` needs the labelled data as `reference`: the model was fitted "
            f"{'without labels' if knows is None else f'with those of {knows!r}'}."
        )
        raise ValueError(msg)


def _read_reference(state: Fitted, reference: AnnData, labels_key: str, key: str | None) -> _Reference:
    stored = StoredMap(reference, key)
    same = stored.graph.names == state.graph.names and (stored.graph.adjacency != state.graph.adjacency).nnz == 0
    if not same or stored.activations.shape[1] != state.graph.n_neurons:
        msg = (
            f"The map in `reference` is not that of the model: {stored.graph!r} instead of {state.graph!r}. Write it with "
            "`model.annotate(reference)`, or name another one with `key`."
        )
        raise ValueError(msg)
    labels = read_labels(reference, labels_key, "labels_key")
    known = labels.codes >= 0
    if known.sum() < 2:
        msg = f"`reference` has {known.sum()} observations with a label in .obs[{labels_key!r}]; at least 2 are needed."
        raise ValueError(msg)
    colors = reference.uns.get(f"{labels_key}_colors")
    fits = colors is not None and len(colors) == len(labels.categories)
    return _Reference(
        activations=stored.activations[known],
        codes=labels.codes[known].astype(np.intp),
        names=list(labels.categories),
        colors=[str(color) for color in colors] if fits else None,
    )
