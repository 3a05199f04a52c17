"""How fast: the training loop against its own matrix products, a fit against scanpy's chain, import, memory.

    python benchmarks/speed.py --data FILE.h5ad

Both sides of every ratio are measured in turns in one call, each in a process of its own, on counts of a file or, without
`--data`, on simulated cells: 8600, or 20 000 for memory and peers. With `--peer-python`, that of the peers' environment
(README.md), scVI, LinearSCVI and DRVI train beside us on the same counts, each at its own defaults. What else runs on the
machine slows both sides, not always alike: `+-` is half the range over turns. Writes `speed.md`, `speed.json` and
`speed.png`, `.svg` to `--out`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import _checkout  # noqa: F401
import numpy as np
import pandas as pd
from _table import markdown

HERE = Path(__file__).parent
# How many times as many cells a second as each is wanted.
PEERS = {"scVI": 8.0, "LinearSCVI": 7.0, "DRVI": 75.0}
PARTS = ("loop", "peers", "fit", "import", "memory")
# Not measured unless asked for: it is about what the loop could be, not what it is.
ASKED = ("sparse",)


def main() -> None:
    """Measure, print the table and draw the figure."""
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    measured = {"loop": loop_rows, "peers": peer_rows, "fit": fit_rows, "import": import_rows, "memory": memory_rows}
    measured["sparse"] = sparse_rows
    for part in options.parts:
        if part == "peers" and options.peer_python is None:
            print("Peers are left out: there is no --peer-python.\n", flush=True)
            continue
        found = measured[part](options)
        rows += found
        print(pd.DataFrame(found).pipe(shown).to_string(index=False), "\n", flush=True)
    (options.out / "speed.json").write_text(json.dumps(rows, indent=1))
    text = f"# Speed\n\n{__doc__.split('Both')[1].split('Writes')[0].strip().join(['Both ', ''])}\n\n"
    (options.out / "speed.md").write_text(text + markdown(shown(pd.DataFrame(rows))) + "\n")
    draw(rows, options.out)
    print(f"Table: {options.out / 'speed.md'}; figures: {options.out / 'speed.json'}, speed.png, speed.svg")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="simulated", help=".h5ad file with counts in X or in layers['counts']")
    parser.add_argument(
        "--parts",
        nargs="*",
        default=list(PARTS),
        choices=[*PARTS, *ASKED],
        help="what to measure; all but sparse by default",
    )
    parser.add_argument("--peer-python", help="Python of the environment of the peers, which are left out without it")
    parser.add_argument("--n-jobs", type=int, default=2, help="threads (default: 2)")
    parser.add_argument("--turns", type=int, default=3, help="how often each side is run (default: 3)")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="where results go")
    return parser.parse_args()


def row(what: str, ours: list[float], other: list[float], unit: str, wanted: str, *, met: Any) -> dict[str, Any]:
    """A line of the table: medians of both sides, and of the ratio turn by turn with half its range."""
    ratios = np.array(ours) / np.array(other)
    ratio = float(np.median(ratios))
    return {
        "what": what,
        "unit": unit,
        "ours": float(np.median(ours)),
        "other": float(np.median(other)),
        "ratio": ratio,
        "spread": float(np.ptp(ratios) / 2),
        "wanted": wanted,
        "reached": bool(met(ratio)),
    }


def loop_rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Cells a second of the loop, against bare matrix products."""
    rows = []
    for n_jobs in sorted({1, options.n_jobs}):
        found = run("loop", options, n_jobs=n_jobs, times=max(options.turns, 5))
        for products, of in (("bare", "torch's layers"), ("fastest", "oneDNN, as in the loop")):
            what = f"loop / products of {of}, {n_jobs} thread{'s'[: n_jobs > 1]}, batch {found['batch size']}"
            rows.append(row(what, found["loop"], found[products], "cells/s", ">= 0.8", met=lambda ratio: ratio >= 0.8))
    return rows


