"""Why this class at this pixel, or wherever it was said: the questions about masks. Torch comes late."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from striate.errors import DescribeError, StriateError
from striate.tasks.answering import wrong_word
from striate.tasks.question import Question

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MaskQuestion(Question):
    """Why class ``target`` on some cells of a net's last map; with a ``rival``, why it and not that one.

    ``size`` is that of the map, (h, w), and ``inside`` says of each cell, one byte each, whether it is asked about.
    ``at`` is the pixel asked about, in words; "" where it is all that was said to be of the class. ``said``: whether
    it was said there.
    """

    target: int
    size: tuple[int, int]
    inside: bytes
    classes: tuple[str, ...]
    rival: int | None = None
    at: str = ""
    said: bool = True

    @property
    def title(self) -> str:  # noqa: D102
        where = f" at {self.at}" if self.at else ""
        against = f" and not {self.against}" if self.against else ""
        return f"Why did it {'' if self.said else 'not '}say {self.answer}{against}{where}?"

    @property
    def answer(self) -> str:  # noqa: D102
        return self.classes[self.target]

    @property
    def against(self) -> str | None:  # noqa: D102
        return None if self.rival is None else self.classes[self.rival]

    @property
    def unit(self) -> str:  # noqa: D102
        return f"probability of {self.answer}" + (f" at {self.at}" if self.at else " where it was said")

    def score(self, output: Tensor) -> Tensor:
        """Return the mean logit of the target over the cells asked about, (N,) of (N, K, h, w), less that of a rival.

        Errors: DescribeError for outputs of another size.
        """
        chosen = self._cells(output)
        own = chosen[:, self.target]
        return (own if self.rival is None else own - chosen[:, self.rival]).mean(1)

    def level(self, output: Tensor) -> Tensor:
        """Return the mean probability of the target over the cells (N,): among all classes, or the two compared."""
        chosen = self._cells(output)
        if self.rival is not None:
            return (chosen[:, self.target] - chosen[:, self.rival]).sigmoid().mean(1)
        return chosen.softmax(1)[:, self.target].mean(1)

    def value(self, output: Tensor) -> float:  # noqa: D102
        return float(self.level(output)[0])

    @property
    def kind(self) -> Hashable:
        """Whether it is about a pixel, and which; whether it is held against another class."""
        return self.at, self.rival is not None

    def renewed(self, output: Tensor) -> MaskQuestion:
        """Return the same about what another network says: the class it says of most of the picture, or at the pixel.

        Where this one is held against another class, so is that, against the second.
        """
        maps = output[0].detach().cpu().numpy()
        where = np.frombuffer(self.inside, bool) if self.at else np.ones(self.size[0] * self.size[1], bool)
        first, second = _likeliest(maps.reshape(len(maps), -1)[:, where])
        own = self.inside if self.at else (maps.argmax(0) == first).tobytes()
        rival = second if self.rival is not None and len(maps) > 1 else None
        return replace(self, target=first, rival=rival, inside=own, said=True)

    def margin(self, output: Tensor) -> Tensor:
        """Return by how much the target leads the best other class (N,), in probability, in the mean over the cells."""
        likely = self._cells(output).softmax(1)
        own = likely[:, self.target].clone()
        likely[:, self.target] = -1
        lead = (own - likely.amax(1)).mean(1)
        return lead if self.said else -lead

    def _cells(self, output: Tensor) -> Tensor:
        """Return the logits (N, K, P) of the cells asked about."""
        import torch

        if output.dim() != 4 or tuple(output.shape[2:]) != self.size or output.shape[1] != len(self.classes):
            wanted = f"{len(self.classes)}x{self.size[0]}x{self.size[1]}"
            raise DescribeError(f"it is asked about maps of {wanted}; this net puts out {tuple(output.shape[1:])}")
        inside = torch.frombuffer(bytearray(self.inside), dtype=torch.bool).to(output.device)
        return output.flatten(2)[:, :, inside]


def mask_question(
    maps: NDArray[np.floating],
    classes: tuple[str, ...],
    input_size: tuple[int, int],
    word: str | int | None = None,
    against: str | int | None = None,
) -> MaskQuestion:
    """Return the question about maps (K, h, w): a pixel ("x,y" in the input), or a class by its name or number.

    Without a word it is about the class that most of the picture is said to be of. Of one that is said nowhere it is
    why not, where it comes nearest to being said. Errors: StriateError, DescribeError for a class against itself.
    """
    size = (maps.shape[1], maps.shape[2])
    best, other = maps.argmax(0), None if against is None else _number(classes, against)
    pixel = _pixel(word, input_size) if isinstance(word, str) and word not in classes else None
    if pixel is not None:
        row, column = int(pixel[1] * size[0] / input_size[0]), int(pixel[0] * size[1] / input_size[1])
        inside = np.zeros(size, bool)
        inside[row, column] = True
        target, said, at = int(best[row, column]), True, f"{pixel[0]:g}, {pixel[1]:g}"
    else:
        target = _likeliest(maps.reshape(len(maps), -1))[0] if word is None else _number(classes, word)
        inside, said, at = best == target, True, ""
        if not inside.any():
            lead = maps[target] - maps.max(0)
            inside, said = lead == lead.max(), False
    if other == target:
        raise DescribeError(f"{classes[target]!r} against itself asks nothing; name another class")
    return MaskQuestion(target, size, inside.tobytes(), classes, other, at, said)


def _likeliest(cells: NDArray[np.floating]) -> tuple[int, int]:
    """Return the class that most of some cells (K, P) are said to be of, and the second."""
    order = np.argsort(-np.bincount(cells.argmax(0), minlength=len(cells)), kind="stable").tolist()
    return order[0], order[1] if len(order) > 1 else order[0]


def _pixel(word: str, size: tuple[int, int]) -> tuple[float, float] | None:
    """Return the pixel (x, y) that a word says; None where it says none. Errors: StriateError for one outside."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*[, ]\s*(\d+(?:\.\d+)?)\s*", word)
    if found is None:
        return None
    x, y = float(found[1]), float(found[2])
    if x >= size[1] or y >= size[0]:
        raise StriateError(
            f"there is no pixel {x:g}, {y:g}: across they go from 0 to {size[1] - 1}, and down from 0 to {size[0] - 1}"
        )
    return x, y


def _number(classes: Sequence[str], which: str | int) -> int:
    if isinstance(which, str):
        if which not in classes:
            raise wrong_word(which, classes, "class")
        return classes.index(which)
    if not 0 <= which < len(classes):
        raise StriateError(f"there is no class {which}: they go from 0 to {len(classes) - 1}")
    return which
