"""A planted cause in photographs, learnt by the default net: how much of the evidence lies on it, by method.

700 photographs of flowers at 160 pixels get a patch of stripes of 32 x 32 at a place drawn for each: along in one
class, across in the other, so that nothing else tells the two apart. `striate train` trains on them as on any folder;
then 50 photographs that it has not seen are asked about. The patch is 4 % of a picture: what evidence drawn at random
would have. The test of the truth (tests/interpret) holds 80 % for a small net; this is how a net of the house
does.
"""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.machine import SHARED, finished, measured, striate
from benchmarks.table import Result, Row

SIDE, PATCH, LEARNT, ASKED = 160, 32, 700, 50
METHODS = ("grad-cam", "layer-cam", "integrated-gradients")
CLASSES = ("across", "along")


def run(trials: int) -> Result:
    """Train once a trial, each on patches drawn anew, and ask about every picture by every method."""
    accuracies: list[float] = []
    shares: dict[str, list[float]] = {method: [] for method in METHODS}
    trusted: dict[str, list[float]] = {method: [] for method in METHODS}
    for trial in range(trials):
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            asked = _planted(place / "planted", seed=trial)
            measured(
                striate("train", "planted", "--start", "none", "--epochs", 14, "--seed", trial, "--quiet"), cwd=place
            )
            accuracies.append(100 * finished(place)["accuracy"]["value"])
            for method in METHODS:
                found = _asked(next((place / "runs").glob("planted-*")), method, asked)
                shares[method].append(100 * statistics.fmean(share for share, _ in found))
                trusted[method].append(100 * statistics.fmean(trust for _, trust in found))
                print(f"trial {trial + 1}: {method} {shares[method][-1]:.1f} %, {trusted[method][-1]:.0f} % trusted",
                      flush=True)  # fmt: skip
    rows = [Row("test accuracy", tuple(accuracies), "%", more=True)]
    for method in METHODS:
        rows.append(Row(f"{method}: evidence on the patch", tuple(shares[method]), "%", more=True))
        rows.append(Row(f"{method}: pictures that pass both checks", tuple(trusted[method]), "%", more=True))
    area = 100 * PATCH**2 / SIDE**2
    return Result(
        tuple(rows), ("striate train planted --start none --epochs 14",), (f"The patch is {area:.0f} % of a picture.",)
    )


def _planted(folder: Path, *, seed: int) -> list[tuple[NDArray[np.uint8], tuple[int, int]]]:
    """Write the pictures to learn from; return those to ask about, each with the patch's place (top, left)."""
    draws = np.random.default_rng(seed)
    files = sorted((SHARED / "flowers5").rglob("*.jpg"))
    stripes = np.where(np.arange(PATCH) % 8 < 4, 230, 30).astype(np.uint8)
    asked = []
    for number, at in enumerate(draws.choice(len(files), LEARNT + ASKED, replace=False)):
        with Image.open(files[at]) as photo:
            pixels = np.array(photo.convert("RGB").resize((SIDE, SIDE)))
        top, left = (int(each) for each in draws.integers(0, SIDE - PATCH + 1, 2))
        stripe = stripes[:, None] if number % 2 else stripes[None]
        pixels[top : top + PATCH, left : left + PATCH] = stripe[..., None]
        if number >= LEARNT:
            asked.append((pixels, (top, left)))
            continue
        (folder / CLASSES[number % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / CLASSES[number % 2] / f"{number:03}.png")
    return asked


def _asked(
    run: Path, method: str, asked: Sequence[tuple[NDArray[np.uint8], tuple[int, int]]]
) -> list[tuple[float, bool]]:
    """Return for each picture the share of the evidence on its patch, and whether the evidence passes its checks."""
    from striate.data.pictures.crop_transform import Box
    from striate.interpret.attribution.explain import explain
    from striate.interpret.torch_probe import TorchProbe
    from striate.runs.predictor import Predictor

    predictor, found = Predictor.open(run, device="cpu", onnx=False), []
    for pixels, (top, left) in asked:
        probe = TorchProbe.of(predictor, pixels)
        scale = probe.pixels.shape[0] / SIDE
        evidence = explain(probe, method=method)
        box = Box(*(scale * side for side in (top, left, top + PATCH, left + PATCH)))
        found.append((evidence.share(box), evidence.trust is not None and evidence.trust.reason is None))
    return found
