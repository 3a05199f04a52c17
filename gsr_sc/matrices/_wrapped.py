"""Rows that are those of another matrix but for one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._rows import Rows

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from ._rows import Index


class WrappedRows(Rows):
    """Rows of another matrix; what a subclass does not say otherwise is as there.

    Parameters
    ----------
    rows
        The other matrix.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.dtype = rows.dtype

    @property
    def is_sparse(self) -> bool:
        """Whether zeros are left out."""
        return self._rows.is_sparse

    @property
    def shape(self) -> tuple[int, int]:
        """(n_obs, n_vars)."""
        return self._rows.shape

    def raw(self, index: Index) -> Any:
        """Rows in their own dtype."""
        return self._rows.raw(index)

    def shuffled(
        self, rows: NDArray[np.intp], rng: np.random.Generator, most: int, *, n_shares: int = 1, mine: int = 0
    ) -> list[NDArray[np.intp]]:
        """At most so many of the sorted `rows` in random order, dealt to so many takers; `mine` are asked for next."""
        return self._rows.shuffled(rows, rng, most, n_shares=n_shares, mine=mine)

    def sample(self, rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
        """At most so many of the sorted `rows`, sorted."""
        return self._rows.sample(rows, most)

    def keeping(self, rows: NDArray[np.intp]) -> AbstractContextManager[None]:
        """Within this context the sorted `rows` are in memory."""
        return self._rows.keeping(rows)

    def room(self, n_rows: int, n_columns: int) -> NDArray[np.float32]:
        """An array to be filled with something about so many of the rows."""
        return self._rows.room(n_rows, n_columns)

    def beside(self, matrix: NDArray[Any]) -> Rows:
        """Rows of another matrix in memory that stand for the same observations."""
        return self._rows.beside(matrix)
