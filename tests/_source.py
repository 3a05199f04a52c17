"""What the source files of the package say, read without importing them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import gsr_sc

ROOT = Path(gsr_sc.__file__).parent


@dataclass(frozen=True)
class Source:
    """One source file; `room` is the folder or module right under `gsr_sc` in which it lives."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def parts(self) -> tuple[str, ...]:
        """Name of the module below `gsr_sc`, in parts."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return parts[:-1] if parts[-1] == "__init__" else parts

    @property
    def room(self) -> str:
        return self.parts[0] if self.parts else "__init__"

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> set[str]:
        """Full names of all that is imported anywhere in the file, in functions and for types as well."""
        return _imports(self.tree, self._package)

    @cached_property
    def runtime_imports(self) -> set[str]:
        """The same without what is imported for types only."""
        return _imports(_WithoutTypeChecking().visit(ast.parse(self.text)), self._package)

    @property
    def _package(self) -> tuple[str, ...]:
        is_package = self.path.name == "__init__.py"
        return ("gsr_sc", *(self.parts if is_package else self.parts[:-1]))

    def imports_package(self, name: str) -> bool:
        return any(module.split(".")[0] == name for module in self.imports)

    @cached_property
    def calls(self) -> set[str]:
        """Dotted names of all that is called: `print`, `np.random.seed`."""
        return {ast.unparse(node.func) for node in ast.walk(self.tree) if isinstance(node, ast.Call)}


class _WithoutTypeChecking(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        if ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            return node.orelse
        return self.generic_visit(node)


def _imports(tree: ast.AST, package: tuple[str, ...]) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # `from ..graphs import X` in gsr_sc.tl._fit: one dot is the package itself, each further one its parent.
            base = package[: len(package) - (node.level - 1)] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names.update(f"{module}.{alias.name}" for alias in node.names)
    return names


SOURCES = [Source(path) for path in sorted(ROOT.rglob("*.py"))]
