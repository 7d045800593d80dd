"""What a person gave as pictures: one or many, each as a path, the bytes of a file, or pixels. No torch.

One rule for whoever asks about pictures (`Predictor.predict`, `Run.predict`, `Adopted.predict`, `look`):

- A path, bytes, an open file, a Pillow picture or one array is one picture.
- A list, a tuple, a generator, or an array with one dimension more is many: each entry is one picture.
- Arrays: (H, W) gray, (H, W, C) with 1, 3 or 4 channels; many are (N, H, W, C), or (N, H, W) gray.
- Tensors of torch: (C, H, W) or (H, W, C), whichever the channels say; many are (N, C, H, W) or (N, H, W, C).
- Values: uint8 from 0 to 255, or floating point from 0 to 1. Of four channels the last is alpha, laid over white.
- What can be read in two ways is refused, with both and how to say which.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.pictures.image import decode
from striate.errors import PictureError
from striate.files import PICTURE

if TYPE_CHECKING:
    import torch

Picture: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image | NDArray[Any] | torch.Tensor"
)
One: TypeAlias = "Path | str | bytes | NDArray[np.uint8]"
CHANNELS: Final = (1, 3, 4)


@dataclass(frozen=True)
class Given:
    """``pictures`` as `one` returns each; ``many`` False: it is one. ``count`` how many, None where that is not known.

    A picture that cannot be one is a PictureError in its place.
    """

    pictures: Iterable[One | PictureError]
    many: bool
    count: int | None


def given(what: Any) -> Given:
    """Return what a person gave as pictures. Errors: PictureError for what is no picture, or can be read in two ways.

    Of several pictures each is looked at when its turn comes, so they may be endless.

    Example: ``given(np.zeros((5, 28, 28, 3), np.uint8)).count`` is 5, and ``given("cat.jpg").many`` is False.
    """
    if isinstance(what, Mapping | Set):
        raise PictureError(f"a {type(what).__name__} says no order of its pictures; give a list")
    if _is_array(what):
        pixels = _array(what)
        if pixels.dtype.kind in "OUS" and pixels.ndim == 1:  # paths, bytes, or pictures of several sizes
            return Given((_or_error(each, n) for n, each in enumerate(pixels.tolist(), 1)), True, len(pixels))
        batch = _as_batch(pixels, torch=_is_tensor(what))
        if batch is not None:
            return Given((_values(picture) for picture in batch), True, len(batch))
        return Given((one(what),), False, 1)
    if _is_one(what):
        return Given((one(what),), False, 1)
    if isinstance(what, Iterable):
        count = len(what) if isinstance(what, Sequence) else None
        return Given((_or_error(each, n) for n, each in enumerate(what, 1)), True, count)
    raise PictureError(f"{_kind(what)} is no picture: give a path, the bytes of a file, a Pillow picture, or an array")


def one(what: Any) -> One:
    """Return one picture as a path, the bytes of a file, or pixels (H, W) or (H, W, C) uint8, C 1 or 3.

    Errors: PictureError for what is no picture, is several, or can be read in two ways.
    """
    if isinstance(what, str | Path):
        return what
    if isinstance(what, os.PathLike):
        return Path(os.fsdecode(what))
    if isinstance(what, bytes):
        return what
    if isinstance(what, bytearray | memoryview):
        return bytes(what)
    if isinstance(what, Image.Image):
        return _file_of(what)
    if isinstance(what, io.IOBase) or hasattr(what, "read"):
        return _content(what)
    if _is_array(what):
        pixels = _array(what)
        if _as_batch(pixels, torch=_is_tensor(what)) is not None:
            raise PictureError(f"an array of {_shape(pixels)} is {len(pixels)} pictures, and here one is wanted")
        return _values(_upright(pixels) if _is_tensor(what) and pixels.ndim == 3 else pixels)
    raise PictureError(f"{_kind(what)} is no picture: give a path, the bytes of a file, a Pillow picture, or an array")


def _or_error(what: Any, number: int) -> One | PictureError:
    """Return one of several pictures, or why it is none."""
    try:
        return one(what)
    except PictureError as error:
        return error


def _is_one(what: Any) -> bool:
    single = str, bytes, bytearray, memoryview, os.PathLike, Image.Image, io.IOBase
    return isinstance(what, single) or hasattr(what, "read")


def _is_tensor(what: Any) -> bool:
    return type(what).__module__.split(".")[0] == "torch" and hasattr(what, "detach")


def _is_array(what: Any) -> bool:
    """Whether it is an array of any library; a Pillow picture is none, although it can be made one."""
    return not isinstance(what, Image.Image) and (_is_tensor(what) or hasattr(what, "__array__"))


def _array(what: Any) -> NDArray[Any]:
    if _is_tensor(what):
        what = what.detach().cpu()
        if what.is_floating_point():
            what = what.float()  # NumPy has no bfloat16
        return np.asarray(what.numpy())
    return np.asarray(what)


def _content(file: Any) -> bytes:
    """Return what an open file holds, from its beginning where it can go there: who wrote it is at its end."""
    try:
        if hasattr(file, "seek") and getattr(file, "seekable", lambda: True)():
            file.seek(0)
        content = file.read(PICTURE + 1)
    except (OSError, ValueError) as error:
        raise PictureError(f"the file given cannot be read: {error}") from None
    if not isinstance(content, bytes):
        raise PictureError("the file given was opened as text; open it with 'rb'")
    if len(content) > PICTURE:
        raise PictureError(f"the file given is longer than {PICTURE:,} bytes, the most that is read")
    return content


def _as_batch(pixels: NDArray[Any], *, torch: bool) -> NDArray[Any] | None:
    """Return several pictures (N, H, W) or (N, H, W, C), or None where it is one. Errors: PictureError."""
    shape = _shape(pixels)
    if pixels.ndim == 4:
        last, second = pixels.shape[3] in CHANNELS, pixels.shape[1] in CHANNELS
        if last and second:
            one_way, other = (
                ("x.numpy()", "x.permute(0, 2, 3, 1).numpy()") if torch else ("x", "x.transpose(0, 2, 3, 1)")
            )
            raise PictureError(
                f"an array of {shape} can be N x H x W x C or N x C x H x W. For the first say list({one_way}), for the"
                f" second list({other})"
            )
        if not (last or second):
            raise PictureError(
                f"pixels of shape {shape}; wanted N x H x W x C or N x C x H x W with 1, 3 or 4 channels"
            )
        return pixels if last else pixels.transpose(0, 2, 3, 1)
    if pixels.ndim == 3 and pixels.shape[2] not in CHANNELS:
        if torch and pixels.shape[0] in CHANNELS:
            return None  # C x H x W, as torch has pictures
        if torch:
            raise PictureError(
                f"a tensor of {shape} is no C x H x W with 1, 3 or 4 channels; for {pixels.shape[0]} gray pictures say"
                " x[:, None]"
            )
        if pixels.shape[0] in CHANNELS:
            several = "1 gray picture" if pixels.shape[0] == 1 else f"{pixels.shape[0]} gray pictures"
            raise PictureError(
                f"an array of {shape} can be one picture with its channels first, or a batch of {several}. For one"
                " picture say x.transpose(1, 2, 0), for the batch x[..., None]"
            )
        return pixels
    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise PictureError(f"pixels of shape {shape}; wanted H x W, H x W x C, or several: N x H x W x C")
    return None


def _upright(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return a tensor's picture (C, H, W) or (H, W, C) as (H, W, C). Errors: PictureError where it can be either."""
    first, last = pixels.shape[0] in CHANNELS, pixels.shape[2] in CHANNELS
    if first and last:
        raise PictureError(
            f"a tensor of {_shape(pixels)} can be C x H x W or H x W x C. For the first say"
            " x.permute(1, 2, 0).numpy(), for the second x.numpy()"
        )
    return pixels.transpose(1, 2, 0) if first else pixels


