"""The first pass over a folder of photos: found, decoded, upright, resized to 160, stored on the disk.

Ours is `find` and `open_store` with an empty cache, all cores. The peer is Pillow in a plain loop, one process a core,
each picture opened, made RGB, resized until it covers 160 and cropped, all of them saved as one array and flushed; a
second peer asks Pillow for the scaled decoding (`draft`), which few scripts do.
"""

import functools
import io
import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, measured
from benchmarks.table import Result, Row

NUMBER = 2000
OURS = """
import json, os, sys, time
from pathlib import Path
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.source import find
from striate.data.store.store import open_store
began = time.perf_counter()
stored = open_store(find(sys.argv[1]), Preprocess(160, 160, 3), cache_dir=Path(sys.argv[2]))
print(json.dumps(len(stored.store.pixels) / (time.perf_counter() - began)))
"""


def run(trials: int) -> Result:
    peer = str(Path(__file__).parent / "peers" / "pillow_loop.py")
    rates: dict[str, list[tuple[float, float]]] = {"loop": [], "draft": [], "ours": []}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "photos")
        make(folder)
        for trial in range(trials):
            for kind, found in rates.items():
                with tempfile.TemporaryDirectory() as out:
                    command = [sys.executable, peer, str(folder), out, kind]
                    if kind == "ours":
                        command = [sys.executable, "-c", OURS, str(folder), out]
                    _, peak, said = measured(command)
                found.append((float(json.loads(said)), peak))
            print(
                f"trial {trial + 1}: " + ", ".join(f"{kind} {f[-1][0]:.0f}/s" for kind, f in rates.items()), flush=True
            )
    rows = []
    for kind, what in (("draft", "Pillow, scaled decoding"), ("loop", "Pillow"), ("ours", "Striate")):
        values = tuple(rate for rate, _ in rates[kind])
        told = f"{what}, {'a plain loop, one process a core' if kind != 'ours' else 'first pass, all cores'}"
        rows.append(
            Row(told, values, "pictures/s", more=True, peer=kind == "loop", ratio=2.0 if kind == "ours" else None,
                peak=max(peak for _, peak in rates[kind]))
        )  # fmt: skip
    return Result(tuple(rows), (f"open_store(find(folder), Preprocess(160, 160, 3)): {NUMBER:,} files",),
                  ("A peer's memory is that of its first process; there is one a core.",))  # fmt: skip


@functools.cache
def _photos() -> list[Path]:
    return sorted((SHARED / "imagenet-sample" / "images").glob("*.JPEG"))


def photo(number: int) -> bytes:
    """Return a JPEG of 500x375: one of the sample, moved by some pixels so that no two files are equal."""
    from PIL import Image

    paths = _photos()
    round_, which = divmod(number, len(paths))
    with Image.open(paths[which]) as picture:
        whole = picture.convert("RGB").resize((524, 399))
    file = io.BytesIO()
    left, top = round_ % 24, round_ // 24 % 24
    whole.crop((left, top, left + 500, top + 375)).save(file, "JPEG", quality=85)
    return file.getvalue()


def make(folder: Path) -> None:
    """Fill a folder of ten class folders."""
    from multiprocessing import Pool

    for name in range(10):
        (folder / f"class{name}").mkdir(parents=True)
    with Pool(os.cpu_count()) as pool:
        for number, data in enumerate(pool.imap(photo, range(NUMBER), chunksize=32)):
            (folder / f"class{number % 10}" / f"{number}.jpg").write_bytes(data)
