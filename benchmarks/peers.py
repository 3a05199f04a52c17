"""Run what we compare with, in an environment of its own, and keep the figures beside this file.

    python3.11 -m venv .venv-peers && .venv-peers/bin/pip install torch==2.13.0
    .venv-peers/bin/pip install scvi-tools==1.4.2 drvi-py==0.2.8 minisom flowsom palantir igraph "pynndescent<0.7"
    .venv-peers/bin/python benchmarks/peers.py --data FOLDER_OF_H5AD_FILES

The figures go to `benchmarks/peers/`, one JSON line each with versions, epochs and minutes, and come with the repository:
`benchmarks/quality.py` reads them and needs none of these packages. What is known there is not run again, except for
methods that were stopped before their default number of epochs, where `--peer-minutes` now allows more.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import sys
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _checkout  # noqa: F401
import _classic
import _latents
import _soms
from _kept import Peers
from _measures import label_figures, order_figures
from _result import clock
from _sets import DataSet, data_sets

if TYPE_CHECKING:
    from collections.abc import Callable

    from _result import Result

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Peer:
    """A method to compare with."""

    run: Callable[..., Result]
    module: str
    """What has to be importable."""
    packages: tuple[str, ...]
    """Distributions whose versions are recorded."""
    counts: bool = False
    """Whether only counts will do."""
    labels: bool = True
    """Whether it says something of labels."""
    orders: bool = False
    """Whether it finds an order."""
    rings: bool = False
    """Whether that order may be an angle."""
    random: bool = True
    """Whether a seed changes anything."""


PEERS = {
    "PCA": Peer(_classic.pca, "scanpy", ("scanpy",), orders=True, rings=True, random=False),
    "leiden": Peer(_classic.leiden, "igraph", ("scanpy", "igraph")),
    "diffusion pseudotime": Peer(
        _classic.diffusion_pseudotime, "scanpy", ("scanpy",), labels=False, orders=True, random=False
    ),
    "MiniSom": Peer(_soms.minisom, "minisom", ("minisom",)),
    "FlowSOM": Peer(_soms.flowsom, "flowsom", ("flowsom",)),
    "Palantir": Peer(_classic.palantir, "palantir", ("palantir",), labels=False, orders=True),
    "scVI": Peer(partial(_latents.trained, "scVI"), "scvi", ("scvi-tools", "torch"), counts=True),
    "LinearSCVI": Peer(partial(_latents.trained, "LinearSCVI"), "scvi", ("scvi-tools", "torch"), counts=True),
    "DRVI": Peer(partial(_latents.trained, "DRVI"), "drvi", ("drvi-py", "scvi-tools", "torch"), counts=True),
}


def main() -> None:
    """Run every peer that is installed and not yet known."""
    options = arguments()
    warnings.simplefilter("ignore")
    for name, load in data_sets(options.data, options.sets).items():
        data = load()
        kept = Peers(options.kept, name, data.fingerprint)
        for method in options.methods:
            for seed in range(options.seeds if PEERS[method].random else 1):
                if suits(PEERS[method], data) and not kept.has(method, seed, options.peer_minutes):
                    try:
                        record = measured(method, data, seed, options.peer_minutes)
                    except Exception as error:  # noqa: BLE001 (whatever a peer stumbles over, the others go on)
                        print(f"{name} {method} {seed} failed: {type(error).__name__}: {error}", flush=True)
                        continue
                    kept.add(record)
                    figures = {key: value for key, value in record["figures"].items() if key != "ARI by k"}
                    print(name, method, seed, figures, record["notes"], f"{record['seconds']} s", flush=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of .h5ad files")
    parser.add_argument("--sets", nargs="*", help="names of the files to use, without ending; all by default")
    parser.add_argument("--methods", nargs="*", choices=PEERS, help="all that are installed by default")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (default: 3)")
    parser.add_argument(
        "--peer-minutes", type=float, default=15.0, help="most minutes of one training on one set (default: 15)"
    )
    parser.add_argument("--kept", type=Path, default=HERE / "peers", help="where results are kept")
    options = parser.parse_args()
    installed = [name for name, peer in PEERS.items() if importlib.util.find_spec(peer.module)]
    if options.methods is None:
        options.methods = installed
        print("Not installed:", ", ".join(set(PEERS) - set(installed)) or "none is missing", flush=True)
    elif missing := sorted(set(options.methods) - set(installed)):
        sys.exit(f"Not installed here: {', '.join(missing)}. `{Path(__file__).name} --help` says how.")
    return options


def suits(peer: Peer, data: DataSet) -> bool:
    """Whether a peer takes such data and is measured on it."""
    if peer.counts and not data.counts:
        return False
    ordered = peer.orders and data.truth is not None and (peer.rings or data.truth.graph != "ring")
    return ordered or (peer.labels and data.label is not None)


def measured(method: str, data: DataSet, seed: int, minutes: float) -> dict[str, Any]:
    """Run one peer on one data set, and return the record of it."""
    peer = PEERS[method]
    extra = {"minutes": minutes} if peer.counts else {}
    load = os.getloadavg()[0]
    with clock() as spent:
        result = peer.run(data, seed=seed, **extra)
    figures: dict[str, Any] = {}
    if peer.labels and data.label is not None:
        figures |= label_figures(result, data)
    if peer.orders and data.truth is not None:
        if data.truth.within is None:
            figures |= order_figures(result.order, result.branch, data)
        else:
            for value in data.parts():
                found = peer.run(value, seed=seed, **extra)
                figures[f"ring {value.name}"] = order_figures(found.order, None, value)["order"]
    return {
        "method": method,
        "seed": seed,
        "figures": {name: round(v, 5) if isinstance(v, float) else v for name, v in figures.items()},
        "notes": result.notes,
        "minutes": minutes,
        "seconds": round(spent.wall, 1),
        "cpu seconds": round(spent.cpu, 1),
        "versions": {"python": platform.python_version()}
        | {package: importlib.metadata.version(package) for package in ("numpy", *peer.packages)},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {load:.0f} of other work at the start",
    }


if __name__ == "__main__":
    main()
