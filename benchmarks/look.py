"""``striate look IMAGE`` with a trained ResNet-18 at 224 pixels, start and page included, on pictures of cats and dogs.

The run is trained first and not timed (STRIATE_RUN names the folder of one that is there). Its evidence passes its
checks for some pictures and not for others, where a second method is asked, and that takes longer: so there are two
rows, of the pictures of either kind, told apart by what the page says.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, measured, striate
from benchmarks.table import Result, Row

PICTURES = 8
TRAIN = ("--net", "resnet18", "--size", 224, "--epochs", 3, "--batch", 16, "--quiet")
SECOND = "as it failed a check"  # in the sentence of a page that shows what another method found


def run(trials: int) -> Result:
    """Look at so many pictures, each once for every two trials that are asked for."""
    files = sorted((SHARED / "catsdogs").rglob("*.jpg"))
    files = files[:: len(files) // PICTURES][:PICTURES]
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        model = Path(os.environ.get("STRIATE_RUN") or _trained(place))
        page = place / "page.html"
        for number, file in enumerate(files * max(1, trials // 2)):
            seconds, peak, _ = measured(striate("look", file, "--run", model, "-o", page))
            second = SECOND in page.read_text()
            found[second].append((seconds, peak))
            print(f"picture {number + 1}: {seconds:.2f} s, {'two methods' if second else 'one method'}", flush=True)
    told = {False: "the first method passes its checks", True: "a second method is asked"}
    return Result(
        tuple(
            Row(
                f"striate look IMAGE, {told[kind]}",
                tuple(one for one, _ in times),
                most=6.0,
                peak=max(p for _, p in times),
            )
            for kind, times in found.items()
            if times
        ),
        ("striate look cat.jpg --run RUN -o page.html",),
    )


def _trained(place: Path) -> Path:
    print("training the model ...", flush=True)
    measured(striate("train", SHARED / "catsdogs", *TRAIN), env={"STRIATE_CACHE": str(place / "cache")}, cwd=place)
    return next((place / "runs").glob("catsdogs-*"))
