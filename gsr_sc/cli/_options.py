"""The options of `gsr-sc fit`: the parameters of `tl.fit` that a shell can say."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._docs import MODEL

if TYPE_CHECKING:
    from collections.abc import Callable


def _number_or_auto(text: str) -> float | str:
    try:
        return text if text == "auto" else float(text)
    except ValueError:
        msg = f"{text!r} is neither a number nor 'auto'"
        raise argparse.ArgumentTypeError(msg) from None


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(width) for width in text.split(",") if width)
    except ValueError:
        msg = f"{text!r} is no list of whole numbers such as 128,128"
        raise argparse.ArgumentTypeError(msg) from None


def _name_or_none(text: str) -> str | None:
    return None if text == "none" else text


def _names(text: str) -> str | list[str]:
    return text.split(",") if "," in text else text


# How each is read. Which values are allowed, and what the default is, only `tl.fit` knows.
TYPES: dict[str, Callable[[str], Any]] = {
    "graph": str,
    "n_neurons": int,
    "layer": str,
    "use_rep": str,
    "mask_var": str,
    "transform": _name_or_none,
    "likelihood": str,
    "batch_key": _names,
    "labels_key": str,
    "unlabelled_category": str,
    "smoothness": _number_or_auto,
    "tolerance": float,
    "init": str,
    "activation": str,
    "filter_time": float,
    "hidden": _widths,
    "hidden_decoder": _widths,
    "penalty": str,
    "laplacian": str,
    "max_epochs": int,
    "rng": int,
    "device": str,
    "n_jobs": int,
    "checkpoint": Path,
    "save_model": Path,
    "key_added": str,
}
_SPELLINGS = {"rng": "--seed"}
_METAVARS: dict[Callable[[str], Any], str] = {
    int: "N",
    float: "X",
    _number_or_auto: "X",
    _widths: "N,N",
    Path: "PATH",
}
# Where the docstring speaks of what only Python can pass, or is not shared.
_HELP = {
    "graph": '"grid" (the default), "torus", "hex", "ring", "rings", "line", "lines", "star", "tree", "wishbone", "groups" or "learned".',
    "mask_var": 'Boolean column of .var that tells which variables to use. By default "highly_variable", if there is one.',
    "transform": 'What the encoder sees: "zscore", "pearson" (of counts), "combined", "none" (values as given), or "auto".',
    "hidden": "Widths of the network's layers before the layer of neurons, 128,128 by default.",
    "hidden_decoder": "Widths of those behind it; by default those of --hidden in reverse.",
    "batch_key": "Column of .obs that tells the batch, or several with commas between: the map shows what batches share.",
    "rng": "Seed, 0 by default. The same seed, number of threads and machine give the same bits.",
    "save_model": "Folder to save the model to, for gsr-sc map.",
    "key_added": "Name of the results, instead of gsr.",
}


def add_options(command: argparse.ArgumentParser, *names: str) -> None:
    """Add options by the names of the parameters."""
    texts = _documented() | _HELP
    for name in names:
        flag = _SPELLINGS.get(name, f"--{name.replace('_', '-')}")
        read = TYPES[name]
        metavar = _METAVARS.get(read, "NAME")
        command.add_argument(flag, dest=name, type=read, metavar=metavar, help=texts[name].replace("%", "%%"))


def _documented() -> dict[str, str]:
    """Text on each parameter, from the docstring that `GSR` and `tl.fit` share."""
    texts: dict[str, str] = {}
    name = ""
    for line in MODEL.replace("`", "").splitlines():
        if line.startswith(" "):
            texts[name] = f"{texts.get(name, '')} {line.strip()}".strip()
        else:
            name = line
    return texts
