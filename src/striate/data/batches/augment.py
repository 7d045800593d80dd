"""Augmentation on whole batches: one matrix a picture for geometry, one for colour, drawn by (seed, epoch, item) alone.

The geometry of a picture is a 2x3 matrix [L | t] that says where an output pixel is read from: with ``o`` the position
of an output pixel and ``i`` that of the input, both in pixels from the middle of the picture and as (x, y),
``i = L o + t * (width, height)``. So L is a true rotation on a picture of any proportions, and t, a share of each side,
fits every size. Positions outside the picture are read as in a mirror standing on its edge: a plain background stays
plain and a photo gets no black wedges. `striate.data.batches.warp` moves the pixels, `striate.data.batches.moves` what
is labelled.

The colour of a picture is a 3x4 matrix [M | b] on normalised red, green and blue, where 0 is the mean of the training
pictures and 1 their standard deviation: contrast is around that mean, brightness is in standard deviations. On gray
pictures the row sums of M act, which is what the matrix does to red = green = blue.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.data.batches import draws
from striate.data.batches.moves import Moves
from striate.data.pictures.affine import Matrices
from striate.errors import RecipeError

# YIQ (NTSC 1953): luma, and the two axes of colour in whose plane a hue is an angle.
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)
# What RGB -> YIQ -> RGB does with the luma, with the colour, and with the colour turned by 90 degrees.
_LUMA = np.outer(_FROM_YIQ[:, 0], _TO_YIQ[0])
_CHROMA = np.outer(_FROM_YIQ[:, 1], _TO_YIQ[1]) + np.outer(_FROM_YIQ[:, 2], _TO_YIQ[2])
_CHROMA_TURNED = np.outer(_FROM_YIQ[:, 2], _TO_YIQ[1]) - np.outer(_FROM_YIQ[:, 1], _TO_YIQ[2])
_QUARTERS = np.array([[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]], np.float64)
MULTIPLE: Final = 32  # pixels that the sides of a window are a multiple of: nets halve them up to five times


@dataclass(frozen=True)
class Augment:
    """How far each draw may go; a field at its default leaves the pictures as they are.

    ``max_shift``: share of each side. ``scale``: share of the area a random crop keeps, lowest and highest; below 1 the
    crop is enlarged to the whole picture. ``aspect``: most that a crop's proportions are changed by, as a ratio >= 1.
    ``enlarge``: how many times the sides grow before a crop of the picture's own size is cut, lowest and highest:
    256/224 cuts 224 pixels out of 256, and a range is the scale jitter of Simonyan and Zisserman (2014, section 3.1).
    ``max_rotate``, ``max_shear``, ``hue``: degrees to either side. ``brightness``: standard deviations to either side.
    ``contrast``, ``saturation``: the factor is within 1 -/+ this. ``erase``: largest share of the area that a rectangle
    of the mean colour covers (random erasing, Zhong et al. 2017, arXiv:1708.04896); half of the pictures get one.
    ``pca``: standard deviation of the multiples in which ``components`` are added to every pixel (Krizhevsky et al.
    2012, section 4.1); ``components`` are the pictures' own (`striate.data.batches.pca`), on the normalised scale, row
    c what channel c gets of each; `striate.engine.fit.begin` fills them in. ``quarters``: pictures are turned by a
    number of quarters, and half of them mirrored: what has no up. ``window``: the share of each side that is cut out of
    the moved picture, in its own pixels, to learn from; to a multiple of 32 pixels.
    """

    max_shift: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    aspect: float = 1.0
    enlarge: tuple[float, float] = (1.0, 1.0)
    max_rotate: float = 0.0
    max_shear: float = 0.0
    flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    erase: float = 0.0
    pca: float = 0.0
    components: tuple[tuple[float, ...], ...] = ()
    quarters: bool = False
    window: float = 1.0

    def __post_init__(self) -> None:
        low, high = self.scale
        if not 0 < low <= high <= 4:
            raise RecipeError(f"augmentation scale {self.scale}: must be (low, high) with 0 < low <= high <= 4")
        if not (math.isfinite(self.aspect) and self.aspect >= 1):
            raise RecipeError(f"augmentation aspect {self.aspect}: must be a ratio of at least 1, such as 4/3")
        low, high = self.enlarge
        if not 1 <= low <= high <= 16:
            raise RecipeError(f"augmentation enlarge {self.enlarge}: must be (low, high) with 1 <= low <= high <= 16")
        if not 0 < self.window <= 1:
            raise RecipeError(f"augmentation window {self.window}: must be a share of the sides, above 0 up to 1")
        bounds = {"max_shift": 1.0, "max_rotate": 180.0, "max_shear": 60.0, "brightness": 10.0, "contrast": 1.0}
        for name, most in {**bounds, "saturation": 1.0, "hue": 180.0, "erase": 1.0, "pca": 10.0}.items():
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise RecipeError(f"augmentation {name} {value}: must be from 0 to {most:g}")

    @property
    def moves(self) -> bool:
        """Whether any draw of geometry differs from the picture as it is."""
        still = self.scale == self.enlarge == (1.0, 1.0) and self.aspect == 1.0 and not self.flip
        return not still or self.quarters or bool(self.max_shift or self.max_rotate or self.max_shear)

    @property
    def colours(self) -> bool:
        """Whether any draw of colour differs from the picture as it is."""
        return bool(self.brightness or self.contrast or self.saturation or self.hue or self.pca)


STILL: Final = Augment()

_STRENGTHS = {
    "none": STILL,
    "light": Augment(max_shift=1 / 8),  # 4 pixels of 32: whole pixels only, the cheap path
    "zoom": Augment(scale=(0.75, 1.0), aspect=1.15),  # a part of the picture, enlarged: nothing from beyond an edge
    "standard": Augment(
        scale=(0.5, 1.0), aspect=4 / 3, max_rotate=10.0, brightness=0.2, contrast=0.2, saturation=0.2, hue=3.0
    ),
    "strong": Augment(
        scale=(0.25, 1.0),
        aspect=3 / 2,
        max_rotate=20.0,
        max_shear=10.0,
        brightness=0.4,
        contrast=0.4,
        saturation=0.4,
        hue=10.0,
        erase=0.25,
    ),
    "windows": Augment(quarters=True, window=0.5),  # for what is answered at places, in pictures without an up
    # Of the papers; the recipes of the same names in striate/recipes say where each figure stands.
    "alexnet-2012": Augment(enlarge=(256 / 224, 256 / 224), pca=0.1),
    "vgg-2014": Augment(enlarge=(256 / 224, 512 / 224), pca=0.1),
    "googlenet-2014": Augment(scale=(0.08, 1.0), aspect=4 / 3, brightness=0.5, contrast=0.5, saturation=0.5),
    "resnet-2015": Augment(enlarge=(256 / 224, 480 / 224), pca=0.1),
}


def named(strength: str, *, flip: bool) -> Augment:
    """Return the augmentation of a word: none, light, standard or strong, or the name of a paper's recipe.

    ``flip`` says whether a mirrored picture is still true (not for digits and letters); ``none`` never flips.
    Raises RecipeError for another word. Example: ``named("light", flip=False).max_shift == 0.125``
    """
    if strength not in _STRENGTHS:
        raise RecipeError(f"augmentation {strength!r}: must be one of {', '.join(_STRENGTHS)}")
    found = _STRENGTHS[strength]
    return found if strength == "none" else replace(found, flip=flip)


def draw_moves(
    augment: Augment,
    *,
    seed: int,
    epoch: int,
    items: NDArray[np.int64] | Sequence[int],
    source: tuple[int, int],
    size: tuple[int, int] | None = None,
) -> Moves:
    """Return the moves of these items from stored pictures of ``source`` to inputs of ``size``, (height, width) pixels.

    ``size`` by itself is that of the stored pictures. What is drawn for an item is a function of (seed, epoch, item)
    alone, and the same at any size. Example: ``draw_moves(named("light", flip=True), seed=0, epoch=1, items=[5],
    source=(32, 32)).matrices.shape == (1, 2, 3)``
    """
    geometry, colour = draw(augment, seed=seed, epoch=epoch, items=items)
    erased = draw_erased(augment, seed=seed, epoch=epoch, items=items)
    if augment.window == 1.0:
        return Moves(len(items), source, size or source, geometry, colour, erased)
    window = tuple(min(side, max(MULTIPLE, round(side * augment.window / MULTIPLE) * MULTIPLE)) for side in source)
    share = draws.uniforms(items, 2, seed=seed, purpose="window", epoch=epoch)
    room = np.array([source[1] - window[1], source[0] - window[0]])
    corners = np.minimum((share * (room + 1)).astype(np.int64), room)
    return Moves(len(items), source, (window[0], window[1]), geometry, colour, erased, corners)


def draw(
    augment: Augment, *, seed: int, epoch: int, items: NDArray[np.int64] | Sequence[int]
) -> tuple[Matrices | None, Matrices | None]:
    """Return the geometry (N, 2, 3) and the colour (N, 3, 4) of each item, or None where nothing changes.

    Row n is a function of (seed, epoch, items[n]) alone. Example: ``draw(named("light", flip=True), seed=0, epoch=1,
    items=[5])[0].shape == (1, 2, 3)``
    """
    geometry = colour = None
    if augment.moves:
        geometry = _geometry(augment, draws.uniforms(items, 10, seed=seed, purpose="geometry", epoch=epoch))
        if augment.quarters:
            quarters = draws.uniforms(items, 1, seed=seed, purpose="quarters", epoch=epoch)[:, 0]
            geometry[:, :, :2] = _QUARTERS[np.minimum((4 * quarters).astype(np.int64), 3)] @ geometry[:, :, :2]
    if augment.colours:
        colour = _colour(augment, draws.uniforms(items, 4, seed=seed, purpose="colour", epoch=epoch))
        if augment.pca:
            multiples = augment.pca * draws.normals(items, 3, seed=seed, purpose="pca", epoch=epoch)
            colour[:, :, 3] += _along(multiples, augment.components)
    return geometry, colour


def draw_erased(
    augment: Augment, *, seed: int, epoch: int, items: NDArray[np.int64] | Sequence[int]
) -> Matrices | None:
    """Return the rectangle each picture loses, (N, 4) as shares of its sides: left, top, right, bottom; None: none do.

    An empty rectangle (right = left) leaves its picture whole.
    """
    if not augment.erase:
        return None
    chance, area, shape, across, down = draws.uniforms(items, 5, seed=seed, purpose="erase", epoch=epoch).T
    area = np.where(chance < 0.5, augment.erase * (0.1 + 0.9 * area), 0.0)
    ratio = np.sqrt(_between(shape, 1 / 3, 3.0, logarithmic=True))
    width, height = np.minimum(np.sqrt(area) * ratio, 1.0), np.minimum(np.sqrt(area) / ratio, 1.0)
    left, top = across * (1 - width), down * (1 - height)
    return np.stack([left, top, left + width, top + height], axis=1)


def _between(share: Matrices, low: float, high: float, *, logarithmic: bool = False) -> Matrices:
    """Spread uniform numbers over low..high, or their logarithms over log(low)..log(high)."""
    if logarithmic:
        return np.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    return low + share * (high - low)


def _geometry(augment: Augment, share: Matrices) -> Matrices:
    """Build [L | t]: the output is flipped, sheared, turned, then cut to the crop: L = crop . turn . shear . flip."""
    area, shape, across, down, turn, lean, mirror, right, lower, grow = share.T
    zoom = np.sqrt(_between(area, *augment.scale)) / _between(grow, *augment.enlarge)
    ratio = np.sqrt(_between(shape, 1 / augment.aspect, augment.aspect, logarithmic=True))
    most = max(1.0, math.sqrt(augment.scale[1]))  # a crop does not leave the picture unless asked to zoom out
    wide, high = np.minimum(zoom * ratio, most), np.minimum(zoom / ratio, most)
    angle = np.radians(_between(turn, -augment.max_rotate, augment.max_rotate))
    slope = np.tan(np.radians(_between(lean, -augment.max_shear, augment.max_shear)))
    sign = np.where((mirror < 0.5) & augment.flip, -1.0, 1.0)
    cosine, sine = np.cos(angle), np.sin(angle)
    matrices = np.empty((len(share), 2, 3))
    matrices[:, 0, 0] = wide * cosine * sign
    matrices[:, 0, 1] = wide * (cosine * slope - sine)
    matrices[:, 1, 0] = high * sine * sign
    matrices[:, 1, 1] = high * (sine * slope + cosine)
    shift = augment.max_shift
    matrices[:, 0, 2] = (across - 0.5) * np.maximum(1 - wide, 0) + _between(right, -shift, shift)
    matrices[:, 1, 2] = (down - 0.5) * np.maximum(1 - high, 0) + _between(lower, -shift, shift)
    return matrices


def _colour(augment: Augment, share: Matrices) -> Matrices:
    """Build [M | b]: in YIQ turn the hue and stretch it by the saturation, then contrast and brightness."""
    bright, contrast, saturation, hue = share.T
    angle = np.radians(_between(hue, -augment.hue, augment.hue))
    colourful = _between(saturation, 1 - augment.saturation, 1 + augment.saturation)
    along, around = (colourful * np.cos(angle))[:, None, None], (colourful * np.sin(angle))[:, None, None]
    mixed = _LUMA + along * _CHROMA + around * _CHROMA_TURNED
    matrices = np.empty((len(share), 3, 4))
    matrices[:, :, :3] = mixed * _between(contrast, 1 - augment.contrast, 1 + augment.contrast)[:, None, None]
    matrices[:, :, 3] = _between(bright, -augment.brightness, augment.brightness)[:, None]
    return matrices


def _along(multiples: Matrices, components: tuple[tuple[float, ...], ...]) -> Matrices:
    """Return the sum of the components (3, 3), each so many times (N, 3), for each picture: (N, 3)."""
    if len(components) != 3:
        raise RecipeError(
            "augmentation by pca needs the principal components of the pictures; engine.fit.begin fills them"
        )
    # Sums written out: a matrix product may round otherwise in a batch of another size.
    return np.stack([multiples[:, 0] * a + multiples[:, 1] * b + multiples[:, 2] * c for a, b, c in components], axis=1)
