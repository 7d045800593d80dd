"""Every ``Example:`` of a docstring runs, and gives what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.docstrings import SRC, Docstring
from tests.docs.examples import Example, examples, fault, of
from tests.docs.world import World

FOUND, ODD = examples()
LIGHT = ("words", "files", "recipe", "settings", "train_config", "spec/", "nets/", "metrics/", "data/labels/",
         "data/sources/", "data/pictures/", "data/store/", "data/split", "data/strat")  # fmt: skip


def light(example: Example) -> bool:
    """Whether an example is of a part of the house that needs no torch."""
    return example.of.path.relative_to(SRC).as_posix().startswith(LIGHT)


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


@pytest.mark.parametrize("room", sorted({each.of.room for each in FOUND if not light(each)}))
def test_examples(room: str, world: World) -> None:
    """Every example of a room, but for those that run without torch, below."""
    here = [each for each in FOUND if each.of.room == room and not light(each)]
    wrong = [f"{each}: {said}" for each in here if (said := fault(each, world))]
    assert not wrong, "\n".join(wrong)


def test_examples_of_what_needs_no_torch_need_none(tmp_path: Path) -> None:
    assert {each.of.room for each in FOUND if light(each)} > {"data", "metrics", "spec"}
    around = {**os.environ, "PYTHONPATH": str(SRC.parents[1]), "STRIATE_CACHE": str(tmp_path / "cache")}
    asked = [sys.executable, "-W", "ignore", "-m", "tests.docs.test_examples", str(tmp_path)]
    done = subprocess.run(asked, env=around, cwd=SRC.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr


def without_torch(folder: Path) -> None:
    """Run the examples that need no torch where there is none, and print what is wrong."""
    sys.modules["torch"] = None  # type: ignore[assignment]
    os.chdir(folder)
    made = World(folder)
    with made.closing:
        for each in FOUND:
            if light(each) and (said := fault(each, made)):
                print(f"{each}: {said}")


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
        ("Example: ``'cat'.startswith('d')``", "is not so"),
        ("Example::\n\n    with Path('a').open('w'):\n        1 == 2", "is not so"),
    ],
)
def test_a_fault_is_found(text: str, wrong: str, world: World) -> None:
    found = list(of(Docstring(SRC / "words.py", 1, "f", text)))
    assert found and ", ".join(filter(None, (fault(each, world) for each in found))) == wrong


def test_an_example_that_is_not_understood_is_found() -> None:
    assert not list(of(Docstring(SRC / "words.py", 1, "f", "Example: as one would expect.")))


if __name__ == "__main__":
    without_torch(Path(sys.argv[1]))
