"""What is asked about a place: from what a person says, in pixels of the picture, to what a task is asked. No torch.

A picture of a run's own data set is known again by its content; its labels, which the run keeps, say what is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from striate.errors import DescribeError, StriateError
from striate.tasks.missed import Wanted
from striate.tasks.prediction import Prediction
from striate.tasks.question import Place, Word, told_box
from striate.tasks.task import Task
from striate.verbs.learnt_from import labelled

if TYPE_CHECKING:
    from striate.data.pictures.crop_transform import CropTransform
    from striate.data.pictures.given import Picture
    from striate.interpret.torch_probe import TorchProbe
    from striate.verbs.probe import Network


@dataclass(frozen=True)
class Asked:
    """What a person asks about an answer; places are in pixels of the picture, x first, as it is seen.

    ``why`` is a class, a tag or a number by its name; ``object`` a box by its number from 1; ``pixel`` (x, y) and
    ``box`` (left, top, right, bottom) a part of the picture. ``missed`` is an object that was not found: the number
    from 1 of those that the picture's label has and no box found, a point that it lies at, or a box around it.
    """

    why: str | int | None = None
    object: int | None = None
    pixel: Sequence[float] | None = None
    box: Sequence[float] | None = None
    missed: int | Sequence[float] | None = None
    against: str | int | None = None
    method: str | None = None
    change: bool = False

    @property
    def said(self) -> tuple[str, ...]:
        """The names of what is asked."""
        return tuple(name for name, value in vars(self).items() if value is not None and value is not False)

    @property
    def words(self) -> str | None:
        """The names of what is asked, None where nothing is."""
        return ", ".join(self.said) or None


WAYS = ("object", "pixel", "box", "missed")


def check_asked(task: Task, asked: Asked) -> None:
    """Refuse what the task cannot be asked, and what does not go together. Errors: DescribeError."""
    ways = [way for way in WAYS if way in asked.said]
    if len(ways) > 1:
        raise DescribeError(f"{' and '.join(ways)} are asked about together; ask about one of them")
    if ways and ways[0] not in task.asks:
        there = [way for way in WAYS if way in task.asks]
        can = f"it takes {' or '.join(there)}" if there else "it answers for the whole picture, and takes a class"
        raise DescribeError(f"a model of the task {task.name} is not asked about {_a(ways[0])}: {can}")
    if "object" in ways and asked.why is not None:
        raise DescribeError("a box is asked about by its number alone; leave the class out")
    for name in ("against", "change"):
        if "missed" in ways and name in asked.said:
            raise DescribeError(f"{name} is of what was said, and missed of what was not; leave one out")


def word_of(probe: TorchProbe, asked: Asked) -> Word:
    """Return what a task is asked. Errors: StriateError for a place that is not in the picture."""
    if asked.object is not None:
        return asked.object
    if asked.pixel is not None:
        x, y = _numbers(asked.pixel, 2, "a pixel", "x and y, such as 120,80")
        _check_inside(probe.frame, (x, y, x, y))
        (column, row), size = probe.frame.points([[x + 0.5, y + 0.5]])[0].tolist(), probe.frame.size
        if not (0 <= column < size[1] and 0 <= row < size[0]):
            raise DescribeError(f"pixel {x:g}, {y:g} is not in what the network is given: that part was cut off")
        return Place((column, row, column, row), size, f"at pixel {x:g}, {y:g}", asked.why)
    if asked.box is not None:
        left, top, right, bottom = _box(asked.box)
        _check_inside(probe.frame, (left, top, right - 1, bottom - 1))
        there = probe.frame.boxes([[left, top, right, bottom]])
        if not there.visible[0]:
            raise DescribeError(
                f"nothing of {told_box(asked.box)} is in what the network is given: that part was cut off"
            )
        a, b, c, d = there.boxes[0].tolist()
        return Place((a, b, c, d), probe.frame.size, f"in {told_box(asked.box)}", asked.why)
    return asked.why


def wanted(probe: TorchProbe, answer: Prediction, asked: Asked, picture: Picture, network: Network) -> Wanted:
    """Return the object that was missed. Errors: StriateError for one that is not there."""
    assert asked.missed is not None
    if not isinstance(asked.missed, int):
        if len(asked.missed) == 4:
            left, top, right, bottom = _box(asked.missed)
            _check_inside(probe.frame, (left, top, right - 1, bottom - 1))
            return Wanted((left, top, right, bottom), f"in {told_box(asked.missed)}", asked.why)
        x, y = _numbers(asked.missed, 2, "what was missed", "its number, a point x,y in it, or left,top,right,bottom")
        _check_inside(probe.frame, (x, y, x, y))
        return Wanted((x + 0.5, y + 0.5, x + 0.5, y + 0.5), f"at {x:g}, {y:g}", asked.why)
    if asked.why is not None:
        raise DescribeError("what was missed by its number has its class from the label; leave the class out")
    found = labelled(picture, network)
    if found is None:
        raise DescribeError(
            "this picture is none of the run's own, so that nobody knows what was missed in it; say where it is: a"
            " point x,y in it, or left,top,right,bottom around it"
        )
    return probe.task.missed_object(answer, found.values, asked.missed)


def _box(sides: Sequence[float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = _numbers(sides, 4, "a box", "left, top, right and bottom, such as 10,20,60,90")
    if right <= left or bottom <= top:
        raise DescribeError(
            f"{told_box(sides)} has no area: the right has to be beyond the left, the bottom below the top"
        )
    return left, top, right, bottom


def _numbers(values: Sequence[float], many: int, what: str, form: str) -> tuple[float, ...]:
    found = tuple(float(value) for value in values)
    if len(found) != many or not np.isfinite(found).all():
        raise StriateError(f"{what} is {form}, not {', '.join(f'{value:g}' for value in found) or 'nothing'}")
    return found


def _check_inside(frame: CropTransform, box: tuple[float, float, float, float]) -> None:
    height, width = frame.picture
    for x, y in (box[:2], box[2:]):
        if not (0 <= x < width and 0 <= y < height):
            raise DescribeError(
                f"{x:g}, {y:g} is not in the picture: across it goes from 0 to {width - 1}, and down from 0 to"
                f" {height - 1}"
            )


def _a(way: str) -> str:
    return {"object": "a box by its number", "pixel": "a pixel", "box": "a box", "missed": "what was missed"}[way]
