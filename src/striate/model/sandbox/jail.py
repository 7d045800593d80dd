"""A process locks itself in: afterwards it computes, reads and writes what is open already, and nothing else.

Four layers, each of which is enough against what it covers. ``limits``: the system's own limits on memory, processor
time, file size, processes and, set to none, new descriptors, without which no file, socket or pipe is opened (POSIX).
``landlock`` and ``seccomp``: see ``kernel.py`` (Linux). ``audit``: Python refuses every action it knows how to report;
that holds everywhere, but only against what goes through Python, so it is not counted on alone. Standard library only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from striate.model.sandbox import kernel

if sys.platform != "win32":
    import resource

LAYERS: Final = ("landlock", "limits", "seccomp", "audit")

# Events of Python (docs.python.org, "Audit events table") that reach nothing outside the process.
_HARMLESS: Final = frozenset(
    [
        "array.__new__",
        "builtins.id",
        "sys._getframe",
        "sys._getframemodulename",
        "sys.excepthook",
        "sys.unraisablehook",
        "time.sleep",
    ]
)


def lock(
    *, memory: int, size: int, seconds: float, threads: bool = False, layers: Iterable[str] = LAYERS
) -> tuple[str, ...]:
    """Lock this process in for good; return the layers that are in force, of those asked for.

    ``memory``: bytes it may take beyond what it has now (held on Linux only); ``size``: the most bytes a file that it
    writes may have; ``seconds`` of processor time beyond those used. ``threads``: it may still start threads, which are
    as locked in as itself, where seccomp tells them from processes. Import, open and start everything needed first.
    """
    mapped = _mapped()  # asked now, since nothing can be opened later
    steps: dict[str, Callable[[], object]] = {
        "landlock": kernel.landlock,  # takes a descriptor while there are any
        "limits": lambda: _limits(None if mapped is None else mapped + memory, size, seconds, processes=threads),
        "seccomp": lambda: kernel.seccomp(threads=threads),
        "audit": lambda: sys.addaudithook(_hook()),
    }
    held = []
    for name in [name for name in steps if name in set(layers)]:
        try:
            steps[name]()
        except OSError:  # not in this system, or a sandbox around us has taken it away: the others hold
            continue
        held.append(name)
    if threads and "limits" in held and "seccomp" not in held:
        _no_processes()
    return tuple(held)


def _limits(memory: int | None, size: int, seconds: float, *, processes: bool) -> None:
    """Set the system's limits; raise OSError where it has none, or keeps opening files."""
    if sys.platform == "win32":
        raise OSError("no limits here")
    used = resource.getrusage(resource.RUSAGE_SELF)
    processor = int(used.ru_utime + used.ru_stime + seconds) + 1
    bounds = {"CPU": processor, "FSIZE": size, "CORE": 0, "NPROC": 0, "AS": memory, "NOFILE": 0}
    if processes:  # to the system a thread is one; seccomp tells them apart
        del bounds["NPROC"]
    for name, bound in bounds.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is None or bound is None:
            continue
        hard = resource.getrlimit(kind)[1]
        most = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        try:
            resource.setrlimit(kind, (most, most + (name == "CPU" and hard != most)))
        except (OSError, ValueError):
            if name == "NOFILE":
                raise OSError("descriptors cannot be limited") from None


def _no_processes() -> None:
    """Refuse processes, and so threads too."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def _mapped() -> int | None:
    """Return the bytes of address space this process has, where the system tells (Linux)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    except (OSError, AttributeError):
        return None


def _hook(harmless: frozenset[str] = _HARMLESS) -> Any:
    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in harmless:
            raise PermissionError(f"refused: {event}")

    return refuse
