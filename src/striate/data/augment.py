"""Augmentation on whole batches: one matrix a picture for geometry, one for colour, drawn by (seed, epoch, item) alone.

The geometry of a picture is a 2x3 matrix [L | t] that says where an output pixel is read from: with ``o`` the position
of an output pixel and ``i`` that of the input, both in pixels from the middle of the picture and as (x, y),
``i = L o + t * (width, height)``. So L is a true rotation on a picture of any proportions, and t, a share of each side,
fits every size. Positions outside the picture are read as in a mirror standing on its edge: a plain background stays
plain and a photo gets no black wedges. A picture whose matrix is only a shift and perhaps a flip is moved by whole
pixels (t rounded), which is exact and costs a tenth of sampling between pixels; that choice is made picture by picture.

The colour of a picture is a 3x4 matrix [M | b] on normalised red, green and blue, where 0 is the mean of the training
pictures and 1 their standard deviation: contrast is around that mean, brightness is in standard deviations. On gray
pictures the row sums of M act, which is what the matrix does to red = green = blue.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from striate.data import draws
from striate.errors import RecipeError

Matrices = NDArray[np.float64]

# YIQ (NTSC 1953): luma, and the two axes of colour in whose plane a hue is an angle.
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)
# What RGB -> YIQ -> RGB does with the luma, with the colour, and with the colour turned by 90 degrees.
_LUMA = np.outer(_FROM_YIQ[:, 0], _TO_YIQ[0])
_CHROMA = np.outer(_FROM_YIQ[:, 1], _TO_YIQ[1]) + np.outer(_FROM_YIQ[:, 2], _TO_YIQ[2])
_CHROMA_TURNED = np.outer(_FROM_YIQ[:, 2], _TO_YIQ[1]) - np.outer(_FROM_YIQ[:, 1], _TO_YIQ[2])


@dataclass(frozen=True)
class Augment:
    """How far each draw may go; a field at its default leaves the pictures as they are.

    ``max_shift``: share of each side. ``scale``: share of the area a random crop keeps, lowest and highest; below 1 the
    crop is enlarged to the whole picture. ``aspect``: most that a crop's proportions are changed by, as a ratio >= 1.
    ``max_rotate``, ``max_shear``, ``hue``: degrees to either side. ``brightness``: standard deviations to either side.
    ``contrast``, ``saturation``: the factor is within 1 -/+ this. ``erase``: largest share of the area that a rectangle
    of the mean colour covers (random erasing, Zhong et al. 2017, arXiv:1708.04896); half of the pictures get one.
    """

    max_shift: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    aspect: float = 1.0
    max_rotate: float = 0.0
    max_shear: float = 0.0
    flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        low, high = self.scale
        if not 0 < low <= high <= 4:
            raise RecipeError(f"augmentation scale {self.scale}: must be (low, high) with 0 < low <= high <= 4")
        if not (math.isfinite(self.aspect) and self.aspect >= 1):
            raise RecipeError(f"augmentation aspect {self.aspect}: must be a ratio of at least 1, such as 4/3")
        bounds = {"max_shift": 1.0, "max_rotate": 180.0, "max_shear": 60.0, "brightness": 10.0, "contrast": 1.0}
        for name, most in {**bounds, "saturation": 1.0, "hue": 180.0, "erase": 1.0}.items():
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise RecipeError(f"augmentation {name} {value}: must be from 0 to {most:g}")

    @property
    def moves(self) -> bool:
        """Whether any draw of geometry differs from the picture as it is."""
        still = self.scale == (1.0, 1.0) and self.aspect == 1.0 and not self.flip
        return not still or bool(self.max_shift or self.max_rotate or self.max_shear)

    @property
    def colours(self) -> bool:
        """Whether any draw of colour differs from the picture as it is."""
        return bool(self.brightness or self.contrast or self.saturation or self.hue)


_STRENGTHS = {
    "none": Augment(),
    "light": Augment(max_shift=1 / 8),  # 4 pixels of 32: whole pixels only, the cheap path
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
}


def named(strength: str, *, flip: bool) -> Augment:
    """Return the augmentation of a strength word: none, light, standard or strong.

    ``flip`` says whether a mirrored picture is still true (not for digits and letters); ``none`` never flips.
    Raises RecipeError for another word. Example: ``named("light", flip=False).max_shift == 0.125``
    """
    if strength not in _STRENGTHS:
        raise RecipeError(f"augmentation {strength!r}: must be one of {', '.join(_STRENGTHS)}")
    found = _STRENGTHS[strength]
    return found if strength == "none" else replace(found, flip=flip)


def draw(
    augment: Augment, *, seed: int, epoch: int, items: NDArray[np.int64] | Sequence[int]
) -> tuple[Matrices | None, Matrices | None]:
    """Return the geometry (N, 2, 3) and the colour (N, 3, 4) of each item, or None where nothing changes.

    Row n is a function of (seed, epoch, items[n]) alone. Example: ``draw(named("light", flip=True), seed=0, epoch=1,
    items=[5])[0].shape == (1, 2, 3)``
    """
    geometry = colour = None
    if augment.moves:
        geometry = _geometry(augment, draws.uniforms(items, 9, seed=seed, purpose="geometry", epoch=epoch))
    if augment.colours:
        colour = _colour(augment, draws.uniforms(items, 4, seed=seed, purpose="colour", epoch=epoch))
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
    area, shape, across, down, turn, lean, mirror, right, lower = share.T
    zoom = np.sqrt(_between(area, *augment.scale))
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


def augmented(
    inputs: Tensor, augment: Augment, *, seed: int, epoch: int, items: NDArray[np.int64] | Sequence[int]
) -> Tensor:
    """Draw for these items and apply everything: geometry, colour, erasing. ``inputs``: normalised, (N, C, H, W)."""
    geometry, colour = draw(augment, seed=seed, epoch=epoch, items=items)
    return apply(inputs, geometry, colour, erased=draw_erased(augment, seed=seed, epoch=epoch, items=items))


def apply(
    inputs: Tensor, geometry: Matrices | None, colour: Matrices | None, *, erased: Matrices | None = None
) -> Tensor:
    """Return the pictures moved and coloured by their matrices, in the same memory format; the inputs stay as they are.

    ``inputs``: (N, C, H, W), normalised float; C is 3, or 1 (gray), when there is a colour. What happens to a picture
    is the same, to the bit, whatever other pictures are in the batch. ``erased``: see ``draw_erased``; it is filled
    with 0, the mean colour. Example: ``apply(x, *draw(named("light", flip=True), seed=0, epoch=0, items=[1, 2]))``
    """
    outputs = inputs
    if geometry is not None:
        outputs = _moved(outputs, geometry)
    if colour is not None:
        outputs = _coloured(outputs, colour)
    if erased is not None:
        outputs = _without(outputs, erased)
    form = torch.channels_last if inputs.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    return outputs.contiguous(memory_format=form)


def move_points(points: NDArray[np.floating], geometry: Matrices, *, height: int, width: int) -> NDArray[np.float64]:
    """Return where points of the input are in the output, so that targets move with their picture.

    ``points``: (N, P, 2) as (x, y) in pixels from the top left corner of the picture, so that the middle of its first
    pixel is (0.5, 0.5). What lands outside the picture is returned as it is, for the caller to clip or drop.
    """
    pixels = _in_pixels(geometry, height, width)
    middle = np.array([width / 2, height / 2])
    offsets = np.asarray(points, np.float64) - middle - pixels[:, None, :, 2]
    back = np.linalg.inv(pixels[:, :, :2])
    return np.asarray(np.einsum("nij,npj->npi", back, offsets) + middle)


def _whole(geometry: Matrices) -> NDArray[np.bool_]:
    """Tell which matrices only shift and flip: those move by whole pixels."""
    linear = geometry[:, :, :2]
    straight = (linear[:, 0, 1] == 0) & (linear[:, 1, 0] == 0) & (linear[:, 1, 1] == 1)
    return np.asarray(straight & (np.abs(linear[:, 0, 0]) == 1))


def _in_pixels(geometry: Matrices, height: int, width: int) -> Matrices:
    """Turn the shift from shares of the sides to pixels, rounded where the picture moves by whole pixels."""
    pixels = geometry.copy()
    pixels[:, :, 2] *= (width, height)
    whole = _whole(geometry)
    pixels[whole, :, 2] = np.floor(pixels[whole, :, 2] + 0.5)
    return pixels


def _moved(inputs: Tensor, geometry: Matrices) -> Tensor:
    pixels = _in_pixels(geometry, *inputs.shape[2:])
    whole = _whole(geometry)
    if whole.all():
        return _gathered(inputs, pixels)
    if not whole.any():
        return _sampled(inputs, pixels)
    outputs = torch.empty_like(inputs)
    for chosen, mover in ((np.flatnonzero(whole), _gathered), (np.flatnonzero(~whole), _sampled)):
        rows = torch.from_numpy(chosen).to(inputs.device)
        outputs[rows] = mover(inputs[rows], pixels[chosen])
    return outputs


def _mirrored(index: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Fold positions outside 0..size-1 back in: ... 1 0 | 0 1 2 ... size-1 | size-1 ..."""
    index = np.mod(index, 2 * size)
    return np.minimum(index, 2 * size - 1 - index)


