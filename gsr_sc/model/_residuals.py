"""What a network shows of cells: what it leaves unexplained, where it sees them; and what of that is usual."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from ..matrices import MatrixSource, PartialSource, Rows, open_rows, principal_axes, row_totals
from ..stats import MIN_HELD_OUT, Look, calibrate, usual_looks, where
from ._fitted import as_it_travels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from ..matrices import Block, Transform
    from ..matrices._rows import T
    from ..nn import GraphAutoencoder
    from ..stats import Novelty, Together

# What is left of a block is there several times.
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
    look = Look(*_joined(source.each_block(_Looker.at(network, source, axes), sample)))
    usual = usual_looks(axes, look, group[look.evidence.argmax(axis=1)])
    return calibrated(network, source, rows, usual, held_out)


def calibrated(
    network: GraphAutoencoder,
    source: MatrixSource,
    rows: Rows,
    usual: Novelty,
    held_out: NDArray[np.intp],
    *,
    shared: Together | None = None,
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
    shared: Together | None = None,
) -> NDArray[np.float64]:
    """All measures of strangeness of all rows or of sorted row numbers, (n_rows, 3); (n_rows, 5) with what is `shared`."""
    look = _Looker.at(network, source, usual.axes)
    return np.concatenate(_in_order(source.each_block(partial(_measure, look, usual, shared), rows)))


class Left(NamedTuple):
    """What a network leaves unexplained of cells, (n, n_found), and the neuron that each gives most evidence for, (n,)."""

    residuals: NDArray[np.float32]
    neurons: NDArray[np.intp]


def left_unexplained(network: GraphAutoencoder, source: MatrixSource, usual: Novelty, rows: NDArray[np.intp]) -> Left:
    """What the network leaves unexplained of sorted row numbers."""
    look = _Looker.at(network, source, usual.axes)
    return Left(*_joined(source.each_block(partial(_left, look), rows)))


class Places(NamedTuple):
    """Where cells are, as :func:`gsr_sc.stats.where` gives it, (n, n_dims), and the neuron of each, (n,)."""

    points: NDArray[np.float32]
    neurons: NDArray[np.intp]


def places(
    network: GraphAutoencoder,
    source: MatrixSource,
    usual: Novelty,
    rows: NDArray[np.intp],
    *,
    shared_axes: NDArray[np.float32],
) -> Places:
    """Where sorted row numbers are, given the directions that residuals have in common."""
    look = _Looker.at(network, source, usual.axes)
    return Places(*_joined(source.each_block(partial(_place, look, shared_axes), rows)))


def depth(source: MatrixSource, rows: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
    """How much was seen of each cell: the logarithm of its total count, or of other values the share that is not zero."""
    if source.transform.counts and source.totals is not None:
        totals = source.totals if rows is None else source.totals[rows]
        return np.asarray(np.log(np.maximum(totals, 1.0)))
    return np.concatenate(_in_order(source.each_block(_share_above_zero, rows)))


def _in_order(parts: Iterator[tuple[slice, T]]) -> list[T]:
    return [result for _, result in sorted(parts, key=lambda part: part[0].start)]


def _joined(parts: Iterator[tuple[slice, Iterable[NDArray[Any]]]]) -> Iterator[NDArray[Any]]:
    """Arrays of all rows, from the same arrays of each part of them."""
    return map(np.concatenate, zip(*_in_order(parts), strict=True))


def _share_above_zero(block: Block) -> NDArray[np.float64]:
    return np.asarray((block.observed != 0).mean(axis=1))


def _measure(look: _Looker, usual: Novelty, shared: Together | None, block: Block) -> NDArray[np.float64]:
    return np.concatenate([usual.measure(look(part), look.found, shared) for part in block.parts(_BLOCK_ROWS)])


def _left(look: _Looker, block: Block) -> Left:
    shown = look(block)
    return Left(shown.residuals, shown.evidence.argmax(axis=1))


def _place(look: _Looker, shared_axes: NDArray[np.float32], block: Block) -> Places:
    shown = [look(part) for part in block.parts(_BLOCK_ROWS)]
    points = [where(part, shared_axes) for part in shown]
    return Places(np.concatenate(points), np.concatenate([part.evidence.argmax(axis=1) for part in shown]))


@dataclass(frozen=True)
class _Looker:
    """What a network shows of cells on the scale that the encoder sees, wherever they are.

    Where variables are missing, scores along the axes are those of what is expected plus those of the residuals that are
    there, made longer: sampling noise adds up over variables, and with fewer of them there is less of it. Of batches that
    the network is told, scores are as if they were the usual ones.

    Attributes
    ----------
    network, axes
        The network, and principal axes of the reference, (n_inputs, n_components).
    found
        Which variables are there, (n_inputs,).
    whole
        From all of them to what the encoder sees.
    """

    network: GraphAutoencoder
    axes: NDArray[np.float32]
    found: NDArray[np.bool_]
    whole: Transform

    @classmethod
    def at(cls, network: GraphAutoencoder, source: MatrixSource, axes: NDArray[np.float32]) -> _Looker:
        """Look at the rows of a source."""
        found, whole = np.ones(source.n_inputs, dtype=bool), source.transform
        if isinstance(source, PartialSource):
            found, whole = source.found, source.whole
        return cls(network, axes, found, replace(whole, columns=np.arange(source.n_inputs)))

    @torch.no_grad()
    def __call__(self, block: Block) -> Look:
        inputs, told = block.inputs, None
        device = next(self.network.parameters()).device
        if block.conditions is not None:
            told = torch.from_numpy(block.conditions).to(device)
        shown = self.network(torch.from_numpy(inputs).to(device), None, told)
        expected = usual = self._expected(shown.reconstruction, block)
        if told is not None:
            untold = self.network.output_of(self.network.layer.to_activations(shown.units))
            usual = self._expected(untold, block)
        seen = inputs if self.found.all() else block.seen
        residuals = seen - expected[:, self.found]
        longer = np.float32(1 / np.sqrt(self.found.mean()))
        along = usual @ self.axes + longer * (residuals @ self.axes[self.found])
        return Look(residuals, along.astype(np.float32, copy=False), shown.logits.cpu().numpy())

    def _expected(self, output: Tensor, block: Block) -> NDArray[np.float32]:
        """What an output of the network stands for, on the scale that the encoder sees, (n, n_inputs)."""
        likelihood = self.network.likelihood
        if likelihood.kind == "gaussian":
            return output.cpu().numpy()
        expected = likelihood.mean(output).cpu().numpy()
        if likelihood.kind != "bernoulli":
            expected *= block.observed.sum(axis=1, keepdims=True) / expected[:, self.found].sum(axis=1, keepdims=True)
        return self.whole(expected, block.totals)

    def __getstate__(self) -> dict[str, Any]:
        return as_it_travels(self)


def _thinned(
    source: MatrixSource, rows: Rows, index: NDArray[np.intp], kept: float, rng: np.random.Generator
) -> MatrixSource:
    """Some rows as if a share of their counts alone had been seen."""
    values = rows.take(index)
    whole = row_totals(values)
    counts = values.data if rows.is_sparse else values
    counts[:] = rng.binomial(np.rint(counts).astype(np.int64), kept)
    conditions = None if source.conditions is None else source.conditions[index]
    totals = row_totals(values)
    if source.totals is not None:
        # Totals over other variables too, and those that are estimated, shrink by as much as those that are counted here.
        totals *= source.totals[index] / np.maximum(whole, 1)
    if isinstance(source, PartialSource):
        columns = np.full(source.n_inputs, -1)
        columns[source.found] = source.transform.columns
        return PartialSource(open_rows(values), source.whole, columns, totals, conditions=conditions)
    return MatrixSource(open_rows(values), source.transform, totals, conditions=conditions)
