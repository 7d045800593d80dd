"""A studio in a process of its own, with pictures of three plain classes, and requests to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from PIL import Image
from tests.web.serving import STRIATE, Reply, until

SAID = "<img src=x onerror=alert(1)>"  # a name that is no markup


def three_classes(folder: Path, *, pictures: int = 12, names: tuple[str, ...] = ("dark", "light", "striped")) -> Path:
    """Draw a folder of small pictures that a network learns at once: dark ones, light ones, striped ones."""
    draw = np.random.default_rng(0)
    for place, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for number in range(pictures):
            pixels = draw.normal((60, 190, 120)[place % 3], 12, (16, 16))
            if place % 3 == 2:
                pixels[::4] += 90
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name / f"{number}.png")
    return folder


@dataclass
class StudioAt:
    process: subprocess.Popen[str]
    address: str
    folder: Path
    cookie: str = field(default="")

    @property
    def port(self) -> int:
        return int(self.address.split(":")[2].partition("/")[0])

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Return the reply to a request with these headers alone."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            said = {"host": f"127.0.0.1:{self.port}", **(headers or {})}
            connection.request("GET" if body is None else "POST", path, body, said)
            reply = connection.getresponse()
            return Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def let_in(self) -> None:
        """Open the address with its token, and keep the cookie."""
        reply = self.open(self.address.removeprefix(self.origin))
        self.cookie = reply.headers["set-cookie"].partition(";")[0]

    def get(self, path: str, /, **words: object) -> Any:
        """Return what is said for an address. Errors: AssertionError with the refusal."""
        reply = self.open(f"{path}?{urlencode(words)}" if words else path, headers={"cookie": self.cookie})
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def post(self, path: str, /, **facts: object) -> Any:
        """Return what is said for a command. Errors: AssertionError with the refusal."""
        reply = self.command(path, **facts)
        assert reply.status in (200, 204), reply.body
        return json.loads(reply.body) if reply.body else None

    def command(self, path: str, /, **facts: object) -> Reply:
        """Return the reply to a command as the page sends it."""
        said = {"cookie": self.cookie, "origin": self.origin, "content-type": "application/json"}
        return self.open(path, body=json.dumps(facts).encode(), headers=said)

    def training(self, identity: str) -> dict[str, Any]:
        """Return all that is known of a training."""
        found = self.get("/api/train/one", id=identity)
        assert isinstance(found, dict)
        return found

    def until(self, identity: str, *states: str, seconds: float = 90.0) -> dict[str, Any]:
        """Wait until a training is in one of these states, and return it."""
        until(lambda: self.training(identity)["state"] in states, seconds)
        return self.training(identity)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


@contextmanager
def studio_at(folder: Path, *words: str, port: int = 0) -> Iterator[StudioAt]:
    """Yield a studio that works in a folder, let in; whatever happens, it and its trainings are ended."""
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [*STRIATE, "studio", *words, "--no-browser", "--offline", "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=folder
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            if not process.stdout.readline():
                raise AssertionError(process.stderr.read())
            one = StudioAt(process, process.stdout.readline().strip(), folder)
            one.let_in()
            yield one
        finally:
            process.kill()
            process.wait()


def end_trainings(folder: Path) -> None:
    """End the trainings that a studio has left."""
    for file in folder.glob("runs/studio/trainings/*/process.json"):
        if not (file.parent / "ended.json").exists():
            try:
                os.kill(json.loads(file.read_text())["pid"], signal.SIGKILL)
            except ProcessLookupError:
                continue
