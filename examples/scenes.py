"""Draw pictures of discs, squares and stars, with their boxes, masks and dots: ``python examples/scenes.py shapes``.

Something to try ``striate train shapes --task detect`` (or ``segment``, ``count``) on, where no labelled pictures are
at hand. ``shapes/images`` has the pictures, ``labels`` and ``data.yaml`` the boxes as YOLO writes them, ``masks`` the
class of each pixel (0 is the ground), ``dots.csv`` a dot an object.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT, PICTURES = 320, 240, 160
CLASSES = ("disc", "square", "star")


def ground(draw: np.random.Generator) -> Image.Image:
    """Return a ground of cloudy noise in two colours."""
    cloud = np.zeros((HEIGHT, WIDTH))
    for size in (4, 8, 16, 64):
        noise = Image.fromarray(draw.uniform(0, 255, (size * 3 // 4, size)).astype(np.float32))
        cloud += np.asarray(noise.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) / size
    cloud = (cloud - cloud.min()) / np.ptp(cloud)
    one, other = draw.uniform(60, 200, (2, 3))
    colours = one + (other - one) * cloud[:, :, None] + draw.normal(0, 6, (HEIGHT, WIDTH, 3))
    return Image.fromarray(colours.clip(0, 255).astype(np.uint8))


def corners(name: str, radius: float, turn: float) -> list[tuple[float, float]]:
    """Return the outline of a shape around (0, 0): many corners of a disc, four of a square, ten of a star."""
    number = {"disc": 48, "square": 4, "star": 10}[name]
    angles = turn + 2 * np.pi * np.arange(number) / number
    reach = np.where(np.arange(number) % 2, 0.45, 1.0) if name == "star" else np.ones(number)
    return [(float(x), float(y)) for x, y in zip(radius * reach * np.cos(angles), radius * reach * np.sin(angles))]  # noqa: B905


def scene(draw: np.random.Generator) -> tuple[Image.Image, Image.Image, list[tuple[int, tuple[float, ...]]]]:
    """Return a picture, the class of each of its pixels, and the class and box (edges) of each object."""
    picture, classes = ground(draw), Image.new("L", (WIDTH, HEIGHT))
    objects: list[tuple[int, tuple[float, ...]]] = []
    for _ in range(draw.integers(4, 13)):
        kind, radius = int(draw.integers(len(CLASSES))), draw.uniform(9, 30)
        x, y = draw.uniform(radius, WIDTH - radius), draw.uniform(radius, HEIGHT - radius)
        outline = [(x + a, y + b) for a, b in corners(CLASSES[kind], radius, draw.uniform(0, 2 * np.pi))]
        (left, above), (right, below) = np.min(outline, axis=0), np.max(outline, axis=0)
        if any(left < box[2] and box[0] < right and above < box[3] and box[1] < below for _, box in objects):
            continue  # apart from the others
        shape = Image.new("L", (WIDTH, HEIGHT))
        ImageDraw.Draw(shape).polygon(outline, fill=255)
        shadow = shape.filter(ImageFilter.GaussianBlur(4)).point(lambda value: value // 3)
        picture.paste((20, 20, 20), (3, 4), shadow)
        colour = tuple(int(value) for value in draw.uniform(40, 250, 3))
        picture.paste(colour, (0, 0), shape.filter(ImageFilter.GaussianBlur(0.7)))
        classes.paste(kind + 1, (0, 0), shape)
        objects.append((kind, (left, above, right, below)))
    return picture.filter(ImageFilter.GaussianBlur(draw.uniform(0, 1))), classes, objects


def main(folder: Path) -> None:
    """Write the pictures and all their labels into a new folder."""
    for name in ("images", "labels", "masks"):
        (folder / name).mkdir(parents=True)
    names = "".join(f"  {place}: {name}\n" for place, name in enumerate(CLASSES))
    (folder / "data.yaml").write_text(f"train: images\nval: images\nnames:\n{names}")
    (folder / "masks" / "classes.txt").write_text("ground\n" + "\n".join(CLASSES) + "\n")
    draw = np.random.default_rng(0)
    with (folder / "dots.csv").open("w", newline="") as file:
        dots = csv.writer(file)
        dots.writerow(("file", "x", "y", "class"))
        for number in range(PICTURES):
            picture, classes, objects = scene(draw)
            picture.save(folder / "images" / f"{number:03}.png")
            classes.save(folder / "masks" / f"{number:03}.png")
            lines = []
            for kind, (left, above, right, below) in objects:
                middle = ((left + right) / 2, (above + below) / 2)
                numbers = (*middle, right - left, below - above)
                parts = [one / whole for one, whole in zip(numbers, (WIDTH, HEIGHT) * 2, strict=True)]
                lines.append(" ".join([str(kind), *(f"{one:.5f}" for one in parts)]))
                dots.writerow((f"images/{number:03}.png", *(f"{one:.1f}" for one in middle), CLASSES[kind]))
            (folder / "labels" / f"{number:03}.txt").write_text("\n".join(lines) + "\n")
    print(f"{PICTURES} pictures in {folder}: striate train {folder} --task detect (or segment, count)")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "shapes"))
