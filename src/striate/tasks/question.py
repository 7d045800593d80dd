"""What may be asked of an answer: why this class, what raises this number. One value says it to every method.

A question turns what a net puts out into the scalar that is explained. Its methods take tensors, and torch is imported
only where they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


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
