"""Starts the process that reads somebody else's pickle, watches over it, and takes nothing from it on trust.

The pickle never comes into this process, not even as bytes: the child is given the open file, and what it leaves is
read with the reader that every safetensors file meets. No torch until then.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from striate.errors import DoorError, ModelError
from striate.model.files import tensorfile
from striate.model.sandbox.jail import LAYERS

if TYPE_CHECKING:
    from torch import Tensor

_START: Final = (
    "import sys; sys.path[:0] = sys.argv.pop().split('\\n'); from striate.model.sandbox.child import main; main()"
)
_SAID_LIMIT: Final = 65_536  # bytes of what the child says
_NAMES_LIMIT: Final = 2**24  # bytes of the header that holds the tensors' names


@dataclass(frozen=True)
class Limits:
    """What the process may take: ``seconds`` in all, plus one for every 20 MB of file; ``memory`` bytes beyond three
    times the file's; ``largest`` bytes of a file.
    """

    seconds: float = 120.0
    memory: int = 2**29
    largest: int = 2**34


LIMITS: Final = Limits()


@dataclass(frozen=True)
class Passed:
    """What came through: tensors (CPU) by the names in the file, and what was seen on the way.

    ``sha256`` of the file, ``size`` in bytes; ``part``: where in the file the tensors were ("state_dict"; empty: they
    are all of it); ``skipped``: names of other things among them, ``beside``: of what else the file holds,
    ``others`` of those that hold tensors too; ``layers`` of the jail that were in force.
    """

    tensors: dict[str, Tensor]
    sha256: str
    size: int
    part: str = ""
    skipped: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()

    def confinement(self) -> str:
        """Return in a sentence what kept the file from doing anything."""
        if not self.layers:
            return "A safetensors file, which can run nothing: read directly."
        absent = [layer for layer in LAYERS if layer not in self.layers]
        held = ", ".join(self.layers)
        if "seccomp" in self.layers:
            without = f", not {', '.join(absent)}" if absent else ""
            return f"Read by a process of its own that could open no file, connection or program ({held}{without})."
        return (
            f"Read by a process of its own, confined by what this system has ({held}, not {', '.join(absent)}): Python "
            "refuses it files, connections and programs, but a hole in torch itself could get round that."
        )


def through(path: Path | str, *, entry: str = "", limits: Limits = LIMITS) -> Passed:
    """Return the tensors of somebody else's file: a pickle (``.pth``, ``.pt``, ``.th``, ``.bin``) or safetensors.

    ``entry``: where in it they are (``ema``), if not where they are likeliest: a key, a part of the only one that it is
    in, or what stands before the names of tensors. Nothing that a pickle carries is run.

    Raises DoorError saying what it wanted, or why it is not plain weights; ModelError for a file that cannot be read.

    Example: ``through("lenet5.pth").tensors["conv1.weight"].shape`` is ``(6, 1, 5, 5)``.
    """
    path = Path(path)
    with _opened(path, limits) as file:
        before = os.fstat(file.fileno())
        start = file.read(16)
        digest = _sha256(file)
        if start[8:9] == b"{":
            tensors, _ = tensorfile.read(path)
            passed = Passed(_under(tensors, entry, path), digest, before.st_size, part=entry)
        else:
            _check_kind(start, path)
            tensors, said = _read_apart(file, path, before.st_size, limits, entry)
            passed = Passed(tensors, digest, before.st_size, **said)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ModelError(f"{path} changed while it was read; try again")
    return passed


def printable(text: str, limit: int = 300) -> str:
    """Return text of a stranger's as it may go to a terminal: no control characters, no more than ``limit``."""
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _opened(path: Path, limits: Limits) -> IO[bytes]:
    """Open a file once: all that follows goes by the open file, whatever becomes of its name."""
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise ModelError(f"there is no file {path}") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from None
    facts = os.fstat(number)
    problem = None
    if not stat.S_ISREG(facts.st_mode):
        problem = f"{path} is {'a folder' if stat.S_ISDIR(facts.st_mode) else 'not a file'}; weights lie in one file"
    elif facts.st_size > limits.largest:
        problem = f"{path} has {facts.st_size:,} bytes, and {limits.largest:,} is the most that is read"
    elif not facts.st_size:
        problem = f"{path} is empty; it was perhaps not copied to the end"
    if problem:
        os.close(number)
        raise ModelError(problem)
    return os.fdopen(number, "rb")


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _check_kind(start: bytes, path: Path) -> None:
    """Refuse at once what neither is a pickle nor holds one; the rest is for the process that is locked in."""
    if start.startswith((b"PK", b"\x80")) or not (problem := tensorfile.not_ours(start, path)):
        return
    raise DoorError(f"{path} is not a pickle of weights: {problem.removeprefix(f'{path} is ')}")


