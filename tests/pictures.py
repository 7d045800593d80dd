"""Folders of pictures to train on, made here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"ant": (200, 40, 40), "bee": (40, 200, 40), "cow": (40, 40, 200), "emu": (200, 200, 40)}


def paint(root: Path, classes: Sequence[str] = ("ant", "bee", "cow"), *, count: int = 14, seed: int = 0) -> Path:
    """Make a folder of noisy pictures, a colour a class."""
    rng = np.random.default_rng(seed)
    for name in classes:
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            noise = rng.normal(0, 30, (16, 16, 3)) + COLOURS.get(name, (90, 90, 90))
            Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(root / name / f"{seed}-{number:02}.png")
    return root
