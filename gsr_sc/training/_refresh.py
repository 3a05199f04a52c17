"""When a learned graph is made anew, and how it evolves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy import sparse

from ..graphs._communities import describe_graph

if TYPE_CHECKING:
    from ..graphs import LearnedGraph
    from ..nn import LearnedGraphPenalty
    from ._plan import TrainingPlan


class Refresh:
    """Called after every epoch: makes the graph anew where that is due.

    Parameters
    ----------
    graph
        How the graph is learned.
    penalty
        Remembers co-activations and holds the graph.
    plan
        Says how long the warm-up is.

    Attributes
    ----------
    first
        The first epoch that is trained with a graph.
    """

    def __init__(self, graph: LearnedGraph, penalty: LearnedGraphPenalty, plan: TrainingPlan) -> None:
        self.penalty = penalty
        self.every = graph.refresh_every
        warm_up = plan.warm_up_epochs if graph.warm_up is None else graph.warm_up
        # However long the warm-up, the last epoch has a graph.
        self.first = min(warm_up, plan.n_epochs - 1)

    def is_due(self, epoch: int) -> bool:
        """Whether the graph is made anew at the end of an epoch, counted from 0."""
        return epoch + 1 >= self.first and (epoch + 1 - self.first) % self.every == 0

    def __call__(self, epoch: int) -> dict[str, float]:
        """Return what the graph is like after an epoch, and how much it changed: 0 not at all, 1 no tie in common."""
        before = sparse.csr_array(self.penalty.adjacency.cpu().numpy())
        after = self.penalty.refresh() if self.is_due(epoch) else before
        both = float(before.sum() + after.sum())
        change = float(abs(after - before).sum()) / both if both > 0 else 0.0
        return {**describe_graph(after), "graph_change": change}
