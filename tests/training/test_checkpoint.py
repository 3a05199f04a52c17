"""A training that goes on from a file ends as if it had never stopped; a file of another training is refused."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from _fits import cells
from _stopping import STEPS_PER_EPOCH, Killed, at_step, kill
from hypothesis import given, settings
from hypothesis import strategies as st

import gsr_sc
from gsr_sc.training import Checkpoint, World
from gsr_sc.training import _checkpoint as module
from gsr_sc.training._checkpoint import pack, unpack
from gsr_sc.training._run import _read as read_by_all

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

OPTIONS: dict[str, Any] = {"max_epochs": 4, "n_jobs": 1, "n_neurons": 9}
# One epoch of warm-up, four of each training.
N_STEPS = STEPS_PER_EPOCH * (1 + 4 + 4)
KINDS: dict[str, dict[str, Any]] = {
    "a number": {"smoothness": 0.5},
    "auto": {"smoothness": "auto", "tolerance": 0.0, "transform": None},
    "learned graph": {"graph": "learned", "smoothness": 0.5},
    "counts, batches": {"likelihood": "nb", "layer": "counts", "batch_key": "batch", "smoothness": 0.5},
    "patience": {"smoothness": 0.0, "max_epochs": 20},
}


@pytest.fixture(autouse=True)
def _always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.0)


def data() -> AnnData:
    adata = cells()
    adata.layers["counts"] = np.random.default_rng(0).poisson(np.exp(adata.X - adata.X.max(axis=1, keepdims=True) + 1))
    adata.obs["batch"] = np.where(np.arange(adata.n_obs) % 3 == 0, "b", "a")
    return adata


def fitted(**options: Any) -> AnnData:
    adata = data()
    gsr_sc.tl.fit(adata, **{**OPTIONS, **options})
    return adata


@cache
def whole_fit() -> AnnData:
    return fitted(smoothness=0.5)


def assert_same_map(one: AnnData, other: AnnData) -> None:
    np.testing.assert_array_equal(one.obsm["X_gsr"], other.obsm["X_gsr"])
    np.testing.assert_array_equal(one.varm["gsr_programs"], other.varm["gsr_programs"])
    mine, theirs = (adata.uns["gsr"] for adata in (one, other))
    assert mine["quality"] == theirs["quality"]
    assert mine["params"] == theirs["params"]
    assert mine["history"].keys() == theirs["history"].keys()
    for name, values in mine["history"].items():
        np.testing.assert_array_equal(values, theirs["history"][name], err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_as_without_a_break(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    options, file = KINDS[kind], tmp_path / "fit.checkpoint"
    whole = fitted(**options)
    # Again and again, at the end of an epoch and within one.
    for n_steps in (4, 7, 5):
        with monkeypatch.context() as patch:
            at_step(patch, n_steps, kill)
            with pytest.raises(Killed):
                fitted(**options, checkpoint=file)
    assert_same_map(fitted(**options, checkpoint=file), whole)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", [1, 2, 3, 4, 10, 11, 12, 13, 18])
def test_it_ends_as_without_a_break_wherever_that_is(
    step: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "fit.checkpoint"
    with monkeypatch.context() as patch:
        at_step(patch, step, kill)
        with pytest.raises(Killed):
            fitted(smoothness=0.5, checkpoint=file)
    assert file.exists() == (step > STEPS_PER_EPOCH), "the first is written after the first epoch"
    steps: list[float] = []
    with monkeypatch.context() as patch:
        patch.setattr(gsr_sc.training.Progress, "step", lambda self, loss: steps.append(loss))
        resumed = fitted(smoothness=0.5, checkpoint=file)
    assert len(steps) == N_STEPS - (step - 1) // STEPS_PER_EPOCH * STEPS_PER_EPOCH, "no epoch is trained twice"
    assert_same_map(resumed, whole_fit())


def test_an_interrupted_fit_goes_on_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    file = tmp_path / "fit.checkpoint"
    with monkeypatch.context() as patch:
        at_step(patch, 15, interrupt)
        stopped = fitted(smoothness=0.5, checkpoint=file)
    assert stopped.uns["gsr"]["params"]["interrupted"]
    whole = fitted(smoothness=0.5, checkpoint=file)
    assert not file.exists()
    assert_same_map(whole, whole_fit())


def test_the_bar_ends_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step in (5, 13):
        with monkeypatch.context() as patch:
            at_step(patch, step, kill)
            with pytest.raises(Killed):
                fitted(smoothness=0.5, checkpoint=tmp_path / "fit.checkpoint")
        capsys.readouterr()
        fitted(smoothness=0.5, checkpoint=tmp_path / "fit.checkpoint", progress=True)
        assert f"{N_STEPS}/{N_STEPS}" in capsys.readouterr().err


def refuse(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_what_breaks_after_the_training_costs_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file, steps = tmp_path / "fit.checkpoint", list[float]()
    with monkeypatch.context() as patch:
        patch.setattr(gsr_sc.GSR, "annotate", refuse)
        with pytest.raises(OSError, match="No space"):
            fitted(smoothness=0.5, checkpoint=file, save_model=tmp_path / "model")
    np.testing.assert_array_equal(
        gsr_sc.GSR.load(tmp_path / "model").transform(data()), whole_fit().obsm["X_gsr"], "the model is there already"
    )
    with monkeypatch.context() as patch:
        patch.setattr(gsr_sc.training.Progress, "step", lambda self, loss: steps.append(loss))
        assert_same_map(fitted(smoothness=0.5, checkpoint=file), whole_fit())
    assert steps == []
    assert not file.exists()


def test_a_model_that_cannot_be_saved_costs_neither_map_nor_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from gsr_sc.model import _serialize

    file, model = tmp_path / "fit.checkpoint", tmp_path / "model"
    with monkeypatch.context() as patch:
        patch.setattr(_serialize.Path, "write_text", refuse)
        with pytest.warns(UserWarning, match="could not be saved .* placed all the same. The checkpoint is kept"):
            found = fitted(smoothness=0.5, checkpoint=file, save_model=model)
    assert_same_map(found, whole_fit())
    assert [path.name for path in tmp_path.iterdir()] == [file.name], "no half of a model"
    at_step(monkeypatch, 1, kill)
    fitted(smoothness=0.5, checkpoint=file, save_model=model)
    np.testing.assert_array_equal(gsr_sc.GSR.load(model).transform(data()), whole_fit().obsm["X_gsr"])
    assert not file.exists()


def test_a_full_disk_ends_no_training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written, msg = list[int](), "I/O error: No space left on device"

    def full(tensors: Any, path: Any, metadata: Any) -> None:
        written.append(1)
        path.write_bytes(b"half")
        raise module.SafetensorError(msg)

    monkeypatch.setattr(module, "save_file", full)
    with pytest.warns(UserWarning, match="No checkpoint could be written to .*No space left") as told:
        found = fitted(smoothness=0.5, checkpoint=tmp_path / "fit.checkpoint")
    assert len(written) > 1, "there may be space again"
    assert len(told) == 1
    assert_same_map(found, whole_fit())
    assert list(tmp_path.iterdir()) == []


class First(World):
    """The first of two processes, which the other one hears."""

    told: Any = None

    def agree(self, value: Any) -> Any:
        First.told = value
        return value


class Second(World):
    """The other one."""

    def agree(self, value: Any) -> Any:
        assert value == (None, None), "it has looked itself"
        return First.told


def test_all_processes_go_on_from_what_the_first_finds(tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path / "state", {"rng": 0})
    kept.write(lambda: {"epoch": 3})
    elsewhere = Checkpoint(tmp_path / "not there", {"rng": 0})
    assert read_by_all(kept, First(0, 2)) == read_by_all(elsewhere, Second(1, 2)) == {"epoch": 3}
    for mine, world in ((Checkpoint(kept.path, {"rng": 1}), First(0, 2)), (elsewhere, Second(1, 2))):
        with pytest.raises(ValueError, match="rng is 0 there and 1 here"):
            read_by_all(mine, world)


# -- other fits -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a fit with `smoothness=0.5` that was broken off."""
    file = tmp_path_factory.mktemp("checkpoint") / "fit.checkpoint"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SECONDS", 0.0)
        at_step(patch, 7, kill)
        with pytest.raises(Killed):
            fitted(smoothness=0.5, checkpoint=file)
    return file


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"smoothness": 0.25}, "smoothness is 0.5 there and 0.25 here"),
        ({"max_epochs": 5}, "max_epochs is 4 there and 5 here"),
        ({"rng": 1}, "rng is 0 there and 1 here"),
        ({"graph": "torus"}, "graph is 'grid' there and 'torus' here"),
        ({"n_neurons": 16}, "n_neurons is 9 there and 16 here"),
        ({"hidden": (20,)}, "hidden is [128, 128] there and [20] here"),
        ({"init": "random"}, "init is 'auto' there and 'random' here"),
        ({"init": "other"}, "init is 'auto' there and 'other' here"),
        ({"layer": "counts"}, "sum of values is"),
        ({"batch_key": "batch"}, "batches is None there"),
        ({"labels_key": "batch"}, "labels is None there"),
        ({"transform": None}, "transform is 'combined' there and 'none' here"),
        ({"mask_var": np.arange(40) < 30}, "n_vars is 40 there and 30 here"),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, dict) else "",
)
def test_a_state_of_other_options_is_refused(changed: dict[str, Any], named: str, broken_off: Path) -> None:
    adata, before = data(), broken_off.read_bytes()
    adata.obsm["other"] = np.random.default_rng(1).normal(size=(adata.n_obs, 2))
    with pytest.raises(ValueError, match="is of another fit") as raised:
        gsr_sc.tl.fit(adata, **{**OPTIONS, "smoothness": 0.5, "checkpoint": broken_off, **changed})
    assert named in str(raised.value)
    assert "delete the file" in str(raised.value)
    assert broken_off.read_bytes() == before
    assert "gsr" not in adata.uns


