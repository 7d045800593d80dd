"""Training on ten times the memory that the process may have: it completes, and resident memory stays flat.

8,900 small JPEGs are stored at 448 pixels, 5.4 GB, and trained on for an epoch by a process that the kernel holds to
512 MB, page cache and all (a memory cgroup, where this process may make one; elsewhere nothing enforces the allowance,
and the section says so). Its own memory (RssAnon) is sampled every fifth of a second.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.machine import finished, history, striate
from benchmarks.table import Result, Row

ALLOWANCE = 512 * 2**20
SIZE = 448
NET = "conv 8 8x8 stride 8 no bias >> batchnorm >> relu >> globalavgpool >> flatten >> dense"


def run(trials: int) -> Result:
    """Run once, whatever ``trials`` says: the answer is whether it completes."""
    pictures = 10 * ALLOWANCE // (SIZE * SIZE * 3) + 1
    with tempfile.TemporaryDirectory() as name, allowance(ALLOWANCE) as group:
        place = Path(name)
        make(place / "pictures", pictures)
        words = ("train", place / "pictures", "--net", NET, "--size", SIZE, "--batch", 8, "--epochs", 1,
                 "--augment", "none", "--quiet")  # fmt: skip
        samples, seconds = watched(striate(*words), place, group)
        accuracy = finished(place)["accuracy"]["value"]
        epochs = [epoch["seconds"] for epoch in history(place)]
    early, late = (max(part) for part in (samples[: len(samples) // 2], samples[len(samples) // 2 :]))
    bound = "The kernel enforced it (a memory cgroup)" if group else "Nothing enforced it: no memory cgroup here"
    return Result(
        (
            Row("the set, stored", (pictures * SIZE * SIZE * 3 / 2**20,), "MB"),
            Row("the process's own memory, most in the first half", (early,), "MB"),
            Row("the process's own memory, most in the second half", (late,), "MB", most=1.1 * early),
            Row("the whole process", (seconds,)),
            Row("its epoch", (epochs[-1],)),
        ),
        (f'striate train pictures --net "{NET}" --size {SIZE} --batch 8 --epochs 1 --augment none',),
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
    """Run a command inside a group; return its own memory (MB) while it ran, in order, and the seconds it took."""
    enter = f"echo $$ > {group}/cgroup.procs && " if group else ""
    env = {**os.environ, "STRIATE_CACHE": str(place / "cache")}
    began, samples = time.perf_counter(), list[float]()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            ["sh", "-c", f'{enter}exec "$@"', "sh", *command], cwd=place, env=env, stdout=said, stderr=said
        )
        while process.poll() is None:
            with contextlib.suppress(OSError, StopIteration):
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                samples.append(int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024)
            time.sleep(0.2)
        if process.returncode:
            said.seek(0)
            told = ", ".join(f"{one:.0f}" for one in samples[:: max(1, len(samples) // 40)])
            raise SystemExit(f"it ended with {process.returncode}: {said.read()}\nits own memory, MB: {told}")
    return samples, time.perf_counter() - began


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
