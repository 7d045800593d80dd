"""Why this class, or why this one and not that one: the questions about a classifier's answer. Torch comes late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from striate.errors import DescribeError, StriateError
from striate.tasks.question import Question

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ClassQuestion(Question):
    """Why class ``target``; with a ``rival``, why it and not that one: the difference of the two logits.

    ``classes`` are their names; without these they go by number.

    Example: ``ClassQuestion(0, classes=("cat", "dog")).title`` is ``"Why did it say cat?"``
    """

    target: int
    rival: int | None = None
    classes: tuple[str, ...] = ()

    @property
    def title(self) -> str:  # noqa: D102
        return f"Why did it say {self.answer}" + (f" and not {self.against}?" if self.against else "?")

    @property
    def answer(self) -> str:  # noqa: D102
        return self._name(self.target)

    @property
    def against(self) -> str | None:  # noqa: D102
        return None if self.rival is None else self._name(self.rival)

    @property
    def unit(self) -> str:  # noqa: D102
        return f"probability of {self.answer}"

    def _name(self, number: int) -> str:
        return self.classes[number] if 0 <= number < len(self.classes) else f"class {number}"

    def score(self, output: Tensor) -> Tensor:
        """Return what evidence is sought for, (N,) of logits (N, K): a logit, or the difference of two.

        Errors: DescribeError for outputs that are not one vector a picture, or a class that is not there.
        """
        if output.dim() != 2:
            raise DescribeError(f"evidence is of a classifier's answer; this net puts out {tuple(output.shape[1:])}")
        for number in (self.target, self.rival or 0):
            if not 0 <= number < output.shape[1]:
                raise DescribeError(f"there is no class {number}: they go from 0 to {output.shape[1] - 1}")
        if self.rival == self.target:
            raise DescribeError(f"class {self.target} against itself asks nothing; name two classes")
        chosen = output[:, self.target]
        return chosen if self.rival is None else chosen - output[:, self.rival]

    def level(self, output: Tensor) -> Tensor:
        """Return the probability of the target (N,): among all classes, or among the two that are compared."""
        if self.rival is not None:
            return self.score(output).sigmoid()
        return output.softmax(1)[:, self.target]

    def value(self, output: Tensor) -> float:  # noqa: D102
        return float(self.level(output)[0])

    @property
    def kind(self) -> bool:
        """Whether it is held against another class."""
        return self.rival is not None

    def renewed(self, output: Tensor) -> ClassQuestion:
        """Return the same about the likeliest class of another network, held against its second where this one is."""
        first, second = output[0].topk(2).indices.tolist()
        return ClassQuestion(first, second if self.rival is not None else None, self.classes)

    def margin(self, output: Tensor) -> Tensor:
        """Return by how much the target leads the best other (N,), in probability; below 0 where another leads."""
        others = output.softmax(1)
        own = others[:, self.target].clone()
        others[:, self.target] = -1
        return own - others.amax(1)


def class_question(
    logits: Sequence[float],
    classes: tuple[str, ...],
    target: str | int | None = None,
    against: str | int | None = None,
) -> ClassQuestion:
    """Return the question about classes given by name or number; the likeliest where None.

    Of two classes the answer is always held against the other, as that is what decides. Errors: StriateError for a
    class that is not there, DescribeError for one against itself.

    Example: ``class_question([2.0, 0.0], ("cat", "dog")).against`` is ``"dog"``
    """
    chosen = max(range(len(logits)), key=lambda place: logits[place]) if target is None else _number(classes, target)
    other = None if against is None else _number(classes, against)
    if other is None and len(logits) == 2:
        other = 1 - chosen
    if other == chosen and 0 <= chosen < len(classes):
        name, rest = classes[chosen], [name for place, name in enumerate(classes) if place != chosen]
        what = "what it says itself" if target is None else "the class asked about"
        raise DescribeError(
            f"{name!r} is {what}, and against itself it asks nothing; name another class, such as {', '.join(rest[:3])}"
            if rest
            else f"{name!r} is its only class: there is nothing to hold it against"
        )
    for number in (chosen, other or 0):
        if not 0 <= number < len(logits):
            raise DescribeError(f"there is no class {number}: they go from 0 to {len(logits) - 1}")
    if other == chosen:
        raise DescribeError(f"class {chosen} against itself asks nothing; name two classes")
    return ClassQuestion(chosen, other, classes)


def _number(classes: tuple[str, ...], which: str | int) -> int:
    if isinstance(which, int):
        return which
    if which in classes:
        return classes.index(which)
    near = get_close_matches(which, classes, n=3) or list(classes[:5])
    raise StriateError(f"there is no class {which!r}; near it: {', '.join(near)}")
