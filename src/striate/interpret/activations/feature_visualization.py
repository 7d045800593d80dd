"""What maximises a unit: a picture grown by gradient ascent. Objective x canvas x transforms, each a plain function.

After Lucid (Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017): the canvas is a spectrum, so that
all frequencies grow alike; its colours are decorrelated; and each step sees it shifted, scaled and turned a little,
so that only what survives that is grown. Imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from striate.errors import DescribeError
from striate.interpret.activations.top_activations import part_row, require_channel
from striate.model.build.model import Model
from striate.spec.survey import Survey

Score: TypeAlias = Callable[[Tensor], Tensor]
Transform: TypeAlias = Callable[[Tensor, torch.Generator], Tensor]

RATE = 0.1  # of Adam
_BETAS, _EPSILON = (0.9, 0.999), 1e-8
STEPS = 128
LOOK = 8  # steps from one look at the picture as it stands to the next
SMALL, TRIES = 64, 8  # pictures up to this side get stuck more easily and cost little: so many grow at once
# The square root of the covariance of ImageNet's colours, each column of unit length at most (as Lucid normalises it).
_COLOUR = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]])


@dataclass(frozen=True)
class Objective:
    """What is to be as high as it can: a sum of terms (part, score of what the part puts out), and its name.

    Objectives subtract: ``of_class(model, 3) - of_class(model, 5)`` grows the one and not the other.
    """

    name: str
    terms: tuple[tuple[str, Score], ...]

    def __sub__(self, other: Objective) -> Objective:
        def negative(score: Score) -> Score:
            return lambda values: -score(values)

        return Objective(
            f"{self.name}, not {other.name}",
            self.terms + tuple((part, negative(score)) for part, score in other.terms),
        )


def channel(model: Model, part: str, number: int) -> Objective:
    """A channel of a part, on average over its places."""
    _check(model, part, number)
    return Objective(f"{part}, channel {number}", ((part, lambda values: _mean(values, number)),))


def unit(model: Model, part: str, number: int, place: tuple[int, int] | None = None) -> Objective:
    """One place of a channel; the middle of its map when not said."""
    shape = _check(model, part, number)
    row, column = place or (shape[0] // 2, shape[1] // 2)
    if not (0 <= row < shape[0] and 0 <= column < shape[1]):
        raise DescribeError(f"{part} has no place {row},{column}: its map is {shape[0]} high and {shape[1]} wide")

    def score(values: Tensor) -> Tensor:
        return values[:, number] if values.dim() == 2 else values[:, number, row, column]

    return Objective(f"{part}, channel {number} at {row},{column}", ((part, score),))


def layer(model: Model, part: str) -> Objective:
    """All that a part puts out, squared: whatever it sees, more of it (DeepDream, Mordvintsev et al. 2015)."""
    _check(model, part, 0)
    return Objective(f"all of {part}", ((part, lambda values: values.flatten(1).pow(2).mean(1)),))


def direction(model: Model, part: str, vector: Sequence[float] | NDArray[np.floating]) -> Objective:
    """How far a part's channels, on average over its places, lie along a vector (C,)."""
    along = torch.as_tensor(np.asarray(vector, np.float32))
    _check(model, part, 0)
    if along.dim() != 1 or len(along) != part_row(_survey(model), part).shape.channels or not along.norm() > 0:
        raise DescribeError(f"a direction in {part} is {part_row(_survey(model), part).shape.channels} numbers, not 0")
    along = along / along.norm()

    def score(values: Tensor) -> Tensor:
        return torch.mv(values.flatten(2).mean(2) if values.dim() == 4 else values, along.to(values.device))

    return Objective(f"a direction in {part}", ((part, score),))


def of_class(model: Model, number: int, name: str | None = None) -> Objective:
    """A class: its logit, before any softmax at the end."""
    rows = [row for row in _survey(model).rows if not row.auxiliary]
    answer = next(row for row in reversed(rows) if not row.layer.startswith(("softmax", "flatten", "sigmoid")))
    _check(model, answer.path, number)
    return Objective(name or f"class {number}", ((answer.path, lambda values: _mean(values, number)),))


