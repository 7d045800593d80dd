"""Every ``>>>`` in a docstring of the house is run, and shows what it says."""

from __future__ import annotations

import doctest

import pytest
from tests.docs.docstrings import Docstring, docstrings

SHOWN = [each for each in docstrings() if ">>> " in each.text]


def faults(found: Docstring) -> list[str]:
    """Run the lines of a docstring; return what is wrong, each beginning with its file and line."""
    test = doctest.DocTestParser().get_doctest(
        found.text, {**vars(found.imported())}, found.name, str(found.path), found.line - 1
    )
    said: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    if result.attempted != found.text.count(">>> "):
        said.append(f"{found.text.count('>>> ')} lines, of which {result.attempted} were run")
    return [f"{found.where} {found.name}: {'  '.join(said)}"] if result.failed or said else []


@pytest.mark.parametrize("room", sorted({each.room for each in SHOWN}))
def test_doctests(room: str) -> None:
    wrong = [fault for each in SHOWN if each.room == room for fault in faults(each)]
    assert not wrong, "\n".join(wrong)


def test_a_fault_is_found() -> None:
    first = SHOWN[0]
    assert faults(Docstring(first.path, 1, "f", ">>> 1 + 1\n2")) == []
    assert "Expected:\n    3\nGot:\n    2" in faults(Docstring(first.path, 1, "f", ">>> 1 + 1\n3"))[0]
