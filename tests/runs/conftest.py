"""A disk that forgets: every call of the seam is done for real and also kept in a model of what would survive.

A file's bytes survive a power cut once the file is synced, a name once its directory is. What is not yet synced may
survive in part: the model loses it, keeps it, tears it, or leaves zeros in its place.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from striate.runs.durable import OperatingSystem

MODES = ("lost", "kept", "names only", "torn")


class File:
    def __init__(self) -> None:
        self.durable = b""
        self.content = b""


class Directory:
    def __init__(self) -> None:
        self.durable: dict[str, File | Directory] = {}
        self.names: dict[str, File | Directory] = {}
        self.pending: list[dict[str, File | Directory | None]] = []  # each survives or not, as a whole

    def change(self, **names: File | Directory | None) -> None:
        self.pending.append(names)
        _apply(self.names, names)

    def sync(self) -> None:
        self.durable, self.pending = dict(self.names), []


def _apply(names: dict[str, File | Directory], change: dict[str, File | Directory | None]) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


class Disk:
    """The seam, on the folder ``root``. ``after`` is called after every call; the flags make it a bad disk."""

    def __init__(self, root: Path, *, ignores_sync: bool = False, ignores_directory_sync: bool = False) -> None:
        self.real = OperatingSystem()
        self.root = root
        self.top = _load(root)
        self.open_files: dict[int, File] = {}
        self.after: Callable[[str], None] = lambda call: None
        self.calls: list[str] = []
        self.ignores_sync, self.ignores_directory_sync = ignores_sync, ignores_directory_sync

    def _done(self, call: str) -> None:
        self.calls.append(call)
        self.after(call)

    def _directory(self, path: Path) -> Directory:
        node: File | Directory = self.top
        for part in path.relative_to(self.root).parts:
            assert isinstance(node, Directory)
            node = node.names[part]
        assert isinstance(node, Directory)
        return node

    # The seam

    def open(self, path: Path, flags: int) -> int:
        file = self.real.open(path, flags)
        parent = self._directory(path.parent)
        if path.name not in parent.names:
            parent.change(**{path.name: File()})
        node = parent.names[path.name]
        assert isinstance(node, File)
        self.open_files[file] = node
        self._done(f"open {path.name}")
        return file

    def write(self, file: int, data: memoryview) -> int:
        written = self.real.write(file, data)
        self.open_files[file].content += bytes(data[:written])  # every write of ours is at the end
        self._done(f"write {written}")
        return written

    def truncate(self, file: int, size: int) -> None:
        self.real.truncate(file, size)
        node = self.open_files[file]
        node.content = node.content[:size]
        self._done(f"truncate {size}")

    def sync(self, file: int) -> None:
        node = self.open_files[file]
        if not self.ignores_sync:
            node.durable = node.content
        self._done("sync")

    def close(self, file: int) -> None:
        self.real.close(file)
        del self.open_files[file]
        self._done("close")

    def replace(self, source: Path, target: Path) -> None:
        self.real.replace(source, target)
        directory = self._directory(source.parent)
        directory.change(**{target.name: directory.names[source.name], source.name: None})
        self._done(f"replace {target.name}")

    def remove(self, path: Path) -> None:
        self.real.remove(path)
        self._directory(path.parent).change(**{path.name: None})
        self._done(f"remove {path.name}")

    def make_directory(self, path: Path) -> None:
        self.real.make_directory(path)
        self._directory(path.parent).change(**{path.name: Directory()})
        self._done(f"mkdir {path.name}")

    def sync_directory(self, path: Path) -> None:
        if not self.ignores_directory_sync:
            self._directory(path).sync()
        self._done(f"sync {path.name}/")

    def lock(self, file: int) -> bool | None:
        return self.real.lock(file)

    # The power cut

    def survivors(self, target: Path, mode: str, draw: random.Random) -> Path:
        """Write into ``target`` what is on the disk when the power is cut now."""
        _survive(self.top, target, mode, draw)
        return target


def _load(path: Path) -> Directory:
    """Take what is in a folder as durable."""
    directory = Directory()
    for entry in path.iterdir():
        if entry.is_dir():
            directory.names[entry.name] = _load(entry)
        else:
            directory.names[entry.name] = file = File()
            file.durable = file.content = entry.read_bytes()
    directory.sync()
    return directory


def _survive(directory: Directory, target: Path, mode: str, draw: random.Random) -> None:
    target.mkdir(parents=True)
    names = dict(directory.durable)
    for change in directory.pending:
        if mode in ("kept", "names only") or (mode == "torn" and draw.random() < 0.5):
            _apply(names, change)
    for name, node in names.items():
        if isinstance(node, Directory):
            _survive(node, target / name, mode, draw)
        else:
            (target / name).write_bytes(_torn(node, mode, draw))


def _torn(file: File, mode: str, draw: random.Random) -> bytes:
    if mode == "kept":
        return file.content
    if mode in ("lost", "names only"):
        return file.durable
    pairs = enumerate(zip(file.durable, file.content, strict=False))
    same = next((at for at, (old, new) in pairs if old != new), min(len(file.durable), len(file.content)))
    cut = draw.randint(same, len(file.content)) if len(file.content) > same else same
    zeros = bytes(len(file.content) - cut)
    # Blocks reach the disk in any order: the end may be there while what is before it is zeros.
    tail = draw.randint(cut, len(file.content))
    holes = file.content[:cut] + bytes(tail - cut) + file.content[tail:]
    return draw.choice([file.durable, file.content, file.content[:cut], file.content[:cut] + zeros, holes])


class Refusing:
    """The real system, which refuses: the n-th call, or every byte after so many, or gives short writes."""

    def __init__(
        self, *, at_call: int | None = None, room: int | None = None, code: int = errno.ENOSPC, short: bool = False
    ) -> None:
        self.real = OperatingSystem()
        self.at_call, self.room, self.code, self.short = at_call, room, code, short
        self.calls = 0
        self.refused = ""

    def _count(self, call: str) -> None:
        self.calls += 1
        if self.calls == self.at_call:
            self.refused = call
            raise OSError(self.code, os.strerror(self.code))

    def open(self, path: Path, flags: int) -> int:
        self._count("open")
        return self.real.open(path, flags)

    def write(self, file: int, data: memoryview) -> int:
        self._count("write")
        if self.short and len(data) > 1:
            data = data[: (len(data) + 1) // 2]
        if self.room is not None:
            if not self.room:
                self.refused = "write"
                raise OSError(self.code, os.strerror(self.code))
            data = data[: self.room]
            self.room -= len(data)
        return self.real.write(file, data)

    def truncate(self, file: int, size: int) -> None:
        self._count("truncate")
        self.real.truncate(file, size)

    def sync(self, file: int) -> None:
        self._count("sync")
        self.real.sync(file)

    def close(self, file: int) -> None:
        self.real.close(file)  # Linux closes the file whatever it answers

    def replace(self, source: Path, target: Path) -> None:
        self._count("replace")
        self.real.replace(source, target)

    def remove(self, path: Path) -> None:
        self._count("remove")
        self.real.remove(path)

    def make_directory(self, path: Path) -> None:
        self._count("mkdir")
        self.real.make_directory(path)

    def sync_directory(self, path: Path) -> None:
        self._count("sync directory")
        self.real.sync_directory(path)

    def lock(self, file: int) -> bool | None:
        return self.real.lock(file)


@pytest.fixture
def disk() -> type[Disk]:
    return Disk


@pytest.fixture
def refusing() -> type[Refusing]:
    return Refusing
