"""Pictures are decoded by processes that can be killed: each is locked in, bounded in memory and watched in time.

What a decoder does to a file of a stranger's (a bomb, a loop, a crash) happens to such a process alone; it is started
anew, and that one picture is refused.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from queue import SimpleQueue
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.crop_transform import CropTransform
from striate.data.pictures.preprocess import Preprocess
from striate.errors import PictureError, ServeError
from striate.model.sandbox.parent import environment, home_of, printable
from striate.web.server.decode_child import HEAD

_START: Final = (
    "import sys; sys.path[:0] = sys.argv.pop().split('\\n');from striate.web.server.decode_child import main; main()"
)
_READY: Final = 60.0  # seconds that a process may take to start
_SAID: Final = 4_096  # bytes of what it says beside pixels


@dataclass(frozen=True, eq=False)
class Decoded:
    """A picture as the network takes it, (H, W, C) uint8, and where that lies in the picture (None: not asked)."""

    pixels: NDArray[np.uint8]
    crop: CropTransform | None


@dataclass(frozen=True, eq=False)
class Wish:
    """A file to be decoded by a rule, before ``deadline`` (time.monotonic); ``done`` hears of it, in another thread.

    ``sized``: where it lies in the picture is wanted too, for which the file's head is read once more.
    """

    file: bytes
    rule: Preprocess
    deadline: float
    done: Callable[[Decoded | Exception], None]
    sized: bool = True


class TooLate(Exception):  # noqa: N818
    """What was asked for was not begun before its deadline."""


@dataclass(frozen=True)
class Bounds:
    """What decoding may take: ``processes``; ``seconds`` and ``pixels`` a picture; ``memory`` bytes a process."""

    processes: int = 1
    seconds: float = 10.0
    memory: int = 2**30
    pixels: int = 64_000_000


@final
class Decoder:
    """Processes that decode. ``ask`` never waits; what it is asked is bounded by who asks (`Admission`).

    Attributes: ``restarts``, how many were started anew; ``layers`` of the jail that are in force.
    """

    def __init__(self, bounds: Bounds) -> None:
        """Start them. Errors: ServeError where one does not start."""
        self.bounds, self.restarts = bounds, 0
        self.layers: tuple[str, ...] = ()
        self._wishes = SimpleQueue[Wish | None]()
        self._children = [_Child(bounds) for _ in range(bounds.processes)]
        try:
            for child in self._children:
                self.layers = child.ready()
        except BaseException:
            for child in self._children:
                child.kill()
            raise
        self._threads = [
            threading.Thread(target=self._work, args=(child,), name="striate-decode", daemon=True)
            for child in self._children
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, wish: Wish) -> None:
        """Have a file decoded."""
        self._wishes.put(wish)

    def close(self) -> None:
        """End the processes, once what was asked is done."""
        for _ in self._threads:
            self._wishes.put(None)
        for thread in self._threads:
            thread.join(self.bounds.seconds + 1)
        for child in self._children:
            child.kill()

    def _work(self, child: _Child) -> None:
        while (wish := self._wishes.get()) is not None:
            found: Decoded | Exception
            try:
                if time.monotonic() > wish.deadline:
                    raise TooLate
                if not child.alive:
                    self.restarts += 1
                    child.start()
                    child.ready()
                found = child.decode(wish)
            except Exception as error:  # told to who asked; this thread goes on
                found = error
            wish.done(found)


@final
class _Child:
    """One process and the socket to it, used by one thread."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.start()

    def start(self) -> None:
        """Start it; `ready` waits for it."""
        ours, its = socket.socketpair()
        allowed = json.dumps({"memory": self._bounds.memory, "pixels": self._bounds.pixels})
        paths = "\n".join(dict.fromkeys(home_of(name) for name in ("striate", "numpy", "PIL")))
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-X", "utf8", "-c", _START, allowed, paths],
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment("/"),
                cwd="/" if os.name == "posix" else None,
                close_fds=True,
                start_new_session=True,  # Ctrl-C is for us: what was accepted is decoded to its end
            )
        self._socket = ours
        self.alive = True

    def ready(self) -> tuple[str, ...]:
        """Wait until it is locked in; return its layers. Errors: ServeError."""
        try:
            facts, _ = self._taken(time.monotonic() + _READY, 0)
            return tuple(str(layer) for layer in facts["layers"])
        except (OSError, ValueError, KeyError):
            self.kill()
            raise ServeError("the process that decodes pictures does not start") from None

    def decode(self, wish: Wish) -> Decoded:
        """Return the picture of a file. Errors: PictureError; the process has then ended where it says so."""
        rule = _said(wish.rule, wish.sized)
        height, width, channels = wish.rule.height, wish.rule.width, wish.rule.channels
        size = height * width * channels
        until = time.monotonic() + self._bounds.seconds
        try:
            self._put(HEAD.pack(len(rule), len(wish.file)) + rule, until)
            self._put(wish.file, until)
            facts, content = self._taken(until, size)
        except TimeoutError:
            self.kill()
            raise PictureError(f"decoding it takes longer than {self._bounds.seconds:g} s; it was stopped") from None
        except (OSError, ValueError):
            self.kill()
            raise PictureError("decoding it ended the process that did it, or took too much memory") from None
        if "error" in facts:
            refused = PictureError(printable(str(facts["error"]), 400))
            refused.passing = facts.get("passing") is True  # a package is not here that would read it
            raise refused
        try:
            high, wide = (int(side) for side in facts["size"]) if wish.sized else (1, 1)
            if len(content) != size or not (0 < high <= 65_500 and 0 < wide <= 65_500):
                raise ValueError
        except (KeyError, TypeError, ValueError):
            self.kill()
            raise PictureError("what came of decoding it is no picture") from None
        pixels = np.frombuffer(content, np.uint8).reshape(height, width, channels)
        return Decoded(pixels, wish.rule.crop_transform(high, wide) if wish.sized else None)

    def kill(self) -> None:
        """End it at once."""
        self.alive = False
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def _put(self, content: bytes, until: float) -> None:
        self._socket.settimeout(max(0.001, until - time.monotonic()))
        self._socket.sendall(content)

    def _taken(self, until: float, most: int) -> tuple[dict[str, Any], bytes]:
        """Return what it says: a JSON of an object and at most ``most`` bytes. Errors: OSError, ValueError."""
        said, size = HEAD.unpack(self._read(HEAD.size, until))
        if said > _SAID or size > most:
            raise ValueError("more than was asked for")
        facts = json.loads(self._read(said, until))
        if not isinstance(facts, dict):
            raise ValueError("no object")
        return facts, self._read(size, until)

    def _read(self, count: int, until: float) -> bytes:
        found = bytearray(count)
        view, at = memoryview(found), 0
        while at < count:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            got = self._socket.recv_into(view[at:])
            if not got:
                raise ConnectionResetError
            at += got
        return bytes(found)


@lru_cache(maxsize=64)
def _said(rule: Preprocess, sized: bool) -> bytes:
    """Return a rule as the process is told it."""
    return json.dumps({"rule": rule.to_dict(), "sized": sized}).encode()
