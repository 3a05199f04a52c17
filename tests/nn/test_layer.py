"""The structured layer and the autoencoder: units, noise, initial weights, and use in a network of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from gsr_sc import graphs
from gsr_sc.nn import GraphAutoencoder, GraphLayer, GraphSpectralPenalty

ACTIVATIONS = ("simplex", "heat", "wavelet", "relu", "linear")
GRAPH = graphs.grid(3)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def inputs() -> torch.Tensor:
    return torch.randn(50, 12, generator=generator(9))


def test_units_are_what_their_names_say(inputs: torch.Tensor) -> None:
    layers = {
        name: GraphLayer(12, 9, activation=name, graph=GRAPH, generator=generator()).eval()  # type: ignore[arg-type]
        for name in ACTIVATIONS
    }
    drive = layers["linear"].logits(inputs)
    torch.testing.assert_close(layers["linear"](inputs), drive)
    torch.testing.assert_close(layers["relu"](inputs), drive.clamp_min(0))
    simplex = layers["simplex"](inputs)
    shares = torch.softmax(drive, dim=1)
    torch.testing.assert_close(simplex, 3 * shares.sqrt())
    torch.testing.assert_close(simplex.norm(dim=1), torch.full((50,), 3.0))
    of_unit_sum = GraphLayer(12, 9, unit_length=False, generator=generator()).eval()
    torch.testing.assert_close(of_unit_sum(inputs), 3 * shares)
    heat, wavelet = (
        shares @ torch.from_numpy(graphs.localising_filter(GRAPH.adjacency, name)).float()  # type: ignore[arg-type]
        for name in ("heat", "wavelet")
    )
    torch.testing.assert_close(layers["heat"](inputs), 3 * heat.sqrt())
    torch.testing.assert_close(layers["wavelet"](inputs), 3 * wavelet)
    further = GraphLayer(12, 9, activation="heat", graph=GRAPH, filter_time=3.0, generator=generator()).eval()
    spread = [float(layer(inputs).detach().std(dim=1).mean()) for layer in (layers["heat"], further)]
    assert spread[1] < 0.5 * spread[0]


def test_filters_need_a_graph_of_the_layers_size() -> None:
    with pytest.raises(ValueError, match="`activation='wavelet'` filters on a graph; pass it as `graph`"):
        GraphLayer(3, 4, activation="wavelet")
    with pytest.raises(ValueError, match="`graph` has 9 neurons, but `n_neurons` is 4"):
        GraphLayer(3, 4, activation="heat", graph=GRAPH)
    # Made from the graph, so nothing that is saved or trained.
    filtered = GraphLayer(3, 9, activation="heat", graph=GRAPH, generator=generator())
    assert filtered.state_dict().keys() == GraphLayer(3, 9, generator=generator()).state_dict().keys()
    assert filtered.eval().double()(torch.zeros(1, 3).double()).dtype == torch.float64


@pytest.mark.parametrize(
    ("activation", "noise"), [("simplex", 0.015), ("wavelet", 0.05), ("relu", 0.5), ("linear", 0.5)]
)
def test_noise_has_its_size_and_only_while_training(inputs: torch.Tensor, activation: Any, noise: float) -> None:
    made = GraphLayer(12, 400, activation=activation, graph=graphs.grid(20), generator=generator())
    layer = made.requires_grad_(requires_grad=False)
    clean = layer.eval()(inputs)
    torch.testing.assert_close(layer(inputs), clean, rtol=0, atol=0)
    layer.train()
    added = layer(inputs, generator(1)) - clean
    assert float(added.std()) == pytest.approx(noise, rel=0.05)
    assert abs(float(added.mean())) < 0.05 * noise
    torch.testing.assert_close(layer(inputs, generator(1)) - clean, added, rtol=0, atol=0)
    assert not torch.equal(layer(inputs, generator(2)), clean + added)


def test_no_noise_when_told_so(inputs: torch.Tensor) -> None:
    layer = GraphLayer(12, 9, noise=0, generator=generator()).train()
    torch.testing.assert_close(layer(inputs), layer.eval()(inputs), rtol=0, atol=0)
    loud = GraphLayer(12, 400, noise=2.0, generator=generator()).requires_grad_(requires_grad=False)
    assert float((loud(inputs, generator(1)) - loud.eval()(inputs)).std()) == pytest.approx(2.0, rel=0.05)


def test_weights_come_from_the_given_generator_in_the_usual_range() -> None:
    first, again, other = (GraphAutoencoder(30, 16, generator=generator(seed)) for seed in (3, 3, 4))
    for name, value in first.state_dict().items():
        torch.testing.assert_close(value, again.state_dict()[name], rtol=0, atol=0)
        assert not torch.equal(value, other.state_dict()[name])
        fan_in = first.state_dict()[name.replace("bias", "weight")].shape[1]
        assert 0.5 / fan_in**0.5 < float(value.detach().abs().max()) <= 1 / fan_in**0.5


def test_unknown_units_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'softmax'; it is one of \['simplex', 'heat', .*'linear'\]"):
        GraphLayer(3, 4, activation="softmax")  # type: ignore[arg-type]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(), (7,), (20, 10)])
def test_encode_then_decode_is_a_pass_without_noise(inputs: torch.Tensor, activation: Any, hidden: Any) -> None:
    network = GraphAutoencoder(12, 9, hidden=hidden, activation=activation, graph=GRAPH, generator=generator()).eval()
    passed = network(inputs)
    assert passed.logits.shape == passed.units.shape == (50, 9)
    activations = network.encode(inputs)
    torch.testing.assert_close(network.layer.to_units(activations), passed.units)
    torch.testing.assert_close(network.decode(activations), passed.reconstruction)
    if activation in ("simplex", "heat"):
        torch.testing.assert_close(activations.square().sum(dim=1), torch.ones(50))


def test_hidden_units_drop_out_while_training_only(inputs: torch.Tensor) -> None:
    network = GraphAutoencoder(12, 9, noise=0, dropout=0.5, generator=generator())
    clean = network.eval()(inputs).reconstruction
    thinned = [network.train()(inputs, generator(seed)).reconstruction for seed in (1, 1, 2)]
    torch.testing.assert_close(thinned[0], thinned[1], rtol=0, atol=0)
    assert not torch.equal(thinned[0], thinned[2])
    assert not torch.equal(thinned[0], clean)


def test_output_starts_at_the_mean() -> None:
    network = GraphAutoencoder(12, 9, generator=generator())
    before = network.eval()(torch.zeros(1, 12)).reconstruction - network.output.bias
    network.initialise_output(torch.arange(12.0))
    torch.testing.assert_close(network(torch.zeros(1, 12)).reconstruction, before + torch.arange(12.0))


def train_classifier(weight: float, seed: int = 0) -> tuple[float, float]:
    """Accuracy on held-out digits, and roughness of the layer there, of a plain torch classifier."""
    pictures, labels = load_digits(return_X_y=True)
    x, y = torch.from_numpy(pictures / 16).float(), torch.from_numpy(labels)
    order = torch.randperm(len(x), generator=generator(seed))
    train, test = order[:1400], order[1400:]
    noise = generator(seed)
    layer = GraphLayer(64, 64, activation="relu", generator=noise)
    head = nn.utils.skip_init(nn.Linear, 64, 10)
    nn.init.uniform_(head.weight, -0.1, 0.1, generator=noise)
    nn.init.zeros_(head.bias)
    penalty = GraphSpectralPenalty(graphs.grid(8), measure="rayleigh")
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=1e-2)
    layer.train()
    for _ in range(25):
        for batch in train.split(200):
            z = layer(x[batch], noise)
            loss = nn.functional.cross_entropy(head(z), y[batch]) + weight * penalty(
                layer.units(layer.logits(x[batch]))
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    layer.eval()
    with torch.no_grad():
        z = layer(x[test])
        return float((head(z).argmax(dim=1) == y[test]).float().mean()), float(penalty(z))


def test_in_a_plain_classifier_the_layer_becomes_smooth_at_no_cost() -> None:
    accuracy, roughness = train_classifier(weight=0)
    smooth_accuracy, smooth_roughness = train_classifier(weight=1.0)
    assert accuracy > 0.9
    assert smooth_roughness < 0.3 * roughness
    assert smooth_accuracy > accuracy - 0.03
    assert np.isfinite(smooth_roughness)
