"""The only module that replaces files in a run: what it reports as written survives a kill and a power cut.

The order is the whole method: a temporary file in the same folder, all bytes, fsync, rename, fsync of the folder
(Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014). Every call to the operating system goes through
one ``System``, so that tests can cut the power after any of them, refuse it, or shorten it.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Protocol, final

from striate.errors import DiskError, RunError
from striate.words import readable_size

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

Bytes = bytes | bytearray | memoryview

STALE_SECONDS = 60.0  # where a temporary file cannot be locked, one older than this is taken for a dead process's
_PIECE = 1 << 24  # a single write of more than 2 GiB is refused on some systems
_LOCK_AT = 1 << 30  # Windows locks are mandatory: lock a byte far behind the content, which stays readable


class System(Protocol):
    """The calls through which this project changes a run's files: one seam for all of them."""

    def open(self, path: Path, flags: int) -> int: ...  # noqa: D102
    def write(self, file: int, data: memoryview) -> int: ...  # noqa: D102
    def truncate(self, file: int, size: int) -> None: ...  # noqa: D102
    def sync(self, file: int) -> None: ...  # noqa: D102
    def close(self, file: int) -> None: ...  # noqa: D102
    def replace(self, source: Path, target: Path) -> None: ...  # noqa: D102
    def remove(self, path: Path) -> None: ...  # noqa: D102
    def make_directory(self, path: Path) -> None: ...  # noqa: D102
    def sync_directory(self, path: Path) -> None: ...  # noqa: D102
    def lock(self, file: int) -> bool | None: ...  # noqa: D102


@final
class OperatingSystem:
    """The real one. Methods raise OSError."""

    def open(self, path: Path, flags: int) -> int:
        """Open a file for bytes; children of this process do not inherit it."""
        return os.open(path, flags | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0), 0o666)

    def write(self, file: int, data: memoryview) -> int:
        """Write some of the bytes and return how many."""
        return os.write(file, data)

    def truncate(self, file: int, size: int) -> None:
        """Cut the file to ``size`` bytes."""
        os.ftruncate(file, size)

    def sync(self, file: int) -> None:
        """Return once the file's bytes are on the disk itself."""
        if sys.platform == "darwin":
            # fsync on a Mac stops at the drive's cache; some file systems know only that.
            with suppress(OSError):
                fcntl.fcntl(file, fcntl.F_FULLFSYNC)
                return
        os.fsync(file)

    def close(self, file: int) -> None:
        """Close the file; its locks end."""
        os.close(file)

    def replace(self, source: Path, target: Path) -> None:
        """Rename in one step, over what is there."""
        for attempt in range(20):
            try:
                source.replace(target)
                return
            except PermissionError:
                # Windows refuses while another process (a virus scanner, a reader) has the target open.
                if os.name != "nt" or attempt == 19:
                    raise
                time.sleep(0.05)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def make_directory(self, path: Path) -> None:
        """Make one directory; FileExistsError where there is something already."""
        path.mkdir()

    def sync_directory(self, path: Path) -> None:
        """Return once the names in a directory are on the disk itself."""
        if os.name == "nt":
            return  # a directory cannot be opened there; NTFS journals its names
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        except OSError as error:
            # Some network and FUSE file systems know no fsync of a directory.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF):
                raise
        finally:
            os.close(file)

    def lock(self, file: int) -> bool | None:
        """Take the file's lock without waiting: True, False when another has it, None where there are no locks.

        The operating system gives it back when the file is closed or its process ends, however it ends.
        """
        try:
            if sys.platform == "win32":
                os.lseek(file, _LOCK_AT, os.SEEK_SET)
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
                os.lseek(file, 0, os.SEEK_SET)
            else:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
                return False
            return None
        return True


SYSTEM: System = OperatingSystem()


def make_parents(path: Path, *, system: System = SYSTEM) -> None:
    """Make a folder and those above it, each so that it survives a power cut. Raises RunError where a file is."""
    if path.is_dir():
        return
    if path.parent != path:
        make_parents(path.parent, system=system)
    try:
        make_directory(path, system=system)
    except FileExistsError:
        if not path.is_dir():
            raise RunError(f"{path} is a file; runs need a folder of that name") from None


def write(path: Path, data: Bytes | Iterable[Bytes], *, system: System = SYSTEM) -> None:
    """Put ``data`` at ``path``: afterwards the file is the new one whole, or, if this raises, the old one whole.

    ``data`` is bytes, or pieces of them in order. Raises DiskError, which says what is still there.

    Example: ``write(Path("a.txt"), b"a line"); Path("a.txt").read_bytes()`` is ``b"a line"``.
    """
    pieces = [_view(data)] if isinstance(data, bytes | bytearray | memoryview) else [_view(piece) for piece in data]
    with writing(path, needed=sum(map(len, pieces)), system=system) as add:
        for piece in pieces:
            add(piece)


@contextmanager
def writing(path: Path, *, needed: int | None = None, system: System = SYSTEM) -> Iterator[Callable[[Bytes], None]]:
    """Yield what adds bytes to a file that has its name, whole, after the ``with``, and not at all where that raises.

    Else as `write`, for what is not in memory at once. Example: ``with writing(Path("a")) as add: add(b"a line")``
    """
    kept = f"{path.name} is as it was" if path.exists() else "nothing half-written was left behind"
    disk = partial(explained, path, f"cannot write {path}", kept, needed=needed)

    def add(piece: Bytes) -> None:
        with disk():
            _write_all(file, _view(piece), system)

    with disk():
        temporary, file = _open_temporary(path, system)
    opened = True
    try:
        yield add
        with disk():
            system.sync(file)
            if os.name == "nt":
                opened = False
                system.close(file)
            # Elsewhere the file stays open, and so locked against ``sweep``, until it has its name.
            system.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            system.remove(temporary)
        raise
    finally:
        if opened:
            with disk():
                system.close(file)
    with explained(path, f"{path} is written, but may not survive a power cut", f"{path.name} is there"):
        system.sync_directory(path.parent)


