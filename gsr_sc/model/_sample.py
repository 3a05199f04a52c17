"""Some cells of the reference that a model keeps, so that the cells of a query can be looked at beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ..matrices import MatrixSource, PartialSource, open_rows
from ..stats import MIN_HELD_OUT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..matrices import Block, Rows, Transform

# So many held-out cells are kept, and so many that the network was trained on; fewer if they would take more than 1 MB.
_MAX_HELD_OUT, _MAX_TRAINING = 500, 500
_MAX_BYTES = 1_000_000
# Values that are looked at to find out, so that wide matrices do not take much memory.
_MAX_VALUES = 8_000_000
_TYPES: tuple[type[np.unsignedinteger[Any]], ...] = (np.uint8, np.uint16)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Some cells of the reference.

    Attributes
    ----------
    values
        The variables that the model reads, as they stood in the matrix, (n, n_inputs); held-out cells come first.
    totals
        Total count of each over all variables, (n,); None where the matrix holds no counts.
    conditions
        What the network is told of each, (n, n_conditions), or None.
    n_held_out
        How many of them were held out of the fit.
    """

    values: sparse.csr_array
    totals: NDArray[np.float64] | None
    conditions: NDArray[np.float32] | None
    n_held_out: int

    def rows(self) -> Rows:
        """The values, to be read."""
        return open_rows(self.values)

    def source(self, transform: Transform, found: NDArray[np.bool_]) -> MatrixSource:
        """The cells as the network would read them without the variables that are not `found`, (n_inputs,)."""
        columns = np.arange(len(found))
        if found.all():
            own = replace(transform, columns=columns)
            return MatrixSource(self.rows(), own, self.totals, conditions=self.conditions)
        columns = np.where(found, columns, -1)
        return PartialSource(self.rows(), transform, columns, self.totals, conditions=self.conditions)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is written to a folder."""
        optional = {"totals": self.totals, "conditions": self.conditions}
        return {
            "data": _short(self.values.data),
            "indices": _short(self.values.indices),
            "indptr": self.values.indptr,
            "n_held_out": np.asarray(self.n_held_out),
            **{name: array for name, array in optional.items() if array is not None},
        }

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], n_inputs: int) -> Sample | None:
        """From what :meth:`arrays` gave; None if nothing was written."""
        if not arrays:
            return None
        parts = arrays["data"].astype(np.float32), arrays["indices"].astype(np.int32), arrays["indptr"]
        values = sparse.csr_array(parts, shape=(len(arrays["indptr"]) - 1, n_inputs))
        n_held_out = int(arrays["n_held_out"].item())
        return cls(
            values=values,
            totals=arrays.get("totals"),
            conditions=arrays.get("conditions"),
            n_held_out=n_held_out,
        )


def keep_sample(source: MatrixSource, training: NDArray[np.intp], held_out: NDArray[np.intp]) -> Sample | None:
    """Some of the held-out and training rows of a source; None if too few were held out, or as few would take too much."""
    if len(held_out) < MIN_HELD_OUT or np.array_equal(training, held_out):
        return None
    most = max(_MAX_VALUES // source.n_inputs // 2, MIN_HELD_OUT)
    parts = [source.sample(held_out, min(most, _MAX_HELD_OUT)), source.sample(training, min(most, _MAX_TRAINING))]
    values = sparse.vstack([_values(source, part) for part in parts], format="csr")
    n_held_out = len(parts[0])
    # Whichever of each kind are kept, they are a sample of it: what is left out are the last of all in random order.
    order = np.concatenate([_shuffled(n_held_out), n_held_out + _shuffled(len(parts[1]))])
    size = np.cumsum(np.diff(values.indptr)[order]) * (_short(values.data).itemsize + _short(values.indices).itemsize)
    order = np.sort(order[size <= _MAX_BYTES])
    n_held_out = int((order < n_held_out).sum())
    if n_held_out < MIN_HELD_OUT:
        return None
    rows = np.concatenate(parts)[order]
    return Sample(
        values=values[order],
        totals=source.totals[rows] if source.transform.counts and source.totals is not None else None,
        conditions=None if source.conditions is None else source.conditions[rows],
        n_held_out=n_held_out,
    )


def _values(source: MatrixSource, rows: NDArray[np.intp]) -> sparse.csr_array:
    blocks = sorted(source.each_block(_as_sparse, rows), key=lambda block: block[0].start)
    return sparse.vstack([values for _, values in blocks], format="csr")


def _as_sparse(block: Block) -> sparse.csr_array:
    return sparse.csr_array(block.observed)


def _short(values: NDArray[Any]) -> NDArray[Any]:
    """The same values in as few bytes as hold them all."""
    if len(values) and values.min() >= 0 and np.array_equal(values, np.floor(values)):
        for kind in _TYPES:
            if values.max() <= np.iinfo(kind).max:
                return values.astype(kind)
    return values


def _shuffled(n: int) -> NDArray[np.intp]:
    return np.random.default_rng(0).permutation(n)
