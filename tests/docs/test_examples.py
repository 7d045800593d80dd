"""The examples in docstrings and the Python of the pages: they compile, and what they name of Striate is there."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import striate

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
THE_READERS = frozenset({"Path", "MyNet", "model", "asked", "evidence_of"})  # what a reader of an example has
ADDED = ("striate.tasks.cover", "striate.tasks.cover_answers")  # by docs/adding-a-task.md
HELD = {"run": "Run", "adopted": "Adopted"}  # how pages call what they hold
SOURCES = sorted((ROOT / "src" / "striate").rglob("*.py"))


def _examples(path: Path) -> Iterator[tuple[str, str]]:
    """Yield where an ``Example:`` stands and its code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node) or ""
            for code in re.findall(r"Examples?: ``(.+?)``", text, re.DOTALL):
                yield f"{path.name}: {getattr(node, 'name', '')}", " ".join(code.split())


def _resolve(dotted: list[str]) -> None:
    """Follow ``striate.a.b`` as far as it goes through modules and classes; raises AttributeError for what is not."""
    found: Any = striate
    for number, name in enumerate(dotted[1:], 2):
        if isinstance(found, ModuleType):
            try:
                found = getattr(found, name)
            except AttributeError:
                try:
                    found = import_module(".".join(dotted[:number]))
                except ModuleNotFoundError:
                    raise AttributeError(f"{'.'.join(dotted[:number])} is not there") from None
        elif isinstance(found, type) and hasattr(found, name):
            found = getattr(found, name)
        elif isinstance(found, type) and not any(f"self.{name}" in _source(kind) for kind in found.__mro__):
            raise AttributeError(f"{'.'.join(dotted[:number])} is not there")
        else:
            return


def _source(kind: type) -> str:
    return inspect.getsource(kind) if kind.__module__.startswith("striate") else ""


def _dotted(node: ast.AST, held: bool) -> list[str]:
    """Return the names of ``striate.a.b``; with ``held`` of ``run.a`` those of ``striate.Run.a``."""
    if isinstance(node, ast.Name):
        return ["striate", HELD[node.id]] if held and node.id in HELD else [node.id]
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value, held)):
        return [*before, node.attr]
    return []


def _keywords(call: ast.Call, dotted: list[str]) -> list[str]:
    """Return the keywords of a call that what is called does not take."""
    found: Any = striate
    for name in dotted[1:]:
        found = getattr(found, name, None)
    if not callable(found) or isinstance(found, ModuleType):
        return []
    takes = inspect.signature(found).parameters
    if any(each.kind is each.VAR_KEYWORD for each in takes.values()):
        return []
    return [word.arg for word in call.keywords if word.arg is not None and word.arg not in takes]


def _faults(code: str, *, held: bool = True) -> list[str]:
    """Return what is wrong with some Python: it does not compile, or names of Striate's what is not there."""
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        return [f"{error.msg}: {code}"]
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "striate":
            if node.module in ADDED:
                continue
            module = import_module(node.module or "")
            wrong += [f"{node.module}.{name.name}" for name in node.names if not hasattr(module, name.name)]
        elif isinstance(node, ast.Attribute) and (dotted := _dotted(node, held))[:1] == ["striate"]:
            try:
                _resolve(dotted)
            except AttributeError as error:
                wrong.append(str(error))
        elif isinstance(node, ast.Call) and (dotted := _dotted(node.func, held))[:1] == ["striate"]:
            wrong += [f"{'.'.join(dotted)}({word}=)" for word in _keywords(node, dotted)]
    return wrong


@cache
def _known() -> frozenset[str]:
    """Return the names of every function and class of the house."""
    kinds = ast.FunctionDef | ast.ClassDef
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]
    return frozenset(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, kinds))


def _unknown(code: str) -> list[str]:
    """Return the names that an example calls and that nobody has: not the house, not Python, not the example itself."""
    tree = ast.parse(code)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    own = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return sorted(name for name in called - own - _known() - THE_READERS if not hasattr(builtins, name))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src" / "striate")))
def test_examples_of_docstrings_name_what_is_there(path: Path) -> None:
    held = path.parent.name == "session"  # elsewhere a run is its directory
    found = {where: _faults(code, held=held) or _unknown(code) for where, code in _examples(path)}
    assert not {where: faults for where, faults in found.items() if faults}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_page_names_what_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = [code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if not _is_a_part(code)]
    inline = [code for code in re.findall(r"`([^`\n]+)`", text) if re.match(r"(striate|run|adopted)\.\w+\(", code)]
    assert not [fault for code in (*blocks, *inline) for fault in _faults(code)]


def _is_a_part(code: str) -> bool:
    """Whether a block is a few lines out of a table of the code, and no program."""
    return code.lstrip().startswith(("{", '"'))


def test_a_fault_is_found() -> None:
    assert _faults("striate.train('pets', epochs=5)") == []
    assert _faults("striate.tran('pets')") == ["striate.tran is not there"]
    assert _faults("striate.Run.opened('last')")
    assert _faults("run.truncate_history()") == ["striate.Run.truncate_history is not there"]
    assert _faults("striate.compare('a', 'b', folder='runs')") == ["striate.compare(folder=)"]
    assert _faults("from striate.session.run import Subject") == ["striate.session.run.Subject"]
    assert _faults("striate.train(")
    assert _unknown("seen_by(picture)") == ["seen_by"]
