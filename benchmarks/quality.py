"""How good the maps are: every data set of a folder, against what one would use instead. A table and a figure.

    python benchmarks/quality.py --data FOLDER_OF_H5AD_FILES

Every method runs at its defaults on the same cells; nothing is tuned to a data set. Without `--data` only the data set
that scanpy bundles is measured. Results are kept in `--out` one by one, so that an interrupted run goes on where it was;
another state of the package's code starts anew. Peers are read from `benchmarks/peers/`, which comes with the repository;
`--peer-python` runs those that are not there yet in their own environment (`benchmarks/peers.py --help`).

`benchmarks/README.md` says what is measured and how each peer is read.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import _checkout  # noqa: F401
import pandas as pd
from _figure import draw
from _kept import Kept, Peers
from _own import OWN, USUAL, Own, available
from _sets import DataSet, data_sets
from _table import as_text, peer_rows, write
from _targets import AGREEMENT, checks

INPUTS = ("counts", "log", "lengths", "corrected")
HERE = Path(__file__).parent


def main() -> None:
    """Measure, print the tables and draw the figure."""
    options = arguments()
    warnings.simplefilter("ignore")
    if options.peer_python:
        run_peers(options)
    if lacking := [method for method in options.methods if not available(method)]:
        print(f"This version of the package lacks the options of {', '.join(lacking)}.")
        options.methods = [method for method in options.methods if method not in lacking]
    kept = Kept(options.out)
    rows: list[dict[str, Any]] = []
    for name, load in data_sets(options.data, options.sets).items():
        data = load()
        found = peer_rows(name, Peers(options.peers, name, data.fingerprint).records())
        found += measure(data, Own(data, kept, options.out, options.n_jobs), options)
        rows += found
        print(f"\n{name}\n{as_text(found)}", flush=True)
    frame = pd.DataFrame(rows)
    verdict = checks(rows)
    write(frame, rows, verdict, options.out)
    draw(rows, options.out)
    if options.targets:
        print(f"\n{verdict.to_string(index=False)}")
    print(f"\nTable: {options.out / 'quality.md'}; figures: {options.out / 'quality.csv'}, quality.png, quality.svg")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of .h5ad files with labels in .obs")
    parser.add_argument("--sets", nargs="*", help="names of the files to use, without ending; all by default")
    parser.add_argument("--inputs", nargs="*", default=["counts", "log"], choices=INPUTS, help="what we get")
    parser.add_argument("--methods", nargs="*", default=USUAL, choices=OWN, help="our networks, none if empty")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (default: 3)")
    parser.add_argument(
        "--agreement-seeds",
        type=int,
        default=5,
        help=f"seeds compared with each other on {', '.join(AGREEMENT)} (default: 5)",
    )
    parser.add_argument("--n-jobs", type=int, default=2, help="threads (default: 2)")
    parser.add_argument("--targets", action="store_true", help="print which targets are reached")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="where results are kept")
    parser.add_argument("--peers", type=Path, default=HERE / "peers", help="where peers' results are kept")
    parser.add_argument(
        "--peer-python", type=Path, help="interpreter of the peers' environment, to run what is missing"
    )
    parser.add_argument(
        "--peer-minutes", type=float, default=15.0, help="most minutes of one peer's training on one set"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def run_peers(options: argparse.Namespace) -> None:
    """Run the peers that are not yet known, in their own environment."""
    command = [str(options.peer_python), str(HERE / "peers.py"), "--kept", str(options.peers)]
    command += ["--seeds", str(options.seeds), "--peer-minutes", str(options.peer_minutes)]
    command += ["--data", str(options.data)] if options.data else []
    command += ["--sets", *options.sets] if options.sets else []
    if subprocess.run(command, check=False).returncode:
        sys.exit("The peers did not run to the end; what they had done is kept, and the same command goes on there.")


def measure(data: DataSet, own: Own, options: argparse.Namespace) -> list[dict[str, Any]]:
    """All our networks, inputs and seeds on one data set."""
    rows = []
    for how in options.inputs if data.counts else ["values"]:
        if data.label is not None:
            for method in options.methods:
                for seed in range(options.seeds):
                    figures = own.labels(how, method, seed)
                    rows.append({"data": data.name, "input": how, "method": method, "seed": seed, **figures})
            if "gsr_sc" in options.methods:
                seeds = options.agreement_seeds if data.name in AGREEMENT else options.seeds
                agreement = own.agreement(how, seeds) if seeds > 1 else {}
                rows = [row | agreement if (row["method"], row["input"]) == ("gsr_sc", how) else row for row in rows]
        if data.truth is not None and "gsr_sc" in options.methods:
            for seed in range(options.seeds):
                if figures := own.orders(how, seed):
                    name = f"gsr_sc ({data.truth.graph})"
                    rows.append({"data": data.name, "input": how, "method": name, "seed": seed, **figures})
    return rows


if __name__ == "__main__":
    main()
