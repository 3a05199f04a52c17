"""What is trained: the widths of the network, the units of its layer, and what the layer pays for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from ..graphs import LearnedGraph
from ..nn import ActivityPenalty, GraphAutoencoder, GraphSpectralPenalty, LearnedGraphPenalty

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import nn

    from ..graphs import NeuronGraph
    from ..graphs._laplacian import LaplacianKind
    from ..nn._likelihoods import LikelihoodKind
    from ..nn._units import Activation

Penalty = Literal["dirichlet", "rayleigh", "l1", "l2"]


@dataclass(frozen=True, kw_only=True)
class Design:
    """Options of the network and of the penalty on its structured layer; see :class:`gsr_sc.GSR`.

    Attributes
    ----------
    activation
        Units of the structured layer.
    filter_time
        How far the filters of the units `"heat"` and `"wavelet"` reach.
    unit_length
        Whether simplex units are penalised and read on at unit length; see :class:`gsr_sc.nn.GraphLayer`.
    hidden
        Widths of the layers before it.
    hidden_decoder
        Widths of the layers behind it; None for those of `hidden` in reverse.
    penalty
        What is kept small: the energy on the graph (`"dirichlet"`, `"rayleigh"`), or without a graph the activity
        itself (`"l1"`, `"l2"`).
    laplacian
        Laplacian of the energy.
    likelihood
        What the decoder's output is compared by.
    """

    activation: Activation = "simplex"
    filter_time: float = 1.0
    unit_length: bool = True
    hidden: tuple[int, ...] = (128, 128)
    hidden_decoder: tuple[int, ...] | None = None
    penalty: Penalty = "dirichlet"
    laplacian: LaplacianKind = "unnormalised"
    likelihood: LikelihoodKind = "gaussian"

    def check(self, graph: NeuronGraph | LearnedGraph) -> None:
        """Raise if the units need a graph and there is none yet."""
        if isinstance(graph, LearnedGraph) and self.activation in ("heat", "wavelet"):
            msg = (
                f"`activation={self.activation!r}` filters on the neuron graph, which is yet to be learned; "
                "take 'simplex', 'relu' or 'linear', or another graph."
            )
            raise ValueError(msg)

    def network(
        self,
        n_inputs: int,
        graph: NeuronGraph | LearnedGraph,
        generator: torch.Generator,
        *,
        n_conditions: int = 0,
        n_labels: int = 0,
    ) -> GraphAutoencoder:
        """Make the network, with initial weights from `generator`."""
        assert graph.n_neurons is not None
        return GraphAutoencoder(
            n_inputs,
            graph.n_neurons,
            hidden=self.hidden,
            hidden_decoder=self.hidden_decoder,
            activation=self.activation,
            graph=None if isinstance(graph, LearnedGraph) else graph,
            filter_time=self.filter_time,
            unit_length=self.unit_length,
            likelihood=self.likelihood,
            n_conditions=n_conditions,
            n_labels=n_labels,
            generator=generator,
        )

    def penalty_on(self, graph: NeuronGraph | LearnedGraph, *, n_training: int) -> nn.Module:
        """Make the penalty on the structured layer: a module from activations (batch, n_neurons) to a scalar.

        `n_training` is the number of observations in an epoch, in which a learned graph counts its memory.
        """
        if self.penalty in ("l1", "l2"):
            return ActivityPenalty(order=1 if self.penalty == "l1" else 2)
        options: dict[str, Any] = {"laplacian": self.laplacian, "measure": self.penalty}
        if isinstance(graph, LearnedGraph):
            assert graph.n_neurons is not None
            memory = None if graph.memory is None else graph.memory * n_training
            options |= {"kernel": graph.kernel, "n_neighbors": graph.n_neighbors, "memory": memory}
            options |= {"power": self.coactivation_power}
            return LearnedGraphPenalty(graph.n_neurons, **options)
        return GraphSpectralPenalty(graph, **options)

    @property
    def coactivation_power(self) -> float:
        """What activations are raised to before neurons are compared by them."""
        return 2.0 if self.unit_length and self.activation in ("simplex", "heat") else 1.0

    def params(self) -> dict[str, Any]:
        """Options as plain values that can be stored anywhere."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Design:
        """Options as :meth:`params` gave them; what an older model does not name is as it was then."""
        known: dict[str, Any] = {"unit_length": False} | {
            field.name: params[field.name] for field in fields(cls) if field.name in params
        }
        for name in ("hidden", "hidden_decoder"):
            if known.get(name) is not None:
                known[name] = tuple(known[name])
        return cls(**known)
