"""Results on disk, one JSON line each, so that a run that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gsr_sc

if TYPE_CHECKING:
    from collections.abc import Callable


class Kept:
    """Our own results, kept under the state of the package: a change of its code starts them anew."""

    def __init__(self, folder: Path, name: str = "quality.jsonl") -> None:
        self.path = folder / name
        self.state = _state()
        self.known = {record["key"]: record["value"] for record in _lines(self.path)}

    def get(self, compute: Callable[[], Any], *key: Any) -> Any:
        """Result of `compute()`, computed only if it is not known."""
        name = "|".join(map(str, (self.state, *key)))
        if name not in self.known:
            self.known[name] = compute()
            _append(self.path, {"key": name, "value": self.known[name]})
        return self.known[name]


class Peers:
    """Peers' results of one data set; those of other data under the same name are passed over."""

    def __init__(self, folder: Path, name: str, fingerprint: str) -> None:
        self.path = folder / f"{name}.jsonl"
        self.fingerprint = fingerprint

    def records(self) -> list[dict[str, Any]]:
        """The record of each method and seed: of several, the one that ran the most epochs, then the latest."""
        best: dict[tuple[str, int], dict[str, Any]] = {}
        for record in _lines(self.path):
            if record["data"] != self.fingerprint:
                continue
            key = record["method"], record["seed"]
            if key not in best or record["notes"].get("epochs", 0) >= best[key]["notes"].get("epochs", 0):
                best[key] = record
        return list(best.values())

    def has(self, method: str, seed: int, minutes: float) -> bool:
        """Whether a result is known that another run with these minutes would not better."""
        return any(
            (record["method"], record["seed"]) == (method, seed)
            and (record["notes"].get("epochs") == record["notes"].get("default epochs") or record["minutes"] >= minutes)
            for record in self.records()
        )

    def add(self, record: dict[str, Any]) -> None:
        """Append one result."""
        _append(self.path, {"data": self.fingerprint, **record})


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line] if path.exists() else []


def _append(path: Path, record: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(record, default=float) + "\n")


def _state() -> str:
    """Short hash of all that the package is made of."""
    files = sorted(Path(gsr_sc.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
