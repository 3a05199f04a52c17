"""From the words of a command line to an exit status."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ._demo import demo
from ._fit import fit, place
from ._options import TYPES, add_options
from ._report import report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False, argument_default=argparse.SUPPRESS)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}; see `{self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    """Commands and their options; what was not asked for is absent from what it parses."""
    from .. import __version__

    top = _Parser(prog="gsr-sc", description="Maps of single cells whose neurons you can read.")
    top.add_argument("--version", action="version", version=f"gsr-sc {__version__}")
    commands = top.add_subparsers(required=True, metavar="command", parser_class=_Parser)

    command = commands.add_parser("demo", help="train on a small real data set, and draw it")
    command.description = "Train on 700 blood cells that come with scanpy, print how good the map is, and draw it."
    command.set_defaults(run=demo)
    command.add_argument("--out", type=Path, metavar="FOLDER", help="folder to write to (default: gsr-demo)")
    command.add_argument("--n-jobs", type=int, metavar="N", help="number of threads (default: 2)")
    add_options(command, "rng")

    command = commands.add_parser("fit", help="train a map on a data set, as gsr_sc.tl.fit does")
    command.description = "Train a map on a data set and write it, with the map in it, to another file."
    command.set_defaults(run=fit)
    _add_files(command)
    add_options(command, *TYPES)
    command.add_argument("--no-progress", action="store_false", dest="progress", help="Show no progress bar.")

    command = commands.add_parser("map", help="place cells on the map of a saved model")
    command.description = "Place the cells of a data set on the map of a saved model, and write it to another file."
    command.set_defaults(run=place)
    command.add_argument("model", type=Path, help="folder written by gsr-sc fit --save-model, or by GSR.save")
    _add_files(command)
    command.add_argument(
        "--reference", type=Path, metavar="FILE", help="Labelled data with the map of the model in it."
    )
    command.add_argument("--labels-key", metavar="NAME", help="Column of .obs of the reference to carry over.")
    command.add_argument("--var-key", metavar="NAME", help="Column of .var that names the variables, such as gene_ids.")
    share = "Smallest share of the variables of the model that has to be there, 0.5 by default."
    command.add_argument("--min-overlap", type=float, metavar="X", help=share)
    command.add_argument("--layer", metavar="NAME", help="Layer to read, by default that of the fit; X for X itself.")
    add_options(command, "device", "n_jobs", "key_added")

    command = commands.add_parser("report", help="write a page on the map of a data set")
    command.description = (
        "Write what is stored of a map (quality, pictures, clusters and their genes) as one HTML page."
    )
    command.set_defaults(run=report)
    command.add_argument("source", type=Path, metavar="in", help="data set with a map, .h5ad or .zarr")
    command.add_argument("target", type=Path, metavar="out", help="page to write, .html; it is replaced")
    command.add_argument("--label", metavar="NAME", help="Column of .obs with known groups, to read the map by.")
    command.add_argument("--key", metavar="NAME", help="Name of the map, if it was fitted with --key-added.")
    return top


def _add_files(command: argparse.ArgumentParser) -> None:
    command.add_argument("source", type=Path, metavar="in", help="data set, .h5ad or .zarr")
    command.add_argument("target", type=Path, metavar="out", help="where to write it, .h5ad or .zarr; it is replaced")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        Words of the command line; by default those that the process was started with.

    Returns
    -------
    Exit status: 0, 1 if the command failed, 130 if it was interrupted. Wrong words exit with 2.
    """
    options = vars(parser().parse_args(arguments))
    run = options.pop("run")
    try:
        with _plain_messages():
            run(**options)
    except (ValueError, KeyError, TypeError, OSError, RuntimeError) as error:
        # As text, a KeyError is its message in quotes.
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        print(f"gsr-sc: error: {_one_line(message)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("gsr-sc: interrupted", file=sys.stderr)
        return 130
    return 0


@contextmanager
def _plain_messages() -> Iterator[None]:
    """Warnings meant for users in one line each; others, and what matplotlib says of its caches, not at all."""
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = _show_warning
            yield
    finally:
        log.setLevel(level)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"gsr-sc: warning: {_one_line(message)}", file=sys.stderr)


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
