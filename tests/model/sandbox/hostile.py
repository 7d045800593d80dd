"""Files that want to do something: pickles that run what they name, in every layout that torch has had."""

from __future__ import annotations

import codecs
import importlib
import io
import os
import pathlib
import pickle
import pydoc
import shutil
import socket
import subprocess
import tarfile
import timeit
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch


class Call:
    """Pickled as a call, which unpickling makes."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


class Storage:
    """A storage that says it has ``count`` numbers."""

    def __init__(self, count: int, key: str = "0") -> None:
        self.count, self.key = count, key


def tensor(count: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Call:
    """A float tensor of any size on a storage that says it has ``count`` numbers."""
    rebuild = torch._utils._rebuild_tensor_v2  # type: ignore[attr-defined]
    return Call(rebuild, Storage(count), 0, size, stride, False, OrderedDict())


class _Pickler(pickle.Pickler):
    more: tuple[None, ...] = ()

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, Storage):
            return ("storage", torch.FloatStorage, value.key, "cpu", value.count, *self.more)
        return None


def pickled(value: Any, protocol: int = 2, more: tuple[None, ...] = ()) -> bytes:
    stream = io.BytesIO()
    pickler = _Pickler(stream, protocol)
    pickler.more = more  # in the older layout: of which storage this is a view
    pickler.dump(value)
    return stream.getvalue()


def bare(value: Any) -> bytes:
    """One pickle and nothing else."""
    return value if isinstance(value, bytes) else pickled(value)


def legacy(value: Any, data: bytes = b"") -> bytes:
    """As torch wrote until 2020: magic number, version, system, the object, the storages' keys and numbers."""
    head = (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}})
    content = value if isinstance(value, bytes) else pickled(value, more=(None,))
    keys = pickled(["0"] if data else [])
    return b"".join(pickled(each) for each in head) + content + keys + data


def zipped(value: Any, data: bytes = b"", *others: tuple[str, bytes]) -> bytes:
    """As torch writes since 2020: an archive that holds a pickle and a member for each storage."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", bare(value))
        archive.writestr("archive/byteorder", b"little")
        archive.writestr("archive/data/0", data)
        archive.writestr("archive/version", b"3\n")
        for name, content in others:
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(value: Any) -> bytes:
    """As torch wrote before 2017; CVE-2025-32434 was got into through it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("sys_info", "storages", "tensors", "pickle"):
            content = bare(value)
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


LAYOUTS: dict[str, Callable[[Any], bytes]] = {"bare": bare, "legacy": legacy, "zip": zipped, "tar": tarred}

# Each wants to make the file ``canary``; under plain pickle each does.
WANTS: dict[str, Callable[[str], Any]] = {
    "os.system": lambda canary: Call(os.system, f"touch {canary}"),
    "exec": lambda canary: Call(exec, f"open({canary!r}, 'w')"),
    "eval": lambda canary: Call(eval, f"open({canary!r}, 'w')"),
    "open": lambda canary: Call(open, canary, "w"),
    "os.mkdir": lambda canary: Call(os.mkdir, canary),
    "subprocess.Popen": lambda canary: Call(subprocess.Popen, ["touch", canary]),
    "getattr": lambda canary: Call(pathlib.Path.touch, pathlib.Path(canary)),
    "__import__": lambda canary: imported("os", "system", f"touch {canary}"),
    "os.symlink": lambda canary: Call(os.symlink, "/etc/passwd", canary),
    "shutil.copyfile": lambda canary: Call(shutil.copyfile, "/etc/hostname", canary),
    "pydoc.pipepager": lambda canary: Call(pydoc.pipepager, "", f"touch {canary}"),
    "timeit": lambda canary: Call(timeit.timeit, f"open({canary!r}, 'w')", "pass", timeit.default_timer, 1),
    # torch's own: a pickle in a pickle, and a call by way of an allowed one
    "torch.storage._load_from_bytes": lambda canary: Call(
        torch.storage._load_from_bytes, legacy(Call(os.system, f"touch {canary}"))
    ),
    "torch._tensor._rebuild_from_type_v2": lambda canary: Call(
        torch._tensor._rebuild_from_type_v2,  # type: ignore[attr-defined]
        os.system,
        torch.Tensor,
        (f"touch {canary}",),
        {},
    ),
}


def imported(module: str, name: str, argument: str) -> bytes:
    """``getattr(__import__(module), name)(argument)``: the function called is what another call gave."""
    steps = [
        b"\x80\x02c__builtin__\ngetattr\n",
        b"c__builtin__\n__import__\n" + pickled((module,))[2:-1] + b"R",
        pickled(name)[2:-1] + b"\x86R",
        pickled((argument,))[2:-1] + b"R.",
    ]
    return b"".join(steps)


def dials(port: int) -> Any:
    """Wants to connect to this machine."""
    return Call(socket.create_connection, ("127.0.0.1", port), 2)


def imports_codec() -> Any:
    """Allowed by ``weights_only``, and imports a module named by the file."""
    return Call(codecs.encode, "x", "rot13")


def imports() -> Any:
    return Call(importlib.import_module, "wave")


def laughs(depth: int = 60) -> bytes:
    """A dict whose key is 2**depth tuples, of a few hundred bytes: hashing it does not end."""
    steps = b"".join(b"q" + bytes([at]) + b"h" + bytes([at]) + b"\x86" for at in range(depth))
    return b"\x80\x02}" + b"K\x01" + steps + b"K\x01s."


def lists(depth: int = 60) -> bytes:
    """Lists in lists, 2**depth when followed, a few hundred bytes as a file."""
    steps = b"".join(b"q" + bytes([at]) + b"](h" + bytes([at]) + b"h" + bytes([at]) + b"e" for at in range(depth))
    return b"\x80\x02" + b"K\x01" + steps + b"."


def deep(depth: int = 500_000) -> bytes:
    """A key that is a tuple in a tuple in a tuple: hashing it takes all of the C stack."""
    return b"\x80\x02}" + b"K\x01" + b"\x85" * depth + b"K\x01s."
