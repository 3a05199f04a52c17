"""The graph on which the neurons of a layer sit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ._laplacian import laplacian

if TYPE_CHECKING:
    from typing import Any

    import networkx as nx
    from numpy.typing import ArrayLike, NDArray

    from ._laplacian import LaplacianKind


@dataclass(frozen=True, eq=False)
class NeuronGraph:
    """Neurons, who is tied to whom, and where each is drawn.

    Make one with :func:`~gsr_sc.graphs.grid`, :func:`~gsr_sc.graphs.hexagonal`, :func:`~gsr_sc.graphs.torus`,
    :func:`~gsr_sc.graphs.ring`, :func:`~gsr_sc.graphs.rings`, :func:`~gsr_sc.graphs.line`, :func:`~gsr_sc.graphs.lines`,
    :func:`~gsr_sc.graphs.star`, :func:`~gsr_sc.graphs.tree`, :func:`~gsr_sc.graphs.wishbone`,
    :func:`~gsr_sc.graphs.groups`, :func:`~gsr_sc.graphs.from_networkx` or :func:`~gsr_sc.graphs.from_adjacency`.

    Parameters
    ----------
    kind
        What the graph is: `"grid"`, `"torus"`, `"hex"`, `"ring"`, `"rings"`, `"line"`, `"lines"`, `"star"`, `"tree"`,
        `"wishbone"`, `"groups"`, `"learned"` or `"custom"`.
        It decides which results make sense (an angle on a ring, a position on a line, a branch on a tree).
    adjacency
        Non-negative symmetric weights without self-loops, shape (n_neurons, n_neurons).
    layout
        Where each neuron is drawn, shape (n_neurons, 2).
    names
        One unique name per neuron; by default `n0`, `n1`, ...
    shape
        Rows and columns of a grid, torus or hexagonal lattice.

    Raises
    ------
    ValueError
        If the weights are not a symmetric non-negative finite matrix, if there are fewer than two neurons,
        or if layout or names do not fit them.

    Examples
    --------
    >>> import gsr_sc
    >>> graph = gsr_sc.graphs.ring(8)
    >>> graph
    NeuronGraph: ring of 8 neurons, 8 edges
    """

    kind: str
    adjacency: sparse.csr_array
    layout: NDArray[np.float64]
    names: tuple[str, ...] = ()
    shape: tuple[int, int] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        # A learned graph may come out without any edge; that is a result.
        adjacency = _checked_adjacency(self.adjacency, may_be_empty=self.kind == "learned")
        n = adjacency.shape[0]
        layout = np.asarray(self.layout, dtype=np.float64)
        if layout.shape != (n, 2):
            msg = f"`layout` has shape {layout.shape}; {n} neurons need ({n}, 2)."
            raise ValueError(msg)
        if not np.isfinite(layout).all():
            msg = "`layout` holds NaN or infinite coordinates."
            raise ValueError(msg)
        names = tuple(str(name) for name in self.names) or tuple(f"n{i}" for i in range(n))
        if len(names) != n or len(set(names)) != n:
            msg = f"`names` must be {n} different names, one per neuron; got {len(names)}, {len(set(names))} different."
            raise ValueError(msg)
        object.__setattr__(self, "adjacency", adjacency)
        object.__setattr__(self, "layout", layout)
        object.__setattr__(self, "names", names)

    def __repr__(self) -> str:
        return f"NeuronGraph: {self.kind} of {self.n_neurons} neurons, {self.n_edges} edges"

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return int(self.adjacency.shape[0])

    @property
    def n_edges(self) -> int:
        """Number of undirected edges."""
        return int(self.adjacency.nnz // 2)

    @property
    def edges(self) -> NDArray[np.intp]:
        """Each undirected edge once, as pairs of neuron numbers, shape (n_edges, 2)."""
        upper = sparse.triu(self.adjacency, k=1).tocoo()
        return np.column_stack([upper.row, upper.col]).astype(np.intp)

    @property
    def total_degree(self) -> float:
        """Sum of all weighted degrees: the trace of the Laplacian."""
        return float(self.adjacency.sum())

    def laplacian(self, kind: LaplacianKind = "unnormalised") -> sparse.csr_array:
        """Graph Laplacian of the neurons; see :func:`~gsr_sc.graphs.laplacian`."""
        return laplacian(self.adjacency, kind)

    def permuted(self, rng: np.random.Generator | int) -> NeuronGraph:
        """Return the graph with its edges rewired between randomly renamed neurons.

        Layout and names stay, so the result looks the same but ties together neurons that are not neighbours:
        the null for every claim about order.

        Parameters
        ----------
        rng
            Generator or seed of the permutation.
        """
        order = np.random.default_rng(rng).permutation(self.n_neurons)
        return NeuronGraph("custom", self.adjacency[order][:, order], self.layout, self.names)

    def to_networkx(self) -> nx.Graph[Any]:
        """Return a :class:`networkx.Graph` with node names, `pos` per node and `weight` per edge."""
        import networkx as nx

        graph: nx.Graph[Any] = nx.Graph(kind=self.kind)
        for name, position in zip(self.names, self.layout, strict=True):
            graph.add_node(name, pos=(float(position[0]), float(position[1])))
        for i, j in self.edges:
            graph.add_edge(self.names[i], self.names[j], weight=float(self.adjacency[i, j]))
        return graph


def _checked_adjacency(
    adjacency: ArrayLike | sparse.sparray | sparse.spmatrix, *, may_be_empty: bool
) -> sparse.csr_array:
    matrix = sparse.csr_array(adjacency, dtype=np.float64, copy=True)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        msg = f"An adjacency is a square matrix (n_neurons, n_neurons); got shape {matrix.shape}."
        raise ValueError(msg)
    if matrix.shape[0] < 2:
        msg = f"A neuron graph needs at least 2 neurons; got {matrix.shape[0]}."
        raise ValueError(msg)
    if not np.isfinite(matrix.data).all() or (matrix.data < 0).any():
        msg = "An adjacency holds finite weights >= 0; this one holds NaN, infinite or negative ones."
        raise ValueError(msg)
    if abs(matrix - matrix.T).max() > 1e-10 * max(1.0, abs(matrix).max()):
        msg = "An adjacency is symmetric; this one is not. For a directed graph pass `(A + A.T) / 2`."
        raise ValueError(msg)
    matrix.setdiag(0)
    matrix.eliminate_zeros()
    matrix.sort_indices()
    if matrix.nnz == 0 and not may_be_empty:
        msg = "The neuron graph has no edges, so it ties no neurons together. Add edges, or fit with `smoothness=0`."
        raise ValueError(msg)
    return matrix
