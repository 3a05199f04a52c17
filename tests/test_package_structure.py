"""The style of the public functions and the walls between the rooms (see DEVELOPERS.md)."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from _docstrings import read_docstring, signature_parameters
from _source import ROOT, SOURCES, Source

import gsr_sc

if TYPE_CHECKING:
    from collections.abc import Callable

PUBLIC_ROOMS = ("tl", "pl", "get", "graphs", "metrics", "nn", "datasets")
MAX_LINES = 300
MAX_POSITIONAL = 3

# From the top floor to the cellar. A room may use its own floor and those below it, never those above.
FLOORS: tuple[set[str], ...] = (
    {"__main__", "cli"},
    {"tl", "pl"},
    {"model"},
    {"get", "training"},
    {"inputs", "slots"},
    {"nn", "matrices"},
    {"graphs", "metrics", "datasets", "stats"},
    {"_checks", "_docs", "_log", "_processes", "_random"},
)

each_source = pytest.mark.parametrize("source", SOURCES, ids=str)


@cache
def public(room: str) -> dict[str, Any]:
    """Everything in `__all__` of a room, or of the package itself for `""`."""
    if room and not (ROOT / room / "__init__.py").exists():
        return {}
    module = importlib.import_module(f"gsr_sc.{room}" if room else "gsr_sc")
    return {name: getattr(module, name) for name in getattr(module, "__all__", ())}


def functions(*rooms: str) -> Any:
    """Parametrise over the public functions of rooms."""
    return _parametrize({f"{room}.{name}": f for room in rooms for name, f in public(room).items() if _is_function(f)})


def functions_and_classes(*rooms: str) -> Any:
    """Parametrise over the public functions and classes of rooms."""
    things = {f"{room}.{name}".lstrip("."): thing for room in rooms for name, thing in public(room).items()}
    return _parametrize(
        {name: thing for name, thing in things.items() if _is_function(thing) or inspect.isclass(thing)}
    )


def _parametrize(things: dict[str, Any]) -> Any:
    return pytest.mark.parametrize("thing", things.values(), ids=things.keys())


def _is_function(thing: Any) -> bool:
    return inspect.isroutine(thing)


def methods(cls: type) -> dict[str, Callable[..., Any]]:
    """Public methods that a class defines itself."""
    found = {name: getattr(cls, name) for name in vars(cls) if not name.startswith("_")}
    return {name: thing for name, thing in found.items() if inspect.isroutine(thing)}


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


def assert_adata_first_rest_by_name(function: Callable[..., Any]) -> None:
    first, *rest = parameters(function)
    assert (first.name, first.annotation) == ("adata", "AnnData")
    assert first.kind in {first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD}
    by_name = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    # A model that is not in the AnnData may come second, as a reference does in scanpy.
    assert [parameter.name for parameter in rest if parameter.kind not in by_name] in ([], ["model"])


def assert_parameter(function: Callable[..., Any], name: str, annotation: str, default: object) -> None:
    parameter = inspect.signature(function).parameters[name]
    assert (parameter.annotation, parameter.default) == (annotation, default)


# -- style ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", PUBLIC_ROOMS)
def test_public_room_says_what_it_offers(room: str) -> None:
    names = list(public(room))
    assert names, f"gsr_sc.{room} has no `__all__`"
    assert names == sorted(names)
    assert room in dir(gsr_sc)
    assert getattr(gsr_sc, room) is sys.modules[f"gsr_sc.{room}"]


@functions("tl")
def test_tl_signature(thing: Callable[..., Any]) -> None:
    assert_adata_first_rest_by_name(thing)
    assert_parameter(thing, "copy", "bool", default=False)
    # What speaks of a stored map goes by its key.
    of_a_map = "key" in inspect.signature(thing).parameters
    assert_parameter(thing, "key" if of_a_map else "key_added", "str | None", default=None)
    assert inspect.signature(thing).return_annotation == "AnnData | None"


@functions("pl")
def test_pl_signature(thing: Callable[..., Any]) -> None:
    assert_adata_first_rest_by_name(thing)
    assert_parameter(thing, "show", "bool | None", default=None)
    assert_parameter(thing, "return_fig", "bool | None", default=None)
    assert "save" not in inspect.signature(thing).parameters, "scanpy deprecates `save`"


@functions("get")
def test_get_signature(thing: Callable[..., Any]) -> None:
    assert_adata_first_rest_by_name(thing)


@functions_and_classes("", *PUBLIC_ROOMS)
def test_few_positional_and_no_boolean_positional(thing: Any) -> None:
    callables = {"": thing, **(methods(thing) if inspect.isclass(thing) else {})}
    for name, function in callables.items():
        positional = [
            parameter
            for parameter in parameters(function)
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name != "self"
        ]
        # What dataclasses, named tuples and torch modules generate has no annotation of our choosing.
        if not _is_generated(thing):
            assert len(positional) <= MAX_POSITIONAL, (name, [parameter.name for parameter in positional])
            assert [p.name for p in positional if p.annotation == "bool" or isinstance(p.default, bool)] == [], name


def _is_generated(thing: Any) -> bool:
    return hasattr(thing, "__dataclass_fields__") or hasattr(thing, "_fields")


@functions(*PUBLIC_ROOMS)
def test_everything_is_annotated(thing: Callable[..., Any]) -> None:
    assert [parameter.name for parameter in parameters(thing) if parameter.annotation is parameter.empty] == []
    assert inspect.signature(thing).return_annotation is not inspect.Signature.empty


@functions_and_classes("", *PUBLIC_ROOMS)
def test_docstring_describes_exactly_the_parameters(thing: Any) -> None:
    docstring = read_docstring(thing)
    assert docstring.summary.endswith(".")
    assert docstring.types == [], "types belong in the signature"
    if _is_generated(thing) and "Parameters" not in docstring.sections:
        return  # a result, which users read and do not make; its fields are described where they stand
    assert docstring.parameters == signature_parameters(thing)
    assert "Examples" in docstring.sections


@functions_and_classes("", *PUBLIC_ROOMS)
def test_docstrings_of_methods(thing: Any) -> None:
    for name, method in methods(thing).items() if inspect.isclass(thing) else ():
        docstring = read_docstring(method)
        assert docstring.summary.endswith("."), name
        assert docstring.types == [], name
        # Of a short method the summary may say all; the model itself is what users type.
        if docstring.parameters or thing is getattr(gsr_sc, "GSR", None):
            assert docstring.parameters == signature_parameters(method), name


# -- walls ------------------------------------------------------------------------------------------------------------

# (package that must stay outside, rooms which it must not enter)
WALLS = {
    "torch": {"graphs", "metrics", "stats", "get", "pl"},
    "anndata": {"graphs", "metrics", "stats", "nn", "training"},
    "matplotlib": {"graphs", "metrics", "stats", "get", "nn", "training", "matrices", "model"},
}
# (package, the only rooms which it may enter)
GUESTS = {
    "scanpy": {"tl", "pl", "cli", "_log", "datasets"},
    "phate": set[str](),
}


@each_source
def test_walls(source: Source) -> None:
    strangers = {
        package for package, rooms in WALLS.items() if source.room in rooms and source.imports_package(package)
    }
    strangers |= {
        package for package, rooms in GUESTS.items() if source.room not in rooms and source.imports_package(package)
    }
    assert not strangers


@each_source
def test_uses_nothing_from_the_floors_above(source: Source) -> None:
    if not source.parts:
        return  # the front door shows every room
    assert source.room in set().union(*FLOORS), f"say in FLOORS on which floor {source.room!r} is"
    floor = _floor(source.room)
    own = {name.split(".")[1] for name in source.runtime_imports if name.startswith("gsr_sc.")}
    assert {room for room in own if room in set().union(*FLOORS) and _floor(room) < floor} == set()


def _floor(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


@pytest.mark.parametrize("rooms", [("graphs", "metrics", "get", "pl")], ids="+".join)
def test_stored_results_are_read_and_drawn_without_torch(rooms: tuple[str, ...]) -> None:
    statement = f"import {', '.join(f'gsr_sc.{room}' for room in rooms)}, sys; sys.exit('torch' in sys.modules)"
    # Under -c the working directory comes first on the path, so that this is the package that the other tests see.
    done = subprocess.run(
        [sys.executable, "-c", statement], cwd=ROOT.parent, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr or "torch was imported"


@each_source
def test_global_randomness_is_not_seeded(source: Source) -> None:
    seeding = re.compile(
        r"((np|numpy)\.random|random)\.(seed|set_?state)|torch(\.\w+)?\.(manual_seed(_all)?|seed(_all)?|set_rng_state(_all)?)"
    )
    assert [call for call in source.calls if seeding.fullmatch(call)] == []


@each_source
def test_only_the_command_line_prints(source: Source) -> None:
    assert source.room == "cli" or "print" not in source.calls


@each_source
def test_module_is_short_and_says_what_it_is(source: Source) -> None:
    assert ast.get_docstring(source.tree)
    assert len(source.text.splitlines()) <= MAX_LINES