def _values(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return pixels (H, W) or (H, W, C) as uint8, alpha laid over white. Errors: PictureError for other values."""
    if pixels.dtype.kind == "f":
        low, high = (float(pixels.min()), float(pixels.max())) if pixels.size else (0.0, 0.0)
        if not (low >= 0 and high <= 1):
            raise PictureError(
                f"pixels of type {pixels.dtype} from {low:g} to {high:g}; floating point is read from 0 to 1: for 0 to"
                " 255 give uint8, and of a picture that was normalised, the picture before"
            )
        pixels = np.rint(pixels.astype(np.float64) * 255).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise PictureError(f"pixels of type {pixels.dtype}; wanted uint8 (0..255), or floating point from 0 to 1")
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        return _over_white(pixels)
    return pixels


def _over_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 4) as (H, W, 3), by the rule that files with alpha are read by."""
    return decode(_file_of(Image.fromarray(np.ascontiguousarray(pixels))))


def _file_of(picture: Image.Image) -> bytes:
    """Return a Pillow picture as the bytes of a lossless file, so that files and pictures are read by one rule.

    The camera's note of its orientation goes along.
    """
    content = io.BytesIO()
    try:
        if picture.mode in ("La", "RGBa"):
            picture = picture.convert(picture.mode.upper())
        elif picture.mode in ("RGBX", "YCbCr", "HSV"):
            picture = picture.convert("RGB")
        exif = picture.getexif()
        if picture.mode in ("F", "I", "CMYK", "LAB"):  # PNG has no such pixels
            picture.save(content, "TIFF", exif=exif)
        else:
            picture.save(content, "PNG", compress_level=0, exif=exif)
    except Exception as error:  # whatever a file that ends too early or was closed makes Pillow say
        text = " ".join(str(error).split())[:200]
        raise PictureError(f"the Pillow picture cannot be read: {text or type(error).__name__}") from None
    return content.getvalue()


def _shape(pixels: NDArray[Any]) -> str:
    return " x ".join(map(str, pixels.shape)) or "a single number"


def _kind(what: Any) -> str:
    return "None" if what is None else f"an object of type {type(what).__name__}"


def enumerated(pictures: Iterable[One | PictureError]) -> Iterator[tuple[str, One | PictureError]]:
    """Yield pictures with what they are called: the path as given, or ``picture 3`` (from 1)."""
    for number, picture in enumerate(pictures, 1):
        yield str(picture) if isinstance(picture, str | Path) else f"picture {number}", picture