@dataclass(frozen=True, eq=False)
class Canvas:
    """Pictures as numbers that grow well: ``numbers`` (N, ...) are what gradients move, ``picture`` makes of them
    (N, C, H, W) 0..1; the N begin differently, and the best is kept.
    """

    numbers: Tensor
    picture: Callable[[Tensor], Tensor]


def fourier(size: tuple[int, int], channels: int, *, seed: int = 0, count: int = 1, deviation: float = 0.01) -> Canvas:
    """A canvas of waves of all lengths, with decorrelated colours: what Lucid calls ``fft`` and ``decorrelate``."""
    height, width = size
    frequency = torch.sqrt(torch.fft.fftfreq(height)[:, None] ** 2 + torch.fft.rfftfreq(width)[None] ** 2)
    scale = 1 / frequency.clamp(min=1 / max(height, width)) * (height * width) ** 0.5
    drawn = torch.randn(count, channels, *frequency.shape, 2, generator=torch.Generator().manual_seed(seed)) * deviation
    colour = _COLOUR / _COLOUR.norm(dim=0).max()

    def picture(numbers: Tensor) -> Tensor:
        waves = torch.fft.irfft2(torch.view_as_complex(numbers) * scale, s=size) / 4
        mixed = torch.einsum("nchw,dc->ndhw", waves, colour) if channels == 3 else waves
        return torch.sigmoid(mixed)

    return Canvas(drawn, picture)


def plain(size: tuple[int, int], channels: int, *, seed: int = 0, count: int = 1) -> Canvas:
    """A canvas of pixels, each by itself, for comparison: it grows noise that no data set holds."""
    drawn = torch.randn(count, channels, *size, generator=torch.Generator().manual_seed(seed)) * 0.05
    return Canvas(drawn, torch.sigmoid)


def jitter(pixels: int) -> Transform:
    """Shifts by up to so many pixels either way; what leaves on one side is mirrored."""

    def shift(picture: Tensor, random: torch.Generator) -> Tensor:
        if pixels < 1:
            return picture
        padded = functional.pad(picture, (pixels,) * 4, mode="reflect")
        y, x = (int(torch.randint(2 * pixels + 1, (1,), generator=random)) for _ in range(2))
        return padded[..., y : y + picture.shape[2], x : x + picture.shape[3]]

    return shift


def turn(degrees: float, scale: float) -> Transform:
    """Turns by up to ``degrees`` and scales by up to ``scale`` (0.1: by 0.9 to 1.1) about the middle."""

    def warp(picture: Tensor, random: torch.Generator) -> Tensor:
        first, second = (2 * torch.rand(2, generator=random) - 1).tolist()
        angle, factor = np.radians(degrees) * first, 1 + scale * second
        cosine, sine = float(np.cos(angle) / factor), float(np.sin(angle) / factor)
        matrix = torch.tensor([[[cosine, -sine, 0.0], [sine, cosine, 0.0]]])
        grid = functional.affine_grid(matrix.expand(len(picture), 2, 3), list(picture.shape), align_corners=False)
        return functional.grid_sample(picture, grid, padding_mode="reflection", align_corners=False)

    return warp


def robust(size: tuple[int, int]) -> tuple[Transform, ...]:
    """The transforms for a picture of this size: Lucid's, in proportion to 224 pixels."""
    side = min(size)
    return jitter(round(side * 8 / 224)), turn(5, 0.1), jitter(round(side * 4 / 224))


@dataclass(frozen=True, eq=False)
class FeatureVisualization:
    """A picture that was grown: ``pixels`` (H, W, C) uint8, and how high its objective is on exactly these pixels.

    ``start`` is the same at the beginning, ``course`` step by step as the transforms showed it.
    """

    objective: str
    pixels: NDArray[np.uint8]
    value: float
    start: float
    course: tuple[float, ...]


