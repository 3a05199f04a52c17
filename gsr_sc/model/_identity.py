"""Which data and options a checkpoint is of, as plain values that can be compared and shown."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ..graphs import LearnedGraph

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ..inputs import Covariates
    from ..training import TrainingPlan
    from ._prepare import Prepared


def identity_of(
    prepared: Prepared,
    plan: TrainingPlan,
    *,
    covariates: Covariates,
    coordinates: NDArray[np.float64] | None,
    smoothness: float | str,
) -> dict[str, Any]:
    """Describe a training by what it depends on; names and graphs by a digest, values by sums.

    Numbers with a fraction are for comparing within a tolerance, as another machine may add in another order.
    """
    data, graph, totals = prepared.data, prepared.graph, prepared.facts.totals
    identity: dict[str, Any] = {
        "n_obs": len(totals),
        "n_vars": len(data.columns),
        "obs_names": _digest(data.obs_names),
        "var_names": _digest(data.var_names[data.columns]),
        "sum of values": float(totals.sum()),
        # Notices that rows have changed places.
        "weighted sum of values": float(totals @ np.linspace(0, 1, len(totals))),
        "transform": prepared.transform.kind,
        "smoothness": smoothness,
        **prepared.design.params(),
        **asdict(plan),
    }
    if isinstance(graph, LearnedGraph):
        identity |= {"graph": "learned", "n_neurons": graph.n_neurons, **graph.params}
    else:
        ties = graph.adjacency.tocoo()
        identity |= {"graph": graph.kind, "n_neurons": graph.n_neurons}
        identity |= {"ties": _digest(zip(*ties.coords, ties.data.round(6), strict=True))}
    for name, values in {"batches": covariates.conditions, "labels": covariates.labels, "start": coordinates}.items():
        if values is not None:
            weights = np.linspace(0, 1, values.size).reshape(values.shape)
            identity[name] = float((values * weights).sum())
    return identity


def _digest(values: Iterable[Any]) -> str:
    return hashlib.sha256("\n".join(map(str, values)).encode()).hexdigest()[:16]
