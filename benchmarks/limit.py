"""What this machine can do: the rates that a share of is all anybody can reach."""

import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import measured
from benchmarks.table import Result, Row

MATRIX = """
import json, time, torch
found = {}
for kind in (torch.float32, torch.bfloat16):
    a, b = (torch.randn(3072, 3072).to(kind) for _ in range(2))
    a @ b
    times = []
    for _ in range(5):
        began = time.perf_counter(); a @ b; times.append(time.perf_counter() - began)
    found[str(kind).removeprefix("torch.")] = 2 * 3072**3 / min(times) / 1e9
print(json.dumps(found))
"""


def run(trials: int) -> Result:
    rates = [matrix_rates() for _ in range(trials)]
    rows = [
        Row(f"large matrix multiplications, {kind}", tuple(rate[kind] for rate in rates), "GFLOP/s", more=True)
        for kind in ("float32", "bfloat16")
    ]
    decode = tuple(decode_rate() for _ in range(trials))
    disk = tuple(disk_rate() for _ in range(trials))
    rows += [
        Row("JPEGs of 500x375 decoded whole, one core (Pillow)", decode, "pictures/s", more=True),
        Row("written to the temporary folder and on the disk", disk, "MB/s", more=True),
    ]
    return Result(tuple(rows), ("torch.matmul, 3072 x 3072, all cores, best of five",))


def matrix_rates() -> dict[str, float]:
    """Return GFLOP/s of large matrix multiplications by precision, on all cores, in a process of its own."""
    return dict(json.loads(measured([sys.executable, "-c", MATRIX])[2]))


def decode_rate() -> float:
    from PIL import Image

    from benchmarks.first_pass import photo

    data = [photo(number) for number in range(20)]
    began = time.perf_counter()
    for _ in range(10):
        for one in data:
            Image.open(io.BytesIO(one)).load()
    return 200 / (time.perf_counter() - began)


def disk_rate(megabytes: int = 256) -> float:
    block = os.urandom(2**20)
    with tempfile.TemporaryDirectory() as place, Path(place, "block").open("wb", buffering=0) as file:
        began = time.perf_counter()
        for _ in range(megabytes):
            file.write(block)
        os.fsync(file.fileno())
        return megabytes / (time.perf_counter() - began)
