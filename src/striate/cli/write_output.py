"""What a command leaves in a person's folder: written whole, and never over a file that is not ours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from striate.errors import DataError
from striate.files import open_file
from striate.runs import durable
from striate.verbs.new_folder import check_outside


def check_free(path: Path, is_ours: Callable[[bytes], bool], *given: Path, option: str = "-o") -> Path:
    """Return the path, or refuse it: DataError where a file lies that ``is_ours`` (told its first bytes) disowns.

    It is refused too within a folder that was ``given`` to be read. ``option`` is how a person names the file.
    """
    try:
        if not path.parent.is_dir():
            raise DataError(f"{path} cannot be written: there is no folder {path.parent}")
        if path.is_dir():
            raise DataError(f"{path} is a folder; name a file with {option}")
        check_outside(path, *given, option=option)
        if path.exists():
            with open_file(path, limit=sys.maxsize) as file:
                if not is_ours(file.read(4096)):
                    raise DataError(f"{path} is there already and is not ours; name another file with {option}")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def write_output(path: Path, data: bytes, is_ours: Callable[[bytes], bool]) -> None:
    """Write a file, whole or not at all."""
    durable.write(check_free(path, is_ours), data)


@contextmanager
def writing_output(path: Path, is_ours: Callable[[bytes], bool], *, option: str) -> Iterator[Callable[[bytes], None]]:
    """Yield what adds bytes to a file that is there, whole, after the ``with``, and not at all where that raises.

    Example: ``with writing_output(Path("a.csv"), lambda start: not start, option="--csv") as add: add(b"a line")``
    """
    with durable.writing(check_free(path, is_ours, option=option)) as add:
        yield add
