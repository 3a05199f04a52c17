"""The small data sets of the repository's `data/` folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._simulate import simulate_clusters, simulate_line, simulate_ring
from ._simulate_branching import simulate_tree

if TYPE_CHECKING:
    from anndata import AnnData


def bundled() -> dict[str, AnnData]:
    """Simulate the data sets that the repository keeps in `data/`; the same on every call.

    Returns
    -------
    `line` (log-normalised), `ring`, `clusters` and `tree` (counts), by name.

    Examples
    --------
    >>> import gsr_sc
    >>> {name: adata.shape for name, adata in gsr_sc.datasets.bundled().items()}
    {'line': (500, 100), 'ring': (500, 100), 'clusters': (600, 150), 'tree': (600, 150)}
    """
    return {
        "line": simulate_line(500, 100, rng=0),
        "ring": simulate_ring(500, 100, counts=True, rng=0),
        "clusters": simulate_clusters(600, 150, counts=True, rng=0),
        "tree": simulate_tree(600, 150, counts=True, rng=0),
    }
