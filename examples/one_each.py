"""Draw a folder of discs, squares and stars, one a picture, with faults in it: ``python examples/one_each.py one``.

Something to try ``striate doctor one``, ``striate find`` and ``striate cluster`` on. A folder a class; of the pictures
four lie in the wrong folder, four are copies of others (mirrored, smaller, recompressed), one is blank, one is cut off.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

EACH = 60


def scenes() -> ModuleType:
    """Return the example beside this one, which draws the ground and the outlines."""
    spec = importlib.util.spec_from_file_location("scenes", Path(__file__).with_name("scenes.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(draw: np.random.Generator, name: str, beside: ModuleType) -> Image.Image:
    """Return a picture of one shape, of any colour and size, anywhere, turned."""
    picture: Image.Image = beside.ground(draw)
    radius = draw.uniform(35, 75)
    x, y = draw.uniform(radius, beside.WIDTH - radius), draw.uniform(radius, beside.HEIGHT - radius)
    outline = [(x + a, y + b) for a, b in beside.corners(name, radius, draw.uniform(0, 2 * np.pi))]
    shape = Image.new("L", picture.size)
    ImageDraw.Draw(shape).polygon(outline, fill=255)
    shadow = shape.filter(ImageFilter.GaussianBlur(6)).point(lambda value: value // 3)
    picture.paste((20, 20, 20), (5, 6), shadow)
    picture.paste(tuple(int(value) for value in draw.uniform(40, 250, 3)), (0, 0), shape)
    return picture.filter(ImageFilter.GaussianBlur(draw.uniform(0.5, 1)))


def main(folder: Path) -> None:
    """Write the pictures into a new folder, then the faults among them."""
    beside = scenes()
    for name in beside.CLASSES:
        (folder / name).mkdir(parents=True)
    draw = np.random.default_rng(0)
    for place, name in enumerate(beside.CLASSES):
        for number in range(EACH):
            wrong = number in (7, 31) and name != "disc"
            put = beside.CLASSES[(place + 1) % len(beside.CLASSES)] if wrong else name
            drawn(draw, name, beside).save(folder / put / f"{name[0]}{number:02}.jpg", quality=92)
    disc, star = Image.open(folder / "disc" / "d11.jpg"), Image.open(folder / "star" / "s20.jpg")
    ImageOps.mirror(disc).save(folder / "disc" / "d90.jpg", quality=92)
    disc.resize((240, 180)).save(folder / "square" / "d91.jpg", quality=92)
    star.save(folder / "star" / "s90.jpg", quality=40)
    star.crop((8, 6, 312, 234)).save(folder / "star" / "s91.jpg", quality=92)
    Image.new("RGB", (320, 240), (128, 128, 128)).save(folder / "square" / "q92.jpg")
    (folder / "star" / "s93.jpg").write_bytes((folder / "star" / "s03.jpg").read_bytes()[:9000])
    print(f"pictures of {', '.join(beside.CLASSES)} in {folder}: striate doctor {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "one"))
