"""Why this box: the question about one object that was found, and the cell of the output that found it. Torch late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from striate.errors import DescribeError
from striate.tasks.cells import PRIOR
from striate.tasks.question import AnswerCell, Question

if TYPE_CHECKING:
    from torch import Tensor

    from striate.tasks.boxes import Boxes
    from striate.tasks.cells import Cells


@dataclass(frozen=True)
class BoxQuestion(Question):
    """Why box ``number`` is there: what raises the logit of its class in the cell that made it, and what lowers it.

    ``place`` is where that logit stands in the flat output, ``name`` the class, ``box`` the place in pixels of the
    input. A ``number`` of 0 is a box that is not said. ``at`` is the cell of the output that made it, and ``words`` are
    its score and place.

    Example: ``BoxQuestion(2, "RBC", 17, (0.0, 0.0, 9.0, 9.0)).title`` is ``"Why is box 2 RBC?"``
    """

    number: int
    name: str
    place: int
    box: tuple[float, float, float, float]
    at: AnswerCell | None = None
    words: str = ""

    @property
    def title(self) -> str:  # noqa: D102
        return f"Why is box {self.number} {self.name}?" if self.number else f"What is most like {self.name}, and why?"

    @property
    def told(self) -> str:  # noqa: D102
        return self.words

    @property
    def cell(self) -> AnswerCell | None:  # noqa: D102
        return self.at

    @property
    def answer(self) -> str:  # noqa: D102
        return f"{self.name} (box {self.number})" if self.number else f"{self.name}, not said"

    @property
    def unit(self) -> str:  # noqa: D102
        return f"score of {self.name} in the cell of this box"

    def score(self, output: Tensor) -> Tensor:
        """Return the logit of the class in the cell (N,) of outputs (N, S). Errors: DescribeError for other outputs."""
        flat = output.flatten(1)
        if not 0 <= self.place < flat.shape[1]:
            raise DescribeError(f"there is no number {self.place} in an output of {flat.shape[1]:,}")
        return flat[:, self.place]

    def level(self, output: Tensor) -> Tensor:
        """Return the score (N,), before calibration."""
        return (self.score(output) + PRIOR).sigmoid()

    def value(self, output: Tensor) -> float:  # noqa: D102
        return float(self.level(output)[0])


def box_question(answer: Boxes, row: int, number: int, cells: Cells) -> BoxQuestion:
    """Return the question about a row of an answer, in pixels of the input: box ``number``, 0 where it is not said."""
    kind, made_by = int(answer.classes[row]), int(answer.made_by[row])
    name, score, threshold = answer.names[kind], float(answer.scores[row]), float(answer.thresholds[kind])
    words = (
        f"Box {number}: {name} {score:.2f}, said from {threshold:.2f} on"
        if number
        else f"{name} {score:.2f}, not said: that is from {threshold:.2f} on"
    )
    left, top, right, bottom = answer.boxes[row].tolist()
    at, place = AnswerCell(*cells.where(made_by), kind), cells.place(made_by, kind)
    return BoxQuestion(number, name, place, (left, top, right, bottom), at, words)
