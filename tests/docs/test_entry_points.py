"""What a person calls says what it takes: every parameter of every public name stands in its docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import striate

HELD = ("Adopted", "Predictor", "Preprocess", "Run", "Shape", "Survey")
"""The classes whose methods are entry points; what the layers answer to the survey is said at their base."""
WITH_EXAMPLE = ("Adopted.train", "Run.open", "Run.predict", "Run.evaluate", "Run.look")


def entry_points() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every public function, and every public method of `HELD`, by its name."""
    for name in striate.__all__:
        found = getattr(striate, name)
        if inspect.isfunction(found):
            yield name, found
        for inner, value in vars(found).items() if name in HELD else ():
            plain = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if inspect.isfunction(plain) and not inner.startswith("_"):
                yield f"{name}.{inner}", plain


def unnamed(function: Callable[..., Any]) -> list[str]:
    """Return the parameters that a docstring does not name: in an argument block, or between double backquotes."""
    text = inspect.getdoc(function) or ""
    block = re.findall(r"^[ ]+([\w, ]+): ", text.partition("Arguments:\n")[2], re.MULTILINE)
    named = {word for line in block for word in line.split(", ")}
    named |= {word for code in re.findall(r"``(.+?)``", text, re.DOTALL) for word in re.findall(r"\w+", code)}
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls", *named)]


def test_every_parameter_is_named() -> None:
    wrong = {name: missing for name, function in entry_points() if (missing := unnamed(function))}
    assert not wrong


def test_what_a_person_calls_first_has_errors_and_an_example() -> None:
    functions = dict(entry_points())
    first = [name for name, function in functions.items() if "session" in function.__module__]
    assert set(WITH_EXAMPLE) < set(first)
    wrong = [name for name in first for word in ("Example: ", "rrors") if word not in (functions[name].__doc__ or "")]
    assert not wrong


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Return it.\n\n    Arguments:\n        a, b: two numbers.\n    ", []),
        ("Return it.\n\n    ``a`` and ``b=2`` are numbers.", []),
        ("Return it.\n\n    Arguments:\n        a: a number, b too.\n    ", ["b"]),
    ],
)
def test_a_parameter_that_is_not_named_is_found(text: str, missing: list[str]) -> None:
    def function(a: int, b: int) -> int:
        return a + b

    function.__doc__ = text
    assert unnamed(function) == missing
