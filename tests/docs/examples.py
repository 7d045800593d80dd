"""The ``Example:`` lines of docstrings: found, run in a small world, and held to the values that they show.

After ``Example:`` stands code between double backquotes, then where it shows something `` is `` and a value, again
between double backquotes or a bare number; more of them follow after a comma or "and". ``is about`` says the same;
numbers are compared to the decimals that are written. ``is like`` compares a text, every figure of it taken as any.
A trailing ``# value`` in the code, and ``a == b``, are held to as well. Longer ones stand in a block after
``Example::``.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, is_dataclass
from typing import Any, Protocol

from tests.docs.docstrings import Docstring, docstrings

_BEGIN = re.compile(r"\bExamples?:(:?)(?=\s)")
_ITEM = re.compile(
    r"\s*(?:[,;]\s*|and\s+)*``(?P<code>.+?)``(?:\s+is\s+(?P<how>about\s+|like\s+)?(?:``(?P<shown>.+?)``|(?P<bare>[-\w.]*\w)))?",
    re.DOTALL,
)

_VALUE = "__value__"


@dataclass(frozen=True)
class Example:
    """Code of a docstring, and the text of the value it shows, if any; ``like``: its figures may be others."""

    of: Docstring
    code: str
    shown: str | None = None
    like: bool = False

    def __str__(self) -> str:
        shown = "" if self.shown is None else f" is {self.shown}"
        return f"{self.of.where} {self.of.name}: {self.code}{shown}"


def examples() -> tuple[list[Example], list[str]]:
    """Return every example of the house, and where an ``Example:`` has none that is understood."""
    found = [example for docstring in docstrings() for example in of(docstring)]
    seen = {(each.of.where, each.of.name) for each in found}
    odd = [
        f"{each.where} {each.name}: {each.text[begin.start() :][:80]}"
        for each in docstrings()
        if (begin := _BEGIN.search(each.text)) and (each.where, each.name) not in seen
        if ">>> " not in each.text[begin.end() :]  # which `tests.docs.test_doctests` runs
    ]
    return found, odd


def of(docstring: Docstring) -> Iterator[Example]:
    """Yield the examples of a docstring."""
    for begin in _BEGIN.finditer(docstring.text):
        yield from _after(docstring, begin.end(), block=bool(begin[1]))


def _after(of: Docstring, at: int, *, block: bool) -> Iterator[Example]:
    if block:
        indented = re.match(r"\s*\n((?:[ ]+.*\n?|\s*\n)+)", of.text[at:] + "\n")
        if indented:
            yield Example(of, textwrap.dedent(indented[1]).strip())
        return
    while item := _ITEM.match(of.text, at):
        shown = item["shown"] or item["bare"]
        code = " ".join(item["code"].split())
        if shown is None and "  # " in item["code"]:
            shown = item["code"].rpartition("  # ")[2]
        yield Example(of, code, " ".join(shown.split()) if shown else None, (item["how"] or "").strip() == "like")
        at = item.end()


def wanted(code: str, has: Mapping[str, Any]) -> list[str]:
    """Return the names that some code reads and does not make, and that neither ``has`` nor Python has."""
    tree = ast.parse(code)
    nodes = list(ast.walk(tree))
    own = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    own |= {(name.asname or name.name).partition(".")[0] for node in nodes
            if isinstance(node, ast.Import | ast.ImportFrom) for name in node.names}  # fmt: skip
    read = {node.id for node in nodes if isinstance(node, ast.Name)} - own
    return sorted(name for name in read if name not in has and not hasattr(builtins, name))


class World(Protocol):
    """What a reader has: ``ready`` makes the files that some code names, ``give`` what a name means in a module."""

    def ready(self, code: str) -> None: ...
    def give(self, module: str, name: str) -> Any: ...


def fault(example: Example, world: World) -> str:
    """Run an example; return what is wrong with it, or nothing."""
    try:
        names = dict(vars(example.of.imported()))
        world.ready(example.code)
        for name in wanted(example.code, names):
            names[name] = world.give(example.of.module, name)
        for name in wanted(example.shown or "", names) if not example.like else ():
            names[name] = world.give(example.of.module, name)
        got, checked = _run(example.code, names)
        if example.shown is None:
            return "" if checked in (None, True) else "is not so"
        if example.like:
            same = _figures(str(got)) == _figures(str(ast.literal_eval(example.shown)))
            return "" if same else f"is {got!r}"
        value = eval(example.shown, names)
        return "" if alike(got, value, _decimals(example.shown)) else f"is {got!r}"
    except KeyError as error:
        return f"needs {error}" if error.args and str(error.args[0]).startswith("the world") else f"KeyError: {error}"
    except SyntaxError as error:
        return f"SyntaxError: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _run(code: str, names: dict[str, Any]) -> tuple[Any, bool | None]:
    """Run code and return the value of its last expression (of ``print``: what it prints), and whether it holds.

    The last expression may stand in a ``with``. What is true or false, as ``a == b``, holds where it is true.
    """
    tree = ast.parse(code)
    body = tree.body
    while isinstance(body[-1], ast.With):
        body = body[-1].body
    last = body[-1]
    if isinstance(last, ast.Expr):
        body[-1] = ast.copy_location(ast.Assign([ast.Name(_VALUE, ast.Store())], last.value), last)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.fix_missing_locations(tree), code, "exec"), names)
    if not isinstance(last, ast.Expr):
        return None, None
    value = names.pop(_VALUE)
    if isinstance(last.value, ast.Call) and ast.unparse(last.value.func) == "print":
        return printed.getvalue().rstrip("\n"), None
    if isinstance(value, Iterator):
        value = list(value)
    says = isinstance(last.value, ast.Compare) or type(value).__name__ in ("bool", "bool_")
    return value, bool(value) if says else None


def _figures(text: str) -> str:
    return re.sub(r"\d+", "0", text)


def _decimals(shown: str) -> int:
    """Return to how many decimals a value is written."""
    return max((len(found) for found in re.findall(r"\d\.(\d+)", shown)), default=0)


def alike(got: Any, shown: Any, decimals: int) -> bool:
    """Whether a value is what is shown: numbers to these decimals, arrays as lists, ``...`` any values between."""
    if hasattr(got, "tolist"):
        got = got.tolist()
    if hasattr(shown, "tolist"):
        shown = shown.tolist()
    if isinstance(shown, bool) or isinstance(got, bool) or shown is None:
        return got is shown
    if isinstance(shown, int | float) and isinstance(got, int | float):
        exact = isinstance(shown, int) and isinstance(got, int)
        return got == shown if exact else abs(got - shown) <= 0.5 * 10**-decimals + 1e-9
    if is_dataclass(shown) and type(got) is type(shown) and not isinstance(shown, type):
        return got == shown or alike(astuple(got), astuple(shown), decimals)
    if isinstance(shown, dict) and isinstance(got, dict):
        return got.keys() == shown.keys() and all(alike(got[key], shown[key], decimals) for key in shown)
    if isinstance(shown, list | tuple) and isinstance(got, list | tuple):
        if ... in shown:
            at = shown.index(...)
            before, after = shown[:at], shown[at + 1 :]
            return len(got) >= len(before) + len(after) and (
                alike(got[:at], before, decimals) and alike(got[len(got) - len(after) :], after, decimals)
            )
        return len(got) == len(shown) and all(alike(*pair, decimals) for pair in zip(got, shown, strict=True))
    return bool(got == shown)
