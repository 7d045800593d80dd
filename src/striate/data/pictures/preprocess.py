"""Pixels -> model input: ONE implementation for train, evaluate, predict and serve. No torch.

Whatever reaches a network as a picture passed ``Preprocess.pixels``; what it does is saved with the weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.pictures.bounds import Limits
from striate.data.pictures.crop_transform import CropTransform
from striate.data.pictures.depth import FULL, LEAST, Depth
from striate.data.pictures.image import Region, as_array, decoding, header
from striate.data.pictures.modes import to_channels
from striate.errors import ModelError, PictureError

RESIZES: Final = ("crop", "stretch", "pad")
INTERPOLATIONS: Final = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
FILL: Final = 128  # what surrounds a padded picture, in every channel
LARGEST: Final = 16_384  # pixels a side
MOST_PIXELS: Final = 1 << 23  # 2896 x 2896: a first layer of 32 channels then takes a GiB for one picture
LIMITS: Final = Limits()
_LARGEST_VALUE: Final = 1e6  # of a mean, and of one over a spread: both are of pixels from 0 to 1

# A JPEG is decoded no smaller than this many times the size asked for. Up to 64 pixels twice: the scaling in the DCT
# domain is then followed by a true resampling that hides the difference from a full decode. Above, once: half the
# time for a photo, and a difference (39 dB) like that between bicubic and bilinear (docs/performance.md).
_SMALL: Final = 64
_GAP_SMALL: Final = 2
_GAP: Final = 1


@dataclass(frozen=True)
class Preprocess:
    """How a picture becomes ``height`` x ``width`` pixels of ``channels`` (3 RGB, 1 gray), and how those are scaled.

    ``resize``: "crop" scales until the picture covers the size and takes the middle; "stretch" ignores the aspect;
    "pad" scales until it fits inside and centres it on gray 128. ``crop_share`` is how much of the side is then
    taken from the middle: with "crop", 224 / 256 is "shorter side to 256, then the middle 224", as most published
    weights want it; "pad" has none.
    Resampling is Pillow's antialiased ``interpolation``, "bicubic" or "bilinear", scale and crop in one step; where
    no scaling is asked for, nothing is resampled.
    ``bits`` (8 to 16) is how many of 16 a gray picture uses whose file states nothing (docs/decisions/0012).
    ``mean`` and ``std`` per channel, in 0..1, of the training pictures; empty until known.
    Errors: ModelError for values that make no sense.

    Example: ``Preprocess(224, 224, 3).pixels(Path("cat.jpg").read_bytes()).shape`` is ``(224, 224, 3)``.
    """

    height: int
    width: int
    channels: int
    resize: str = "crop"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    crop_share: float = 1.0
    interpolation: str = "bicubic"
    bits: int = FULL

    def __post_init__(self) -> None:
        for name, side in (("height", self.height), ("width", self.width)):
            if not _is_whole(side) or not 1 <= side <= LARGEST:
                raise ModelError(
                    f"preprocess: {name} is {_short(side)}; it must be a whole number from 1 to {LARGEST:,}"
                )
        if self.height * self.width > MOST_PIXELS:
            raise ModelError(
                f"preprocess: {self.height} x {self.width} is {self.height * self.width:,} pixels; no more than "
                f"{MOST_PIXELS:,} are given to a network at once"
            )
        if not _is_whole(self.channels) or self.channels not in (1, 3):
            raise ModelError(f"preprocess: channels is {_short(self.channels)}; it must be 3 (RGB) or 1 (gray)")
        if self.resize not in RESIZES:
            raise ModelError(f"preprocess: resize is {_short(self.resize)}; it must be one of {', '.join(RESIZES)}")
        if self.interpolation not in tuple(INTERPOLATIONS):
            raise ModelError(
                f"preprocess: interpolation is {_short(self.interpolation)};"
                f" it must be one of {', '.join(INTERPOLATIONS)}"
            )
        if not _is_number(self.crop_share) or not 0.1 <= self.crop_share <= 1:
            raise ModelError(f"preprocess: crop_share is {_short(self.crop_share)}; it must be a number from 0.1 to 1")
        if self.crop_share != 1 and self.resize == "pad":
            raise ModelError(f"preprocess: crop_share {self.crop_share:g} does not go with resize 'pad'")
        if not _is_whole(self.bits) or not LEAST <= self.bits <= FULL:
            raise ModelError(f"preprocess: bits is {_short(self.bits)}; it must be a whole number from 8 to 16")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (0, self.channels):
                raise ModelError(f"preprocess: {name} has {len(values)} values for {self.channels} channels")
            if not all(isinstance(value, float | int) and abs(value) <= _LARGEST_VALUE for value in values):
                raise ModelError(f"preprocess: {name} is {_short(values)}; its values must be finite numbers")
        if len(self.mean) != len(self.std):
            raise ModelError("preprocess: mean and std belong together; one of them is missing")
        if any(value < 1 / _LARGEST_VALUE for value in self.std):
            raise ModelError(f"preprocess: std is {self.std!r}; its values must be over 0")

    def pixels(self, picture: bytes | NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture as (height, width, channels) uint8.

        ``picture``: the bytes of a file, or its pixels (H, W), (H, W, 1) or (H, W, 3) uint8. An array gives what the
        same pixels in a lossless file give; the pixels of a large JPEG give nearly, not exactly, what its file gives,
        because a file may be decoded at a smaller scale. Errors: PictureError.
        """
        return self.read(picture)[0]

    def read(
        self, picture: bytes | NDArray[np.uint8], *, limits: Limits = LIMITS
    ) -> tuple[NDArray[np.uint8], Depth | None]:
        """Return what `pixels` does of a ``picture``, and of a file of 16 bits how many of them are used.

        A file over the ``limits`` is refused before it is decoded.
        """
        decoded: NDArray[np.uint8] | Image.Image
        if isinstance(picture, np.ndarray):
            decoded = to_channels(_checked(picture), self.channels)
            return self._fitted(decoded, (0.0, 0.0, float(decoded.shape[1]), float(decoded.shape[0]))), None
        gap = (_GAP_SMALL if max(self.height, self.width) <= _SMALL else _GAP) / self.crop_share
        at_least = (math.ceil(gap * self.height), math.ceil(gap * self.width))
        with decoding(picture, channels=self.channels, at_least=at_least, bits=self.bits, limits=limits) as (
            decoded,
            region,
            depth,
        ):
            return self._fitted(decoded, region), depth

    def crop_transform(self, height: int, width: int, *, orientation: int = 1) -> CropTransform:
        """Return where the input lies in a picture that is ``height`` x ``width`` as it is seen, upright (`header`).

        Points, boxes and masks that it takes and gives are of the picture as it is seen; with an ``orientation`` of 2
        to 8, of the rows and columns of a file of this EXIF orientation, before it is turned.

        Example: ``Preprocess(224, 224, 3).crop_transform(375, 500).boxes_back([[0, 0, 224, 224]])`` is
        ``[[62.5, 0, 437.5, 375]]``.
        """
        down, across = height / self.height, width / self.width
        if self.resize == "stretch":
            part_high, part_wide = height * self.crop_share, width * self.crop_share
            down, across = part_high / self.height, part_wide / self.width
            top, left = (height - part_high) / 2, (width - part_wide) / 2
        elif self.resize == "pad":
            scale = max(down, across)
            tall, wide = self._padded(height, width, scale)
            down, across = height / tall, width / wide
            top, left = -((self.height - tall) // 2) * down, -((self.width - wide) // 2) * across
        else:
            down = across = self.crop_share * min(down, across)
            top, left = max(0.0, (height - self.height * down) / 2), max(0.0, (width - self.width * across) / 2)
            if down == 1.0:  # nothing is resampled, so the crop begins at a whole pixel
                top, left = float(int(top)), float(int(left))
        return CropTransform(top, left, down, across, height, width, (self.height, self.width), orientation)

    def crop_of(self, picture: bytes | NDArray[np.uint8], *, stored: bool = False) -> CropTransform:
        """Return the crop transform of a ``picture`` as `pixels` takes it: the bytes of a file, or pixels (H, W, ...).

        ``stored`` speaks of the file's rows and columns before EXIF turns them. Errors: PictureError.
        """
        if isinstance(picture, np.ndarray):
            return self.crop_transform(*_checked(picture).shape[:2])
        told = header(picture)
        return self.crop_transform(told.height, told.width, orientation=told.orientation if stored else 1)

    def _padded(self, height: float, width: float, scale: float) -> tuple[int, int]:
        """Return the size of a picture within its padding; ``scale`` is the picture's pixels per result's pixel."""
        return min(self.height, max(1, round(height / scale))), min(self.width, max(1, round(width / scale)))

    def _fitted(self, decoded: NDArray[np.uint8] | Image.Image, region: Region) -> NDArray[np.uint8]:
        """Return the region of a decoded picture in the size wanted."""
        if self.crop_share == 1 and _size(decoded) == (self.height, self.width):
            return as_array(decoded)
        if self.resize == "stretch":
            return self._resample(decoded, (self.height, self.width), _middle(region, self.crop_share))
        return self._crop(decoded, region) if self.resize == "crop" else self._pad(decoded, region)

    def _crop(self, picture: NDArray[np.uint8] | Image.Image, region: Region) -> NDArray[np.uint8]:
        height, width = region[3] - region[1], region[2] - region[0]
        scale = self.crop_share * min(height / self.height, width / self.width)  # picture's pixels per result's pixel
        tall, wide = min(self.height * scale, height), min(self.width * scale, width)
        top, left = region[1] + (height - tall) / 2, region[0] + (width - wide) / 2
        if scale == 1.0:
            return as_array(picture)[int(top) :, int(left) :][: self.height, : self.width]
        return self._resample(picture, (self.height, self.width), (left, top, left + wide, top + tall))

    def _pad(self, picture: NDArray[np.uint8] | Image.Image, region: Region) -> NDArray[np.uint8]:
        height, width = region[3] - region[1], region[2] - region[0]
        scale = max(height / self.height, width / self.width)
        tall, wide = self._padded(height, width, scale)
        top, left = (self.height - tall) // 2, (self.width - wide) // 2
        result = np.full((self.height, self.width, self.channels), FILL, np.uint8)
        result[top : top + tall, left : left + wide] = self._resample(picture, (tall, wide), region)
        return result

    def _resample(
        self, picture: NDArray[np.uint8] | Image.Image, size: tuple[int, int], region: Region
    ) -> NDArray[np.uint8]:
        height, width = _size(picture)
        # Rounding may carry a corner a hair over the edge, which Pillow refuses.
        box = (max(region[0], 0.0), max(region[1], 0.0), min(region[2], float(width)), min(region[3], float(height)))
        if (height, width) == size and box == (0.0, 0.0, width, height):
            return as_array(picture)
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(np.ascontiguousarray(picture[..., 0] if self.channels == 1 else picture))
        resized = picture.resize((size[1], size[0]), INTERPOLATIONS[self.interpolation], box=box)
        return np.asarray(resized).reshape(*size, self.channels)

    def scale_and_offset(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return float32 (channels,) twice, so that pixels·scale + offset == (pixels/255 - mean) / std.

        Without mean and std the input is pixels/255.
        """
        mean = np.array(self.mean or (0.0,) * self.channels, np.float64)
        std = np.array(self.std or (1.0,) * self.channels, np.float64)
        return (1.0 / (255.0 * std)).astype(np.float32), (-mean / std).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values; ``from_dict`` takes them back.

        Fields that older versions do not know are left out where they say what those do.
        """
        later: dict[str, Any] = {} if self.crop_share == 1 else {"crop_share": float(self.crop_share)}
        if self.interpolation != "bicubic":
            later["interpolation"] = self.interpolation
        if self.bits != FULL:
            later["bits"] = self.bits
        return {
            "height": self.height,
            "width": self.width,
            "channels": self.channels,
            "resize": self.resize,
            "mean": list(self.mean),
            "std": list(self.std),
            **later,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocess:
        """Return what ``to_dict`` wrote as ``values``. Errors: ModelError naming the field that is missing or wrong."""
        if not isinstance(values, Mapping):
            raise ModelError(f"preprocess: wanted a table of fields, got {type(values).__name__}")
        known = {field.name for field in fields(cls)}
        # A rule this version does not know would be a rule it does not follow.
        if unknown := sorted(map(str, set(values) - known)):
            raise ModelError(f"preprocess: unknown field {unknown[0][:40]!r}; the file may be of a later version")
        if missing := [name for name in ("height", "width", "channels") if name not in values]:
            raise ModelError(f"preprocess: {missing[0]} is missing")
        taken = dict(values)
        for name in ("mean", "std"):
            numbers = taken.get(name, ())
            if not isinstance(numbers, list | tuple):
                raise ModelError(f"preprocess: {name} is {_short(numbers)}; wanted a list of numbers")
            if not all(_is_number(number) and abs(number) <= _LARGEST_VALUE for number in numbers):
                raise ModelError(f"preprocess: {name} is {_short(numbers)}; its values must be finite numbers")
            taken[name] = tuple(float(number) for number in numbers)
        return cls(**taken)


def _middle(region: Region, share: float) -> Region:
    """Return the middle of a region, ``share`` of its height and of its width."""
    left, top, right, bottom = region
    aside, above = (right - left) * (1 - share) / 2, (bottom - top) * (1 - share) / 2
    return left + aside, top + above, right - aside, bottom - above


def _size(picture: NDArray[np.uint8] | Image.Image) -> tuple[int, int]:
    """Return (height, width)."""
    return (picture.shape[0], picture.shape[1]) if isinstance(picture, np.ndarray) else picture.size[::-1]


def _short(value: object) -> str:
    """Return a value as it is written, as far as it fits into a line."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:59]}…"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _checked(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8:
        raise PictureError(f"pixels of type {pixels.dtype}; wanted uint8 (0..255)")
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3)) or 0 in pixels.shape:
        shape = " x ".join(map(str, pixels.shape)) or "a single number"
        raise PictureError(f"pixels of shape {shape}; wanted H x W, H x W x 1 or H x W x 3")
    return pixels
