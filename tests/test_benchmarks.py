"""What the benchmark does with figures; running it is another matter (`benchmarks/README.md`)."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="benchmarks are in the repository only")


@pytest.fixture
def modules(monkeypatch):
    """Import modules of the folder by name, as a script that lies there does."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    known = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - known:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]


def record(method, *, epochs=None, default=None, minutes=1.0, **figures):
    notes = {} if epochs is None else {"epochs": epochs, "default epochs": default}
    return {
        "method": method,
        "seed": 0,
        "figures": figures,
        "notes": notes,
        "minutes": minutes,
        "seconds": 2.0,
        "cpu seconds": 1.0,
        "versions": {"numpy": "2"},
    }


def test_the_longest_training_of_a_peer_counts(modules, tmp_path):
    peers = modules("_kept").Peers(tmp_path, "cells", "abc")
    peers.add(record("scVI", epochs=50, default=400, minutes=4, kNN=0.6))
    peers.add(record("scVI", epochs=20, default=400, minutes=2, kNN=0.5))
    assert [found["figures"]["kNN"] for found in peers.records()] == [0.6]
    assert modules("_kept").Peers(tmp_path, "cells", "other data").records() == []
    assert peers.has("scVI", 0, minutes=4)
    assert not peers.has("scVI", 0, minutes=5)
    assert not peers.has("scVI", 1, minutes=1)
    peers.add(record("scVI", epochs=400, default=400, minutes=15, kNN=0.7))
    assert peers.has("scVI", 0, minutes=1000)


def test_a_peer_stopped_early_says_so(modules):
    row = modules("_table").peer_rows("cells", [record("scVI", epochs=50, default=400, minutes=4, kNN=0.6)])[0]
    assert row["note"] == "50 of 400 epochs: 4 min"
    assert row["input"] == "counts"
    assert row["s"] == 1
    text = modules("_table").as_text([row])
    assert "50 of 400 epochs" in text
    assert "0.600" in text


def test_explained_variance_is_compared_on_the_same_input(modules):
    def row(method, given, ev):
        return {"data": "cells", "input": given, "method": method, "seed": 0, "EV": ev}

    rows = [row("plain autoencoder", "log", 0.2), row("plain autoencoder", "counts", 0.1), row("gsr_sc", "log", 0.19)]
    done = modules("_table").completed(rows)
    assert done[2]["EV/plain"] == pytest.approx(0.95)
    assert "EV/plain" not in done[0]


def test_branches_are_named_by_shares_not_by_numbers(modules):
    truth = np.array(["trunk"] * 90 + ["a"] * 5 + ["b"] * 5)
    # Neuron branch "1" holds all of "a", and twice as many cells of the trunk.
    found = np.array(["0"] * 80 + ["1"] * 15 + ["2"] * 5)
    accuracy = modules("_measures").branch_accuracy(found, truth)
    assert accuracy == pytest.approx((80 / 90 + 1 + 1) / 3)
    assert modules("_measures").branch_accuracy(np.full(100, "0"), truth) == pytest.approx(1 / 3)


def test_targets_compare_with_peers_and_with_flowsom_at_our_number_of_clusters(modules):
    ours = {"data": "cells", "input": "log", "method": "gsr_sc", "seed": 0}
    ours |= {"AUROC": 0.9, "kNN": 0.7, "ARI": 0.5, "k": 3, "Moran": 0.9, "EV/0": 0.97}
    pca = {"data": "cells", "input": "components", "method": "PCA", "seed": 0, "AUROC": 0.9, "kNN": 0.7}
    som = {"data": "cells", "input": "components", "method": "FlowSOM", "seed": 0, "ARI by k": {"3": 0.4, "4": 0.6}}
    other = {"data": "cells", "input": "counts", "method": "plain autoencoder", "seed": 0, "kNN": 0.99}
    table = modules("_targets").checks([ours, pca, som, other]).set_index(["measure", "from"])["reached"]
    assert not table["AUROC", "best peer: PCA"]  # has to be higher
    assert table["kNN", "best peer: PCA"]  # may be equal; the network on another input is no peer
    assert table["ARI", "FlowSOM, 3 clusters"]
    assert table["Moran", "stated"]
    assert not table["EV/0", "stated"]
    counts = ours | {"ED": 0.3, "ED/0": 0.99}
    table = modules("_targets").checks([counts]).set_index("measure")["reached"]
    assert table["ED/0"]
    assert "EV/0" not in table


def test_a_map_of_prototypes_is_read_kindly(modules):
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, 5)) * 10
    labels = np.repeat(["a", "b", "c", "d"], 20)
    x = np.repeat(centres, 20, axis=0) + rng.normal(size=(80, 5))
    found = modules("_soms").readings(x, centres, np.arange(4)[:, None])
    adata = __import__("anndata").AnnData(x.astype(np.float32), obs={"cell_type": labels})
    figures = modules("_measures").label_figures(found, modules("_sets").DataSet("cells", adata))
    assert figures["AUROC"] == 1
    assert figures["kNN"] == 1
    np.testing.assert_allclose(found.spaces["memberships"].sum(axis=1), 1)
    assert (found.spaces["distances"].argmin(axis=1) == np.repeat(range(4), 20)).all()