def maximise(
    model: Model,
    objective: Objective,
    *,
    steps: int = STEPS,
    seed: int = 0,
    rate: float = RATE,
    canvas: Canvas | None = None,
    transforms: Sequence[Transform] | None = None,
) -> FeatureVisualization:
    """Grow a picture that an objective is as high on as it can be; the best of all steps is kept.

    Nothing that the objective does not need is computed, and no weight is changed. The same seed gives the same
    picture. Source: Olah et al. 2017.

    Example: ``maximise(model, of_class(model, 1), steps=2).pixels.shape`` is ``(16, 16, 3)``.
    """
    if steps < 1:
        raise DescribeError(f"a picture cannot grow in {steps} steps")
    size, channels = model.shape.size, model.shape.channels
    small = max(size) <= SMALL
    drawn = fourier(size, channels, seed=seed, count=TRIES if small else 1) if canvas is None else canvas
    moves = robust(size) if transforms is None else transforms
    slope = Objective(objective.name, tuple((_sloped(model, part), score) for part, score in objective.terms))
    random = torch.Generator().manual_seed(seed)
    numbers = drawn.numbers.clone().requires_grad_(True)
    climb = _Adam(numbers, rate)
    best, highest = _best(model, objective, drawn.picture(numbers))
    start, course = highest, []
    for step in range(steps):
        picture = drawn.picture(numbers)
        for move in () if small and 4 * step >= 3 * steps else moves:  # a few pixels: at last as they stand
            picture = move(picture, random)
        values = _scores(model, slope, 255 * picture)
        course.append(float(values.detach().max()))
        (gradient,) = torch.autograd.grad(values.sum(), [numbers])
        climb.step(gradient)
        if (step + 1) % LOOK == 0 or step + 1 == steps:
            now, reached = _best(model, objective, drawn.picture(numbers))
            if reached > highest:
                best, highest = now, reached
    return FeatureVisualization(objective.name, best, highest, start, tuple(course))


class _Adam:
    """Adam (Kingma and Ba 2015, algorithm 1), upwards. Torch's would import its compiler first: a second."""

    def __init__(self, numbers: Tensor, rate: float) -> None:
        self.numbers, self.rate, self.steps = numbers, rate, 0
        self.mean, self.square = torch.zeros_like(numbers), torch.zeros_like(numbers)

    @torch.no_grad()
    def step(self, gradient: Tensor) -> None:
        self.steps += 1
        self.mean.lerp_(gradient, 1 - _BETAS[0])
        self.square.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
        size = (self.square / (1 - _BETAS[1] ** self.steps)).sqrt_().add_(_EPSILON)
        self.numbers.addcdiv_(self.mean, size, value=self.rate / (1 - _BETAS[0] ** self.steps))


def _mean(values: Tensor, number: int) -> Tensor:
    """Return a channel on average over its places, (N,)."""
    one = values[:, number]
    return one if one.dim() == 1 else one.flatten(1).mean(1)


def _sloped(model: Model, part: str) -> str:
    """Return the part whose output grows in place of this one's: of a rectifier, which is flat where it is off, what
    goes into it.
    """
    survey = _survey(model)
    if survey.why is not None:  # what a module of somebody's code reads is not known
        return part
    return model.source(part) if part_row(survey, part).layer in ("relu", "relu6") else part


def _scores(model: Model, objective: Objective, pixels: Tensor) -> Tensor:
    """Return the objective of each picture, (N,)."""
    inputs = model.normalise(pixels)
    return torch.stack([score(model.until(inputs, part)) for part, score in objective.terms]).sum(0)


@torch.no_grad()
def _best(model: Model, objective: Objective, pictures: Tensor) -> tuple[NDArray[np.uint8], float]:
    """Return the best of some pictures as pixels, and how high the objective is on just these pixels."""
    rounded = (255 * pictures).round().clamp(0, 255).to(torch.uint8)
    values = _scores(model, objective, rounded)
    index = int(values.argmax())
    pixels: NDArray[np.uint8] = rounded[index].permute(1, 2, 0).contiguous().numpy()
    return pixels, float(values[index])


def _survey(model: Model) -> Survey:
    return model.net.on(model.shape, fit="floor")


def _check(model: Model, part: str, number: int) -> tuple[int, int]:
    row = part_row(_survey(model), part)
    require_channel(row, number)
    size: tuple[int, int] = row.shape.size
    return size
