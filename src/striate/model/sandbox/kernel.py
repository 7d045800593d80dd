"""The Linux half of the jail: Landlock and seccomp, asked for by system calls through ctypes. Standard library alone.

Each takes this process's rights away for good and needs no privileges itself. Sources: Linux's documentation,
userspace-api/landlock.rst and userspace-api/seccomp_filter.rst, and the ``unistd.h`` of each architecture.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from typing import Final, NamedTuple

# What reading an open file into memory, writing another open file, and ending take. Everything else is refused: no
# file, connection, program, process or thread is opened or started by any of these.
_PURE: Final = {
    "x86_64": "read=0 write=1 close=3 fstat=5 lseek=8 munmap=11 brk=12 rt_sigaction=13 rt_sigprocmask=14 "
    "rt_sigreturn=15 pread64=17 pwrite64=18 readv=19 writev=20 sched_yield=24 mremap=25 madvise=28 nanosleep=35 "
    "getpid=39 exit=60 gettimeofday=96 getrusage=98 sysinfo=99 sigaltstack=131 gettid=186 futex=202 "
    "sched_getaffinity=204 restart_syscall=219 clock_gettime=228 clock_nanosleep=230 exit_group=231 getrandom=318",
    "aarch64": "read=63 write=64 close=57 fstat=80 lseek=62 munmap=215 brk=214 rt_sigaction=134 rt_sigprocmask=135 "
    "rt_sigreturn=139 pread64=67 pwrite64=68 readv=65 writev=66 sched_yield=124 mremap=216 madvise=233 nanosleep=101 "
    "getpid=172 exit=93 gettimeofday=169 getrusage=165 sysinfo=179 sigaltstack=132 gettid=178 futex=98 "
    "sched_getaffinity=123 restart_syscall=128 clock_gettime=113 clock_nanosleep=115 exit_group=94 getrandom=278",
}
# And what a thread of this process takes beside being started: as locked in as the one that starts it.
_OF_THREADS: Final = {"x86_64": "set_robust_list=273 rseq=334", "aarch64": "set_robust_list=99 rseq=293"}
# The flags by which glibc and musl start a thread: it shares memory, files and signals, and is no process of its own.
_THREAD_FLAGS: Final = (0x3D0F00, 0x7D0F00)
_CLONE3: Final = 435  # whose flags a filter cannot see: it is said not to exist, and clone is used


class _Machine(NamedTuple):
    """What differs from one architecture to the next: ``arch`` as seccomp sees it, and numbers of system calls."""

    arch: int
    seccomp: int
    mmap: int
    mprotect: int
    clone: int


_MACHINES: Final = {
    "x86_64": _Machine(0xC000003E, seccomp=317, mmap=9, mprotect=10, clone=56),
    "aarch64": _Machine(0xC00000B7, seccomp=277, mmap=222, mprotect=226, clone=220),
}
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446  # the same on every architecture

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_FILTER, _TSYNC = 1, 1  # SECCOMP_SET_MODE_FILTER; every thread of the process, not this one alone
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF: ld [k], jeq k, jset k, ret k
_NUMBER, _ARCH, _FIRST, _THIRD = 0, 4, 16, 32  # where struct seccomp_data keeps them; of arguments, the low half
_PROT_EXEC = 4


def available() -> bool:
    """Return whether this is Linux on a machine whose system calls are known here."""
    return sys.platform == "linux" and platform.machine() in _MACHINES and sys.maxsize > 2**32


def landlock() -> int:
    """Refuse this thread every path and TCP port there is; return the version of Landlock. Raises OSError.

    What is open already stays open. A rule set without a rule allows nothing that it handles.
    """
    _give_up_privileges()
    call = _libc().syscall
    version = _checked(call(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(1)))
    paths = 13 + (version >= 2) + (version >= 3) + (version >= 5)  # each version handles some more
    fields = [(1 << paths) - 1] + [0b11] * (version >= 4) + [0b11] * (version >= 6)  # paths; TCP; signals, sockets
    attributes = struct.pack(f"<{len(fields)}Q", *fields)
    rules = _checked(call(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0)))
    try:
        _checked(call(_LANDLOCK_RESTRICT, ctypes.c_int(rules), ctypes.c_uint(0)))
    finally:
        os.close(rules)
    return version


def seccomp(*, threads: bool = False) -> None:
    """Refuse every thread all system calls but those in the list above, and executable memory. Raises OSError.

    With ``threads`` further ones may be started, which have the same filter.
    """
    _give_up_privileges()
    program = _program(platform.machine(), threads=threads)
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    number = _MACHINES[platform.machine()].seccomp
    _checked(_libc().syscall(number, ctypes.c_uint(_FILTER), ctypes.c_uint(_TSYNC), head))


def _give_up_privileges() -> None:
    """Give up gaining rights by starting programs, being traced, and outliving the parent. Raises OSError."""
    if not available():
        raise OSError(errno.ENOSYS, "not Linux, or its system calls on this machine are not known here")
    for option, value in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_DUMPABLE, 0), (_PR_SET_PDEATHSIG, 9)):
        _checked(_libc().prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0))))


def _program(machine: str, *, threads: bool) -> bytes:
    """Return the filter: instructions (code, jump when true, jump when false, k) of eight bytes."""
    numbers, refuse, missing = _MACHINES[machine], _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    calls = f"{_PURE[machine]} {_OF_THREADS[machine] if threads else ''}"
    pure = [int(call.partition("=")[2]) for call in calls.split()]
    steps = [
        *((_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, numbers.arch), (_RETURN, 0, 0, _KILL)),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if threads:
        alike = [(_EQUAL, len(_THREAD_FLAGS) - at, 0, flags) for at, flags in enumerate(_THREAD_FLAGS)]
        started = [(_LOAD, 0, 0, _FIRST), *alike, (_RETURN, 0, 0, refuse), (_RETURN, 0, 0, _ALLOW)]
        steps += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, missing)]
        steps += [(_EQUAL, 0, len(started), numbers.clone), *started]
    rest = len(pure)
    steps += [
        (_EQUAL, rest + 3, 0, numbers.mmap),
        (_EQUAL, rest + 2, 0, numbers.mprotect),
        *((_EQUAL, rest - at, 0, number) for at, number in enumerate(pure)),
        *((_RETURN, 0, 0, refuse), (_RETURN, 0, 0, _ALLOW)),
        *((_LOAD, 0, 0, _THIRD), (_ANY_BIT, 0, 1, _PROT_EXEC), (_RETURN, 0, 0, refuse), (_RETURN, 0, 0, _ALLOW)),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