def test_values_and_labels_make_the_fingerprint(modules):
    anndata = __import__("anndata")
    data_set = modules("_sets").DataSet
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    first = data_set("cells", anndata.AnnData(x, obs={"cell_type": list("aabb")})).fingerprint
    assert data_set("cells", anndata.AnnData(x.copy(), obs={"cell_type": list("aabb")})).fingerprint == first
    assert data_set("cells", anndata.AnnData(x + 1, obs={"cell_type": list("aabb")})).fingerprint != first
    assert data_set("cells", anndata.AnnData(x, obs={"cell_type": list("abab")})).fingerprint != first


def test_look_alike_views_are_named(modules):
    anndata, pandas = __import__("anndata"), __import__("pandas")
    angle = np.arange(72) * np.deg2rad(5)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    twice = np.stack([np.cos(2 * angle), np.sin(2 * angle)], axis=1)
    obs = pandas.DataFrame({"cell_type": np.repeat(["one", "two"], 72), "phase_theta": np.tile(angle, 2)})
    obs.index = obs.index.astype(str)
    data = modules("_sets").DataSet("coil20_objects01_10", anndata.AnnData(np.concatenate([ring, twice]), obs=obs))
    assert [part.name for part in data.parts()] == ["one", "two (look-alike views)"]


def test_the_figure_is_one_page(modules, tmp_path):
    rows = [
        {"data": f"set {n}", "input": given, "method": method, "seed": 0, "AUROC": 0.9, "kNN": 0.5}
        for n in range(13)
        for method, given in [("gsr_sc", "log"), ("gsr_sc", "counts"), ("PCA", "components")]
    ]
    modules("_figure").draw(rows, tmp_path)
    from matplotlib.image import imread

    height, width = imread(tmp_path / "quality.png").shape[:2]
    assert max(height, width) / 150 <= 12
    assert (tmp_path / "quality.svg").stat().st_size > 0


def test_speed_is_a_ratio_turn_by_turn(modules, tmp_path):
    speed = modules("speed")
    fast = speed.row("loop / bare", [8.0, 9.0, 30.0], [10.0, 10.0, 30.0], "cells/s", ">= 0.8", met=lambda r: r >= 0.8)
    assert (fast["ratio"], fast["ours"], fast["other"], fast["reached"]) == (0.9, 9.0, 10.0, True)
    assert fast["spread"] == pytest.approx(0.1)
    slow = speed.row("fit / chain", [300.0], [150.0], "s", "<= 1", met=lambda r: r <= 1)
    text = speed.shown(speed.pd.DataFrame([fast, slow]))
    assert text["ratio"].tolist() == ["0.90 +- 0.10", "2.00 +- 0.00"]
    assert text["reached"].tolist() == ["yes", "no"]
    assert text["ours"].tolist() == ["9.00", "300"]
    speed.draw([fast, slow], tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"speed.png", "speed.svg"}


def test_simulated_counts_for_speed_are_sparse_like_cells(modules):
    adata = modules("_speed_runs").counts("simulated", 300)
    assert adata.shape == (300, 2000)
    assert 0.2 < adata.X.nnz / adata.X.shape[0] / 2000 < 0.35


@pytest.mark.filterwarnings("ignore:Sparse:UserWarning")  # torch on its own sparse tensors
def test_sparse_products_are_the_dense_ones(modules):
    setting = modules("_sparse").Setting(60, 0.2, 16)
    for name, others in {"first": ("first_scipy", "first_torch"), "read_out": ("gram_scipy", "gram_torch")}.items():
        expected = [value.clone().numpy() for value in getattr(setting, name)()]
        for other in others:
            for found, wanted in zip(getattr(setting, other)(), expected, strict=True):
                np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


def test_errors_in_ranks_are_free_of_ties_turns_and_directions(modules):
    rank_errors = modules("_measures").rank_errors
    stage = np.repeat([0.0, 1.0], 50)
    order = np.arange(100.0)
    assert rank_errors(order, stage, is_round=False).tolist() == [0] * 100
    assert rank_errors(-order, stage, is_round=False).tolist() == [0] * 100
    order[[0, 99]] = order[[99, 0]]
    np.testing.assert_allclose(rank_errors(order, stage, is_round=False)[[0, 99]], 0.5)
    angle = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    np.testing.assert_allclose(rank_errors((3 - angle) % (2 * np.pi), angle, is_round=True), 0, atol=1e-9)
    swapped = angle.copy()
    swapped[[10, 60]] = swapped[[60, 10]]
    np.testing.assert_allclose(rank_errors(swapped, angle, is_round=True)[[10, 60]], 0.5)
    assert np.isnan(rank_errors(order, np.r_[np.nan, stage[1:]], is_round=False)).tolist() == [True] + [False] * 99


def test_a_confidence_that_ranks_errors(modules):
    ranking = modules("_measures").ranking
    error = np.linspace(0.1, 1, 50)
    assert ranking(-error, error)["rho"] == pytest.approx(1)
    assert ranking(-error, error)["fifths"] == pytest.approx(error[:10].mean() / error[-10:].mean())
    assert ranking(error, error)["rho"] == pytest.approx(-1)


def test_distances_tell_what_is_apart(modules):
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(size=(60, 8)), 10 + rng.normal(size=(20, 8))])
    far = modules("query").distances(values, np.arange(80) < 40)
    assert far[60:].min() > far[:60].max()
