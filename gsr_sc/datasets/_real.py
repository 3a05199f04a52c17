"""Real data that need no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anndata import AnnData


def pbmc68k() -> AnnData:
    """Load 700 blood cells x 765 genes, a subset of the 68k peripheral blood cells of 10x Genomics.

    It is :func:`scanpy.datasets.pbmc68k_reduced`, which is installed with scanpy.

    Returns
    -------
    AnnData with z-scored genes in `.X`, log-normalised ones in `.raw`, and ten cell types in `.obs["bulk_labels"]`.

    Examples
    --------
    >>> import gsr_sc
    >>> gsr_sc.datasets.pbmc68k().shape
    (700, 765)
    """
    import scanpy as sc

    return sc.datasets.pbmc68k_reduced()
