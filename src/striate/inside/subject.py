"""A model and a picture, ready to be asked: torch on the CPU in float32. Imports torch.

subject = Subject.of("model.safetensors", Path("cat.jpg"))
subject.tap(["conv1"])["conv1"]             # what conv1 puts out, (C, H, W)
subject.receptive_field("conv1", 3, 4)      # which pixels position 3, 4 of it sees
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.image import decode, header
from striate.data.preprocess import Preprocess
from striate.errors import DescribeError, PictureError
from striate.inside.frame import Box, Frame
from striate.model.build import Model, build
from striate.runs.predictor import Picture, Predictor
from striate.spec import Net, Shape
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


@dataclass(frozen=True, eq=False)
class Subject:
    """A model and one picture. Make one with `of` or `untrained`.

    ``pixels`` (H, W, C) uint8 is what the network takes, ``inputs`` (1, C, H, W) float32 the same normalised;
    ``original`` (H', W', C) uint8 the picture it was made from, ``frame`` where in it the input lies. ``classes`` in
    the order of the logits; ``temperature`` that of the calibration; ``trained`` False where the weights are drawn.
    """

    name: str
    model: Model
    classes: tuple[str, ...]
    preprocess: Preprocess
    original: NDArray[np.uint8]
    pixels: NDArray[np.uint8]
    inputs: Tensor
    frame: Frame
    temperature: float = 1.0
    trained: bool = True

    @classmethod
    def of(cls, what: Predictor | Path | str, picture: Picture) -> Subject:
        """Return a model with a picture: a path, the bytes of a file, or pixels (H, W) or (H, W, 3) uint8.

        ``what``: a predictor, a model file or a run's folder. Errors: ModelError, PictureError.
        """
        predictor = what if isinstance(what, Predictor) else Predictor.open(what, device="cpu")
        return cls._with(
            predictor.model.cpu().float().eval(),
            predictor.classes,
            predictor.preprocess,
            picture,
            temperature=predictor.calibration.temperature,
        )

    @classmethod
    def untrained(
        cls, net: Net, shape: Shape, picture: Picture, *, classes: int | None = None, seed: int = 0
    ) -> Subject:
        """Return a net whose weights are drawn from ``seed`` with a picture: it computes, but has learnt nothing.

        The picture is cropped to ``shape`` and its pixels are divided by 255. Errors: DescribeError, PictureError.
        """
        how = Preprocess(*shape.size, shape.channels)
        model = build(net, shape, classes=classes, preprocess=how, seed=seed).eval()
        output = model.net.on(shape, fit="floor").output
        assert output is not None
        names = tuple(f"class {number}" for number in range(output.channels))
        return cls._with(model, names, how, picture, trained=False)

    @classmethod
    def _with(
        cls,
        model: Model,
        classes: tuple[str, ...],
        how: Preprocess,
        picture: Picture,
        *,
        temperature: float = 1.0,
        trained: bool = True,
    ) -> Subject:
        name, content = _content(picture)
        try:
            if isinstance(content, bytes):
                told, original = header(content), decode(content, channels=how.channels)
                size = told.height, told.width
            else:
                original, size = content if content.ndim == 3 else content[..., None], content.shape[:2]
            pixels = how.pixels(content)
        except PictureError as error:
            raise PictureError(f"{name}: {error}") from None
        with torch.no_grad():
            inputs = model.normalise(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].contiguous())
        frame = Frame.of(how, *size)
        return cls(name, model, classes, how, original, pixels, inputs, frame, temperature, trained)

    @cached_property
    def survey(self) -> Survey:
        """The model's net on its input."""
        return self.model.net.on(self.model.shape, fit="floor")

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
        within = [row for row in within if not row.aside] or within
        if within and path in self.model.taps():
            return within[-1].path
        near = difflib.get_close_matches(path, self.model.taps(), n=3, cutoff=0.4) or list(self.rows)[:3]
        raise DescribeError(f"this net has no part {path!r}; near it: {', '.join(near)}")

    def shape(self, part: str) -> Shape:
        """Return the shape of what a part puts out."""
        path = self.part(part)
        return self.model.shape if path == "input" else self.rows[path].shape

    def tap(self, parts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return what parts put out for the picture, each (C, H, W) or (C,), in the order asked, without gradients.

        Errors: DescribeError for a part that is not there.
        """
        paths = {part: self.part(part) for part in parts}
        with torch.no_grad():
            _, values = self.model.forward_with(self.inputs, list(dict.fromkeys(paths.values())))
        return {part: values[path][0].numpy() for part, path in paths.items()}

    def receptive_field(self, part: str, row: int = 0, column: int = 0) -> Seen:
        """Return which pixels position (row, column) of a part's output can see.

        Errors: DescribeError for a part or a place that is not there.
        """
        path, (height, width) = self.part(part), self.model.shape.size
        self.require_place(path, row, column)
        if path == "input":
            box = unclipped = Box(row, column, row + 1, column + 1)
        elif self.is_code:
            box = unclipped = self._footprint(path, row, column)
        else:
            rows, columns = self.survey.bounds(path, row, column)
            box = Box(rows.start, columns.start, rows.stop, columns.stop)
            field = self.rows[path].field
            assert field is not None  # pictures are maps
            (top, bottom), (left, right) = field.height.span(row), field.width.span(column)
            unclipped = Box(top, left, bottom + 1, right + 1)
        return Seen(unclipped, box, self.frame.box(box.clipped(height, width)), self.is_code)

    @property
    def is_code(self) -> bool:
        """Whether the model is a module that only its own code can be, of which no windows are known."""
        return self.survey.why is not None

    def _footprint(self, path: str, row: int, column: int) -> Box:
        """Return the box of the pixels that move a position of a part on this picture; empty where none does."""
        inputs = self.inputs.clone().requires_grad_(True)
        values = self.model.until(inputs, path)[0]
        values = values[:, row, column] if values.dim() == 3 else values
        mixed = torch.rand(len(values), generator=torch.Generator().manual_seed(0))  # so that no channels cancel out
        (gradient,) = torch.autograd.grad(values @ mixed, inputs)
        rows, columns = (torch.nonzero(gradient[0].abs().amax((0, axis))).flatten().tolist() for axis in (2, 1))
        return Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if rows else Box(0, 0, 0, 0)

    def require_place(self, part: str, row: int, column: int) -> None:
        """Raise DescribeError for a place outside a part's map."""
        path, (height, width) = self.part(part), self.shape(part).size
        if not (0 <= row < height and 0 <= column < width):
            raise DescribeError(
                f"{path} has no place {row},{column}: its map is {height} high and {width} wide, "
                f"so rows go from 0 to {height - 1} and columns from 0 to {width - 1}"
            )


def _content(picture: Picture) -> tuple[str, bytes | NDArray[Any]]:
    if isinstance(picture, bytes | np.ndarray):
        return "the picture", picture
    try:
        return str(picture), Path(picture).read_bytes()
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise PictureError(f"{picture} cannot be read: {reason}") from None
