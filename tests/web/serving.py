"""A server of a small model in a process of its own, and requests to it that a client library would not send."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

STRIATE = [sys.executable, "-c", "from striate.cli.main import run; run()"]


def model_at(
    path: Path, *, task: str = "classify", ends: str = "globalavgpool >> flatten >> dense 3", seed: int = 0
) -> Path:
    """Write the model file of a small net for cat, dog and owl on 8x8 gray pixels, and the ONNX file beside it."""
    from striate.data.pictures.preprocess import Preprocess
    from striate.export.onnx import export_onnx
    from striate.model.build.model import build
    from striate.model.files.weights import ModelFile, to_pieces
    from striate.spec import Shape, parse
    from striate.tasks.table import TASKS
    from striate.verbs.export import graph_for

    net, how = parse(f"conv 3 3x3 >> relu >> {ends}"), Preprocess(8, 8, 1)
    model = build(net, Shape(1, 8, 8), preprocess=how, seed=seed).eval()
    facts = ModelFile(
        net=str(net),
        input=(1, 8, 8),
        task=task,
        names=("cat", "dog", "owl"),
        labels={},
        preprocess=how.to_dict(),
        state=TASKS[task].unlearnt("nothing is learnt").facts,
        provenance={},
    )
    content, digest = graph_for(model, TASKS[task])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(to_pieces(model.state_dict(), facts, graph=digest)))
    export_onnx(model, path, np.zeros((4, 8, 8, 1), np.uint8), content=content)
    return path


def picture(seed: int = 0, form: str = "PNG", size: tuple[int, int] = (12, 10)) -> bytes:
    """Return a picture of noise as a file."""
    file = BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)).save(file, form)
    return file.getvalue()


def form_of(pictures: Sequence[bytes], *, name: str = "picture", boundary: str = "x7MA4YWx") -> tuple[bytes, str]:
    """Return pictures as a form, and its content-type."""
    parts = [
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"; filename="a.png"\r\n\r\n'.encode()
        + one
        + b"\r\n"
        for one in pictures
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    process: subprocess.Popen[str]
    port: int
    metrics_port: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    listener: threading.Thread | None = None
    folder: Path = Path()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
    ) -> Reply:
        """Return the reply to one request on a connection of its own; Host is as it should be, unless it is said."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            said = {"host": f"127.0.0.1:{port or self.port}", **(headers or {})}
            if body is not None and "content-length" not in said:
                said["content-length"] = str(len(body))
            for name, value in said.items():
                if value:
                    connection.putheader(name, value)
            connection.endheaders(body)
            reply = connection.getresponse()
            return Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def raw(self, content: bytes, *, wait: float = 30.0) -> bytes:
        """Return what comes back for bytes as they are, until it closes or nothing has come for a while."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as one:
            one.sendall(content)
            found = b""
            with suppress(TimeoutError, ConnectionError):
                while piece := one.recv(65_536):
                    found += piece
                    head, _, rest = found.partition(b"\r\n\r\n")
                    if b"content-length: " in head and len(rest) >= int(head.split(b"content-length: ")[1].split()[0]):
                        break
            return found

    def memory(self) -> int:
        """Return the bytes that it has in memory, without those that decode."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) * 1024

    def heard(self) -> None:
        """Wait until all that it said is in ``lines``; it has ended."""
        assert self.listener is not None
        self.listener.join(30)

    def stop(self) -> int:
        """Tell it to stop; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@contextmanager
def serving(
    models: Sequence[Path | str],
    folder: Path,
    *options: str,
    token: str = "",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """Yield a server of models, once it takes requests; whatever happens, nothing of it is left."""
    env = {**os.environ, "STRIATE_TOKEN": token, "OMP_NUM_THREADS": "1", **(environment or {})}
    command = [*STRIATE, "serve", *map(str, models), "--port", "0", "--runs-dir", str(folder / "runs"), *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=folder
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        served = Served(process, 0, folder=folder)

        def listen() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                with suppress(ValueError):
                    served.lines.append(json.loads(line))

        try:
            first = process.stdout.readline()
            if not first:
                raise AssertionError(process.stderr.read())
            served.port = int(first.rstrip().removesuffix(" (token wanted)").rsplit(":", 1)[1])
            process.stdout.readline()
            if "--metrics-port" in options:
                served.metrics_port = int(process.stdout.readline().split(":")[2].split("/")[0])
            served.listener = threading.Thread(target=listen, daemon=True)
            served.listener.start()
            yield served
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def until(condition: Any, seconds: float = 30.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
