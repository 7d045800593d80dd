"""Training on ten times the memory that the process may have: it completes, and resident memory stays flat.

8,900 small JPEGs are stored at 448 pixels, 5.4 GB, and trained on by a process that the kernel holds to 512 MB, page
cache and all (a memory cgroup, where this process may make one; elsewhere nothing enforces the allowance, and the
section says so). Its own memory (RssAnon) is sampled every fifth of a second, epoch by epoch. An allowance has to be
above what torch by itself needs for a step of the same net on the same batch, which is measured beside it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.machine import finished, history, measured, striate
from benchmarks.table import Result, Row

ALLOWANCE = 512 * 2**20
SIZE = 448
BATCH, EPOCHS = 8, 3
NET = "conv 8 8x8 stride 8 no bias >> batchnorm >> relu >> globalavgpool >> flatten >> dense"

WORDS = ("--net", NET, "--size", SIZE, "--batch", BATCH, "--epochs", EPOCHS, "--augment", "none")
FLOOR = """
import re, sys, torch
from torch import nn
batch, size = map(int, sys.argv[1:])
net = nn.Sequential(nn.Conv2d(3, 8, 8, 8, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                    nn.Flatten(), nn.Linear(8, 2)).to(memory_format=torch.channels_last)
optimiser = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
for _ in range(3):
    pixels = torch.zeros(batch, 3, size, size, dtype=torch.uint8).to(memory_format=torch.channels_last)
    loss = nn.functional.cross_entropy(net(pixels.float() / 255), torch.zeros(batch, dtype=torch.long))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
print(int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


def run(trials: int) -> Result:
    """Run once, whatever ``trials`` says: the answer is whether it completes."""
    pictures = 10 * ALLOWANCE // (SIZE * SIZE * 3) + 1
    floor = json.loads(measured([sys.executable, "-c", FLOOR, str(BATCH), str(SIZE)])[2])
    with tempfile.TemporaryDirectory() as name, allowance(ALLOWANCE) as group:
        place = Path(name)
        make(place / "pictures", pictures)
        words = ("train", place / "pictures", *WORDS)
        most, seconds = watched(striate(*words, "--quiet"), place, group)
        accuracy = finished(place)["accuracy"]["value"]
        epochs = tuple(epoch["seconds"] for epoch in history(place))
    bound = "The kernel enforced it (a memory cgroup)" if group else "Nothing enforced it: no memory cgroup here"
    flat = 1.05 * most[1]
    return Result(
        (
            Row("the set, stored", (pictures * SIZE * SIZE * 3 / 2**20,), "MB"),
            Row("torch by itself, a step of the same net", (floor,), "MB"),
            Row("own memory, most until the end of the first epoch", (most[0],), "MB"),
            *(Row(f"own memory, most in epoch {n + 1}", (most[n],), "MB", most=flat) for n in range(1, EPOCHS)),
            Row("own memory, most in testing and writing", (most[EPOCHS],), "MB", most=ALLOWANCE / 2**20),
            Row("an epoch", epochs),
            Row("the whole process", (seconds,)),
        ),
        (" ".join(["striate train pictures", *(f'"{word}"' if " " in str(word) else str(word) for word in WORDS)]),),
        (f"Allowance {ALLOWANCE // 2**20} MB. {bound}. It completed, at {100 * accuracy:.1f} % test accuracy.",),
    )


@contextlib.contextmanager
def allowance(size: int) -> Iterator[Path | None]:
    """Yield a memory cgroup held to ``size`` bytes, or None where this process cannot make one."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = Path(root, f"striate-benchmark-{os.getpid()}")
        try:
            group.mkdir()
            (group / limit).write_text(str(size))
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
            continue
        try:
            yield group
        finally:
            with contextlib.suppress(OSError):
                group.rmdir()
        return
    yield None


def watched(command: list[str], place: Path, group: Path | None) -> tuple[list[float], float]:
    """Run a command inside a group; return its most own memory (MB) by how many epochs were done, and its seconds."""
    enter = f"echo $$ > {group}/cgroup.procs && " if group else ""
    env = {**os.environ, "STRIATE_CACHE": str(place / "cache")}
    began, most = time.perf_counter(), [0.0] * (EPOCHS + 1)
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            ["sh", "-c", f'{enter}exec "$@"', "sh", *command], cwd=place, env=env, stdout=said, stderr=said
        )
        while process.poll() is None:
            with contextlib.suppress(OSError, StopIteration):
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                own = int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024
                done = sum(len(path.read_bytes().splitlines()) for path in place.glob("runs/*/history.jsonl"))
                most[done] = max(most[done], own)
            time.sleep(0.2)
        if process.returncode:
            said.seek(0)
            told = ", ".join(f"{one:.0f}" for one in most)
            raise SystemExit(f"it ended with {process.returncode}: {said.read()}\nits own memory by epoch, MB: {told}")
    return most, time.perf_counter() - began


def make(folder: Path, number: int) -> None:
    """Write small JPEGs of two classes, light above dark and dark above light, no two of them equal."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    for kind in (0, 1):
        (folder / f"class{kind}").mkdir(parents=True)
    for index in range(number):
        pixels = random.integers(0, 128, (16, 16, 3), np.uint8)
        pixels[8 * (index % 2) :][:8] += 100
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG")
        (folder / f"class{index % 2}" / f"{index}.jpg").write_bytes(file.getvalue())
