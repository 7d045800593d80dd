"""Colours for numbers: tables in which equal steps look equal, one for amounts and one for what has a sign.

Both are paths through OKLab (Ottosson 2020, "A perceptual color space for image processing"), so that lightness alone,
printed in gray or seen by an eye that confuses red and green, still orders the values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.uint8]


def sequential(steps: int = 256) -> Colours:
    """Return (steps, 3) sRGB from dark blue to light yellow in which equal steps look equal.

    Lightness rises evenly, and the hue turns evenly from blue through green to yellow, at the largest chroma that
    stays within sRGB all the way.
    """
    along = np.linspace(0, 1, steps)
    return from_oklch(0.28 + 0.64 * along, 0.095 + 0.035 * along, 278 - 170 * along)


def diverging(steps: int = 255) -> Colours:
    """Return (steps, 3) sRGB from blue through near white, the middle, to red: as dark at one end as at the other.

    For values with a sign; the middle stands for 0, so use it on a range from -x to x. An odd number of steps has a
    middle of its own.
    """
    along = np.linspace(-1, 1, steps)
    size = np.abs(along)
    chroma = np.minimum(0.17 * np.sin(np.pi / 2 * size), 0.165)  # sRGB has none near white and little in the dark
    return from_oklch(0.97 - 0.53 * size, chroma, np.where(along < 0, 258.0, 27.0))


def from_oklch(lightness: NDArray[np.float64], chroma: NDArray[np.float64], degrees: NDArray[np.float64]) -> Colours:
    """Return colours of OKLab, given by lightness (0 to 1), chroma and hue, as (n, 3) sRGB, clipped."""
    hue = np.radians(degrees)
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], 1)
    to_cones = np.array(
        [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(((lab @ to_cones.T) ** 3) @ to_rgb.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    result: Colours = np.round(255 * encoded).astype(np.uint8)
    return result


def paint(values: NDArray[np.float64], *, low: float, high: float) -> Colours:
    """Return values (...) as colours (..., 3): signed where ``low`` is below 0 (give -x and x), else as amounts."""
    table = diverging() if low < 0 else sequential()
    place = (values - low) / ((high - low) or 1.0) * (len(table) - 1)
    painted: Colours = table[np.clip(np.rint(place), 0, len(table) - 1).astype(int)]
    return painted


def hexadecimal(colour: Colours) -> str:
    """Return one colour as ``#rrggbb``."""
    return "#" + "".join(f"{int(part):02x}" for part in colour)


def ink(colour: Colours) -> str:
    """Return which of black and white is readable on a colour (relative luminance, WCAG 2)."""
    scaled = np.asarray(colour, np.float64) / 255
    linear = np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)
    return "#000000" if float(linear @ [0.2126, 0.7152, 0.0722]) > 0.179 else "#ffffff"
