"""What a network leaves unexplained of cells, and how much of that is usual."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ._novelty import MIN_HELD_OUT, calibrate, usual_residuals
from .matrices import MatrixSource, PartialSource, Rows, open_rows, principal_axes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ._novelty import Novelty
    from .nn import GraphAutoencoder

_BLOCK_ROWS = 1024
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
    """
    if len(held_out) < MIN_HELD_OUT or np.array_equal(training, held_out):
        return None
    sample = source.sample(training, _MAX_ROWS)
    usual = usual_residuals(
        principal_axes(source, sample, _N_COMPONENTS), np.concatenate(list(_residuals(network, source, sample)))
    )
    shallow = []
    if source.transform.counts:
        some = source.sample(held_out, _MAX_SHALLOW)
        rng = np.random.default_rng(_SEED)
        for kept in _SHALLOW:
            fewer = _thinned(source, rows, some, kept, rng)
            # Cells that nothing is left of say nothing.
            left = np.flatnonzero(np.asarray(fewer.totals) > 0)
            shallow.append((measures(network, fewer, usual)[left], depth(fewer)[left]))
    seen = depth(source, held_out)
    # In panels and images, values that are zero are no sign of how deep one looked.
    trend = source.transform.counts or float(seen.mean()) < _SPARSE
    return calibrate(usual, measures(network, source, usual, held_out), seen, shallow, trend=trend)


def measures(
    network: GraphAutoencoder, source: MatrixSource, usual: Novelty, rows: NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """Both measures of strangeness of all rows of a source or some, (n_rows, 2)."""
    found = source.found if isinstance(source, PartialSource) else None
    return np.concatenate([usual.measure(block, found) for block in _residuals(network, source, rows)])


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
def _residuals(
    network: GraphAutoencoder, source: MatrixSource, rows: NDArray[np.intp] | None = None
) -> Iterator[NDArray[np.float32]]:
    """What is left of the variables that are there, on the scale that the encoder sees, block by block."""
    device = next(network.parameters()).device
    for index in _blocks(np.arange(len(source)) if rows is None else rows):
        inputs = source.batch(index)
        told = None if source.conditions is None else torch.from_numpy(source.conditions[index]).to(device)
        output = network(torch.from_numpy(inputs).to(device), None, told).reconstruction
        found = source.found if isinstance(source, PartialSource) else np.ones(source.n_inputs, dtype=bool)
        seen = source.seen(index) if isinstance(source, PartialSource) else inputs
        if network.likelihood.kind == "gaussian":
            yield seen - output.cpu().numpy()[:, found]
            continue
        expected = network.likelihood.mean(output).cpu().numpy()[:, found]
        if network.likelihood.kind != "bernoulli":
            expected *= source.observed(index).sum(axis=1, keepdims=True) / expected.sum(axis=1, keepdims=True)
        as_seen = replace(source.transform, columns=np.arange(found.sum()))
        totals = None if source.totals is None else source.totals[index]
        yield seen - as_seen(expected, totals)


def _thinned(
    source: MatrixSource, rows: Rows, index: NDArray[np.intp], kept: float, rng: np.random.Generator
) -> MatrixSource:
    """Some rows as if a share of their counts alone had been seen."""
    values = rows.take(index)
    counts = values.data if rows.is_sparse else values
    counts[:] = rng.binomial(counts.astype(np.int64), kept)
    conditions = None if source.conditions is None else source.conditions[index]
    totals = np.asarray(values.sum(axis=1, dtype=np.float64)).ravel()
    return MatrixSource(open_rows(values), source.transform, totals, conditions=conditions)
