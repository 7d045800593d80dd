"""``striate predict --csv``: answers as a table that Python's csv, pandas and spreadsheets read, a row a picture.

Written a batch of answers at a time, so that a million pictures take no more memory than a hundred; the file has its
name when all of them are in it. UTF-8, lines end in CR LF (RFC 4180), numbers as Python writes them, unrounded.

A spreadsheet takes a cell that begins with = + - @ for a formula, quoted or not, and names may come from strangers.
What is done about it loses nothing: a picture's path gets "./" in front, which names the same file; a class gets an
apostrophe (as OWASP advises), and so does one that begins with an apostrophe, so that taking one off gives the name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from striate.cli.write_output import check_free, writing_output
from striate.errors import PictureError
from striate.session import terminal
from striate.words import counted

if TYPE_CHECKING:
    from striate.tasks.prediction import Scores

STDOUT: Final = Path("-")
FIXED: Final = ("picture", "best", "unknown", "strangeness", "threshold", "error")
WIDE: Final = 50  # up to so many classes have a column each
RANKS: Final = 5  # of more, so many of the likeliest are named
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BATCH: Final = 1 << 16  # characters

Answers = Iterable[tuple[Path, "Scores | PictureError"]]


def is_ours(start: bytes) -> bool:
    """Return whether a file begins as these tables do."""
    return start.startswith(",".join(FIXED).encode() + b",")


def check(path: Path) -> None:
    """Refuse a file that could not be written, before anything is answered. Errors: DataError."""
    if path != STDOUT:
        check_free(path, is_ours, option="--csv")


def header(classes: Sequence[str], top: int | None = None) -> list[str]:
    """Return the names of the columns: a probability a class, or the ``top`` classes (5 where there are over 50).

    >>> header(["cat", "dog"])[6:], header(["cat", "dog"], 1)[6:]
    (['probability of cat', 'probability of dog'], ['class 1', 'probability 1'])
    """
    ranks = _ranks(len(classes), top)
    if ranks:
        return [*FIXED, *(f"{name} {rank}" for rank in range(1, ranks + 1) for name in ("class", "probability"))]
    return [*FIXED, *(f"probability of {name}" for name in classes)]


def row(path: Path, answer: Scores | PictureError, classes: Sequence[str], top: int | None = None) -> list[str]:
    """Return the cells of a picture: those of its answer, or nothing but why it cannot be read."""
    ranks = _ranks(len(classes), top)
    if isinstance(answer, PictureError):
        rest = [""] * (2 * ranks or len(classes))
        return [_of_path(str(path)), "", "", "", "", _of_path(str(answer)), *rest]
    begin = [
        _of_path(str(path)),
        "" if answer.unknown else _of_class(answer.best),
        "true" if answer.unknown else "false",
        "" if answer.ood_score is None else repr(answer.ood_score),
        "" if answer.threshold is None else repr(answer.threshold),
        "",
    ]
    if ranks:
        return begin + [cell for name, p in answer.top(ranks) for cell in (_of_class(name), repr(p))]
    return begin + [repr(p) for p in answer.probabilities.tolist()]


def write(path: Path, answers: Answers, classes: Sequence[str], *, top: int | None, bad: Callable[[str], None]) -> int:
    """Write answers to a file, or with ``-`` to standard output, and return how many.

    ``bad`` is told of each picture that cannot be read. On standard output what no screen shows is escaped, as in all
    that is printed. Errors: DataError for a file that is not ours to replace; DiskError. Neither leaves anything.
    """
    number = 0

    def rows() -> Iterator[list[str]]:
        nonlocal number
        yield header(classes, top)
        for number, (picture, answer) in enumerate(answers, 1):  # noqa: B007
            if isinstance(answer, PictureError):
                bad(str(answer))
            yield row(picture, answer, classes, top)

    if path == STDOUT:
        for cells in rows():
            click.echo(_text([[terminal.line(cell) for cell in cells]], "\n"), nl=False)
        return number
    with writing_output(path, is_ours, option="--csv") as add:
        waiting: list[list[str]] = []
        size = 0
        for cells in rows():
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


def _ranks(classes: int, top: int | None) -> int:
    """Return how many of the likeliest classes are named; 0 where each class has a column."""
    if top is not None:
        return min(top, classes)
    return RANKS if classes > WIDE else 0


def _of_path(text: str) -> str:
    return f"./{text}" if text.startswith(FORMULA) else text


def _of_class(name: str) -> str:
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