def _gathered(inputs: Tensor, pixels: Matrices) -> Tensor:
    """Move by whole pixels: first the rows of memory, then along each row. Exact, for any dtype."""
    number, channels, height, width = inputs.shape
    shift = pixels[:, :, 2].astype(np.int64)
    rows = _mirrored(np.arange(height) + shift[:, 1:2], height)
    columns = np.arange(width)[None]
    columns = np.where(pixels[:, 0, 0:1] < 0, width - 1 - columns, columns)
    columns = _mirrored(columns + shift[:, 0:1], width)
    flat_rows = (np.arange(number)[:, None] * height + rows).ravel()
    flat_columns = (columns[:, :, None] * channels + np.arange(channels)).reshape(number, 1, width * channels)
    lines = inputs.permute(0, 2, 3, 1).reshape(number * height, width * channels)  # a view when channels_last
    lines = lines.index_select(0, torch.from_numpy(flat_rows).to(inputs.device)).view(number, height, -1)
    places = torch.from_numpy(flat_columns).to(inputs.device).expand_as(lines)
    return lines.gather(2, places).view(number, height, width, channels).permute(0, 3, 1, 2)


def _sampled(inputs: Tensor, pixels: Matrices) -> Tensor:
    """Move by bilinear sampling, once for all of crop, scale, flip, turn, shift and shear."""
    _, _, height, width = inputs.shape
    size = np.array([width, height])
    # grid_sample counts from -1 to 1 over each side.
    scaled = pixels * (2.0 / size)[None, :, None]
    terms = torch.from_numpy(scaled).to(inputs.dtype).to(inputs.device)
    x = (torch.arange(width, device=inputs.device, dtype=inputs.dtype) + (0.5 - width / 2))[None, None, :]
    y = (torch.arange(height, device=inputs.device, dtype=inputs.dtype) + (0.5 - height / 2))[None, :, None]
    # Products and sums apart, not affine_grid: a matrix product may round otherwise in a batch of another size.
    axes = [
        x * terms[:, axis, 0, None, None] + y * terms[:, axis, 1, None, None] + terms[:, axis, 2, None, None]
        for axis in (0, 1)
    ]
    grid = torch.stack(axes, dim=3)  # (N, H, W, 2)
    return functional.grid_sample(inputs, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _coloured(inputs: Tensor, colour: Matrices) -> Tensor:
    channels = inputs.shape[1]
    if channels == 1:
        colour = np.concatenate([colour[:, :1, :3].sum(axis=2, keepdims=True), colour[:, :1, 3:]], axis=2)
    elif channels != 3:
        raise RecipeError(f"colour augmentation needs pictures of 1 or 3 channels; these have {channels}")
    terms = torch.from_numpy(colour).to(inputs.dtype).to(inputs.device)[:, :, :, None, None]  # (N, C, C + 1, 1, 1)
    outputs = inputs[:, :1] * terms[:, :, 0]
    for channel in range(1, channels):
        outputs += inputs[:, channel : channel + 1] * terms[:, :, channel]
    outputs += terms[:, :, channels]
    return outputs


def _without(inputs: Tensor, erased: Matrices) -> Tensor:
    _, _, height, width = inputs.shape
    edges = np.floor(erased * (width, height, width, height) + 0.5).astype(np.int64)
    left, top, right, bottom = torch.from_numpy(edges).to(inputs.device)[:, :, None].unbind(1)
    x, y = torch.arange(width, device=inputs.device), torch.arange(height, device=inputs.device)
    across, down = (x >= left) & (x < right), (y >= top) & (y < bottom)  # (N, W), (N, H)
    return inputs.masked_fill((down[:, :, None] & across[:, None, :])[:, None], 0.0)
