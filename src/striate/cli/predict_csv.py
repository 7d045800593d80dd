"""``striate predict --csv``: answers as a table that Python's csv, pandas and spreadsheets read.

A row a picture; of an answer of several things, such as boxes, a row a thing, and of none an empty one.

Written a batch of answers at a time, so that a million pictures take no more memory than a hundred; the file has its
name when all of them are in it. UTF-8, lines end in CR LF (RFC 4180), numbers as Python writes them, unrounded.

A spreadsheet takes a cell that begins with = + - @ for a formula, quoted or not, and names may come from strangers.
What is done about it loses nothing: a picture's path gets "./" in front, which names the same file; a name gets an
apostrophe (as OWASP advises), and so does one that begins with an apostrophe, so that taking one off gives the name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from striate.cli.write_output import check_free, writing_output
from striate.errors import PictureError
from striate.session import terminal
from striate.tasks.table import TASKS
from striate.tasks.task import LabelFacts, Task
from striate.words import counted

if TYPE_CHECKING:
    from striate.tasks.prediction import Prediction, Value

STDOUT: Final = Path("-")
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BATCH: Final = 1 << 16  # characters

Answers = Iterable[tuple[Path, "Prediction | PictureError"]]


def is_ours(start: bytes) -> bool:
    """Return whether a file begins as these tables do, of whatever task."""
    for task in TASKS.values():
        names = task.columns(LabelFacts(()))[: task.error_at] if task.error_at else ()
        if start.startswith(",".join(("picture", *names, "error", "")).encode()):
            return True
    return False


def check(path: Path, *given: Path) -> None:
    """Refuse a file that could not be written, before anything is answered, or that is in a folder that was ``given``.

    Errors: DataError.
    """
    if path != STDOUT:
        check_free(path, is_ours, *given, option="--csv")


def header(task: Task, labels: LabelFacts, top: int | None = None) -> list[str]:
    """Return the names of the columns: the picture, what the task says of one, and why one cannot be read.

    >>> header(TASKS["classify"], LabelFacts(("cat", "dog")))[6:]
    ['probability of cat', 'probability of dog']
    """
    names = [_of_name(name) for name in task.columns(labels, top)]
    return ["picture", *names[: task.error_at], "error", *names[task.error_at :]]


def rows(
    path: Path, answer: Prediction | PictureError, columns: int, task: Task, top: int | None = None
) -> Iterator[list[str]]:
    """Yield the rows of a picture, ``columns`` cells each: its answer, or nothing but why it cannot be read."""
    at = task.error_at
    if isinstance(answer, PictureError):
        yield [_of_path(str(path)), *[""] * at, _of_path(str(answer)), *[""] * (columns - at - 2)]
        return
    for values in answer.rows(top):
        cells = [_cell(value) for value in values]
        yield [_of_path(str(path)), *cells[:at], "", *cells[at:]]


def write(
    path: Path,
    answers: Answers,
    task: Task,
    labels: LabelFacts,
    *,
    top: int | None,
    bad: Callable[[str], None],
) -> int:
    """Write a task's answers to a file, or with ``-`` to standard output, and return how many.

    ``bad`` is told of each picture that cannot be read. On standard output what no screen shows is escaped, as in all
    that is printed. Errors: DataError for a file that is not ours to replace; DiskError. Neither leaves anything.
    """
    number = 0

    def lines() -> Iterator[list[str]]:
        nonlocal number
        heads = header(task, labels, top)
        yield heads
        for number, (picture, answer) in enumerate(answers, 1):  # noqa: B007
            if isinstance(answer, PictureError):
                bad(str(answer))
            yield from rows(picture, answer, len(heads), task, top)

    if path == STDOUT:
        for cells in lines():
            click.echo(_text([[terminal.line(cell) for cell in cells]], "\n"), nl=False)
        return number
    with writing_output(path, is_ours, option="--csv") as add:
        waiting: list[list[str]] = []
        size = 0
        for cells in lines():
            waiting.append(cells)
            size += sum(map(len, cells))
            if size > _BATCH:
                add(_bytes(_text(waiting, "\r\n")))
                waiting, size = [], 0
        add(_bytes(_text(waiting, "\r\n")))
    return number


def said(path: Path, number: int) -> str:
    """Return the line about a table that was written."""
    return f"{counted(number, 'picture')} in {path}"


def _cell(value: Value) -> str:
    """Return a value of an answer as a cell: numbers unrounded, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _of_name(value) if isinstance(value, str) else repr(value)


def _of_path(text: str) -> str:
    return f"./{text}" if text.startswith(FORMULA) else text


def _of_name(name: str) -> str:
    return f"'{name}" if name.startswith((*FORMULA, "'")) else name


def _text(rows: Iterable[list[str]], end: str) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=end).writerows(rows)
    return file.getvalue()


def _bytes(text: str) -> bytes:
    """Return UTF-8; of a file whose name is not, the very bytes of that name."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair of UTF-16, in a class name
        return text.encode("utf-8", "backslashreplace")
