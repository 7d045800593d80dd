"""The jail by itself: whatever runs inside after all reaches nothing. Layer by layer, with the attack alone as control.

This is what counts when ``weights_only`` has a hole, as it had twice.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from striate.model.sandbox import kernel
from striate.model.sandbox.jail import LAYERS

ATTACKER = Path(__file__).with_name("attacker.py")
LINUX = sys.platform == "linux" and platform.machine() == "x86_64"
pytestmark = pytest.mark.skipif(not LINUX, reason="the attacks are system calls of Linux on x86-64")


def names(text: str) -> list[str]:
    return text.split(";")


PYTHON = names(
    "open;read;os.open;os.remove;os.rename;os.mkdir;os.symlink;os.truncate;os.chmod;os.system;subprocess;os.fork;"
    "os.execv;os.posix_spawn;os.kill;socket;connect;getaddrinfo;ctypes;import;exec;compile;mmap"
)
RAW = names(
    "open;read;openat;truncate;mkdir;unlink;rename;symlink;link;chmod;execve;execveat;fork;clone;kill;socket;"
    "unix socket;socketpair;connect;pipe;dup;memfd;ptrace;prctl;unshare;pidfd;inotify;executable memory;"
    "memory made executable"
)
PATHS = names("open;read;openat;truncate;mkdir;unlink;rename;symlink;execve;execveat")
DESCRIPTORS = names("open;read;openat;socket;unix socket;socketpair;pipe;dup;memfd;pidfd;inotify")

Attack = Callable[[tuple[str, ...], str], tuple[str, bool]]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    around = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = subprocess.Popen(
        [sys.executable, str(ATTACKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path_factory.mktemp("attacker"),
        env=around,
    )
    yield running
    assert running.stdin
    running.stdin.close()
    running.wait(timeout=20)


@pytest.fixture
def attack(process: subprocess.Popen[str], tmp_path: Path) -> Iterator[Attack]:
    """Attack behind some layers: what became of it, and whether the folder is as it was."""
    import socket

    there = tmp_path / "there"
    there.write_text("kept")
    before = (there.stat().st_mode, there.stat().st_mtime_ns)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)

        def one(layers: tuple[str, ...], name: str) -> tuple[str, bool]:
            assert process.stdin and process.stdout
            process.stdin.write(json.dumps([layers, name, str(tmp_path), listener.getsockname()[1]]) + "\n")
            process.stdin.flush()
            said = json.loads(process.stdout.readline())
            if said.startswith("absent "):
                pytest.skip(f"this kernel, or a sandbox around the tests, has no {said.removeprefix('absent ')}")
            same = [path.name for path in tmp_path.iterdir()] == ["there"] and there.read_text() == "kept"
            same = same and (there.stat().st_mode, there.stat().st_mtime_ns) == before
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                return said, same
            return said, False

        yield one


@pytest.mark.parametrize("name", [f"python {name}" for name in PYTHON] + [f"raw {name}" for name in RAW])
def test_the_attacks_work_where_nothing_is_locked(name: str, attack: Attack) -> None:
    assert attack((), name)[0] == "done"


@pytest.mark.parametrize("name", PYTHON)
def test_python_alone_refuses_what_goes_through_python(name: str, attack: Attack) -> None:
    said, same = attack(("audit",), f"python {name}")
    assert said.startswith("PermissionError: refused: "), said
    assert same


@pytest.mark.parametrize("name", RAW)
def test_seccomp_alone_refuses_every_call(name: str, attack: Attack) -> None:
    said, same = attack(("seccomp",), f"raw {name}")
    assert said.startswith("PermissionError: [Errno 1]"), said
    assert same


@pytest.mark.parametrize("name", [*PATHS, "connect"])
def test_landlock_alone_refuses_every_path(name: str, attack: Attack) -> None:
    said, same = attack(("landlock",), f"raw {name}")
    assert said.startswith("PermissionError: [Errno 13]"), said
    assert same


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_limits_alone_refuse_every_new_descriptor(name: str, attack: Attack) -> None:
    said, same = attack(("limits",), f"raw {name}")
    assert said.startswith("OSError: [Errno 24]"), said
    # What opens a file to write makes it before it fails for want of a descriptor: an empty name at most.
    assert same or name in ("open", "openat")


@pytest.mark.parametrize(
    ("name", "words"),
    [("memory", "MemoryError"), ("file", "OSError: "), ("time", "signal 24")],
)
def test_limits_hold(name: str, words: str, attack: Attack) -> None:
    assert attack(("limits",), f"limit {name}")[0].startswith(words)


@pytest.mark.parametrize("name", [f"python {name}" for name in PYTHON] + [f"raw {name}" for name in RAW])
@pytest.mark.parametrize("more", [(), ("threads",)])
def test_all_together(name: str, more: tuple[str, ...], attack: Attack) -> None:
    said, same = attack((*LAYERS, *more), name)
    assert said != "done" and same, said


def test_threads_are_started_where_they_may_be_and_are_as_locked_in(attack: Attack) -> None:
    assert attack(LAYERS, "a thread")[0] not in ("done", "")
    assert attack((*LAYERS, "threads"), "a thread") == ("done", True)
    for layers in (LAYERS, (*LAYERS, "threads")):
        assert attack(layers, "raw clone with files")[0].startswith("PermissionError")


def test_the_filter_is_what_it_is_meant_to_be() -> None:
    """Walk the filter as the kernel does, for both machines: the listed calls, and memory that is not executable."""
    import struct

    for (machine, numbers), threads in itertools.product(kernel._MACHINES.items(), (False, True)):
        program = list(struct.iter_unpack("<HBBI", kernel._program(machine, threads=threads)))
        calls = kernel._PURE[machine] + " " + (kernel._OF_THREADS[machine] if threads else "")
        allowed = {int(call.partition("=")[2]) for call in calls.split()}

        def verdict(
            number: int, third: int, arch: int, first: int = 0, program: list[tuple[int, ...]] = program
        ) -> int:
            fields, loaded, at = {0: number, 4: arch, 16: first, 32: third}, 0, 0
            while True:
                code, yes, no, value = program[at]
                if code == 0x06:
                    return value
                at += 1
                if code == 0x20:
                    loaded = fields[value]
                else:
                    at += yes if (loaded == value if code == 0x15 else loaded & value) else no

        for number in range(600):
            right = number in allowed or number in (numbers.mmap, numbers.mprotect)
            assert (verdict(number, 3, numbers.arch) == 0x7FFF0000) == right, (machine, number)
            assert (verdict(number, 7, numbers.arch) == 0x7FFF0000) == (number in allowed), (machine, number)
            assert verdict(number, 3, 0x40000003) == 0x80000000  # 32-bit calls have other numbers
        assert verdict(0x40000000 | numbers.mmap, 3, numbers.arch) != 0x7FFF0000  # and so has x32
        for flags in (0x3D0F00, 0x7D0F00, 0x3D0F00 | 0x20000, 0x3D0F00 & ~0x10000, 17, 0x4111, 0, 0x10000):
            started = verdict(numbers.clone, 0, numbers.arch, flags) == 0x7FFF0000
            assert started == (threads and flags in (0x3D0F00, 0x7D0F00)), hex(flags)
        assert verdict(435, 0, numbers.arch) == 0x00050000 | (38 if threads else 1)  # clone3: ENOSYS, or EPERM
