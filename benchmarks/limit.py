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

# The fastest kernel there is, at each precision: matrix products and oneDNN's convolutions in several shapes. One of
# them alone is no limit: on an AMD EPYC the library behind torch.matmul reaches half of what the convolutions do, and a
# share of it would be above 100 %.
KERNELS = """
import json, time, torch
from torch.nn import functional

def rate(action, operations):
    action()
    took = []
    while len(took) < 2 or (len(took) < 9 and sum(took) < 0.5):
        began = time.perf_counter(); action(); took.append(time.perf_counter() - began)
    return operations / min(took) / 1e9

def products(kind):
    for rows, inner, columns in ((2048, 2048, 2048), (1024, 1024, 1024), (12544, 576, 64)):
        a, b = (torch.randn(*size).to(kind) for size in ((rows, inner), (inner, columns)))
        yield f"matrix product {rows} x {inner} x {columns}", lambda: a @ b, 2 * rows * inner * columns

def convolutions(kind):
    for before, after, kernel, side in (
        (64, 64, 3, 56), (128, 128, 3, 28), (256, 256, 3, 28), (256, 256, 3, 14), (512, 512, 3, 14), (256, 256, 1, 56),
        (512, 512, 1, 28),
    ):
        for layout, name in ((torch.channels_last, "channels last"), (torch.contiguous_format, "channels first")):
            x = torch.randn(8, before, side, side).to(kind).to(memory_format=layout)
            w = torch.randn(after, before, kernel, kernel).to(kind).to(memory_format=layout)
            operations = 2 * 8 * side * side * after * before * kernel ** 2
            yield (f"convolution {before} to {after}, {kernel}x{kernel}, {side} px, {name}",
                   lambda: functional.conv2d(x, w, padding=kernel // 2), operations)

found = {}
with torch.no_grad():
    for kind in (torch.float32, torch.bfloat16):
        best = (0.0, "")
        for family in (products, convolutions):
            for what, action, operations in family(kind):
                try:
                    best = max(best, (rate(action, operations), what))
                except RuntimeError:
                    continue  # a kernel that this build does not have
        found[str(kind).removeprefix("torch.")] = best
print(json.dumps(found))
"""


def run(trials: int) -> Result:
    found = [fastest() for _ in range(trials)]
    rows = [
        Row(f"the fastest kernel, {kind}", tuple(best[kind][0] for best in found), "GFLOP/s", more=True)
        for kind in ("float32", "bfloat16")
    ]
    which = [f"The fastest in {kind}: {max(best[kind] for best in found)[1]}." for kind in ("float32", "bfloat16")]
    decode = tuple(decode_rate() for _ in range(trials))
    disk = tuple(disk_rate() for _ in range(trials))
    rows += [
        Row("JPEGs of 500x375 decoded whole, one core (Pillow)", decode, "pictures/s", more=True),
        Row("written to the temporary folder and on the disk", disk, "MB/s", more=True),
    ]
    return Result(
        tuple(rows),
        ("torch.matmul and oneDNN's conv2d in several shapes, all cores, the best of two to nine each",),
        tuple(which),
    )


def rates() -> dict[str, float]:
    """Return GFLOP/s of the fastest kernel there is, by precision, on all cores: what a share is a share of."""
    return {kind: rate for kind, (rate, _) in fastest().items()}


def fastest() -> dict[str, tuple[float, str]]:
    """Return GFLOP/s and the name of the fastest kernel by precision, on all cores, in a process of its own."""
    found: dict[str, tuple[float, str]] = json.loads(measured([sys.executable, "-c", KERNELS])[2])
    return {kind: (rate, what) for kind, (rate, what) in found.items()}


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