def append_line(path: Path, line: str, *, system: System = SYSTEM) -> None:
    """Add one line to a file of lines; a torn last line, left by a power cut, is cut off first.

    ``line`` holds no line break of its own. Raises DiskError, and then the file has its old lines.
    """
    if "\n" in line:
        raise ValueError(f"a line for {path.name} holds a line break")
    data = memoryview(line.encode() + b"\n")
    with explained(path, f"cannot add a line to {path}", "its earlier lines are as they were", needed=len(data)):
        flags = os.O_RDWR | os.O_APPEND
        try:
            file, created = system.open(path, flags), False
        except FileNotFoundError:
            file, created = system.open(path, flags | os.O_CREAT), True
        try:
            size = os.fstat(file).st_size
            whole = _end_of_last_line(path, size)
            if whole < size:
                system.truncate(file, whole)
            try:
                _write_all(file, data, system)
                system.sync(file)
            except BaseException:
                with suppress(OSError):
                    system.truncate(file, whole)
                raise
        finally:
            system.close(file)
        if created:
            system.sync_directory(path.parent)


def make_directory(path: Path, *, system: System = SYSTEM) -> None:
    """Make one directory that survives a power cut. Raises FileExistsError, or DiskError."""
    with explained(path, f"cannot make the folder {path}", "nothing was changed"):
        system.make_directory(path)
        try:
            system.sync_directory(path)
            system.sync_directory(path.parent)
        except BaseException:
            discard(path)
            raise


def remove(path: Path, *, system: System = SYSTEM) -> None:
    """Remove a file, if it is there, so that it stays away after a power cut."""
    with explained(path, f"cannot remove {path}", "nothing else was changed"), suppress(FileNotFoundError):
        system.remove(path)
        system.sync_directory(path.parent)


def discard(directory: Path) -> None:
    """Remove a directory that this process has just made and nobody was promised, as far as the disk lets it."""
    shutil.rmtree(directory, ignore_errors=True)


def sweep(directory: Path, *, system: System = SYSTEM) -> None:
    """Remove the temporary files that dead processes left in a directory; those being written stay."""
    with suppress(OSError):
        for path in sorted(directory.glob(".*.tmp")):
            with suppress(OSError):
                _sweep_one(path, system)


def _view(data: Bytes) -> memoryview:
    view = memoryview(data)
    return view.cast("B") if view.nbytes else memoryview(b"")


def _open_temporary(path: Path, system: System) -> tuple[Path, int]:
    """Return a new temporary file beside ``path``, locked for as long as it is open."""
    while True:
        temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
        file = system.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        if os.name == "nt":
            return temporary, file
        # A sweep that came between these two lines holds the lock or has removed the file: take another.
        if system.lock(file) is not False and os.fstat(file).st_nlink:
            return temporary, file
        system.close(file)


def _write_all(file: int, data: memoryview, system: System) -> None:
    while data:
        written = system.write(file, data[:_PIECE])
        if written <= 0:
            raise OSError(errno.EIO, "the system wrote nothing")
        data = data[written:]


def _end_of_last_line(path: Path, size: int) -> int:
    """Return where the last whole line of a file of ``size`` bytes ends."""
    with path.open("rb") as stream:
        at = size
        while at > 0:
            start = max(0, at - 65_536)
            stream.seek(start)
            found = stream.read(at - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            at = start
    return 0


def _sweep_one(path: Path, system: System) -> None:
    if os.name == "nt":
        # An open file cannot be removed there; the age covers the moment between close and rename.
        if time.time() - path.stat().st_mtime > STALE_SECONDS:
            system.remove(path)
        return
    file = system.open(path, os.O_RDWR)
    try:
        free = system.lock(file)
        if free or (free is None and time.time() - path.stat().st_mtime > STALE_SECONDS):
            system.remove(path)
    finally:
        system.close(file)


_REFUSALS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("the disk is full", "free some space on it"),
    errno.EROFS: ("the disk is read-only", "choose a folder on another disk for the runs"),
    errno.EIO: ("the disk reports a failure", "check the disk and copy what matters to another"),
    errno.EACCES: ("writing there is not permitted", "change the folder's permissions, or choose another for the runs"),
    errno.EPERM: ("writing there is not permitted", "change the folder's permissions, or choose another for the runs"),
    errno.EFBIG: ("the file would be larger than is allowed", "raise the limit (ulimit -f)"),
    errno.ENOENT: ("the folder is gone", "put it back, or train again"),
    errno.ENAMETOOLONG: ("the path is longer than the system allows", "choose a shorter folder for the runs"),
}
if hasattr(errno, "EDQUOT"):
    _REFUSALS[errno.EDQUOT] = ("your share of the disk is used up", "free some of it, or ask for more")


@contextmanager
def explained(path: Path, failed: str, kept: str, *, needed: int | None = None) -> Iterator[None]:
    """Turn an OSError inside the ``with`` into a DiskError: what failed, why, what is still there and what to do.

    ``needed`` is how many bytes were to be written at ``path``. FileExistsError passes as it is.
    """
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        reason, remedy = _REFUSALS.get(error.errno or 0, (error.strerror or str(error), "mend that"))
        room = ""
        if needed is not None:
            room = f" ({readable_size(needed)} needed"
            with suppress(OSError):
                room += f", {readable_size(shutil.disk_usage(path.parent).free)} free"
            room += ")"
        raise DiskError(f"{failed}{room}: {reason}. {kept[0].upper()}{kept[1:]}; {remedy} and try again") from error