def sparse_rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Milliseconds of a step on z-scored counts: with sparse products where these are faster, and as it is."""
    rows = []
    for found in run("sparse", options, n_jobs=1, times=max(options.turns, 5))["found"]:
        taken = {name: np.array(values) for name, values in found.items() if isinstance(values, list)}
        parts = [part for part in ("first layer", "read-out") if _faster(taken, part)]
        # A dense batch is made in either case, unless nothing reads it.
        parts += ["read"] if len(parts) == 2 else []
        could_be = taken["step"] - sum(taken[part] - taken[f"{part}, sparse"] for part in parts)
        shown = ", ".join(
            f"{part} {np.median(taken[f'{part}, sparse']):.3g} / {np.median(taken[part]):.3g}"
            for part in ("first layer", "read-out")
        )
        setting = f"{found['n_vars']} genes, {found['density']:.0%} not zero, batch {found['batch']}"
        what = f"step with sparse products / as it is, {setting} ({shown} ms)"
        rows.append(row(what, could_be, taken["step"], "ms", "<= 0.77", met=lambda ratio: ratio <= 1 / 1.3))
    return rows


def _faster(taken: dict[str, Any], part: str) -> bool:
    return bool(np.median(taken[f"{part}, sparse"]) < np.median(taken[part]))


def peer_rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Cells a second in epochs of a fit, against those in epochs of peers on the same counts, in turns."""
    rates: dict[str, list[float]] = {name: [] for name in ("gsr_sc", *PEERS)}
    for _ in range(options.turns):
        for name, found in rates.items():
            python = sys.executable if name == "gsr_sc" else options.peer_python
            found.append(run("epochs" if name == "gsr_sc" else name, options, python=python)["rate"])
    return [
        row(
            f"epoch / epoch of {name}",
            rates["gsr_sc"],
            rates[name],
            "cells/s",
            f">= {wanted:g}",
            met=lambda ratio, wanted=wanted: ratio >= wanted,
        )
        for name, wanted in PEERS.items()
    ]


def fit_rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Seconds of a fit against those of scanpy's chain, in turns: of a fresh process, and again in the same one."""
    turns = [(run("fit", options, times=1), run("scanpy", options, times=1)) for _ in range(options.turns)]
    ours, other = ([turn[side] for turn in turns] for side in (0, 1))
    below = lambda ratio: ratio <= 1  # noqa: E731
    cold = [[each["import"] + each["first"] for each in side] for side in (ours, other)]
    warm = [[float(np.median(each["again"])) for each in side] for side in (ours, other)]
    return [
        row("tl.fit / scanpy's chain, fresh process with imports", *cold, "s", "<= 1", met=below),
        row("tl.fit / scanpy's chain, again", *warm, "s", "<= 1", met=below),
    ]


def import_rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Seconds of a process that imports the package, against one that imports scanpy."""
    seconds: dict[str, list[float]] = {"gsr_sc": [], "scanpy": []}
    for _ in range(max(options.turns, 3) + 1):
        for name, found in seconds.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {name}"], check=True, cwd=HERE.parent)
            found.append(time.perf_counter() - began)
    ours, other = (found[1:] for found in seconds.values())
    most = 1.2 + 0.3 / float(np.median(other))
    return [row("import gsr_sc / scanpy", ours, other, "s", f"<= {most:.2f}", met=lambda ratio: ratio <= most)]


def memory_rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Peak memory above the loaded data, against a quarter of the sparse matrix and 300 MB."""
    found = [run("memory", options) for _ in range(options.turns)]
    sides = [[each[key] for each in found] for key in ("above", "allowed")]
    return [row("memory above the loaded data / allowed", *sides, "MB", "<= 1", met=lambda ratio: ratio <= 1)]


def run(
    name: str, options: argparse.Namespace, *, n_jobs: int | None = None, times: int = 1, python: str = sys.executable
) -> dict[str, Any]:
    """One of `_speed_runs.py` in a process of its own."""
    command = [python, str(HERE / "_speed_runs.py"), name, str(options.data), str(n_jobs or options.n_jobs)]
    done = subprocess.run([*command, str(times)], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """Rounded text of the figures."""
    table = table.copy()
    table["ratio"] = [
        f"{ratio:.2f} +- {spread:.2f}" for ratio, spread in zip(table["ratio"], table.pop("spread"), strict=True)
    ]
    for side in ("ours", "other"):
        table[side] = [f"{value:,.0f}" if value >= 100 else f"{value:.2f}" for value in table[side]]
    table["reached"] = table["reached"].map({True: "yes", False: "no"})
    return table


def draw(rows: list[dict[str, Any]], folder: Path) -> None:
    """Ratios on a logarithmic axis, what is wanted of each as a line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 0.45 * len(rows) + 1.1), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.subplots()
    for at, each in enumerate(rows):
        sign, bound = each["wanted"].split()
        colour = "#0072B2" if each["reached"] else "#D55E00"
        panel.errorbar(each["ratio"], at, xerr=each["spread"], fmt="o", color=colour, capsize=2, zorder=3)
        panel.plot([float(bound)] * 2, [at - 0.35, at + 0.35], color="black", linewidth=1.2)
        panel.annotate(
            "",
            (float(bound) * (1.25 if sign == ">=" else 0.8), at),
            (float(bound), at),
            arrowprops={"arrowstyle": "->"},
        )
    panel.set_yticks(range(len(rows)), [each["what"] for each in rows], fontsize=8)
    panel.set_ylim(len(rows) - 0.5, -0.5)
    panel.set_xscale("log")
    panel.set_xlabel("ratio; the line is what is wanted, the arrow says on which side (blue: reached)", fontsize=8)
    panel.grid(axis="x", linewidth=0.5, color="0.9")
    panel.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(folder / "speed.png", dpi=150)
    figure.savefig(folder / "speed.svg")


if __name__ == "__main__":
    main()
