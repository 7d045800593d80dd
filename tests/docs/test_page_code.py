"""The Python of the pages: it compiles, and what it names of Striate is there."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import striate

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ADDED = ("striate.tasks.cover", "striate.tasks.cover_answers")  # by docs/adding-a-task.md
HELD = {"run": "Run", "adopted": "Adopted"}  # how pages call what they hold


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


def _dotted(node: ast.AST) -> list[str]:
    """Return the names of ``striate.a.b``, and of ``run.a`` those of ``striate.Run.a``."""
    if isinstance(node, ast.Name):
        return ["striate", HELD[node.id]] if node.id in HELD else [node.id]
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
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


def _faults(code: str) -> list[str]:
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
        elif isinstance(node, ast.Attribute) and (dotted := _dotted(node))[:1] == ["striate"]:
            try:
                _resolve(dotted)
            except AttributeError as error:
                wrong.append(str(error))
        elif isinstance(node, ast.Call) and (dotted := _dotted(node.func))[:1] == ["striate"]:
            wrong += [f"{'.'.join(dotted)}({word}=)" for word in _keywords(node, dotted)]
    return wrong


def test_the_python_of_a_page_names_what_is_there() -> None:
    wrong = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = [code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if not _is_a_part(code)]
        inline = [code for code in re.findall(r"`([^`\n]+)`", text) if re.match(r"(striate|run|adopted)\.\w+\(", code)]
        wrong += [f"{page.relative_to(ROOT)}: {fault}" for code in (*blocks, *inline) for fault in _faults(code)]
    assert not wrong, "\n".join(wrong)


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
