"""Search for the ways to lay one part of a graph onto another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ._graph import NeuronGraph

MAX_FOUND = 5000
# Seconds of search; only graphs as regular as those of design theory need more.
_MAX_TRIED = 2_000_000
# Weights that differ by less than this share of the largest are equal.
TOLERANCE = 1e-9


class Ties:
    """Who is tied to whom in a graph, and how.

    Attributes
    ----------
    of
        Neighbours of each neuron, each with a number that equal weights share.
    colour
        Colour of each neuron, which every symmetry keeps: neurons that differ in the colours around them differ in colour.
    sequence
        All neurons, each next to an earlier one except for the first of every piece.
    """

    def __init__(self, graph: NeuronGraph) -> None:
        weights = graph.adjacency
        ascending, where = np.unique(weights.data, return_inverse=True)
        number = np.cumsum(np.diff(ascending, prepend=ascending[:1]) > TOLERANCE * ascending[-1:])[where]
        self.of: list[dict[int, int]] = [
            dict(zip(weights.indices[rows].tolist(), number[rows].tolist(), strict=True))
            for rows in (slice(*weights.indptr[node : node + 2]) for node in range(graph.n_neurons))
        ]
        self.colour = _refined(self.of)
        self.sequence: list[int] = []
        reached = np.zeros(graph.n_neurons, dtype=bool)
        for node in range(graph.n_neurons):
            if not reached[node]:
                piece = csgraph.breadth_first_order(weights, node, directed=False, return_predecessors=False)
                reached[piece] = True
                self.sequence.extend(piece.tolist())


def search(ties: Ties, sequence: Sequence[int], targets: Sequence[int]) -> NDArray[np.intp]:
    """Images of some neurons among others that keep all ties between them, a row for each way, depth first.

    Parameters
    ----------
    ties
        Of the graph.
    sequence
        Whole pieces, in the order of :attr:`Ties.sequence`.
    targets
        Pieces to lay them onto.

    Returns
    -------
    Shape (n_found, len(sequence)); not all of them after 5000, or after a search of bounded length.
    """
    place = {node: k for k, node in enumerate(sequence)}
    earlier = [[other for other in ties.of[node] if place[other] < k] for k, node in enumerate(sequence)]
    image: dict[int, int] = {}
    taken: set[int] = set()
    n_tried = 0

    def images(k: int) -> Iterator[int]:
        nonlocal n_tried
        node, before = sequence[k], earlier[k]
        for candidate in ties.of[image[before[0]]] if before else targets:
            n_tried += 1
            if (
                candidate not in taken
                and ties.colour[candidate] == ties.colour[node]
                and all(ties.of[candidate].get(image[other]) == ties.of[node][other] for other in before)
                and len(taken & ties.of[candidate].keys()) == len(before)
            ):
                yield candidate

    found: dict[tuple[int, ...], None] = {}
    open_choices = [images(0)]
    while open_choices and len(found) < MAX_FOUND and n_tried <= _MAX_TRIED:
        node = sequence[len(open_choices) - 1]
        if node in image:
            taken.remove(image.pop(node))
        choice = next(open_choices[-1], None)
        if choice is None:
            open_choices.pop()
            continue
        image[node] = choice
        taken.add(choice)
        if len(image) < len(sequence):
            open_choices.append(images(len(image)))
        else:
            found[tuple(image[neuron] for neuron in sequence)] = None
    return np.array(list(found), dtype=np.intp).reshape(-1, len(sequence))


def _refined(ties: list[dict[int, int]]) -> list[int]:
    colours, n_colours = [0] * len(ties), 1
    while True:
        around = [
            (colours[node], tuple(sorted((colours[other], tie) for other, tie in neighbours.items())))
            for node, neighbours in enumerate(ties)
        ]
        number = {seen: colour for colour, seen in enumerate(sorted(set(around)))}
        colours = [number[seen] for seen in around]
        if len(number) == n_colours:
            return colours
        n_colours = len(number)
