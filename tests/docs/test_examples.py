"""Every ``Example:`` of a docstring runs, and gives what it shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.docs.docstrings import SRC, Docstring
from tests.docs.examples import examples, fault, of
from tests.docs.world import World

FOUND, ODD = examples()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("world")
        patch.chdir(folder)
        patch.setenv("STRIATE_CACHE", str(folder / "cache"))
        made = World(folder)
        with made.closing:
            yield made


def test_every_example_is_understood() -> None:
    assert not ODD, "\n".join(ODD)


@pytest.mark.parametrize("room", sorted({each.of.room for each in FOUND}))
def test_examples(room: str, world: World) -> None:
    wrong = [f"{each}: {said}" for each in FOUND if each.of.room == room and (said := fault(each, world))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Example: ``1 + 1`` is 2.", ""),
        ("Example: ``1 + 1`` is 3.", "is 2"),
        ("Examples: ``1 + 1`` is 2, ``[0.333333]`` is about ``[0.33]``, and ``(1, 2, 3)`` is ``(1, ..., 3)``.", ""),
        ("Example: ``[0.339]`` is ``[0.33]``.", "is [0.339]"),
        ("Example: ``1 == 2``", "is not so"),
        ("Example: ``'0.97 cat'`` is like ``'0.12 cat'``.", ""),
        ("Example: ``'0.97 cat'`` is like ``'0.12 dog'``.", "is '0.97 cat'"),
        ("Example: ``nobody_has_this()``", "needs 'the world has no nobody_has_this'"),
        ("Example: ``1 / 0``", "ZeroDivisionError: division by zero"),
        ("Example::\n\n    two = 2\n    two == 3", "is not so"),
    ],
)
def test_a_fault_is_found(text: str, wrong: str, world: World) -> None:
    found = list(of(Docstring(SRC / "words.py", 1, "f", text)))
    assert found and ", ".join(filter(None, (fault(each, world) for each in found))) == wrong


def test_an_example_that_is_not_understood_is_found() -> None:
    assert not list(of(Docstring(SRC / "words.py", 1, "f", "Example: as one would expect.")))
