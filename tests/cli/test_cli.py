"""The commands: what arrives at the library, what is written, how failures are told."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pytest
from _source import ROOT

import gsr_sc
from gsr_sc.cli import main
from gsr_sc.cli._files import read, write
from gsr_sc.cli._main import parser
from gsr_sc.cli._options import TYPES

if TYPE_CHECKING:
    from anndata import AnnData

# Parameters of `tl.fit` that are no options of the command: the file itself, what the outcome is, and two that have
# a spelling of their own.
NOT_OPTIONS = {"adata", "copy", "progress", "random_state"}
# An option that differs from its default, and what `tl.fit` must get.
ASKED: dict[str, tuple[list[str], Any]] = {
    "graph": (["--graph", "ring"], "ring"),
    "n_neurons": (["--n-neurons", "12"], 12),
    "layer": (["--layer", "counts"], "counts"),
    "use_rep": (["--use-rep", "X_pca"], "X_pca"),
    "mask_var": (["--mask-var", "chosen"], "chosen"),
    "transform": (["--transform", "none"], None),
    "likelihood": (["--likelihood", "gaussian"], "gaussian"),
    "batch_key": (["--batch-key", "batch,donor"], ["batch", "donor"]),
    "labels_key": (["--labels-key", "cell_type"], "cell_type"),
    "unlabelled_category": (["--unlabelled-category", "Unknown"], "Unknown"),
    "smoothness": (["--smoothness", "0.5"], 0.5),
    "tolerance": (["--tolerance", "0.1"], 0.1),
    "init": (["--init", "pca"], "pca"),
    "activation": (["--activation", "relu"], "relu"),
    "filter_time": (["--filter-time", "2"], 2.0),
    "hidden": (["--hidden", "64,32"], (64, 32)),
    "hidden_decoder": (["--hidden-decoder", "10"], (10,)),
    "penalty": (["--penalty", "rayleigh"], "rayleigh"),
    "laplacian": (["--laplacian", "symmetric"], "symmetric"),
    "max_epochs": (["--max-epochs", "3"], 3),
    "rng": (["--seed", "7"], 7),
    "device": (["--device", "cpu"], "cpu"),
    "n_jobs": (["--n-jobs", "1"], 1),
    "checkpoint": (["--checkpoint", "state"], Path("state")),
    "progress": (["--no-progress"], False),
    "save_model": (["--save-model", "model"], Path("model")),
    "key_added": (["--key-added", "k"], "k"),
}
QUICK = ["--max-epochs", "2", "--smoothness", "0.1", "--n-jobs", "1", "--no-progress"]


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnnData:
    """A small data set, stored as `in.h5ad` in the working directory."""
    monkeypatch.chdir(tmp_path)
    adata = gsr_sc.datasets.simulate_line(90, 20)
    adata.write_h5ad("in.h5ad")
    return adata


def fit_quickly(adata: AnnData, **options: Any) -> None:
    gsr_sc.tl.fit(adata, max_epochs=2, smoothness=0.1, n_jobs=1, **options)


def run_apart(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    own = {"PYTHONPATH": str(ROOT.parent), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    # With the variables of this process: some choose the instructions of linear algebra, and so the last digits.
    environment = os.environ | own
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, check=False, capture_output=True, text=True
    )


def error_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that a failing command prints."""
    assert main(words) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (text,) = printed.err.splitlines()
    assert text.startswith("gsr-sc: error: ")
    return text


# -- options ----------------------------------------------------------------------------------------------------------


def test_every_scalar_parameter_of_fit_has_an_option_and_a_case_here() -> None:
    known = set(inspect.signature(gsr_sc.tl.fit).parameters)
    assert set(TYPES) == known - NOT_OPTIONS
    assert set(ASKED) == {*TYPES, "progress"}


