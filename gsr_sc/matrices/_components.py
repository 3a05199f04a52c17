"""Principal components of data that is read in blocks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from ._rows import T

_OVERSAMPLING = 15
_N_ITERATIONS = 6
_SEED = 0


class Blocks(Protocol):
    """Anything that gives its rows in order, block by block."""

    def __len__(self) -> int: ...

    @property
    def n_inputs(self) -> int:
        """Number of variables."""
        ...

    @property
    def baseline(self) -> NDArray[np.float32]:
        """Mean of every variable, (n_inputs,)."""
        ...

    def sample(self, rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
        """At most so many of sorted row numbers, sorted; the same ones every time."""
        ...

    def keeping(self, rows: NDArray[np.intp]) -> AbstractContextManager[None]:
        """Within this context the sorted `rows` are in memory, because they are read many times."""
        ...

    def blocks(self, rows: NDArray[np.intp] | None = None) -> Iterator[NDArray[np.float32]]:
        """Rows as dense blocks."""
        ...

    def each(self, work: Callable[..., T], rows: NDArray[np.intp] | None = None) -> Iterator[tuple[slice, T]]:
        """Where each block is, and what a function makes of it, worked out where the rows are."""
        ...


def principal_axes(source: Blocks, rows: NDArray[np.intp], n_components: int) -> NDArray[np.float32]:
    """Leading principal axes of some rows, by randomised subspace iteration over blocks.

    No more than a block is dense at a time. The random start is fixed, so the same rows give the same axes.

    Parameters
    ----------
    source
        Where the rows come from.
    rows
        Sorted numbers of the rows.
    n_components
        Number of axes wanted; fewer come back where there are fewer rows or variables.

    Returns
    -------
    Orthonormal axes, shape (n_inputs, n_components), signs fixed so that the largest entry of each is positive.
    """
    n_inputs = source.n_inputs
    n_components = min(n_components, n_inputs, max(len(rows) - 1, 1))
    width = min(n_components + _OVERSAMPLING, n_inputs)
    with source.keeping(rows):
        return _axes(source, rows, n_components, width)


def _axes(source: Blocks, rows: NDArray[np.intp], n_components: int, width: int) -> NDArray[np.float32]:
    n_inputs = source.n_inputs
    basis = np.linalg.qr(np.random.default_rng(_SEED).standard_normal((n_inputs, width)))[0].astype(np.float32)
    for _ in range(_N_ITERATIONS):
        product, gram = np.zeros((n_inputs, width)), np.zeros((width, width))
        for block in source.blocks(rows):
            centred = block - source.baseline
            scores = centred @ basis
            product += centred.T @ scores
            gram += scores.T @ scores
        basis = np.linalg.qr(product)[0].astype(np.float32)
    gram = np.zeros((width, width))
    for block in source.blocks(rows):
        scores = (block - source.baseline) @ basis
        gram += scores.T @ scores
    rotation = np.linalg.eigh(gram)[1][:, ::-1][:, :n_components]
    axes = basis @ rotation
    largest = np.abs(axes).argmax(axis=0)
    return np.asarray(axes * np.sign(axes[largest, np.arange(n_components)]), dtype=np.float32)


def component_scores(
    source: Blocks, axes: NDArray[np.float32], rows: NDArray[np.intp] | None = None
) -> NDArray[np.float32]:
    """Scores of rows on principal axes, (n_rows, n_components) float32."""
    scores = np.empty((len(source) if rows is None else len(rows), axes.shape[1]), dtype=np.float32)
    for where, block in source.each(partial(_scores, axes, source.baseline), rows):
        scores[where] = block
    return scores


def _scores(axes: Any, baseline: Any, block: NDArray[np.float32], _conditions: Any) -> NDArray[np.float32]:
    return np.asarray((block - baseline) @ axes)
