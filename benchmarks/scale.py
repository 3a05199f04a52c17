"""Time and memory of a fit against the number of cells, in memory and from disk. A table and a figure.

    python benchmarks/scale.py --sizes 10000 100000 1000000

Cells are simulated (2000 genes, a quarter of the counts not zero) and written to `--data` once, part by part; a million take
4 GB. Each fit runs at its defaults in a process of its own, so that its memory is its own, and is kept in `--out`: a call that
was interrupted goes on where it was, and another state of the package's code starts anew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import _checkout  # noqa: F401
import numpy as np

WAYS = ("memory", "backed")


def main() -> None:
    """Measure every size in both ways, print the table and draw the figure."""
    options = arguments()
    if options.one:
        print(json.dumps(measure(Path(options.one[1]), options.one[0], options.n_jobs)))
        return
    import pandas as pd
    from _kept import Kept
    from _large import write_h5ad
    from _scaling import draw, exponents

    for folder in (options.data, options.out):
        folder.mkdir(parents=True, exist_ok=True)
    kept, rows = Kept(options.out, "scale.jsonl"), []
    for n_obs in options.sizes:
        path = options.data / f"cells_{n_obs}_{options.n_vars}{'_log' if options.log else ''}.h5ad"
        if not path.exists():
            print(f"writing {path}", flush=True)
            write_h5ad(path, n_obs, options.n_vars, log=options.log)
        for way in options.ways:
            value = kept.get(lambda way=way, path=path: apart(way, path, options), path.name, way)
            rows.append({"cells": n_obs, "way": way, **value})
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    fitted = exponents(table)
    table.to_csv(options.out / "scale.csv", index=False)
    draw(table, fitted, options.out)
    print(f"\n{table.round(1).to_string(index=False)}\n\nexponents\n{fitted.round(2).to_string(index=False)}")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--n-vars", type=int, default=2000)
    parser.add_argument("--n-jobs", type=int, default=None)
    parser.add_argument("--log", action="store_true", help="log-normalised values instead of counts")
    parser.add_argument("--data", type=Path, default=here / "results" / "scale", help="where simulated cells are kept")
    parser.add_argument("--out", type=Path, default=here / "results")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    return parser.parse_args()


def apart(way: str, path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One fit in a process of its own."""
    command = [sys.executable, __file__, "--one", way, str(path)]
    command += [] if options.n_jobs is None else ["--n-jobs", str(options.n_jobs)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(path: Path, way: str, n_jobs: int | None) -> dict[str, Any]:
    """Seconds and megabytes of one fit; memory is counted above that of the loaded AnnData."""
    import anndata as ad

    import gsr_sc
    from gsr_sc.metrics import indicator_auroc
    from gsr_sc.training import _loop

    learning = Stopwatch(_loop.Loop, "train_epoch", lambda loop, rows: min(len(rows), loop.plan.rows_per_epoch))
    adata = ad.read_h5ad(path, backed="r" if way == "backed" else None)
    # What every first fit of a process takes: torch, its threads, compiled code.
    gsr_sc.tl.fit(gsr_sc.datasets.simulate_clusters(300, 30), max_epochs=1, n_jobs=n_jobs)
    learning.reset()
    start, cpu = time.perf_counter(), time.process_time()
    with Memory() as memory:
        gsr_sc.tl.fit(adata, n_jobs=n_jobs)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    own = sum(np.asarray(x).nbytes for slots in (adata.obsm, adata.varm) for x in slots.values())
    some = np.random.default_rng(0).permutation(adata.n_obs)[:20_000]
    return {
        "seconds": seconds,
        "processor": cpu,
        "learning": learning.seconds,
        "cells/s": learning.n / learning.seconds,
        "memory": memory.grown / 1e6,
        "results": own / 1e6,
        "matrix": 0.0 if way == "backed" else _bytes(adata.X) / 1e6,
        "EV": adata.uns["gsr"]["quality"]["explained_variance"],
        "AUROC": float(indicator_auroc(adata.obsm["X_gsr"][some], adata.obs["type"].to_numpy()[some])),
    }


def _bytes(x: Any) -> int:
    return int(x.data.nbytes + x.indices.nbytes + x.indptr.nbytes)


class Stopwatch:
    """Seconds spent in a method, and what it worked on."""

    def __init__(self, kind: type, name: str, count: Any) -> None:
        self.reset()
        original = getattr(kind, name)

        def timed(this: Any, rows: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return original(this, rows, **options)
            finally:
                self.seconds += time.perf_counter() - start
                self.n += count(this, rows)

        setattr(kind, name, timed)

    def reset(self) -> None:
        self.seconds, self.n = 0.0, 0


class Memory:
    """Most memory of this process beyond what it had at the beginning, looked at a hundred times a second."""

    def __enter__(self) -> Self:
        import psutil

        process = psutil.Process(os.getpid())
        self._before = self._most = process.memory_info().rss
        self._done = threading.Event()

        def watch() -> None:
            while not self._done.wait(0.01):
                self._most = max(self._most, process.memory_info().rss)

        self._thread = threading.Thread(target=watch)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        """Bytes."""
        return self._most - self._before


if __name__ == "__main__":
    main()
