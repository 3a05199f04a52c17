"""What is wrong is said by name, before any training, and the AnnData stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from _fits import busy_cells, cells
from _hash import changed_slots, hash_adata
from anndata import AnnData
from scipy import sparse

import gsr_sc
from gsr_sc import graphs
from gsr_sc.model import _pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        pytest.fail("something was trained")

    monkeypatch.setattr(_pipeline, "fit", fail)
    monkeypatch.setattr(_pipeline, "annealed_targets", fail)


def with_x(change: Callable[[np.ndarray], Any]) -> AnnData:
    adata = cells(60, 12)
    x = np.array(adata.X)
    changed = change(x)
    return AnnData(x if changed is None else changed, obs=adata.obs[[]], var=adata.var[[]])


def put(row: int, column: int, value: float) -> Callable[[np.ndarray], None]:
    return lambda x: x.__setitem__((row, column), value)


VALUES: dict[str, tuple[Callable[[], AnnData], str]] = {
    "NaN": (
        lambda: with_x(put(3, 5, np.nan)),
        r"X holds NaN or infinite values, such as at observation 'cell3', variable 'gene5'",
    ),
    "infinity": (lambda: with_x(put(59, 0, -np.inf)), r"observation 'cell59', variable 'gene0'"),
    "NaN in CSR": (
        lambda: with_x(lambda x: (put(4, 7, np.nan)(x), sparse.csr_matrix(x))[1]),
        r"observation 'cell4', variable 'gene7'",
    ),
    "infinity in CSC": (
        lambda: with_x(lambda x: (put(8, 2, np.inf)(x), sparse.csc_array(x))[1]),
        r"'cell8', variable 'gene2'",
    ),
    "negative counts": (
        lambda: with_x(lambda x: np.round(x) - 1),
        r"whole numbers, as counts are, but negative ones too. .*transform='zscore'",
    ),
    "negative integers": (lambda: with_x(lambda x: np.round(x).astype(np.int32) - 1), "negative ones too"),
    "all zero": (lambda: with_x(lambda x: 0 * x), "All values of X are zero"),
    "all zero, sparse": (lambda: with_x(lambda x: sparse.csr_matrix(x.shape)), "All values of X are zero"),
    "too large": (lambda: with_x(put(1, 1, 1e25)), r"values of up to 1e\+25"),
    "too large in double precision": (lambda: with_x(lambda x: x.astype(np.float64) * 1e300), "values of up to"),
    "all constant": (
        lambda: with_x(lambda x: 0 * x + 1.5),
        r"No chosen variable of X varies .*`mask_var` chooses \(\d+\)",
    ),
    "one cell": (
        lambda: AnnData(np.ones((1, 12), dtype=np.float32)),
        "at least 2 observations, and X has 1. Was too much",
    ),
    "no cell": (lambda: AnnData(np.ones((0, 12), dtype=np.float32)), "at least 2 observations, and X has 0"),
    "no gene": (lambda: AnnData(np.ones((60, 0), dtype=np.float32)), "has no variables.*takes at least 1"),
    "no X": (lambda: AnnData(obs=cells(60, 12).obs), "no X. Pass `layer=` or `use_rep=`"),
}


@pytest.mark.parametrize("what", VALUES)
def test_values(what: str) -> None:
    make, message = VALUES[what]
    adata = make()
    before = hash_adata(adata)
    with pytest.raises(ValueError, match=message):
        gsr_sc.tl.fit(adata, n_jobs=1)
    assert changed_slots(before, hash_adata(adata)) == set()


def test_one_gene_of_counts() -> None:
    counts = np.random.default_rng(0).poisson(3, (100, 1)).astype(np.float32)
    adata = AnnData(counts, var=pd.DataFrame(index=["Cd4"]))
    message = "'Cd4' is the only variable of X that was counted: .*Give more variables, or say `transform=None`"
    with pytest.warns(UserWarning, match="zero throughout X"), pytest.raises(ValueError, match=message):
        gsr_sc.tl.fit(adata, n_jobs=1)


@pytest.mark.parametrize("values", [np.array(["a"]), np.array([1 + 2j])], ids=["text", "complex"])
def test_what_is_no_real_number(values: np.ndarray) -> None:
    adata = busy_cells()
    adata.obsm["odd"] = np.repeat(values[None], 150, axis=0)
    with pytest.raises(TypeError, match=r"dtype .*; it has to hold real numbers or booleans"):
        gsr_sc.tl.fit(adata, use_rep="odd")


@pytest.mark.parametrize("what", [np.zeros((3, 3)), None, "adata.h5ad"], ids=["array", "None", "path"])
def test_what_is_no_anndata(what: Any) -> None:
    with pytest.raises(TypeError, match="The first argument is an AnnData; got a"):
        gsr_sc.tl.fit(what)


OPTIONS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "layer": (
        {"layer": "raw_counts"},
        KeyError,
        r"`layer='raw_counts'` is not in .layers, which holds \['counts', 'dense'\]",
    ),
    "use_rep": (
        {"use_rep": "X_umap"},
        KeyError,
        r"`use_rep='X_umap'` is not in .obsm, which holds \['X_pca', 'frame'\]",
    ),
    "mask_var": ({"mask_var": "hvg"}, KeyError, r"`mask_var='hvg'` is not in .var"),
    "mask_var of text": ({"mask_var": np.array(["gene0"] * 40)}, ValueError, "has to be boolean"),
    "mask_var of names": (
        {"mask_var": ["gene0", "gene1"]},
        ValueError,
        r"`mask_var` has dtype <U5 .*adata.var_names.isin\(names\)",
    ),
    "mask_var with holes": (
        {"mask_var": "holes"},
        ValueError,
        r"\.var\['holes'\] has dtype object and shape \(40,\), and 20 missing values; .*adata\.var\[name\].eq\(True\)",
    ),
    "mask_var too short": (
        {"mask_var": np.ones(39, dtype=bool)},
        ValueError,
        r"shape \(39,\).*each of the 40 variables",
    ),
    "mask_var of nothing": ({"mask_var": np.zeros(40, dtype=bool)}, ValueError, "chooses no variable"),
    "layer and use_rep": ({"layer": "counts", "use_rep": "X_pca"}, ValueError, "both name the input; pass only one"),
    "use_rep and mask_var": (
        {"use_rep": "X_pca", "mask_var": "m"},
        ValueError,
        "cannot be used with `use_rep='X_pca'`",
    ),
    "init": ({"init": "X_phate"}, KeyError, r"`init='X_phate'` is neither one of .*'spectral'.*nor a key of .obsm"),
    "init phate": ({"init": "phate"}, KeyError, r"store its coordinates as .obsm\['X_phate'\]"),
    "init with NaN": ({"init": "holes"}, ValueError, r"`init='holes'` has shape .* finite"),
    "graph": (
        {"graph": "hexagon"},
        ValueError,
        r"`graph` is 'hexagon'; named graphs are \['grid', 'torus', 'hex', 'ring', 'rings', 'line'",
    ),
    "graph of another kind": ({"graph": 7}, TypeError, r"`graph` is a int; pass one of .*'learned'"),
    "graph without edges": ({"graph": nx.empty_graph(5)}, ValueError, "no edges"),
    "graph of one neuron": ({"graph": np.zeros((1, 1))}, ValueError, "at least 2 neurons"),
    "graph directed": ({"graph": nx.path_graph(4, create_using=nx.DiGraph)}, ValueError, "undirected"),
    "graph asymmetric": ({"graph": np.triu(np.ones((4, 4)))}, ValueError, "symmetric"),
    "graph negative": ({"graph": -np.ones((4, 4))}, ValueError, "negative"),
    "penalty": ({"penalty": "l3"}, ValueError, r"`penalty` is 'l3'; it is one of \['dirichlet'"),
    "laplacian": ({"laplacian": "spectral"}, ValueError, r"`laplacian` is 'spectral'; it is one of \['unnormalised'"),
    "penalty without a graph": (
        {"penalty": "l2", "laplacian": "symmetric"},
        ValueError,
        r"`penalty='l2'` knows no graph, so `laplacian='symmetric'`",
    ),
    "penalty that is constant": ({"penalty": "l2"}, ValueError, r"simplex units, which have unit length; .*'relu'"),
    "filter_time": ({"filter_time": 0}, ValueError, r"`filter_time` is 0, which is no filter; .*'simplex'"),
    "hidden": ({"hidden": (128, 0)}, ValueError, r"`hidden` is 0; it is a whole number of at least 1"),
    "hidden_decoder": ({"hidden_decoder": 10}, TypeError, r"`hidden_decoder` is 10; it is a sequence of widths"),
    "activation": ({"activation": "softmax"}, ValueError, r"`activation` is 'softmax'; it is one of \['simplex'"),
    "transform": (
        {"transform": "log"},
        ValueError,
        r"`transform` is 'log'; it is one of \['auto', 'zscore', 'pearson', 'combined', None\]",
    ),
    "pearson of no counts": (
        {"transform": "pearson", "use_rep": "X_pca"},
        ValueError,
        r"needs counts .*; .obsm\['X_pca'\] holds other values. Pass the counts with `layer=`",
    ),
    "likelihood": ({"likelihood": "zinb"}, ValueError, r"`likelihood` is 'zinb'; it is one of \['auto', 'gaussian'"),
    "nb of logs": (
        {"likelihood": "nb", "transform": "combined"},
        ValueError,
        r"`likelihood='nb'` needs counts .*; X holds other values. Pass the counts with `layer=`",
    ),
    "poisson of logs": (
        {"likelihood": "poisson", "transform": "zscore"},
        ValueError,
        r"`likelihood='poisson'` needs counts",
    ),
    "bernoulli of counts": (
        {"likelihood": "bernoulli", "layer": "counts"},
        ValueError,
        r"`likelihood='bernoulli'` needs values between 0 and 1; layer 'counts' holds other values. Divide them",
    ),
    "device": ({"device": "gpu"}, ValueError, r"`device` is 'gpu', which is not available here"),
    "n_neurons against graph": (
        {"graph": graphs.ring(8), "n_neurons": 9},
        ValueError,
        r"`n_neurons=9`, but the graph passed has 8",
    ),
    "n_neurons prime": ({"n_neurons": 13}, ValueError, r"`n_neurons=13` makes no grid"),
    "n_neurons of a small ring": (
        {"graph": "ring", "n_neurons": 2},
        ValueError,
        "ring needs a whole number of at least 3",
    ),
    "n_neurons of a small torus": ({"graph": "torus", "n_neurons": 8}, ValueError, "torus"),
    "n_neurons zero": ({"n_neurons": 0}, ValueError, "`n_neurons` is 0; it is a whole number of at least 2"),
    "n_neurons broken": ({"n_neurons": 4.5}, ValueError, "`n_neurons` is 4.5"),
    "smoothness negative": (
        {"smoothness": -0.1},
        ValueError,
        "`smoothness` is -0.1; it is a number of at least 0, or 'auto'",
    ),
    "smoothness NaN": ({"smoothness": np.nan}, ValueError, "`smoothness` is nan"),
    "smoothness text": ({"smoothness": "high"}, ValueError, "`smoothness` is 'high'"),
    "smoothness bool": ({"smoothness": True}, ValueError, "`smoothness` is True"),
    "tolerance": ({"tolerance": -1}, ValueError, "`tolerance` is -1"),
    "max_epochs": ({"max_epochs": 0}, ValueError, "`max_epochs` is 0; it is a whole number of at least 1"),
    "max_epochs broken": ({"max_epochs": 2.0}, ValueError, "`max_epochs` is 2.0"),
    "n_jobs": ({"n_jobs": 0}, ValueError, "`n_jobs` is 0"),
    "n_jobs negative": ({"n_jobs": -2}, ValueError, "`n_jobs` is -2"),
    "rng text": ({"rng": "0"}, TypeError, "`rng` is a str; pass a whole number"),
    "rng float": ({"rng": 1.0}, TypeError, "`rng` is a float"),
    "rng bool": ({"rng": True}, TypeError, "`rng` is a bool"),
    "rng array": ({"rng": np.arange(3)}, TypeError, "`rng` is a ndarray"),
    "rng negative": ({"rng": -1}, ValueError, "`rng` is -1; a seed is a whole number >= 0"),
    "legacy generator": ({"random_state": np.random.RandomState(0)}, TypeError, "RandomState"),
    "rng and random_state": ({"rng": 1, "random_state": 1}, TypeError, "two spellings"),
    "generator and random_state": ({"rng": np.random.default_rng(1), "random_state": 0}, TypeError, "two spellings"),
    "key_added": ({"key_added": "a/b"}, ValueError, "`key_added` is 'a/b'"),
    "key_added empty": ({"key_added": ""}, ValueError, "`key_added` is ''"),
    "key_added of a representation": (
        {"key_added": "X_pca"},
        ValueError,
        r"\.obsm\['X_pca'\] is there already and is no map, and `key_added='X_pca'` would write over it",
    ),
    "key_added of something in uns": ({"key_added": "gsr_like"}, ValueError, r"\.uns\['gsr_like'\] is there already"),
    "key_added of another kind": ({"key_added": 1}, ValueError, "`key_added` is 1"),
}


@pytest.mark.parametrize("what", OPTIONS)
def test_options(what: str) -> None:
    options, error, message = OPTIONS[what]
    adata = busy_cells()
    adata.var["m"] = True
    adata.var["holes"] = np.array([True, None] * 20, dtype=object)
    if "init" in options and options["init"] == "holes":
        adata.obsm["holes"] = np.full((150, 2), np.nan)
    before = hash_adata(adata)
    with pytest.raises(error, match=message):
        gsr_sc.tl.fit(adata, **{"n_jobs": 1, **options})
    assert changed_slots(before, hash_adata(adata)) == set()


def test_two_contradicting_inputs_that_agree_are_no_contradiction() -> None:
    """`use_rep="X"` means X, as in scanpy, and a default `rng` is none."""
    gsr_sc.GSR(rng=0, random_state=3)
    gsr_sc.GSR(rng=None, random_state=3)


def test_a_model_that_is_there_is_not_trained_over(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    adata = cells(60, 12)
    before = hash_adata(adata)
    with pytest.raises(FileExistsError, match=r"saved in .* already"):
        gsr_sc.tl.fit(adata, save_model=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="is a file"):
        gsr_sc.tl.fit(adata, save_model=tmp_path / "file")
    assert changed_slots(before, hash_adata(adata)) == set()


def test_a_model_that_is_not_fitted_says_so() -> None:
    model = gsr_sc.GSR()
    for use in (
        lambda: model.transform(cells()),
        lambda: model.decode([[1.0]]),
        model.summary,
        lambda: model.save("nowhere"),
    ):
        with pytest.raises(RuntimeError, match=r"not fitted; call `fit\(adata\)` first"):
            use()
