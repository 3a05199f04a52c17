"""What a network shows of cells: what it leaves unexplained, where it sees them; and what of that is usual."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..matrices import MatrixSource, PartialSource, Rows, open_rows, principal_axes
from ..stats import MIN_HELD_OUT, Look, calibrate, usual_looks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from ..nn import GraphAutoencoder
    from ..stats import Novelty

_BLOCK_ROWS = 512
_N_COMPONENTS = 30
# So many training rows say what residuals are like, and so many held-out rows what less depth does to them.
_MAX_ROWS = 2000
_MAX_SHALLOW = 500
_SHALLOW = (0.5, 0.25)
_SEED = 0
# Share of values that are not zero in data as sparse as sequencing makes them.
_SPARSE = 0.5


def learn_novelty(
    network: GraphAutoencoder,
    source: MatrixSource,
    rows: Rows,
    *,
    training: NDArray[np.intp],
    held_out: NDArray[np.intp],
    group: NDArray[np.str_],
) -> Novelty | None:
    """Learn how strange cells look that the network was not trained on; None if too few were held out.

    Parameters
    ----------
    network, source
        The trained network and what it read.
    rows
        The matrix that this came from.
    training, held_out
        Sorted numbers of the rows trained on and held out.
    group
        Indicator group of each neuron, (n_neurons,). A cell is of that of the neuron for which it gives most evidence.
    """
    if len(held_out) < MIN_HELD_OUT or np.array_equal(training, held_out):
        return None
    sample = source.sample(training, _MAX_ROWS)
    axes = principal_axes(source, sample, _N_COMPONENTS)
    look = Look(*(np.concatenate(parts) for parts in zip(*_looks(network, source, axes, sample), strict=True)))
    usual = usual_looks(axes, look, group[look.evidence.argmax(axis=1)])
    return calibrated(network, source, rows, usual, held_out)


def calibrated(
    network: GraphAutoencoder,
    source: MatrixSource,
    rows: Rows,
    usual: Novelty,
    held_out: NDArray[np.intp],
    *,
    shared: NDArray[np.float32] | None = None,
) -> Novelty:
    """Learn what is usual for held-out rows of a source, which may lack variables; `shared` as in :func:`measures`."""
    shallow = []
    if source.transform.counts:
        some = source.sample(held_out, _MAX_SHALLOW)
        rng = np.random.default_rng(_SEED)
        for kept in _SHALLOW:
            fewer = _thinned(source, rows, some, kept, rng)
            # Cells that nothing is left of say nothing.
            left = np.flatnonzero(np.asarray(fewer.totals) > 0)
            shallow.append((measures(network, fewer, usual, left, shared=shared), depth(fewer, left)))
    seen = depth(source, held_out)
    # In panels and images, values that are zero are no sign of how deep one looked.
    trend = source.transform.counts or float(seen.mean()) < _SPARSE
    return calibrate(usual, measures(network, source, usual, held_out, shared=shared), seen, shallow, trend=trend)


def measures(
    network: GraphAutoencoder,
    source: MatrixSource,
    usual: Novelty,
    rows: NDArray[np.intp] | None = None,
    *,
    shared: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """All measures of strangeness of all rows of a source or some, (n_rows, 3), or (n_rows, 4) with `shared` axes."""
    found = source.found if isinstance(source, PartialSource) else None
    looks = _looks(network, source, usual.axes, rows)
    return np.concatenate([usual.measure(look, found, shared) for look in looks])


def residuals(
    network: GraphAutoencoder, source: MatrixSource, usual: Novelty, rows: NDArray[np.intp]
) -> NDArray[np.float32]:
    """What the network leaves unexplained of some rows, (n_rows, n_found)."""
    return np.concatenate([look.residuals for look in _looks(network, source, usual.axes, rows)])


def depth(source: MatrixSource, rows: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
    """How much was seen of each cell: the logarithm of its total count, or of other values the share that is not zero."""
    rows = np.arange(len(source)) if rows is None else rows
    if source.transform.counts and source.totals is not None:
        return np.asarray(np.log(np.maximum(source.totals[rows], 1.0)))
    return np.concatenate([(source.observed(index) != 0).mean(axis=1) for index in _blocks(rows)])


def _blocks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(rows), _BLOCK_ROWS):
        yield rows[start : start + _BLOCK_ROWS]


@torch.no_grad()
def _looks(
    network: GraphAutoencoder, source: MatrixSource, axes: NDArray[np.float32], rows: NDArray[np.intp] | None = None
) -> Iterator[Look]:
    """What the network shows of cells on the scale that the encoder sees, block by block.

    Where variables are missing, scores along the axes are those of what is expected plus those of the residuals that are
    there, made longer: sampling noise adds up over variables, and with fewer of them there is less of it. Of batches that
    the network is told, scores are as if they were the usual ones.
    """
    device = next(network.parameters()).device
    found = source.found if isinstance(source, PartialSource) else np.ones(source.n_inputs, dtype=bool)
    longer = np.float32(1 / np.sqrt(found.mean()))
    for index in _blocks(np.arange(len(source)) if rows is None else rows):
        inputs = source.batch(index)
        told = None if source.conditions is None else torch.from_numpy(source.conditions[index]).to(device)
        shown = network(torch.from_numpy(inputs).to(device), None, told)
        expected = usual = _expected(network, source, shown.reconstruction, index, found)
        if told is not None:
            untold = network.output_of(network.layer.to_activations(shown.units))
            usual = _expected(network, source, untold, index, found)
        seen = source.seen(index) if isinstance(source, PartialSource) else inputs
        residuals = seen - expected[:, found]
        along = (usual @ axes + longer * (residuals @ axes[found])).astype(np.float32, copy=False)
        yield Look(residuals, along, shown.logits.cpu().numpy())


def _expected(
    network: GraphAutoencoder,
    source: MatrixSource,
    output: Tensor,
    index: NDArray[np.intp],
    found: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """What an output of the network stands for, on the scale that the encoder sees, (n, n_inputs)."""
    if network.likelihood.kind == "gaussian":
        return output.cpu().numpy()
    expected = network.likelihood.mean(output).cpu().numpy()
    if network.likelihood.kind != "bernoulli":
        expected *= source.observed(index).sum(axis=1, keepdims=True) / expected[:, found].sum(axis=1, keepdims=True)
    whole = source.whole if isinstance(source, PartialSource) else source.transform
    totals = None if source.totals is None else source.totals[index]
    return replace(whole, columns=np.arange(source.n_inputs))(expected, totals)


def _thinned(
    source: MatrixSource, rows: Rows, index: NDArray[np.intp], kept: float, rng: np.random.Generator
) -> MatrixSource:
    """Some rows as if a share of their counts alone had been seen."""
    values = rows.take(index)
    whole = np.asarray(values.sum(axis=1, dtype=np.float64)).ravel()
    counts = values.data if rows.is_sparse else values
    counts[:] = rng.binomial(counts.astype(np.int64), kept)
    conditions = None if source.conditions is None else source.conditions[index]
    totals = np.asarray(values.sum(axis=1, dtype=np.float64)).ravel()
    if isinstance(source, PartialSource) and source.totals is not None:
        # Totals that are estimated shrink by as much as those that were counted.
        totals *= source.totals[index] / np.maximum(whole, 1)
        columns = np.full(source.n_inputs, -1)
        columns[source.found] = source.transform.columns
        return PartialSource(open_rows(values), source.whole, columns, totals, conditions=conditions)
    return MatrixSource(open_rows(values), source.transform, totals, conditions=conditions)
