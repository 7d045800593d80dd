"""A server under load: throughput in turns with a plain FastAPI handler over torch; then under overload.

The net is small, trained for an epoch on cats and dogs at 64 pixels first (STRIATE_RUN names the folder of a run that
is there). Clients are processes on this machine, which share its cores with the server. STRIATE_SERVE_SECONDS shortens
the overload, 60 s.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import numpy as np

from benchmarks.machine import SHARED, measured, striate
from benchmarks.table import Result, Row

PEERS = Path(__file__).parent / "peers"
CONNECTIONS = (1, 2, 4, 8, 16)
TIME = 6.0  # seconds of each number of connections
MOST = 0.1  # seconds that 99 of 100 answers may take


def run(trials: int) -> Result:
    overload = float(os.environ.get("STRIATE_SERVE_SECONDS", "60"))
    picture = sorted((SHARED / "catsdogs").rglob("*.jpg"))[0]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        model = Path(os.environ.get("STRIATE_RUN") or _trained(place)) / "model.safetensors"
        rates: dict[str, list[float]] = {"ours": [], "peer": [], "loop": []}
        for _ in range(trials):
            with _serving([sys.executable, str(PEERS / "fastapi_torch.py"), "PORT", str(model)]) as (port, _):
                rates["peer"].append(_best(port, picture))
            with _serving(striate("serve", model, "--port", "PORT")) as (port, _):
                rates["ours"].append(_best(port, picture))
            rates["loop"].append(_loop(model, picture))
        gains = _gains(model)
        told = _overloaded(model, picture, overload)
    return Result(
        (
            Row(
                "a plain FastAPI and torch handler, p99 below 100 ms", tuple(rates["peer"]), "/s", more=True, peer=True
            ),
            Row("striate serve, p99 below 100 ms", tuple(rates["ours"]), "/s", more=True, ratio=2.0),
            Row(
                "ONNX Runtime alone, decoding and computing in a loop", tuple(rates["loop"]), "/s", more=True, peer=True
            ),
            Row("striate serve, beside that", tuple(rates["ours"]), "/s", more=True, ratio=0.7),
            Row("overload: 99 of 100 refusals within", (told["refused"],), "ms", most=50.0),
            Row("overload: resident memory grows by", (told["grown"],), "%", most=10.0),
            Row(
                "overload: answers other than 200, 429 and 503, and requests lost", (told["lost"],), "", most=1.0
            ),  # none: they are whole
        ),
        ("striate serve RUN",),
        (
            f"Overload of {overload:g} s: {told['answered']:,.0f} answered, {told['busy']:,.0f} refused.",
            "Pictures a second by how many are computed together: "
            + ", ".join(f"{number}: {rate:,.0f}" for number, rate in gains.items())
            + " (one thread).",
        ),
    )


def _trained(place: Path) -> Path:
    words = ("--net", "small", "--size", 64, "--epochs", 1, "--quiet", "--runs-dir", place / "runs")
    measured(striate("train", SHARED / "catsdogs" / "train", *words))
    return next(path.parent for path in (place / "runs").glob("*/model.safetensors"))


@contextmanager
def _serving(command: Sequence[str]) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Yield the port of a server that answers, and its process; ``PORT`` in the command is replaced."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = int(one.getsockname()[1])
    words = [word if word != "PORT" else str(port) for word in command]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=log, text=True)
        try:
            end = time.monotonic() + 120
            while time.monotonic() < end and process.poll() is None:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.1)
            else:
                log.seek(0)
                raise SystemExit(f"{words} did not start:\n{log.read()}")
            yield port, process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _asked(port: int, picture: Path, seconds: float, connections: int, processes: int = 1) -> dict[str, list[float]]:
    """Return how long answers took, by status."""
    words = [sys.executable, str(PEERS / "http_load.py"), str(port), str(picture), str(seconds), str(connections)]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    found: dict[str, list[float]] = {}
    for one in running:
        for status, took in json.loads(one.communicate()[0]).items():
            found.setdefault(status, []).extend(took)
    return found


def _best(port: int, picture: Path) -> float:
    """Return the most answers a second of which 99 of 100 take less than `MOST`."""
    _asked(port, picture, 2, 2)  # warm
    rates = [0.0]
    for connections in CONNECTIONS:
        found = _asked(port, picture, TIME, connections)
        good = found.get("200", [])
        if good and len(found) == 1 and np.quantile(good, 0.99) < MOST:
            rates.append(len(good) / TIME)
    return max(rates)


def _loop(model: Path, picture: Path) -> float:
    """Return how many pictures a second a loop decodes and computes, one after the other, without a server."""
    code = """
import sys, time
from pathlib import Path
from striate.runs.predictor import Predictor
one = Predictor.open(sys.argv[1], torch=False)
one.onnx.settle(threads=None)
content = Path(sys.argv[2]).read_bytes()
ask = lambda: one.ask(one.preprocess.pixels(content)[None], many=True)
for _ in range(20): ask()
begun, number = time.perf_counter(), 0
while time.perf_counter() - begun < 5: ask(); number += 1
print(number / (time.perf_counter() - begun))
"""
    return float(measured([sys.executable, "-c", code, str(model), str(picture)])[2])


def _gains(model: Path) -> dict[int, float]:
    """Return how many pictures a second are computed, by how many together."""
    code = """
import sys, time, json
import numpy as np
from striate.runs.predictor import Predictor
one = Predictor.open(sys.argv[1], torch=False)
one.onnx.settle(threads=1)
how, found = one.preprocess, {}
for size in (1, 2, 4, 8, 16):
    pixels = np.zeros((size, how.height, how.width, how.channels), np.uint8)
    one.ask(pixels, many=True)
    begun, number = time.perf_counter(), 0
    while time.perf_counter() - begun < 2: one.ask(pixels, many=True); number += size
    found[size] = number / (time.perf_counter() - begun)
print(json.dumps(found))
"""
    return {int(size): rate for size, rate in json.loads(measured([sys.executable, "-c", code, str(model)])[2]).items()}


def _overloaded(model: Path, picture: Path, seconds: float) -> dict[str, float]:
    """Return what came of 160 connections, where 16 pictures may be under way."""
    with _serving(striate("serve", model, "--port", "PORT", "--queue", "16")) as (port, process):
        _asked(port, picture, max(2.0, seconds / 10), 40, 4)
        before = _memory(process.pid)
        found = _asked(port, picture, seconds, 40, 4)
        after = _memory(process.pid)
        with urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
            text = reply.read().decode()
    held = re.search(r"^striate_pictures_under_way ([\d.]+)$", text, re.MULTILINE)
    refused = found.get("503", []) + found.get("429", [])
    other = sum(len(took) for status, took in found.items() if status not in ("200", "429", "503"))
    return {
        "refused": 1000 * float(np.quantile(refused, 0.99)) if refused else 0.0,
        "grown": 100 * (after / before - 1),
        "lost": float(other) + (float(held[1]) if held else 1.0),
        "answered": float(len(found.get("200", []))),
        "busy": float(len(refused)),
    }


def _memory(process: int) -> int:
    """Return the resident bytes of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