@pytest.mark.parametrize(
    "names", [list(ASKED), *([name] for name in ASKED), []], ids=lambda names: "+".join(names)[:20]
)
@pytest.mark.usefixtures("line")
def test_what_is_asked_for_arrives_and_nothing_else(names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    got: dict[str, Any] = {}

    def record(adata: AnnData, **options: Any) -> None:
        got.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(gsr_sc.tl, "fit", record)
    assert main(["fit", "in.h5ad", "out.h5ad", *(word for name in names for word in ASKED[name][0])]) == 130
    # Unlike in a notebook, the bar is shown unless it is refused.
    assert got == {"progress": True} | {name: ASKED[name][1] for name in names}


def test_help_of_an_option_is_the_docstring() -> None:
    (commands,) = (action.choices for action in parser()._actions if isinstance(action.choices, dict))
    texts = {action.dest: action.help for action in commands["fit"]._actions}
    assert "Layer to read instead of X." in texts["layer"]
    assert "held-out explained variance" in texts["smoothness"]
    assert all(texts.values())
    for command in commands.values():
        assert len(command.format_help()) > 100


def test_help_needs_neither_torch_nor_scanpy(tmp_path: Path) -> None:
    statement = (
        "import sys; from gsr_sc.cli._main import parser; parser().format_help(); "
        "heavy = {'torch', 'scanpy', 'anndata', 'matplotlib'} & set(sys.modules); sys.exit(str(heavy) if heavy else 0)"
    )
    done = run_apart("-c", statement, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


# -- fit and map ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.zarr", "out.h5ad"])
def test_a_write_that_fails_leaves_what_was_there(
    name: str, line: AnnData, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def half(self: AnnData, path: Path) -> None:
        if path.suffix == ".zarr" or ".zarr." in path.name:
            path.mkdir()
            (path / "zarr.json").write_text("half")
        else:
            path.write_text("half")
        raise OSError(28, "No space left on device")

    folder = tmp_path / "out"
    folder.mkdir()
    target = folder / name
    for there in (False, True):
        if there:
            write(line, target)
            assert read(target).shape == line.shape
        with monkeypatch.context() as patch:
            patch.setattr(ad.AnnData, "write_zarr", half)
            patch.setattr(ad.AnnData, "write_h5ad", half)
            with pytest.raises(OSError, match="No space"):
                write(line, target)
        assert [path.name for path in folder.iterdir()] == [name] * there
    line.obs["new"] = 1.0
    write(line, target)
    assert "new" in read(target).obs, "written over"


@pytest.mark.usefixtures("line")
def test_a_checkpoint_is_kept_until_the_result_is_written(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    words = ["fit", "in.h5ad", "out.h5ad", *QUICK, "--checkpoint", "state"]
    monkeypatch.setattr("gsr_sc.training._checkpoint._SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(ad.AnnData, "write_h5ad", full)
        assert main(words) == 1
    assert "No space" in capfd.readouterr().err
    assert Path("state").is_file()
    assert not Path("out.h5ad").exists()
    # Nothing is left to train.
    monkeypatch.setattr("gsr_sc.training._loop.Loop.train_epoch", None)
    assert main(words) == 0
    assert "X_gsr" in read(Path("out.h5ad")).obsm
    assert not Path("state").exists()


@pytest.mark.parametrize(("source", "target"), [("in.h5ad", "out.zarr"), ("in.zarr", "out.h5ad")])
def test_fit_writes_what_python_computes(
    line: AnnData, source: str, target: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if source == "in.zarr":
        line.write_zarr(source)
    for _ in range(2):  # the second time over what is there
        assert main(["fit", source, target, *QUICK, "--seed", "3", "--graph", "line", "--key-added", "k"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    stored = ad.read_zarr(target) if target == "out.zarr" else ad.read_h5ad(target)
    fit_quickly(line, rng=3, graph="line", key_added="k")
    np.testing.assert_array_equal(stored.obsm["k"], line.obsm["k"])
    assert stored.uns["k"]["params"]["rng"] == 3
    quality = stored.uns["k"]["quality"]
    assert f"explained variance {quality['explained_variance']:.3f}" in out
    assert f"Moran's I {quality['moran_i']:.3f}" in out
    assert f"wrote {target}" in out
    assert sorted(path.name for path in Path().iterdir()) == sorted({"in.h5ad", source, target})


def test_map_places_cells_as_the_saved_model_does(
    line: AnnData, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["fit", "in.h5ad", "in.h5ad", *QUICK, "--save-model", "model"]) == 0
    line[:40, ::-1].copy().write_h5ad("new.h5ad")
    assert main(["map", "model", "new.h5ad", "placed.h5ad", "--n-jobs", "1", "--key-added", "k"]) == 0
    out = capsys.readouterr().out
    assert "40 cells placed" in out
    n_read = ad.read_h5ad("placed.h5ad").uns["k_query"]["n_variables"]
    assert f"{n_read} of {n_read} variables matched" in out
    # Of several processes the first alone writes.
    with monkeypatch.context() as patched:
        for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1"}.items():
            patched.setenv(name, value)
        assert main(["map", "model", "new.h5ad", "second.h5ad", "--n-jobs", "1"]) == 0
    assert not Path("second.h5ad").exists()
    fit_quickly(line)
    np.testing.assert_allclose(ad.read_h5ad("placed.h5ad").obsm["k"], line.obsm["X_gsr"][:40], atol=1e-6)


def test_map_carries_labels_and_does_without_genes(line: AnnData, capsys: pytest.CaptureFixture[str]) -> None:
    line.obs["half"] = np.where(np.arange(line.n_obs) % 2, "odd", "even")
    line.write_h5ad("in.h5ad")
    assert main(["fit", "in.h5ad", "in.h5ad", *QUICK, "--save-model", "model"]) == 0
    new = line[:40, : line.n_vars * 2 // 3].copy()
    new.var["id"] = new.var_names.to_numpy()
    new.layers["kept"] = new.X.copy()
    new.X = new.X * 0
    new.var_names = [f"x{i}" for i in range(new.n_vars)]
    new.write_h5ad("new.h5ad")
    words = ["map", "model", "new.h5ad", "placed.h5ad", "--n-jobs", "1", "--var-key", "id", "--layer", "kept"]
    assert main([*words, "--reference", "in.h5ad", "--labels-key", "half"]) == 0
    placed = ad.read_h5ad("placed.h5ad")
    assert set(placed.obs["gsr_label"]) <= {"odd", "even"}
    assert placed.uns["gsr_query"]["missing_share"] > 0.2
    capsys.readouterr()
    assert main([*words, "--min-overlap", "0.9"]) == 1
    assert "`min_overlap` asks for 90%" in capsys.readouterr().err


def test_module_is_the_command(line: AnnData, tmp_path: Path) -> None:
    done = run_apart("-m", "gsr_sc", "fit", "in.h5ad", "out.h5ad", *QUICK, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    fit_quickly(line)
    np.testing.assert_array_equal(ad.read_h5ad("out.h5ad").obsm["X_gsr"], line.obsm["X_gsr"])
    done = run_apart("-m", "gsr_sc", "--version", cwd=tmp_path)
    assert done.stdout == f"gsr-sc {gsr_sc.__version__}\n"


def test_warnings_for_users_take_one_line(line: AnnData, capfd: pytest.CaptureFixture[str]) -> None:
    line.X[:, 4] = 0
    line.write_h5ad("in.h5ad")
    assert main(["fit", "in.h5ad", "out.h5ad", *QUICK]) == 0
    (text,) = capfd.readouterr().err.splitlines()
    assert text.startswith("gsr-sc: warning: 1 variable is ")
    assert repr(line.var_names[4]) in text


# -- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["fit", "no.h5ad", "out.h5ad"], "there is no data set 'no.h5ad'"),
        (["fit", "in.csv", "out.h5ad"], "give the path of an .h5ad file"),
        (["fit", "broken.h5ad", "out.h5ad"], "write it anew with `adata.write_h5ad`"),
        (["fit", "in.h5ad", "out.csv"], "end it in .h5ad or .zarr"),
        (["fit", "in.h5ad", "nowhere/out.h5ad"], "make it first"),
        (["fit", "in.h5ad", "folder.zarr"], "choose another output"),
        (["fit", "in.h5ad", "folder.h5ad"], "choose another output"),
        (["fit", "in.h5ad", "out.h5ad", "--layer", "counts"], "`layer='counts'` is not in .layers"),
        (["fit", "in.h5ad", "out.h5ad", "--n-neurons", "1"], "`n_neurons` is 1"),
        (["map", "no_model", "in.h5ad", "out.h5ad"], "No model is saved in 'no_model'"),
        (["demo", "--out", "broken.h5ad"], "choose another folder with --out"),
    ],
)
@pytest.mark.usefixtures("line")
def test_failures_are_one_line_and_leave_everything(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken.h5ad").write_text("no HDF5")
    Path("in.csv").touch()
    for name in ("folder.zarr", "folder.h5ad"):
        Path(name).mkdir()
        Path(name, "precious").touch()
    before = sorted(Path().rglob("*"))
    assert expected in error_of(capsys, *words)
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    "words",
    [[], ["train"], ["fit", "in.h5ad"], ["fit", "a.h5ad", "b.h5ad", "--smoothness", "much"], ["demo", "--sed", "1"]],
)
def test_wrong_words_exit_with_two_and_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    (text,) = capsys.readouterr().err.splitlines()
    assert "--help" in text
