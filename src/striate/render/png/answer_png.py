"""Answers as PNG files: drawn on their picture, or the classes of its pixels as numbers with a palette. No torch."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from striate.render.png.masks_drawn import class_colours

SOFTWARE: Final = "striate predict"  # by which a file is known to be one of ours


def answer_png(image: Image.Image, words: str) -> bytes:
    """Return a picture with an answer drawn on it as the bytes of a PNG, which says the answer in words too."""
    return _png(image, words)


def mask_png(ids: NDArray[np.uint8], count: int) -> bytes:
    r"""Return the classes ``ids`` (H, W) of pixels, below ``count`` or 255, as a PNG of these numbers, with a palette.

    Example: ``mask_png(np.zeros((2, 3), np.uint8), 2)[:4]`` is ``b"\x89PNG"``.
    """
    image = Image.frombytes("P", (ids.shape[1], ids.shape[0]), np.ascontiguousarray(ids, np.uint8).tobytes())
    image.putpalette(np.concatenate([class_colours(count), np.zeros((256 - count, 3), np.uint8)]).tobytes())
    return _png(image, "")


def is_ours(data: bytes) -> bool:
    """Return whether the bytes of a file are a PNG of an answer that was written here."""
    return data.startswith(b"\x89PNG") and f"Software\0{SOFTWARE}".encode() in data[:4096]


def _png(image: Image.Image, description: str) -> bytes:
    facts = PngImagePlugin.PngInfo()
    facts.add_text("Software", SOFTWARE)
    if description:
        facts.add_itxt("Description", description)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=facts)
    return buffer.getvalue()
