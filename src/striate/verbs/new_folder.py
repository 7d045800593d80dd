"""A folder that a verb writes: new, whole or not there, and never within what a person gave to be read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from striate import files
from striate.errors import DataError
from striate.runs import durable


def check_place(output: Path, *given: Path | None, begins: bytes | None, option: str = "-o") -> None:
    """Refuse a place within what was given, without a folder above it, or where something is that is not ours.

    ``begins`` is how a file of ours begins there, None for a folder, which has to be new or empty. ``option`` is how a
    person names it. Errors: DataError.
    """
    check_outside(output, *given, option=option)
    if not output.parent.is_dir():
        raise DataError(f"{output} cannot be written: there is no folder {output.parent}")
    if begins is None:
        if output.is_symlink() or (output.exists() and (not output.is_dir() or any(output.iterdir()))):
            raise DataError(f"{output} is there already; name a new folder with {option}")
        return
    if output.is_dir():
        raise DataError(f"{output} is a folder; name a file with {option}")
    if output.exists() and not _begins(output, begins):
        raise DataError(f"{output} is there already and is not ours; name another file with {option}")


def check_outside(output: Path, *given: Path | None, option: str = "-o") -> None:
    """Refuse a place within a folder that was given, which is only read. Errors: DataError."""
    for folder in given:
        if folder is not None and folder.is_dir() and output.resolve().is_relative_to(folder.resolve()):
            raise DataError(f"{output} is within {folder}, which is only read; name a place outside it with {option}")


def _begins(path: Path, begins: bytes) -> bool:
    try:
        with files.open_file(path, limit=files.MODEL) as file:
            return file.read(len(begins)) == begins
    except OSError:
        return False


@contextmanager
def writing_folder(output: Path) -> Iterator[Callable[[str, bytes | Path], None]]:
    """Yield what adds a file, by its path in the folder; the folder has its name after the ``with``, whole.

    A path in place of bytes is linked to. Nothing is left where that raises. Errors: DiskError.

    Example: ``with writing_folder(Path("new")) as add: add("a/b.txt", b"a line")``
    """

    def add(name: str, data: bytes | Path) -> None:
        path = beside / name
        with durable.explained(output, f"cannot write {output}", "nothing half-written was left behind"):
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(data, Path):
                path.symlink_to(data)
            else:
                path.write_bytes(data)

    with durable.explained(output, f"cannot write {output}", "nothing half-written was left behind"):
        beside = Path(mkdtemp(prefix=f".{output.name}.", suffix=".tmp", dir=output.parent))
    try:
        yield add
        with durable.explained(output, f"cannot write {output}", "nothing half-written was left behind"):
            beside.chmod(0o755)
            beside.replace(output)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
