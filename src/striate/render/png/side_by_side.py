"""What is there and what was said, side by side on one picture: boxes and points by whether they are right, or masks.

The colours are those of Okabe and Ito (2008), which eyes that confuse red and green tell apart. No torch.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from striate.errors import StriateError
from striate.render.colours import ink
from striate.render.png.masks_drawn import drawn_masks
from striate.tasks.overlays import Mark, MaskOverlay, Overlay
from striate.words import readable

SIDE: Final = 240  # pixels of the longer side of either picture with boxes
MASK_SIDE: Final = 320  # and of one with masks, whose classes are named within them
COLOURS: Final = {"right": "#009e73", "wrong": "#d55e00", "missed": "#d55e00", "open": "#f0e442"}
_GAP, _PAPER, _INK = 6, (255, 255, 255), "#181818"
_RADIUS = 3  # of a point


def side_by_side(pixels: NDArray[np.uint8], overlay: Overlay, *, side: int | None = None) -> Image.Image:
    """Return a picture twice, what is there over the left one and what was said over the right one.

    Arguments:
        pixels: (H, W, 1 or 3), the picture as the network is given it.
        overlay: what lies over it.
        side: how long the longer side of either is drawn, in pixels; None: as a page shows it.

    Errors: StriateError for masks of another size than the picture.

    Example: ``side_by_side(np.zeros((8, 8, 3), np.uint8), MarkOverlay((), ()), side=40).size`` is ``(86, 40)``.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    scale = (side or (MASK_SIDE if isinstance(overlay, MaskOverlay) else SIDE)) / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    shown = image.resize((width, height), Image.Resampling.BICUBIC)
    if isinstance(overlay, MaskOverlay):
        if overlay.truth.shape != (image.height, image.width):
            raise StriateError(
                f"a mask of {overlay.truth.shape} cannot lie over a picture of {(image.height, image.width)}"
            )
        pair = [_masked(shown, ids, overlay.names) for ids in (overlay.truth, overlay.answer)]
    else:
        rows, columns = overlay.size or (image.height, image.width)
        across, down = width / columns, height / rows
        pair = [_marked(shown, marks, across, down) for marks in (overlay.truth, overlay.answer)]
    page = Image.new("RGB", (2 * width + _GAP, height), _PAPER)
    page.paste(pair[0], (0, 0))
    page.paste(pair[1], (width + _GAP, 0))
    return page


def legend(overlay: Overlay) -> str:
    """Return what the two pictures show, in a sentence.

    Example: ``legend(MarkOverlay((), ())).startswith("Left what is there")`` is True.
    """
    before = "Left what is there, right what was said"
    if isinstance(overlay, MaskOverlay):
        return f"{before}; a class has one colour in both, and void pixels are left as they are."
    marks = overlay.truth + overlay.answer
    if marks and all(mark.is_point for mark in marks):
        return f"{before}, a dot each."
    return f"{before}: green is right, orange is wrong or missed, yellow is to be ignored."


def _masked(picture: Image.Image, ids: NDArray[np.uint8], names: tuple[str, ...]) -> Image.Image:
    large = Image.fromarray(ids).resize(picture.size, Image.Resampling.NEAREST)
    return drawn_masks(picture, np.asarray(large, np.uint8), names)


def _marked(picture: Image.Image, marks: tuple[Mark, ...], across: float, down: float) -> Image.Image:
    drawn = picture.copy()
    draw = ImageDraw.Draw(drawn)
    # What is wrong is drawn last, so that it lies above what is right.
    for mark in sorted(marks, key=lambda one: one.what in ("wrong", "missed")):
        left, top, right, bottom = (side * scale for side, scale in zip(mark.box, (across, down) * 2, strict=True))
        colour = COLOURS[mark.what]
        if mark.is_point:
            around = left - _RADIUS, top - _RADIUS, left + _RADIUS, top + _RADIUS
            draw.ellipse(around, fill=colour, outline=_INK)
            continue
        left, top = round(left), round(top)
        right, bottom = max(left, round(right) - 1), max(top, round(bottom) - 1)
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=_INK)
        draw.rectangle((left, top, right, bottom), outline=colour, width=2)
    taken = np.zeros((drawn.height, drawn.width), bool)
    for mark in marks:
        if mark.what in ("wrong", "missed") and not mark.is_point:
            _label(draw, taken, mark, across, down)
    return drawn


def _label(draw: ImageDraw.ImageDraw, taken: NDArray[np.bool_], mark: Mark, across: float, down: float) -> None:
    """Write what a wrong or missed box is at its upper left corner, within the picture, where no label stands yet."""
    font, text = ImageFont.load_default(10), readable(mark.label)
    _, above, right, below = (int(side) for side in draw.textbbox((0, 0), text, font=font))
    width, height = right + 3, below - above + 3
    x = min(max(0, round(mark.box[0] * across)), max(0, taken.shape[1] - width))
    y = min(max(0, round(mark.box[1] * down) - height), max(0, taken.shape[0] - height))
    place = taken[y : y + height, x : x + width]
    if place.any():
        return
    place[:] = True
    ground = COLOURS[mark.what]
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=ground)
    draw.text((x + 1, y + 1 - above), text, ink(np.array(ImageColor.getrgb(ground), np.uint8)), font)
