"""What excites a channel: the patches of a data set that it answers to most, each as large as the channel can see.

A patch is proven by `replay`: its crop alone, run through the same parts, gives back the activation that was recorded.
Imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data.pictures.crop_transform import Box
from striate.errors import DescribeError
from striate.model.build.model import Model
from striate.spec.field import Reach
from striate.spec.survey import Part, Survey

NINE = 9
_BATCH = 64
_WHOLE = ("groupnorm", "adaptiveavgpool")  # what these make of a place depends on the size of the picture


@dataclass(frozen=True)
class Patch:
    """Where in which picture a channel answered most.

    ``picture`` is the row of the pixels searched, ``place`` (row, column) in the channel's map. ``box`` bounds the
    pixels it can see, within the picture; ``border``: its window reaches into the padding, so that zeros around the
    picture took part in the activation.
    """

    picture: int
    activation: float
    place: tuple[int, int]
    box: Box
    border: bool


@dataclass(frozen=True, eq=False)
class TopActivations:
    """What excites some channels of a part in a data set.

    ``patches``: for each channel the strongest, at most one a picture, strongest first. ``highest`` (N, channels) is
    the highest activation in every picture.
    """

    part: str
    channels: tuple[int, ...]
    patches: tuple[tuple[Patch, ...], ...]
    highest: NDArray[np.float32]

    def percentile(self, channel: int, share: float) -> float:
        """Return the activation that ``share`` percent of the pictures stay below at their strongest place."""
        return float(np.percentile(self.highest[:, self.channels.index(channel)], share))


@torch.no_grad()
def top_activations(
    model: Model,
    pixels: NDArray[np.uint8],
    part: str,
    channels: Sequence[int],
    *,
    rows: Sequence[int] | NDArray[np.int64] | None = None,
    most: int = NINE,
) -> TopActivations:
    """Search pictures (N, H, W, C) uint8 for what excites channels of a part most.

    ``rows`` are the pictures searched, all when None; ``part`` a row of the survey, a layer or a join. Of every picture
    only the highest value of each channel is kept. Errors: DescribeError for a part or a channel that is not there.

    Source: Zeiler and Fergus 2014, section 4.1 (top nine).

    Example: ``top_activations(model, store.pixels, "conv2", [5], most=3)``
    """
    survey = model.net.on(model.shape, fit="floor")
    row = part_row(survey, part)
    for channel in channels:
        require_channel(row, channel)
    chosen = np.arange(len(pixels)) if rows is None else np.asarray(rows, np.int64)
    if not len(chosen):
        raise DescribeError(f"no pictures to search for what excites {part}")
    width = row.shape.size[1] if row.shape.is_map else 1
    device, wanted = next(model.buffers()).device, list(channels)
    tops, places = [], []
    for start in range(0, len(chosen), _BATCH):
        batch = torch.from_numpy(np.ascontiguousarray(pixels[chosen[start : start + _BATCH]])).to(device)
        values = model.until(model.normalise(batch.permute(0, 3, 1, 2).contiguous()), part)[:, wanted].flatten(2)
        top, first = (values[..., None] if values.dim() == 2 else values).max(2)
        tops.append(top.cpu().numpy())
        places.append(first.cpu().numpy())
    highest, where = np.concatenate(tops), np.concatenate(places)
    patches = []
    for index in range(len(channels)):
        order = np.argsort(-highest[:, index], kind="stable")[:most]
        found = []
        for one in order:
            place = divmod(int(where[one, index]), width)
            box, border = frame(survey, part, place)
            found.append(Patch(int(chosen[one]), float(highest[one, index]), place, box, border))
        patches.append(tuple(found))
    return TopActivations(part, tuple(channels), tuple(patches), highest)


def frame(survey: Survey, part: str, place: tuple[int, int]) -> tuple[Box, bool]:
    """Return the box of pixels that a place of a part can see, and whether its window reaches beyond the picture.

    Of somebody's code that is not known: it may be all of the picture.
    """
    row, (height, width) = part_row(survey, part), survey.input.size
    if survey.why is not None:
        return Box(0, 0, height, width), False
    rows, columns = survey.bounds(part, *place)
    assert row.field is not None  # pictures are maps
    spans = row.field.height.span(place[0]), row.field.width.span(place[1])
    border = any(first < 0 or last >= side for (first, last), side in zip(spans, (height, width), strict=True))
    return Box(rows.start, columns.start, rows.stop, columns.stop), border


@torch.no_grad()
def replay(model: Model, pixels: NDArray[np.uint8], part: str, channel: int, place: tuple[int, int]) -> float:
    """Return the activation that the crop of one picture (H, W, C) at the receptive field of a place gives by itself.

    The crop begins where all windows on the way fall as they do in the whole picture: up to one jump before the field,
    in pixels that the place cannot see. Where the field ends beyond the picture, so does the crop end with it, and the
    net pads there as it did. Past what sees the whole picture the crop is the whole picture.
    """
    survey = model.net.on(model.shape, fit="floor")
    row = part_row(survey, part)
    assert row.field is not None
    before = _before(survey, row)
    whole = any(one.layer.split()[0] in _WHOLE for one in before)
    cuts, at = [], []
    for axis, side in enumerate(survey.input.size):
        reach: Reach = row.field[axis]
        first, last = reach.span(place[axis])
        jumps = [one.field[axis].jump for one in before if one.field]
        if whole or 0 in jumps or first < 0:
            begin = 0
        else:
            step = lcm(*(Fraction(jump).numerator for jump in jumps))
            begin = first // step * step
        end = side if whole or 0 in jumps else min(side, last + 1)
        cuts.append(slice(begin, end))
        at.append(place[axis] if begin == 0 else place[axis] - int(begin / Fraction(reach.jump)))
    crop = pixels[cuts[0], cuts[1]].transpose(2, 0, 1)[None].copy()
    device = next(model.buffers()).device
    values = model.until(model.normalise(torch.from_numpy(crop).to(device)), part)[0, channel]
    return float(values[at[0], at[1]] if values.dim() == 2 else values)


def _before(survey: Survey, row: Part) -> list[Part]:
    """Return the parts up to this one in the order they work; some of them may be on other ways."""
    rows = [one for one in survey.rows if not one.auxiliary or one is row]
    return rows[: rows.index(row) + 1]


def part_row(survey: Survey, part: str) -> Part:
    """Return the row of a layer or join. Errors: DescribeError."""
    found = next((row for row in survey.rows if row.path == part), None)
    if found is None:
        raise DescribeError(f"there is no layer or join {part!r} in this net")
    return found


def require_channel(row: Part, channel: int) -> None:
    """Raise DescribeError for a channel that a part has not."""
    if not 0 <= channel < row.shape.channels:
        raise DescribeError(
            f"{row.path} has no channel {channel}: it puts out {row.shape.channels}, numbered from 0 to "
            f"{row.shape.channels - 1}"
        )