def _under(tensors: dict[str, Tensor], entry: str, path: Path) -> dict[str, Tensor]:
    """Return the tensors whose names begin with an entry, without it; all of them where none is asked for."""
    if not entry:
        return tensors
    under = {name[len(entry) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(f"{entry}.")}
    if not under:
        begins = ", ".join(sorted({name.partition(".")[0] for name in tensors})[:10])
        raise ModelError(f"{path} has no names that begin with {entry!r}; they begin with {printable(begins)}")
    return under


def _read_apart(
    file: IO[bytes], path: Path, size: int, limits: Limits, entry: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    most = 2 * size + 2**20  # weights that some layers share are written once and counted twice
    allowed = {"size": most, "memory": 3 * size + limits.memory, "seconds": limits.seconds + size / 20e6}
    asked: dict[str, Any] = {**allowed, "entry": entry}
    with tempfile.TemporaryDirectory(prefix="striate-door-", ignore_cleanup_errors=True) as folder:
        made, told = Path(folder, "tensors.safetensors"), Path(folder, "said")
        with made.open("xb") as output, told.open("xb") as words:
            code = _run(file, output, words, Path(folder), asked)
        said = _said(told)
        if said is None or code != 0:
            raise DoorError(f"{path} {_ended(code, allowed['seconds'], told)}")
        if "refused" in said:
            raise DoorError(f"{path} {printable(str(said['refused']))}")
        try:
            if not stat.S_ISREG(made.lstat().st_mode) or made.stat().st_size > most + _NAMES_LIMIT:
                raise ModelError("is more than was allowed")
            tensors, _ = tensorfile.read(made, check=_check_header)
        except (OSError, ModelError):
            raise DoorError(f"{path} was read, but what was made of it is not whole; nothing was taken") from None
    kinds = ("skipped", "beside", "others")
    names = {kind: tuple(printable(str(name), 60) for name in said.get(kind) or ()) for kind in kinds}
    layers = tuple(layer for layer in LAYERS if layer in said.get("layers", ()))
    return tensors, {"part": printable(str(said.get("part", ""))), **names, "layers": layers}


def _run(file: IO[bytes], output: IO[bytes], words: IO[bytes], folder: Path, allowed: dict[str, Any]) -> int | None:
    """Run the child to its end; return its exit status, or None when its time was up. Nothing of it outlives this."""
    paths = "\n".join(dict.fromkeys(home_of(name) for name in ("striate", "torch", "numpy")))
    process = subprocess.Popen(
        [sys.executable, "-I", "-X", "utf8", "-c", _START, json.dumps(allowed), paths],
        stdin=file,
        stdout=output,
        stderr=words,
        cwd=folder,
        env=environment(folder),
        close_fds=True,
        start_new_session=True,  # so that it can be ended with everything that it might have started
    )
    try:
        return process.wait(timeout=allowed["seconds"])
    except subprocess.TimeoutExpired:
        return None
    finally:
        if os.name == "posix":
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


def home_of(name: str) -> str:
    """Return the folder that a package is imported from; it is not imported for that."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ModelError(f"reading a pickle of weights needs {name}, which is not installed here")
    return str(Path(found.origin).resolve().parents[1])


def environment(folder: Path | str) -> dict[str, str]:
    """Return the child's environment: nothing of the user's but where libraries are."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "SYSTEMROOT", "PATH") if name in os.environ}
    homes = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME"), str(folder))
    return kept | homes | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def _said(told: Path) -> dict[str, Any] | None:
    """Return what the child says in its last line, if it came to that."""
    try:
        said = json.loads(_tail(told))
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _tail(told: Path) -> str:
    with told.open("rb") as file:
        file.seek(max(0, told.stat().st_size - _SAID_LIMIT))
        lines = file.read(_SAID_LIMIT).decode(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "")


def _ended(code: int | None, seconds: float, told: Path) -> str:
    """Return what to say of a child that ended without saying how it went."""
    if code is None or code == -getattr(signal, "SIGXCPU", 0):
        return f"took longer than {seconds:.0f} s to read, far more than weights of its size need; it was stopped"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return (
            f"made the process that read it end ({name}): it is damaged, was made to do so, or the memory ran out; "
            "nothing was taken from it"
        )
    return f"could not be read apart: the process for it did not start ({printable(_tail(told))})"


def _check_header(header: tensorfile.Header) -> None:
    if len(header.text) > _NAMES_LIMIT or not all(name.isprintable() for name in header.places):
        raise ModelError("names that no child of ours writes")
