"""Where positions on a graph are counted from, which way, and along which neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from ._branches import BRANCHING, SEVERAL, branch_names, branches, pieces, stretches
from ._crowding import crowding, step_along
from ._position import (
    belonging,
    distance_from_root,
    ends,
    mean_angle,
    on_a_way,
    ring_angles,
    root_neurons,
    same_piece,
    share_of_way,
    steps_between,
    within,
)
from ._route import route, way_from

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._graph import NeuronGraph

_RINGS, _LINES = ("ring", "rings"), ("line", "lines")
# Rows read at a time: no second matrix of the size of all activations is made.
_BLOCK = 2**15


@dataclass(frozen=True, eq=False)
class Reading:
    """Where some observations are on a course.

    Attributes
    ----------
    order
        Position in [0, 1], or angle in [0, 2 pi), (n_obs,); NaN off the path or out of reach of the root.
    branch
        Number of the branch, (n_obs,), -1 out of reach; None where there are none.
    confidence
        Between 0 and 1, (n_obs,).
    """

    order: NDArray[np.float64]
    branch: NDArray[np.intp] | None
    confidence: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Course:
    """How far each neuron has come, and which neurons tell the position of an observation.

    Attributes
    ----------
    kind
        `"angle"` on rings, `"path"` between two neurons, else `"distance"` from the root.
    position
        Of each neuron, (n_neurons,): share of the longest way, or angle; NaN off the path or out of reach.
    counts
        Which neurons count for an observation whose most active neuron is that of the row, (n_neurons, n_neurons).
    far
        Squared number of steps between two neurons, (n_neurons, n_neurons).
    piece
        Number of the connected piece of each neuron, (n_neurons,).
    step
        How far positions of neighbouring neurons are apart.
    root
        Number of the neuron that positions are counted from; None where each piece has its own.
    path
        Neurons from root to end, empty unless this is a path.
    branch
        Branch of each neuron, (n_neurons,), or None.
    names
        Names of the branches.
    """

    kind: Literal["angle", "distance", "path"]
    position: NDArray[np.float64]
    counts: NDArray[np.bool]
    far: NDArray[np.float64]
    piece: NDArray[np.intp]
    step: float
    root: int | None
    path: NDArray[np.intp]
    branch: NDArray[np.intp] | None
    names: list[str]

    def read(self, activations: NDArray[np.floating]) -> Reading:
        """Position, branch and confidence of observations, given their activations (n_obs, n_neurons).

        The confidence is (1 - s / u) ** c. s is the root mean squared number of steps between two neurons that are drawn
        from the squared activations of the observation, u the same if all neurons were lit alike; neurons on two branches
        are as far apart as the way over their fork. c says how crowded the position is: how many times more of the
        observations that are read here are within two steps of it than if they were spread evenly, at least one
        half. Where many are close together, the same doubt brings more of them into the wrong order. The confidence is 1 if
        one neuron alone is lit, and 0 for an observation that says nothing. On a path it is multiplied by the share of
        the squared activation that lies on it; below a half there is no position.
        """
        blocks = [activations[start : start + _BLOCK] for start in range(0, max(len(activations), 1), _BLOCK)]
        position, winner, agreed, on_path = map(np.concatenate, zip(*map(self._read, blocks), strict=True))
        period = 2 * np.pi if self.kind == "angle" else None
        crowd = crowding(position, self.piece[winner], step=self.step, period=period)
        return Reading(position, None if self.branch is None else self.branch[winner], agreed**crowd * on_path)

    def _read(
        self, activations: NDArray[np.floating]
    ) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Position, most active neuron, how far one position is agreed on, and share on the path, of observations."""
        weights = belonging(activations)
        spread = np.einsum("ij,ij->i", weights @ self.far, weights)
        agreed = 1 - np.sqrt(np.maximum(spread, 0) / self.far.mean())
        # An agreement on nothing is exactly that, whatever the rounding.
        agreed = np.where(agreed < 1e-9, 0.0, np.minimum(agreed, 1.0))
        winner = weights.argmax(axis=1)
        known = np.isfinite(self.position)
        on_path = np.ones(len(weights))
        if self.kind == "path":
            on_path = np.minimum(weights[:, known].sum(axis=1), 1.0)
            position = weights[:, known] @ self.position[known] / np.maximum(on_path, 1e-12)
            position[on_path < 0.5] = np.nan
        elif self.kind == "angle":
            position = mean_angle(within(weights, self.counts), self.position)
        else:
            position = within(weights, self.counts) @ np.where(known, self.position, 0.0)
            position[~known[winner]] = np.nan
        return position, winner, agreed, on_path


