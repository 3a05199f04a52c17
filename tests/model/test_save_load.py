"""A model travels as a folder of weights and JSON, without pickle and without its data."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from _fits import QUICK, busy_cells, cells, option_id
from _hash import hash_adata
from anndata import AnnData
from safetensors.numpy import load_file
from scipy import sparse

import gsr_sc
from gsr_sc import GSR, training
from gsr_sc.nn import GraphAutoencoder

GOLDEN = Path(__file__).parents[1] / "data" / "model_v1"


def golden_cells() -> AnnData:
    """Twelve cells of 15 genes with exact values, the same on every machine and with every numpy."""
    x = (1 + (np.arange(12)[:, None] * np.arange(1, 16)) % 11).astype(np.float32)
    x[:, 10] = np.arange(12) % 2
    adata = AnnData(x)
    adata.var_names = [f"g{j}" for j in range(15)]
    return adata


def write_golden() -> None:
    """Write the model that every later version has to read.

    In `tests/model`, with `tests` on the path: `python -c 'from test_save_load import write_golden; write_golden()'`.
    To be run again for a new schema only, into a new folder; this one stays for ever.
    """
    adata = golden_cells()
    with pytest.MonkeyPatch.context() as patch:
        # A narrow network, to keep the file small; its widths are part of what is stored.
        patch.setattr(training._fit, "GraphAutoencoder", partial(GraphAutoencoder, hidden=(8, 6)))
        model = GSR(graph=nx.path_graph(4), transform="zscore", max_epochs=60, smoothness=0.05, rng=3, n_jobs=1)
        model.fit(adata)
    model.save(GOLDEN)
    np.save(GOLDEN.with_name("model_v1_activations.npy"), model.transform(adata))


def test_a_model_of_the_first_format_loads_for_ever() -> None:
    model = GSR.load(GOLDEN)
    stored = np.load(GOLDEN.with_name("model_v1_activations.npy"))
    assert stored.shape == (12, 4)
    np.testing.assert_allclose(model.transform(golden_cells()), stored, atol=1e-5)
    assert np.ptp(stored, axis=0).max() > 0.05, "the golden model tells cells apart"
    adata = golden_cells()
    model.annotate(adata)
    assert adata.uns["gsr"]["graph"]["kind"] == "line"
    assert sum(file.stat().st_size for file in GOLDEN.iterdir()) < 100_000


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[GSR, Path]:
    path = tmp_path_factory.mktemp("saved") / "model"
    model = GSR(**QUICK, rng=3, tolerance=0.1).fit(cells(counts=True))
    model.save(path)
    return model, path


def test_the_folder_holds_weights_and_json_only(saved: tuple[GSR, Path]) -> None:
    _, path = saved
    assert sorted(file.name for file in path.iterdir()) == ["arrays.safetensors", "model.json"]
    description = json.loads((path / "model.json").read_text(encoding="utf-8"))
    assert description["format"] == "gsr_sc"
    assert description["schema"] == 1
    arrays = load_file(path / "arrays.safetensors")  # refuses anything but tensors
    assert all(np.isfinite(value).all() for value in arrays.values())
    n_obs = 150
    assert all(n_obs not in value.shape for value in arrays.values()), "nothing of the cells is kept"
    data = (path / "arrays.safetensors").read_bytes() + (path / "model.json").read_bytes()
    for opcode in (b"\x80\x02", b"\x80\x04\x95", b"cbuiltins"):
        assert opcode not in data[:2] + data[-2:]
        assert not data.startswith(opcode)


def test_loaded_is_the_same_to_the_bit(saved: tuple[GSR, Path]) -> None:
    model, path = saved
    loaded = GSR.load(path)
    adata = cells(counts=True)
    activations = model.transform(adata)
    np.testing.assert_array_equal(loaded.transform(adata), activations)
    np.testing.assert_array_equal(loaded.decode(activations), model.decode(activations))
    assert loaded.var_names.tolist() == model.var_names.tolist()
    assert loaded.summary() == model.summary()
    assert repr(loaded) == repr(model)
    first, second = cells(counts=True), cells(counts=True)
    model.annotate(first)
    loaded.annotate(second)
    assert hash_adata(first) == hash_adata(second)


def test_loaded_can_be_saved_again(saved: tuple[GSR, Path], tmp_path: Path) -> None:
    _, path = saved
    GSR.load(path).save(tmp_path / "again")
    for name in ("model.json", "arrays.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (path / name).read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        {"graph": "ring", "activation": "relu"},
        {"graph": "torus", "n_neurons": 12, "activation": "linear"},
        {"graph": nx.balanced_tree(2, 3)},
        {"graph": nx.krackhardt_kite_graph()},
        {"transform": "pearson"},
        {"transform": "combined"},
        {"transform": None},
        {"layer": "dense"},
        {"layer": "dense", "likelihood": "nb"},
        {"use_rep": "X_pca"},
        {"mask_var": np.arange(40) % 2 == 0},
        {
            "smoothness": np.float32(0.5),
            "max_epochs": np.int64(1),
            "n_neurons": np.int32(9),
            "tolerance": np.float64(0.1),
        },
        {"init": "X_pca"},
        {"activation": "wavelet", "filter_time": 2.0},
        {"hidden": (12, 5), "hidden_decoder": (), "penalty": "rayleigh", "laplacian": "random_walk"},
    ],
    ids=option_id,
)
def test_every_kind_of_model_travels(options: dict[str, Any], tmp_path: Path) -> None:
    adata = busy_cells()
    if options.get("transform") in ("pearson", "combined"):
        adata.X = adata.layers["counts"]
    model = GSR(**{**QUICK, **options}).fit(adata)
    model.save(tmp_path / "m")
    loaded = GSR.load(tmp_path / "m", device="cpu")
    np.testing.assert_array_equal(loaded.transform(adata), model.transform(adata))
    graph, same = model.fitted.graph, loaded.fitted.graph
    assert (graph.kind, graph.names, graph.shape) == (same.kind, same.names, same.shape)
    np.testing.assert_array_equal(graph.adjacency.toarray(), same.adjacency.toarray())
    np.testing.assert_array_equal(graph.layout, same.layout)


def test_a_loaded_model_can_be_fitted_again(saved: tuple[GSR, Path]) -> None:
    model, path = saved
    adata = cells(counts=True)
    again = GSR.load(path)
    again.n_jobs = 1
    np.testing.assert_array_equal(again.fit(adata).transform(adata), model.transform(adata))


def test_what_is_there_is_not_lost_unless_asked(saved: tuple[GSR, Path], tmp_path: Path) -> None:
    model, _ = saved
    model.save(tmp_path / "m")
    before = (tmp_path / "m" / "model.json").read_bytes()
    with pytest.raises(FileExistsError, match=r"saved in .* already; .*overwrite=True"):
        model.save(tmp_path / "m")
    other = GSR(**QUICK, graph="line").fit(cells())
    other.save(str(tmp_path / "m"), overwrite=True)
    assert (tmp_path / "m" / "model.json").read_bytes() != before
    assert GSR.load(tmp_path / "m").fitted.graph.kind == "line"
    assert not list((tmp_path / "m").glob("*.part"))
    model.save(tmp_path / "new" / "deeper")
    assert (tmp_path / "new" / "deeper" / "model.json").exists()


def test_a_save_that_fails_leaves_what_was_there(
    saved: tuple[GSR, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    model = saved[0]
    model.save(tmp_path / "model")
    before = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    monkeypatch.setattr(Path, "write_text", refuse)
    for folder in ("model", "new", "a/new"):
        with pytest.raises(OSError, match="No space"):
            model.save(tmp_path / folder, overwrite=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()} == before
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_whoever_may_read_new_files_may_read_a_model(saved: tuple[GSR, Path], tmp_path: Path) -> None:
    (tmp_path / "new").touch()
    saved[0].save(tmp_path / "model")
    wanted = (tmp_path / "new").stat().st_mode
    assert [path.stat().st_mode for path in (tmp_path / "model").iterdir()] == [wanted, wanted]


def test_a_place_that_cannot_be_written_to_is_named_before_any_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    adata = gsr_sc.datasets.simulate_clusters(60, 8)
    (tmp_path / "file").touch()
    places = [(tmp_path / "file" / "model", "file"), (tmp_path / "a" / "model", tmp_path.name)]
    for place, named in places:
        with pytest.raises(PermissionError, match=f"{named}' is no folder that can be written to"):
            gsr_sc.tl.fit(adata, save_model=place)
        # As on a disk that is mounted for reading.
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "gsr" not in adata.uns


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, r"schema 2; this version reads format 'gsr_sc' up to schema 1\. Update gsr_sc"),
        ({"format": "other"}, "format 'other'"),
    ],
)
def test_a_newer_or_foreign_format_is_refused(
    saved: tuple[GSR, Path], tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    saved[0].save(tmp_path / "m")
    file = tmp_path / "m" / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(ValueError, match=message):
        GSR.load(tmp_path / "m")


def test_where_no_model_is_the_path_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(FileNotFoundError, match=r"No model is saved in .*model\.json"):
            GSR.load(path)


def test_fit_saves_what_it_fitted(tmp_path: Path) -> None:
    adata = cells()
    gsr_sc.tl.fit(adata, save_model=tmp_path / "m", **QUICK)
    np.testing.assert_array_equal(GSR.load(tmp_path / "m").transform(adata), adata.obsm["X_gsr"])


class TestPlacing:
    """New cells, whatever their genes are called and in whatever order they come."""

    def test_reordered_and_extra_genes(self, saved: tuple[GSR, Path]) -> None:
        model = GSR(**QUICK).fit(cells())
        adata = cells()
        expected = model.transform(adata)
        order = np.random.default_rng(0).permutation(40)
        extra = AnnData(np.full((150, 3), 2.5, dtype=np.float32))
        wider = AnnData(np.hstack([adata.X[:, order], extra.X]), obs=adata.obs[[]])
        wider.var_names = [*adata.var_names[order], "new1", "new2", "new3"]
        np.testing.assert_allclose(model.transform(wider), expected, atol=1e-6)
        model.annotate(wider)
        programs = wider.varm["gsr_programs"]
        assert np.isnan(programs[40:]).all()
        model.annotate(adata)
        np.testing.assert_array_equal(programs[:40], adata.varm["gsr_programs"][order])

    def test_other_containers(self, saved: tuple[GSR, Path]) -> None:
        model, _ = saved
        adata = cells(counts=True)
        expected = model.transform(adata)
        for make in (sparse.csr_matrix, sparse.csc_array, lambda x: x.astype(np.int64)):
            np.testing.assert_allclose(model.transform(AnnData(make(adata.X), var=adata.var)), expected, atol=1e-6)

    def test_few_cells_are_placed_as_among_many(self, saved: tuple[GSR, Path]) -> None:
        model, _ = saved
        adata = cells(counts=True)
        expected = model.transform(adata)
        for index in ([5], [7, 3], slice(20, 60)):
            np.testing.assert_allclose(model.transform(adata[index]), expected[index], atol=1e-6)
        one = adata[[5]].copy()
        model.annotate(one)
        assert one.obs["gsr_neuron"].iloc[0] == model.fitted.graph.names[int(expected[5].argmax())]

    def test_the_data_stay_as_they_are(self, saved: tuple[GSR, Path]) -> None:
        adata = busy_cells()
        adata.X = adata.layers["counts"]
        before = hash_adata(adata)
        saved[0].transform(adata)
        assert hash_adata(adata) == before

    def test_a_mask_of_the_new_data_is_none_of_its_business(self, saved: tuple[GSR, Path]) -> None:
        adata = cells(counts=True)
        expected = saved[0].transform(adata)
        adata.var["highly_variable"] = False
        np.testing.assert_array_equal(saved[0].transform(adata), expected)

    def test_missing_genes_are_named(self, saved: tuple[GSR, Path]) -> None:
        adata = cells(counts=True)
        with pytest.raises(
            KeyError, match=r"2 of the 40 variables that the model reads are missing: 'gene3', 'gene17'"
        ):
            saved[0].transform(adata[:, ~adata.var_names.isin(["gene3", "gene17"])])
        with pytest.raises(KeyError, match=r"30 of the 40 .*'gene14' and 25 more"):
            saved[0].annotate(adata[:, :10].copy())

    def test_names_that_are_not_unique_cannot_be_matched(self, saved: tuple[GSR, Path]) -> None:
        adata = AnnData(cells(counts=True).X[:, ::-1].copy())
        adata.var_names = ["gene0"] * 40
        with pytest.raises(ValueError, match="not unique"):
            saved[0].transform(adata)

    def test_values_of_another_kind_are_refused(self, saved: tuple[GSR, Path]) -> None:
        adata = cells(counts=True)
        adata.X = adata.X - 0.01
        with pytest.raises(ValueError, match="fitted on counts, but X holds values that are neither whole numbers"):
            saved[0].transform(adata)

    def test_counts_are_refused_where_the_fit_was_on_logs(self) -> None:
        adata = busy_cells()
        model = GSR(**QUICK, transform="combined").fit(adata)
        adata.X = adata.layers["counts"]
        with pytest.raises(ValueError, match="X holds counts, but the model was fitted on values that are not whole"):
            model.transform(adata)
        adata.X = np.eye(*adata.shape)
        assert np.isfinite(model.transform(adata)).all(), "zeros and ones are no sign of counts"

    def test_a_representation_of_another_width_is_refused(self) -> None:
        adata = busy_cells()
        model = GSR(**QUICK, use_rep="X_pca").fit(adata)
        adata.obsm["X_pca"] = adata.obsm["X_pca"][:, :4]
        with pytest.raises(ValueError, match="has 4 columns, not those of the representation"):
            model.transform(adata)

    def test_silent_new_cells_belong_nowhere(self, saved: tuple[GSR, Path]) -> None:
        adata = cells(counts=True)
        adata.X[4] = 0
        saved[0].annotate(adata)
        assert adata.obs["gsr_cluster"].iloc[4] == "unassigned"
        assert adata.obs["gsr_confidence"].iloc[4] == 0
        assert np.isfinite(adata.obsm["X_gsr"]).all()

    def test_decode_wants_one_column_per_neuron(self, saved: tuple[GSR, Path]) -> None:
        n_neurons = saved[0].fitted.graph.n_neurons
        decoded = saved[0].decode(np.eye(n_neurons))
        assert decoded.shape == (n_neurons, 40)
        assert decoded.dtype == np.float32
        for wrong in (np.ones(n_neurons), np.ones((2, n_neurons + 1))):
            with pytest.raises(ValueError, match=rf"it has to be \(n, {n_neurons}\)"):
                saved[0].decode(wrong)
