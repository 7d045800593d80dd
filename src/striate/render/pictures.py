"""Pixels to pictures inside a page: data URIs, so that the page needs nothing beside it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

THUMBNAIL, LARGE = 72, 160  # pixels: larger pictures are shrunk to this side
_COARSE = 64  # pixels a side, up to which a picture is enlarged with its pixels to be seen


@dataclass(frozen=True)
class Picture:
    """A picture as a page holds it: its bytes in a data URI, what it shows in words, whether its pixels are seen."""

    source: str
    alt: str
    coarse: bool


def picture(pixels: np.ndarray, *, alt: str, side: int = THUMBNAIL) -> Picture:
    """Return (H, W, C) uint8 pixels as a picture; ``side`` is its most in pixels."""
    return _picture(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels), alt=alt, side=side)


def drawn(image: Image.Image, *, alt: str) -> Picture:
    """Return a picture that was drawn for a page, as large as it is."""
    return _picture(image, alt=alt, side=max(image.size))


def filters(weights: np.ndarray) -> list[Picture]:
    """Return each filter of a first layer, (filters, 1 or 3, height, width) float, as a picture.

    All share one scale: gray is zero, and the largest absolute weight of the layer is black or white.
    """
    bound = float(np.abs(weights).max()) or 1.0
    shown = np.clip(127.5 + 127.5 * weights / bound, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return [picture(one, alt=f"filter {number}") for number, one in enumerate(shown)]


def data_uri(content: bytes, kind: str) -> str:
    """Return the bytes of a picture as the address of itself; ``kind`` is what it is: png, jpeg, gif."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _picture(image: Image.Image, *, alt: str, side: int) -> Picture:
    coarse = max(image.size) <= _COARSE
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    kind, options = ("PNG", {"optimize": True}) if max(image.size) <= 32 else ("JPEG", {"quality": 82})
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Picture(data_uri(buffer.getvalue(), kind.lower()), alt, coarse)