def renamed(adata: AnnData) -> AnnData:
    adata.var_names = [f"other {name}" for name in adata.var_names]
    return adata


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda adata: adata[:-1].copy(), "n_obs is 150 there and 149 here"),
        (lambda adata: adata[::-1].copy(), "obs_names is"),
        (renamed, "var_names is"),
    ],
    ids=["fewer", "reversed", "renamed"],
)
def test_a_state_of_other_data_is_refused(change: Any, named: str, broken_off: Path) -> None:
    with pytest.raises(ValueError, match="is of another fit") as raised:
        gsr_sc.tl.fit(change(data()), **OPTIONS, smoothness=0.5, checkpoint=broken_off)
    assert named in str(raised.value)


def test_rounding_of_another_machine_and_other_threads_are_no_other_fit(tmp_path: Path) -> None:
    saved = Checkpoint(tmp_path / "state", {"sum": 1e6, "name": "x", "widths": (1, 2), "nothing": float("nan")})
    saved.write(lambda: {"epoch": 3})
    same = Checkpoint(saved.path, {"sum": 1e6 + 1e-3, "name": "x", "widths": (1, 2), "nothing": float("nan")})
    assert same.read() == {"epoch": 3}
    with pytest.raises(ValueError, match=r"sum is 1000000\.0 there and 1000100\.0 here"):
        Checkpoint(saved.path, same.identity | {"sum": 1000100.0}).read()


