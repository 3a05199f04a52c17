"""Rows of a matrix that lacks some of the variables that a network reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ._source import MatrixSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._rows import Rows
    from ._transform import Transform


class PartialSource(MatrixSource):
    """Rows of a matrix as a network reads them, with the variables that the matrix lacks at their mean.

    The others are moved away from theirs by one over the share that is there, as in training, where inputs are left out at
    random: the network then sees as much of a cell as it is used to. Up to half of the genes can be missing with hardly
    a loss; without the factor, cells drift to the middle of the map.

    Parameters
    ----------
    rows
        The matrix.
    transform
        What the network sees of a row of the reference.
    columns
        Column of the matrix for each variable that the network reads, -1 where there is none, (n_inputs,).
    totals, conditions
        See :class:`MatrixSource`.
    """

    def __init__(
        self,
        rows: Rows,
        transform: Transform,
        columns: NDArray[np.intp],
        totals: NDArray[np.float64] | None = None,
        *,
        conditions: NDArray[np.float32] | None = None,
    ) -> None:
        self.found = columns >= 0
        found = transform.part(self.found)
        super().__init__(rows, replace(found, columns=columns[self.found]), totals, conditions=conditions)
        self.whole = transform
        self._mean = transform.baseline
        self._reading = _Filled(self._transform, self.found, self._mean)

    @property
    def n_inputs(self) -> int:
        """Number of variables of a batch."""
        return len(self._mean)

    @property
    def baseline(self) -> NDArray[np.float32]:
        """Mean of the transformed training cells, (n_inputs,)."""
        return self._mean


@dataclass(frozen=True)
class _Filled:
    """A transform of the variables that are there, the others filled in."""

    transform: Transform
    found: NDArray[np.bool_]
    mean: NDArray[np.float32]

    def __call__(self, rows: Any, totals: NDArray[np.float64] | None) -> NDArray[np.float32]:
        seen, mean = self.transform(rows, totals), self.mean[self.found]
        whole = np.tile(self.mean, (len(seen), 1))
        whole[:, self.found] += (seen - mean) / np.float32(self.found.mean())
        return whole
