"""A network and one picture, as far as its numbers can be asked for: parts, places, values, weights. No torch."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.crop_transform import Box, CropTransform
from striate.data.pictures.given import Picture, one
from striate.data.pictures.image import decode, header
from striate.data.pictures.preprocess import Preprocess
from striate.errors import DescribeError, PictureError
from striate.files import PICTURE, read_bytes
from striate.spec import Shape
from striate.spec.survey import Part, Survey


@dataclass(frozen=True)
class Seen:
    """The pixels that one position of a part's output can see, as a rectangle.

    ``unclipped`` is the window people quote, which may reach into the padding; ``box`` bounds the very pixels of the
    network's input; ``picture`` is that box in pixels of the original picture. Of somebody's code no window is known:
    there both are the box of the pixels that were ``measured`` to move the position on this picture.
    """

    unclipped: Box
    box: Box
    picture: Box
    measured: bool = False


class Shown(NamedTuple):
    """A picture that was opened for a network: the fields of `Probe` of the same names."""

    name: str
    original: NDArray[np.uint8]
    pixels: NDArray[np.uint8]
    frame: CropTransform


@dataclass(frozen=True, eq=False, kw_only=True)
class Probe(ABC):
    """A network and one picture.

    ``pixels`` (H, W, C) uint8 is what the network takes; ``original`` (H', W', C) uint8 the picture it was made from,
    ``frame`` where in it the input lies. ``names`` are what its outputs are called, in their order; ``trained`` False
    where the weights are drawn; ``frozen`` the parts that were not trained but given, and what was given.
    """

    name: str
    names: tuple[str, ...]
    preprocess: Preprocess
    original: NDArray[np.uint8]
    pixels: NDArray[np.uint8]
    frame: CropTransform
    trained: bool = True
    frozen: Mapping[str, str] = field(default_factory=dict)

    @abstractmethod
    def _survey(self) -> Survey:
        """Return the net on its input."""

    @abstractmethod
    def taps(self) -> tuple[str, ...]:
        """Return every path that `tap` takes."""

    @abstractmethod
    def reads(self, path: str) -> tuple[str, ...]:
        """Return the paths of the parts whose outputs a layer or join reads, in order; or ``input``."""

    @abstractmethod
    def tap(self, parts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return what parts put out for the picture, each (C, H, W) or (C,), in the order asked, without gradients.

        Errors: DescribeError for a part that is not there.
        """

    @abstractmethod
    def tensors(self, path: str) -> Mapping[str, NDArray[Any]]:
        """Return the numbers of a layer by name: weight, bias, running_mean."""

    @cached_property
    def survey(self) -> Survey:
        """The net on its input."""
        return self._survey().with_frozen(self.frozen) if self.frozen else self._survey()

    @cached_property
    def rows(self) -> dict[str, Part]:
        """The rows of the survey by path: every layer and every join."""
        return {row.path: row for row in self.survey.rows}

    def part(self, path: str) -> str:
        """Return the path of the layer or join that puts out what ``path`` does; ``input`` is itself.

        A part that holds several stands for its last. Errors: DescribeError that names what is near.
        """
        if path == "input" or path in self.rows:
            return path
        within = [row for row in self.rows.values() if row.path.startswith(f"{path}.")]
        within = [row for row in within if not row.auxiliary] or within
        if within and path in self.taps():
            return within[-1].path
        near = difflib.get_close_matches(path, self.taps(), n=3, cutoff=0.4) or list(self.rows)[:3]
        raise DescribeError(f"this net has no part {path!r}; near it: {', '.join(near)}")

    def shape(self, part: str) -> Shape:
        """Return the shape of what a part puts out."""
        path = self.part(part)
        return self.survey.input if path == "input" else self.rows[path].shape

    def receptive_field(self, part: str, row: int = 0, column: int = 0) -> Seen:
        """Return which pixels position (row, column) of a part's output can see.

        Errors: DescribeError for a part or a place that is not there.
        """
        path, (height, width) = self.part(part), self.survey.input.size
        self.require_place(path, row, column)
        if path == "input":
            box = unclipped = Box(row, column, row + 1, column + 1)
        else:
            rows, columns = self.survey.bounds(path, row, column)
            box = Box(rows.start, columns.start, rows.stop, columns.stop)
            sees = self.rows[path].field
            assert sees is not None  # pictures are maps
            (top, bottom), (left, right) = sees.height.span(row), sees.width.span(column)
            unclipped = Box(top, left, bottom + 1, right + 1)
        return Seen(unclipped, box, self.frame.box(box.clipped(height, width)))

    def require_place(self, part: str, row: int, column: int) -> None:
        """Raise DescribeError for a place outside a part's map."""
        path, (height, width) = self.part(part), self.shape(part).size
        if not (0 <= row < height and 0 <= column < width):
            raise DescribeError(
                f"{path} has no place {row},{column}: its map is {height} high and {width} wide, "
                f"so rows go from 0 to {height - 1} and columns from 0 to {width - 1}"
            )


def show(picture: Picture, how: Preprocess) -> Shown:
    """Return a picture as a network takes it: a path, bytes, an array, ... (`striate.data.pictures.given`).

    Errors: PictureError that names it.
    """
    name, content = _content(picture)
    try:
        if isinstance(content, bytes):
            told, original = header(content), decode(content, channels=how.channels, bits=how.bits)
            size = told.height, told.width
        else:
            original, size = content if content.ndim == 3 else content[..., None], content.shape[:2]
        pixels = how.pixels(content)
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from None
    return Shown(name, original, pixels, how.crop_transform(*size))


def _content(picture: Picture) -> tuple[str, bytes | NDArray[Any]]:
    content = one(picture)
    if not isinstance(content, str | Path):
        return "the picture", content
    try:
        return str(content), read_bytes(content, limit=PICTURE)
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise PictureError(f"{content} cannot be read: {reason}") from None
