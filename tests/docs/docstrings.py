"""The docstrings of the house, found by reading its files: no decorator hides one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

SRC = Path(__file__).resolve().parents[2] / "src" / "striate"


@dataclass(frozen=True)
class Docstring:
    """A docstring and where it stands: ``line`` is that of its first word, ``name`` as ``Moves.points``."""

    path: Path
    line: int
    name: str
    text: str

    @property
    def where(self) -> str:
        """Where it stands, as an editor takes it."""
        return f"src/striate/{self.path.relative_to(SRC).as_posix()}:{self.line}"

    @property
    def module(self) -> str:
        """The name of its module: ``striate.data.split``."""
        return ".".join(("striate", *self.path.relative_to(SRC).with_suffix("").parts)).removesuffix(".__init__")

    @property
    def room(self) -> str:
        """The first folder below ``striate``, or the file there."""
        return self.path.relative_to(SRC).parts[0]

    def imported(self) -> ModuleType:
        return import_module(self.module)


@cache
def docstrings() -> tuple[Docstring, ...]:
    """Return every docstring of every file: of modules, classes, functions and methods, properties included."""
    return tuple(found for path in sorted(SRC.rglob("*.py")) for found in _of(path))


def _of(path: Path) -> Iterator[Docstring]:
    waiting: list[tuple[ast.AST, str]] = [(ast.parse(path.read_text(encoding="utf-8")), "")]
    while waiting:
        node, name = waiting.pop()
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield Docstring(path, node.body[0].lineno, name, text)
        for inner in ast.iter_child_nodes(node):
            own = f"{name}.{inner.name}".strip(".") if isinstance(inner, ast.ClassDef | ast.FunctionDef) else name
            waiting.append((inner, own))