def course(
    graph: NeuronGraph,
    *,
    root: int | None = None,
    end: int | None = None,
    reverse: bool = False,
    lengths: sparse.csr_array | None = None,
    use: NDArray[np.floating] | None = None,
    detour: float = 0.25,
) -> Course:
    """Count positions on a neuron graph from a root of choice.

    Lines, stars, trees and wishbones are read from the root outwards, rings round from it. On any other graph a position is the
    length of the shortest way from the root. With an `end` (but on rings, where it sets the direction) only those
    neurons have a position over which the way from root to end is not much longer than the shortest; it is the share of
    that way that lies before them.

    Parameters
    ----------
    graph
        The neuron graph.
    root
        Number of the neuron to count from; by default where :func:`order` begins.
    end
        Number of the neuron where a path ends. On a ring: one that is passed on the first half of the way round.
    reverse
        Whether to go round rings the other way, and along lines without a root from the other end.
    lengths
        Length of each edge, (n_neurons, n_neurons), such as :func:`edge_lengths`; by default all are equal.
    use
        How much each neuron is used, (n_neurons,): the farthest of those that hold 5 % of the mean is at 1.
    detour
        Neurons over which the way is longer by at most this share of the shortest one belong to the path.

    Returns
    -------
    What reads the position of observations from their activations: `.read(activations)`.

    Raises
    ------
    ValueError
        If the graph needs a root and has none, or if there is no way from root to end.

    Examples
    --------
    >>> import gsr_sc, numpy as np
    >>> graph = gsr_sc.graphs.wishbone(2, 2)
    >>> course = gsr_sc.graphs.course(graph, root=3)
    >>> course.names, course.read(np.eye(6)).order.round(2).tolist()
    (['a', 'stem', 'b'], [0.75, 0.5, 0.25, 0.0, 0.75, 1.0])
    """
    far = steps_between(graph)
    together = np.isfinite(far)
    # Nothing is farther than another piece.
    far = np.where(together, far, far[together].max() + 1) ** 2
    piece = pieces(graph)
    if graph.kind in _RINGS:
        angle = _angles(graph, root, end, reverse=reverse)
        names = branch_names(graph) or []
        step = step_along(graph, angle, 2 * np.pi)
        return Course("angle", angle, same_piece(graph), far, piece, step, root, _none(), branches(graph), names)
    if lengths is None:
        lengths = sparse.csr_array(graph.adjacency, copy=True)
        lengths.data[:] = 1.0
    rooted = graph.kind in _LINES or graph.kind in BRANCHING
    if root is None and (end is not None or not rooted):
        msg = f"A neuron graph of kind {graph.kind!r} has no beginning of its own, and a path needs one: give a root."
        raise ValueError(msg)
    branch, names = (
        _branches(graph, root) if rooted or graph.kind in SEVERAL else (np.zeros(0, dtype=np.intp), list[str]())
    )
    known_branch = branch if len(names) else None
    if root is not None and end is not None:
        path = route(lengths, root, end)
        before, behind = way_from(lengths, root), way_from(lengths, end)
        whole = before + behind
        on_it = whole <= (1 + detour) * before[end] * (1 + 1e-9)
        position = np.divide(before, whole, out=np.full(len(whole), np.nan), where=on_it)
        counts = np.ones_like(together)
        step = step_along(graph, position)
        return Course("path", position, counts, far, piece, step, root, path, known_branch, names)
    if rooted:
        roots = _roots(graph, root, reverse=reverse)
        distance = distance_from_root(graph, roots)
        position, counts = share_of_way(graph, distance), on_a_way(graph, distance)
        step = step_along(graph, position)
        return Course("distance", position, counts, far, piece, step, root, _none(), known_branch, names)
    assert root is not None
    way = way_from(lengths, root)
    reached = np.isfinite(way)
    used = reached if use is None else reached & (np.asarray(use) >= 0.05 * np.mean(use))
    position = np.where(reached, np.minimum(way / max(way[used].max(initial=0), 1e-12), 1), np.nan)
    step = step_along(graph, position)
    return Course("distance", position, same_piece(graph), far, piece, step, root, _none(), known_branch, names)


def _none() -> NDArray[np.intp]:
    return np.zeros(0, dtype=np.intp)


def _angles(graph: NeuronGraph, root: int | None, end: int | None, *, reverse: bool) -> NDArray[np.float64]:
    angle, piece = ring_angles(graph), pieces(graph)
    turned = np.full(graph.n_neurons, -1.0 if reverse else 1.0)
    if root is not None:
        own = piece == piece[root]
        angle[own] -= angle[root]
        if end is not None and own[end] and angle[end] % (2 * np.pi) > np.pi:
            turned[own] *= -1
    angle = (turned * angle) % (2 * np.pi)
    # As in `mean_angle`: rounding can reach the open end.
    return np.where(2 * np.pi - angle < 1e-9, 0.0, angle)


def _roots(graph: NeuronGraph, root: int | None, *, reverse: bool) -> NDArray[np.intp]:
    roots = root_neurons(graph)
    piece = pieces(graph)
    if reverse and graph.kind in _LINES:
        at = ends(graph)[::-1]
        roots = at[np.unique(piece[at], return_index=True)[1]]
    if root is not None:
        roots = np.append(roots[piece[roots] != piece[root]], root)
    return roots


def _branches(graph: NeuronGraph, root: int | None) -> tuple[NDArray[np.intp], list[str]]:
    """Branches as seen from a root; those of the graph itself where the root leaves them as they are."""
    own = branches(graph)
    if root is None or graph.kind in SEVERAL or root == root_neurons(graph)[0]:
        return (np.zeros(0, dtype=np.intp), []) if own is None else (own, branch_names(graph) or [])
    if graph.kind == "line" and root in ends(graph):
        return np.zeros(0, dtype=np.intp), []
    branch = stretches(graph, root)
    return branch, branch_names(graph, root=root) or []
