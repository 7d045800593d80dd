"""Pixels to pictures inside a page: data URIs, so that the page needs nothing beside it."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from striate.render.html.tables import plain

THUMBNAIL, LARGE = 72, 160  # pixels: larger pictures are shrunk to this side
_COARSE = 64  # pixels a side, up to which a picture is enlarged with its pixels to be seen


def picture(pixels: np.ndarray, *, alt: str, caption: str = "", side: int = THUMBNAIL) -> str:
    """Return (H, W, C) uint8 pixels as a figure with a caption, which is HTML; ``side`` is its most in pixels."""
    text = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"<figure>{image(pixels, alt=alt, side=side)}{text}</figure>"


def image(pixels: np.ndarray, *, alt: str, side: int = THUMBNAIL) -> str:
    """Return (H, W, C) uint8 pixels as an image element."""
    return _image(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels), alt=alt, side=side)


def filters(weights: np.ndarray) -> list[str]:
    """Return each filter of a first layer, (filters, 1 or 3, height, width) float, as an image element.

    All share one scale: gray is zero, and the largest absolute weight of the layer is black or white.
    """
    bound = float(np.abs(weights).max()) or 1.0
    shown = np.clip(127.5 + 127.5 * weights / bound, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    images = [Image.fromarray(one[..., 0] if one.shape[-1] == 1 else one) for one in shown]
    return [_image(image, alt=f"filter {number}") for number, image in enumerate(images)]


def _image(image: Image.Image, *, alt: str, side: int = THUMBNAIL) -> str:
    coarse = ' class="coarse"' if max(image.size) <= _COARSE else ""
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    kind, options = ("PNG", {"optimize": True}) if max(image.size) <= 32 else ("JPEG", {"quality": 82})
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img{coarse} alt="{plain(alt)}" loading="lazy" src="data:image/{kind.lower()};base64,{data}">'