@pytest.mark.parametrize("content", [b"", b"something else", torch.zeros(3).numpy().tobytes()])
def test_another_file_is_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(content)
    with pytest.raises(ValueError, match="is no checkpoint of a training; delete it"):
        fitted(smoothness=0.5, checkpoint=tmp_path / "mine")
    assert (tmp_path / "mine").read_bytes() == content


def test_weights_without_a_state_are_no_checkpoint(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(2)}, tmp_path / "weights")
    with pytest.raises(ValueError, match="is no checkpoint"):
        Checkpoint(tmp_path / "weights").read()


def test_a_place_that_cannot_be_written_to_is_named_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="which is a folder; a checkpoint is a file"):
        fitted(checkpoint=tmp_path)
    with pytest.raises(ValueError, match="nothing can be written to its folder; make it first"):
        fitted(checkpoint=tmp_path / "absent" / "state")


# -- the file ---------------------------------------------------------------------------------------------------------


def test_a_broken_write_leaves_the_state_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path / "state")
    kept.write(lambda: {"epoch": 1})

    def half(tensors: Any, path: Any, metadata: Any) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "save_file", half)
        with pytest.raises(OSError, match="No space"):
            kept.write(lambda: {"epoch": 2})
    assert kept.read() == {"epoch": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_it_is_written_now_and_then(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock = [100.0]
    monkeypatch.setattr(module, "_SECONDS", 10.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    kept = Checkpoint(tmp_path / "state")
    due = []
    for now in (100.0, 109.0, 111.0, 115.0, 122.0):
        clock[0] = now
        due.append(kept.is_due)
        if kept.is_due:
            kept.write(dict)
    assert due == [False, False, True, False, True]


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
nests = st.recursive(
    scalars,
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.lists(parts, max_size=3).map(tuple)
        | st.dictionaries(st.integers() | st.text(max_size=5), parts, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=50)
@given(nests)
def test_what_is_packed_comes_back(value: Any) -> None:
    import json

    tensors: dict[str, torch.Tensor] = {}
    back = unpack(json.loads(json.dumps(pack(value, tensors))), tensors)
    assert back == value
    assert type(back) is type(value)
    assert not tensors


def test_tensors_and_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    random = np.random.default_rng(0).bit_generator.state
    state = {
        0: {"step": torch.tensor(3.0), "flags": torch.tensor([True, False])},
        "noise": torch.Generator().manual_seed(3).get_state(),
        "part": torch.arange(12.0).reshape(3, 4).T,
        "same": (torch.ones(2),) * 2,
        "history": np.array([0.1, np.inf, np.nan]),
        "random": random,
    }
    kept = Checkpoint(tmp_path / "state")
    kept.write(lambda: state)
    back = kept.read()
    assert back["random"] == random
    assert torch.equal(back["part"], state["part"])
    assert torch.equal(back["same"][1], torch.ones(2))
    assert torch.equal(back["noise"], state["noise"])
    assert back[0]["step"].shape == ()
    assert back[0]["flags"].tolist() == [True, False]
    np.testing.assert_array_equal(back["history"], state["history"])


def test_what_has_no_place_is_refused() -> None:
    with pytest.raises(TypeError, match="a set has no place in a checkpoint"):
        pack({"a": {1}}, {})
