"""One process at a time: a lock on a file that the operating system frees when its holder ends, however it ends.

No process numbers are compared, so a number used again after a restart, or in another container, fools nobody.
"""

from __future__ import annotations

import os
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import final

from striate.runs import durable

_PATIENCE = 0.2  # seconds; whoever only asks whether a lock is held holds it for a moment


@final
class Lock:
    """A lock that is held; ``release`` gives it back, and so does the end of the process.

    Example: ``acquire(run.path / "lock").release()``
    """

    def __init__(self, file: int, system: durable.System) -> None:
        self.release = weakref.finalize(self, system.close, file)
        if hasattr(os, "register_at_fork"):
            # A forked child shares the lock, and would keep it when its parent is killed: it closes its copy.
            mine = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: (lock := mine()) and lock.release())


def acquire(path: Path, *, system: durable.System = durable.SYSTEM) -> Lock | None:
    """Take the lock at ``path`` and return it, or None when another process (or another Lock of this one) has it.

    Raises DiskError where the lock file cannot be made. On a file system without locks everyone gets one.
    """
    with durable.explained(path, f"cannot make the lock {path}", "nothing was changed"):
        file = system.open(path, os.O_RDWR | os.O_CREAT)
    until = time.monotonic() + _PATIENCE
    while system.lock(file) is False:
        if time.monotonic() > until:
            system.close(file)
            return None
        time.sleep(0.01)
    import socket

    with suppress(OSError):  # who holds it is for people to read; a full disk must not stop them
        system.truncate(file, 0)
        system.write(file, memoryview(f"process {os.getpid()} on {socket.gethostname()}\n".encode()))
    return Lock(file, system)


def holder(path: Path, *, system: durable.System = durable.SYSTEM) -> str | None:
    """Return who holds the lock ("process 4711 on desk"), or None when nobody does."""
    try:
        file = system.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        if system.lock(file) is not False:
            return None
        return path.read_text(encoding="utf-8", errors="replace").strip() or "another process"
    finally:
        system.close(file)
