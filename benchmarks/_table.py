"""From rows of figures, one for each run, to tables: mean over seeds, and half the range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (
    *(
        "AUROC",
        "kNN",
        "Moran",
        "ARI",
        "k",
        "EV",
        "EV/0",
        "EV/plain",
        "ED",
        "ED/0",
        "ED/plain",
        "order",
        "rings >= .95",
        "branches",
    ),
    *("seeds", "seeds (map)", "smoothness", "dead", "s"),
)
_DIGITS = {"s": 1, "k": 1, "dead": 1, "rings >= .95": 1}
_PLAIN = "plain autoencoder"
# What a peer is given; the others get principal components of log-normalised values.
_COUNTS = ("scVI", "LinearSCVI", "DRVI")


def peer_rows(name: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of peers' kept records."""
    rows = []
    for record in records:
        method = record["method"]
        row = {"data": name, "input": "counts" if method in _COUNTS else "components", "method": method}
        row |= {"seed": record["seed"], **record["figures"], "s": record["cpu seconds"], "note": note(record)}
        row["versions"] = ", ".join(f"{package} {version}" for package, version in record["versions"].items())
        rows.append(row)
    return rows


def note(record: dict[str, Any]) -> str:
    """How a peer was run and read, where that is not plain."""
    parts = []
    epochs, default = record["notes"].get("epochs"), record["notes"].get("default epochs")
    if epochs is not None and epochs < default:
        parts.append(f"{epochs} of {default} epochs: {record['minutes']:g} min")
    readings = {record["figures"].get(f"{measure} by") for measure in ("AUROC", "kNN")} - {None}
    if readings:
        parts.append("read by " + ", ".join(sorted(readings)))
    return "; ".join(parts)


def completed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the figures that need other rows or several figures of one."""
    plain = {measure: mean_of([row for row in rows if row["method"] == _PLAIN], measure) for measure in ("EV", "ED")}
    done = []
    for row in rows:
        row = dict(row)
        for measure, means in plain.items():
            reference = means.get((row["data"], row["input"], _PLAIN))
            if reference and measure in row and row["method"] != _PLAIN:
                row[f"{measure}/plain"] = row[measure] / reference
        rings = [value for column, value in row.items() if column.startswith("ring ")]
        if rings:
            row |= {"order": float(np.mean(rings)), "rings >= .95": sum(value >= 0.95 for value in rings)}
        done.append(row)
    return done


def mean_of(rows: list[dict[str, Any]], measure: str) -> dict[tuple[str, str, str], float]:
    """Mean over seeds of one measure, by data set, input and method."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        if row.get(measure) is not None:
            values.setdefault((row["data"], row["input"], row["method"]), []).append(row[measure])
    return {key: float(np.mean(found)) for key, found in values.items()}


def summary(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Text of every figure that was measured, a line for each method and input of one data set."""
    frame = pd.DataFrame(completed(rows))
    lines = []
    for (method, given), runs in frame.groupby(["method", "input"], sort=False):
        line: dict[str, str] = {"method": method, "input": given}
        for column in COLUMNS:
            values = runs[column].dropna() if column in runs else pd.Series(dtype=float)
            line[column] = _number(values.astype(float), _DIGITS.get(column, 3)) if len(values) else ""
        line["seeds run"] = str(len(runs))
        notes = runs["note"].dropna().unique() if "note" in runs else []
        line["note"] = " / ".join(sorted(filter(None, notes)))
        lines.append(line)
    table = pd.DataFrame(lines)
    return table.loc[:, (table != "").any(axis=0)]


def as_text(rows: list[dict[str, Any]]) -> str:
    """Return the table of one data set, to be printed."""
    return summary(rows).to_string(index=False) if rows else "nothing measured"


def write(frame: pd.DataFrame, rows: list[dict[str, Any]], verdict: pd.DataFrame, folder: Path) -> None:
    """Write all tables as markdown, and every run as a line of a CSV file."""
    frame.drop(columns="ARI by k", errors="ignore").to_csv(folder / "quality.csv", index=False)
    parts = ["# Quality", "Mean over seeds +- half the range. What the columns mean: `benchmarks/README.md`."]
    for name in dict.fromkeys(row["data"] for row in rows):
        parts += [f"## {name}", markdown(summary([row for row in rows if row["data"] == name]))]
    parts += ["## Targets", markdown(verdict)] if len(verdict) else []
    versions = sorted({f"- {row['method']}: {row['versions']}" for row in rows if "versions" in row})
    parts += ["## Versions of the peers", "\n".join(versions)] if versions else []
    (folder / "quality.md").write_text("\n\n".join(parts) + "\n")


def markdown(table: pd.DataFrame) -> str:
    """Return a markdown table; pandas' own needs a package more."""
    lines = [table.columns, ["---"] * table.shape[1], *table.astype(str).to_numpy()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _number(values: pd.Series, digits: int) -> str:
    mean, half = values.mean(), (values.max() - values.min()) / 2
    return f"{mean:.{digits}f}" + (f"+-{half:.{digits}f}" if half >= 0.5 * 10**-digits else "")
