"""A density over its picture in colours, with a ring where each object is about, and the count in words. No torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from striate.render.colours import paint

OPACITY = 0.65  # where the density is highest; where it is nothing the picture stays as it is
_INK, _PAPER = (20, 20, 20), (255, 255, 255)


def drawn_density(
    image: Image.Image, density: NDArray[np.floating], points: NDArray[np.float64], words: str
) -> Image.Image:
    """Return a picture (RGB) with a density (H, W) over it, a ring around each of points (P, 2), and what was counted.

    Where nothing is counted the picture is seen as it is; colours go up to the 99.5th percentile of what is there.
    """
    there = density[density > 1e-9]
    high = float(np.percentile(there, 99.5)) if len(there) else 1.0
    share = np.clip(np.asarray(density, np.float64) / high, 0, 1)
    colours = Image.fromarray(paint(share, low=0.0, high=1.0))
    result = image.convert("RGB")
    result = Image.composite(colours, result, Image.fromarray((255 * OPACITY * np.sqrt(share)).astype(np.uint8)))
    draw, side = ImageDraw.Draw(result), min(result.size)
    radius = max(2.0, side / 90)
    for x, y in points.tolist():
        for wider, colour in ((1.0, _INK), (0.0, _PAPER)):
            reach = radius + wider
            draw.ellipse([x - reach, y - reach, x + reach, y + reach], outline=colour)
    size = max(11, side // 24)
    font = ImageFont.load_default(size)
    draw.rectangle([0, 0, min(float(result.width), font.getlength(words) + 10), size + 8], fill=_INK)
    draw.text((5, 3), words, _PAPER, font)
    return result
