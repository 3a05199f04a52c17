"""Reading numpydoc docstrings."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Docstring:
    """Summary and sections of one docstring."""

    summary: str
    sections: dict[str, list[str]]

    @property
    def parameters(self) -> list[str]:
        """Names of the described parameters, in order."""
        return self._names("Parameters", "Other Parameters")

    @property
    def types(self) -> list[str]:
        """Names that carry a type (`name : int`), which here only signatures do."""
        return [name for name in self._names("Parameters", "Other Parameters", "Attributes") if ":" in name]

    def _names(self, *headings: str) -> list[str]:
        lines = [line for heading in headings for line in self.sections.get(heading, [])]
        named = [line for line in lines if line and not line.startswith(" ")]
        return [name.strip().lstrip("*") for line in named for name in line.split(",")]


def read_docstring(thing: Any) -> Docstring:
    """Split the docstring of a function or class by its underlined headings."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for number, line in enumerate(lines):
        if number + 1 < len(lines) and line and re.fullmatch(r"-{3,}", lines[number + 1]):
            current = sections.setdefault(line, [])
        elif not re.fullmatch(r"-{3,}", line):
            current.append(line)
    return Docstring(lines[0] if lines else "", sections)


def signature_parameters(thing: Any) -> list[str]:
    """Names of the parameters of a function or of a class, as documented: without `self`."""
    return [name for name in inspect.signature(thing).parameters if name not in {"self", "cls"}]
