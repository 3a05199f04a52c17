"""Collections of many files, read by annbatch."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._readers import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from ._readers import Span


class CollectionReader(Reader):
    """Rows of all files of an annbatch collection, one file below the other; those of a request are read at the same time.

    Parameters
    ----------
    collection
        An `annbatch.DatasetCollection`.
    """

    def __init__(self, collection: Any) -> None:
        import anndata
        from annbatch import Loader

        def matrix_only(group: Any) -> AnnData:
            x = group["X"]
            return anndata.AnnData(x if hasattr(x, "chunks") else anndata.io.sparse_dataset(x))

        self._wanted = _wanted()
        loader = Loader(batch_sampler=self._wanted, to=None, preload_to_gpu=False)
        loader.use_collection(collection, load_adata=matrix_only)
        first = matrix_only(next(iter(collection))).X
        self.n_obs = loader.n_obs
        super().__init__(_Stacked((loader.n_obs, loader.n_var), first.dtype), is_sparse=hasattr(first, "format"))
        self._loader = loader

    def _parts(self, spans: Sequence[Span]) -> list[Any]:
        if not spans:
            return []
        self._wanted.rows = np.concatenate([np.arange(start, stop) for start, stop in spans])
        return [batch["X"] for batch in self._loader]


@dataclass(frozen=True)
class _Stacked:
    shape: tuple[int, int]
    dtype: Any


def _wanted() -> Any:
    """A sampler of annbatch that asks for the rows it is told."""
    from annbatch.abc import Sampler

    class Wanted(Sampler):  # type: ignore[misc]
        rows = np.empty(0, dtype=np.intp)
        batch_size = None
        shuffle = False

        def n_batches(self, n_obs: int) -> int:  # noqa: ARG002
            return 1

        def validate(self, n_obs: int) -> None:
            pass

        def _sample(self, n_obs: int) -> Any:  # noqa: ARG002
            yield {"requests": self.rows, "splits": [np.arange(len(self.rows))]}

    return Wanted()


@dataclass(frozen=True)
class Collected:
    """A collection, to be read like the AnnData that its files together are.

    Attributes
    ----------
    annotation
        AnnData of all observations and variables, without values: where results go.
    X
        The values.
    """

    annotation: AnnData
    X: CollectionReader

    def __getattr__(self, name: str) -> Any:
        return getattr(self.annotation, name)


def collected(data: Any) -> Any:
    """An annbatch collection as something to be read like an AnnData; anything else as it is."""
    # Whoever has a collection has imported the package.
    annbatch = sys.modules.get("annbatch")
    if annbatch is None or not isinstance(data, annbatch.DatasetCollection):
        return data
    import anndata

    first = next(iter(data))
    var = anndata.io.read_elem(first["var"])
    return Collected(anndata.AnnData(obs=data.obs(), var=var), CollectionReader(data))
