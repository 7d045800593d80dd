"""What may be asked of an answer: why this class, what raises this number. One value says it to every method.

A question turns what a net puts out into the scalar that is explained. Its methods take tensors, and torch is imported
only where they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Place:
    """Where something is asked about: ``box`` is left, top, right, bottom in pixels of the network's input.

    Of a point left and right are the same, and top and bottom. ``size`` is the height and width of the input, ``told``
    where it is in pixels of the picture, in words; ``word`` the class that is asked about there, None for what is said.

    Example: ``Place((3.0, 4.0, 3.0, 4.0), (8, 8), "at pixel 6, 8").is_point`` is True.
    """

    box: tuple[float, float, float, float]
    size: tuple[int, int]
    told: str
    word: str | int | None = None

    @property
    def is_point(self) -> bool:
        """Whether it is a point, and no box."""
        return self.box[:2] == self.box[2:]


Word: TypeAlias = "str | int | Place | Question | None"
"""What is asked about: a class, a tag or a number by its name, one of several by its number, a place; a question."""


def told_box(box: Sequence[float], *, bare: bool = False) -> str:
    """Return a box of a picture in words. Example: ``told_box((1, 2, 30.5, 40))`` is ``"the box 1, 2 to 30.5, 40"``."""
    left, top, right, bottom = (f"{float(side):.1f}".removesuffix(".0") for side in box)
    return f"{left}, {top} to {right}, {bottom}" if bare else f"the box {left}, {top} to {right}, {bottom}"


class AnswerCell(NamedTuple):
    """One number of what a net answers with: which of the maps that it ends in (from 0), where on it, what channel."""

    level: int
    row: int
    column: int
    channel: int


class Question(ABC):
    """A question about a net's main output (N, K). It is frozen, and equal to one that asks the same.

    ``title`` is the question as a heading: "Why did it say cat?".
    """

    @property
    @abstractmethod
    def title(self) -> str:
        """The question as a person asks it."""

    @property
    @abstractmethod
    def answer(self) -> str:
        """What it is about, in a word or two: cat, the angle."""

    @property
    def against(self) -> str | None:
        """What the answer is held against, in a word or two; None where it stands alone."""
        return None

    @property
    def unit(self) -> str:
        """What `level` is called on an axis: ``probability of cat``."""
        return f"strength of {self.answer}"

    @property
    def told(self) -> str:
        """What the net says of what is asked about, in a sentence with its figures; "" where its answer says it."""
        return ""

    @property
    def cell(self) -> AnswerCell | None:
        """The one place of the answer that is asked about; None where it is the whole answer, or many places."""
        return None

    @abstractmethod
    def score(self, output: Tensor) -> Tensor:
        """Return the scalar that is explained, (N,) of outputs (N, K): what raises it is evidence for the answer.

        Errors: DescribeError for outputs that are not one vector a picture, or that this cannot be asked of.
        """

    @abstractmethod
    def level(self, output: Tensor) -> Tensor:
        """Return how much of the answer is left (N,), 1 all of it and 0 nothing, of outputs (N, K).

        Row 0 is of the whole picture and row 1 of nothing of it: what has no scale of its own is measured by these.
        """

    @abstractmethod
    def value(self, output: Tensor) -> float:
        """Return what a person reads of row 0: a probability, a number."""

    @property
    def signed(self) -> bool:
        """Whether what lowers the score is asked about as much as what raises it: a number, not a class."""
        return False

    @property
    def kind(self) -> Hashable:
        """What questions have in common of which `renewed` makes the same; here each is its own kind."""
        return self

    def renewed(self, output: Tensor) -> Question:
        """Return the same kind of question about what another network says, output (1, K); here the very same."""
        return self

    def margin(self, output: Tensor) -> Tensor | None:
        """Return by how much the answer stands (N,), below 0 where it is another; None where that has no meaning."""
        return None
