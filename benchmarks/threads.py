"""How long two threads that wait for each other should stay awake: small steps, alone and beside busy programs.

`mnist-speedrun` trains with each setting of GOMP_SPINCOUNT in turns on all cores, then on one thread, then with as many
as it takes by itself; a busy program is one that counts. The rate is that of the epoch, without what comes before and
after.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import SHARED, history, measured, striate
from benchmarks.table import Result, Row
from striate.cli.main import SPIN

COUNTS = ("1000", "10000", SPIN, "300000")
BUSY = (0, 1, 3)
WORDS = ("train", "mnist", "--data-dir", SHARED / "mnist", "--recipe", "mnist-speedrun", "--set", "epoch_share=0.1")


def run(trials: int) -> Result:
    """Train with every setting beside so many busy programs."""
    ways: list[tuple[str, str, tuple[str, ...]]] = [
        (f"{int(count):,} turns", count, ("--threads", str(os.cpu_count()))) for count in COUNTS
    ]
    ways.append(("one thread", SPIN, ("--threads", "1")))
    ways.append(("as it takes by itself", SPIN, ()))
    found: dict[tuple[int, str], list[float]] = {(busy, name): [] for busy in BUSY for name, _, _ in ways}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for busy in BUSY:
            for trial in range(trials):
                for way, count, more in ways:
                    env = {"STRIATE_CACHE": str(place / "cache"), "GOMP_SPINCOUNT": count}
                    with _busy(busy):
                        measured(striate(*WORDS, *more, "--quiet"), env=env, cwd=place)
                    found[busy, way].append(history(place)[-1]["pictures_per_second"])
                    print(f"{busy} busy, trial {trial + 1}: {way} {found[busy, way][-1]:,.0f}/s", flush=True)
    rows = [
        Row(f"{busy} busy programs: {way}", tuple(rates), "pictures/s", more=True, peer=way.startswith("1,000 "))
        for (busy, way), rates in found.items()
    ]
    return Result(tuple(rows), (" ".join(["striate", *map(str, WORDS)]),), (f"The command line sets {int(SPIN):,}.",))


@contextmanager
def _busy(number: int) -> Iterator[None]:
    """Keep so many processes counting."""
    counting = [subprocess.Popen([sys.executable, "-c", "while True: sum(range(10000))"]) for _ in range(number)]
    try:
        yield
    finally:
        for each in counting:
            each.kill()
            each.wait()
