# ruff: noqa: D102  (what an overriding method answers is said once, at its base)
"""A network that only its author's code can be: it has a survey of what was seen of it, and no text to read back."""

from __future__ import annotations

import re
from typing import ClassVar

from striate.errors import DescribeError, ShapeError
from striate.spec.layer import Layer
from striate.spec.net import Net, node
from striate.spec.shape import Shape
from striate.spec.survey import Part, Survey

WORD = "module"


@node
class Code(Layer):
    """A ``torch.nn.Module`` of the user's own, as far as it is known: what it is called, and what was seen of it.

    ``why`` says in a sentence why it cannot be written as a net of layers, ``normed`` whether it has a norm inside,
    ``rows`` what its modules put out for one picture of ``given``. Its text, ``module app.MyNet``, names it and no
    more: `parse` refuses it with the remedy.
    """

    keyword: ClassVar[str] = WORD
    name_of_class: str
    why: str
    normed: bool
    given: Shape
    output: Shape
    rows: tuple[Part, ...]

    def shape(self, given: Shape) -> Shape:
        if given != self.given:
            raise ShapeError(f"{self} was surveyed on {self.given}, not on {given}: adopt it with that input")
        return self.output

    def on(
        self,
        channels: int | Shape,
        height: int | None = None,
        width: int | None = None,
        *,
        classes: int | None = None,
        fit: str = "exact",
    ) -> Survey:
        """What was seen of it on its input; which pixels it never looks at is not known, so none are refused."""
        given = channels if isinstance(channels, Shape) else Shape(channels, height, width)
        return Survey(self, given, self.shape(given), self.rows, None, None, self.why)

    def with_classes(self, classes: int) -> Net:
        return self

    def __str__(self) -> str:
        return f"{WORD} {self.name_of_class}"

    def __repr__(self) -> str:
        return f"<{self}>"


def is_code(text: str) -> bool:
    """Say whether the text of a net is that of a `Code`."""
    return re.fullmatch(rf"{WORD} [\w.]+", text.strip()) is not None


def refuse_code(text: str) -> None:
    """Raise `DescribeError` for the text of a `Code`, saying how to go on; do nothing for any other text."""
    if is_code(text):
        raise DescribeError(
            f"{text.strip()} is a network that only its own code can be, and the text names no more than its class;"
            f" with that code: striate.adopt({text.strip().rpartition('.')[2]}(...), input=..., classes=...)"
            ".load(FILE_OR_RUN)"
        )
