"""Attacks from inside: each in a process of its own that first locks itself in, with the layers it is told.

Lines of JSON come in (layers, the attack, a folder to harm, a port to reach), lines go out: "done", or why not.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from striate.model.sandbox import jail

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
# Of Linux on x86-64, straight to the kernel: no audit hook sees them.
CALLS = {
    **{"open": 2, "dup": 32, "socket": 41, "connect": 42, "socketpair": 53, "clone": 56, "fork": 57},
    **{"execve": 59, "kill": 62, "truncate": 76, "rename": 82, "mkdir": 83, "link": 86, "unlink": 87},
    **{"symlink": 88, "chmod": 90, "ptrace": 101, "prctl": 157, "unshare": 272, "openat": 257},
    **{"memfd_create": 319, "execveat": 322, "pidfd_open": 434, "pipe": 22, "inotify_init1": 294},
}  # fmt: skip


def raw(name: str, *arguments: Any) -> int:
    """Make a system call; raise what the kernel says against it."""
    values = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result: int = LIBC.syscall(ctypes.c_long(CALLS[name]), *values)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def executable_memory() -> None:
    if LIBC.mmap(None, ctypes.c_size_t(4096), 7, 34, -1, ctypes.c_long(0)) == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")


def made_executable() -> None:
    page = LIBC.mmap(None, ctypes.c_size_t(4096), 3, 34, -1, ctypes.c_long(0))
    if LIBC.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(4096), 5):
        raise OSError(ctypes.get_errno(), "mprotect")


def forks(call: Callable[[], int]) -> None:
    if call() == 0:
        os._exit(0)


def to(port: int) -> bytes:
    return struct.pack("<H", socket.AF_INET) + struct.pack(">H", port) + bytes([127, 0, 0, 1]) + bytes(8)


def attacks(folder: str, port: int) -> dict[str, Callable[[], Any]]:
    """Every attack by name. ``there`` is a file that can be harmed; a socket is made before the door shuts."""
    path = pathlib.Path(folder)
    canary, there = str(path / "canary"), str(path / "there")
    at = {name: os.fsencode(name) for name in (canary, there, folder)}
    early = socket.socket()
    arguments = (ctypes.c_char_p * 3)(b"/usr/bin/touch", at[canary], None)
    return {
        "python open": lambda: open(canary, "w").close(),  # noqa: PTH123
        "python read": lambda: open(there).close(),  # noqa: PTH123
        "python os.open": lambda: os.open(canary, os.O_CREAT | os.O_WRONLY),
        "python os.remove": lambda: os.remove(there),  # noqa: PTH107
        "python os.rename": lambda: os.rename(there, canary),  # noqa: PTH104
        "python os.mkdir": lambda: os.mkdir(canary),  # noqa: PTH102
        "python os.symlink": lambda: os.symlink("/", canary),  # noqa: PTH211
        "python os.truncate": lambda: os.truncate(there, 0),
        "python os.chmod": lambda: os.chmod(there, 0o777),  # noqa: PTH101
        "python os.system": lambda: os.system(f"touch {canary}") and failed(),
        "python subprocess": lambda: subprocess.run(["touch", canary], check=True),
        "python os.fork": lambda: forks(os.fork),
        "python os.execv": lambda: os.execv("/usr/bin/touch", ["touch", canary]),
        "python os.posix_spawn": lambda: os.posix_spawn("/usr/bin/touch", ["touch", canary], {}),
        "python os.kill": lambda: os.kill(os.getppid(), 0),
        "python socket": lambda: socket.socket().close(),
        "python connect": lambda: early.connect(("127.0.0.1", port)),
        "python getaddrinfo": lambda: socket.getaddrinfo("localhost", 80),
        "python ctypes": lambda: ctypes.CDLL(None).getpid(),
        "python import": lambda: __import__("wave"),
        "python exec": lambda: exec("1"),
        "python compile": lambda: compile("1", "x", "eval"),
        "python mmap": lambda: mmap.mmap(-1, 4096),
        "raw open": lambda: raw("open", at[canary], os.O_CREAT | os.O_WRONLY, 0o666),
        "raw read": lambda: raw("open", at[there], os.O_RDONLY),
        "raw openat": lambda: raw("openat", -100, at[canary], os.O_CREAT | os.O_WRONLY, 0o666),
        "raw truncate": lambda: raw("truncate", at[there], 0),
        "raw mkdir": lambda: raw("mkdir", at[canary], 0o777),
        "raw unlink": lambda: raw("unlink", at[there]),
        "raw rename": lambda: raw("rename", at[there], at[canary]),
        "raw symlink": lambda: raw("symlink", b"/", at[canary]),
        "raw link": lambda: raw("link", at[there], at[canary]),
        "raw chmod": lambda: raw("chmod", at[there], 0o777),
        "raw execve": lambda: raw("execve", b"/usr/bin/touch", arguments, None),
        "raw execveat": lambda: raw("execveat", -100, b"/usr/bin/touch", arguments, None, 0),
        "raw fork": lambda: forks(lambda: raw("fork")),
        "raw clone": lambda: forks(lambda: raw("clone", signal.SIGCHLD, 0, 0, 0, 0)),
        "raw clone with files": lambda: forks(lambda: raw("clone", 0x3D0F00 & ~0x10000, 0, 0, 0, 0)),
        "a thread": thread,
        "raw kill": lambda: raw("kill", os.getppid(), 0),
        "raw socket": lambda: raw("socket", socket.AF_INET, socket.SOCK_STREAM, 0),
        "raw unix socket": lambda: raw("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0),
        "raw socketpair": lambda: raw("socketpair", 1, 1, 0, (ctypes.c_int * 2)()),
        "raw connect": lambda: raw("connect", early.fileno(), to(port), 16),
        "raw pipe": lambda: raw("pipe", (ctypes.c_int * 2)()),
        "raw dup": lambda: raw("dup", 0),
        "raw memfd": lambda: raw("memfd_create", b"x", 0),
        "raw ptrace": lambda: raw("ptrace", 0, 0, 0, 0),
        "raw prctl": lambda: raw("prctl", 15, b"x", 0, 0, 0),
        "raw unshare": lambda: raw("unshare", 0),
        "raw pidfd": lambda: raw("pidfd_open", os.getppid(), 0),
        "raw inotify": lambda: raw("inotify_init1", 0),
        "raw executable memory": executable_memory,
        "raw memory made executable": made_executable,
        "limit memory": lambda: bytearray(2**30),
        "limit file": lambda: os.write(1, bytes(2**20)) == 2**20 or failed(),
        "limit time": spin,
    }


def thread() -> None:
    """Start one, which does what it may and fails at what it may not."""
    told: list[str] = []

    def work() -> None:
        for name in ("open", "socket"):
            try:
                raw(name, b"/etc/passwd" if name == "open" else socket.AF_INET, 1, 0)
            except OSError:
                told.append(name)

    one = threading.Thread(target=work)
    one.start()
    one.join()
    if told != ["open", "socket"]:
        raise OSError(errno.EIO, f"the thread was only refused {told}")


def failed() -> None:
    raise OSError(errno.EIO, "it did not come to its end")


def spin() -> None:
    import time

    while time.process_time() < 8:
        pass


def _attack(layers: list[str], name: str, folder: str, port: int) -> None:
    attack = attacks(folder, port)[name]
    try:
        held = jail.lock(memory=2**28, size=2**16, seconds=0, layers=layers, threads="threads" in layers)
        missing = sorted(set(layers) - {"threads"} - set(held))
        if missing:
            os.write(2, f"absent {missing[0]}".encode())
        else:
            attack()
            os.write(2, b"done")
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}".encode())
    os._exit(0)


if __name__ == "__main__":
    assert threading.active_count() == 1
    while line := sys.stdin.readline():
        read, write = os.pipe()
        number = os.fork()
        if not number:
            os.dup2(write, 2)
            os.dup2(os.open(os.devnull if "limit file" not in line else "written", os.O_WRONLY | os.O_CREAT), 1)
            os.closerange(3, 100)
            _attack(*json.loads(line))
        os.close(write)
        code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        said = os.read(read, 500).decode(errors="replace") or ("done" if code == 0 else f"signal {-code}")
        os.close(read)
        print(json.dumps(said), flush=True)
