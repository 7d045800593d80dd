"""Why this class at this pixel, in this box, or wherever it was said: the questions about masks. Torch comes late."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from striate.errors import DescribeError
from striate.tasks.answering import number_of
from striate.tasks.masks_pixels import logits_at
from striate.tasks.question import AnswerCell, Place, Question

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MaskQuestion(Question):
    """Why class ``target`` on some cells of a net's last map; with a ``rival``, why it and not that one.

    ``size`` is that of the map, (h, w), and ``inside`` says of each cell, one byte each, whether it is asked about. A
    pixel lies between cells: ``mix`` are the cells that it is mixed of and their shares, as `Masks` mixes them.
    ``at`` is where, in words; "" where it is all that was said to be of the class. ``said``: whether it was said there.
    ``words`` are what is said there, with figures.
    """

    target: int
    size: tuple[int, int]
    inside: bytes
    classes: tuple[str, ...]
    rival: int | None = None
    at: str = ""
    said: bool = True
    mix: tuple[tuple[int, float], ...] = ()
    words: str = ""

    @property
    def title(self) -> str:  # noqa: D102
        where = f" {self.at}" if self.at else ""
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
        return f"probability of {self.answer}" + (f" {self.at}" if self.at else " where it was said")

    @property
    def told(self) -> str:  # noqa: D102
        return self.words

    @property
    def cell(self) -> AnswerCell | None:
        """The cell that counts most for a pixel."""
        if not self.mix:
            return None
        return AnswerCell(0, *divmod(max(self.mix, key=lambda one: one[1])[0], self.size[1]), self.target)

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
        """Whether it is about a place, and which; whether it is held against another class."""
        return self.at, self.mix, self.rival is not None

    def renewed(self, output: Tensor) -> MaskQuestion:
        """Return the same about what another network says: the class it says of most of the picture, or at the pixel.

        Where this one is held against another class, so is that, against the second.
        """
        maps = output[0].detach().cpu().numpy()
        cells = self._cells(output)[0].detach().cpu().numpy() if self.at else maps.reshape(len(maps), -1)
        first, second = _likeliest(cells)
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
        flat = output.flatten(2)
        if self.mix:
            shares = torch.tensor([share for _, share in self.mix], dtype=output.dtype, device=output.device)
            return (flat[:, :, [cell for cell, _ in self.mix]] * shares).sum(2, keepdim=True)
        inside = torch.frombuffer(bytearray(self.inside), dtype=torch.bool).to(output.device)
        return flat[:, :, inside]


def mask_question(
    maps: NDArray[np.floating],
    classes: tuple[str, ...],
    word: str | int | None = None,
    against: str | int | None = None,
) -> MaskQuestion:
    """Return the question about maps (K, h, w): a class by its name or number, wherever it was said.

    Without a word it is about the class that most of the picture is said to be of. Of one that is said nowhere it is
    why not, where it comes nearest to being said. Errors: StriateError, DescribeError for a class against itself.
    """
    best = maps.argmax(0)
    target = _likeliest(maps.reshape(len(maps), -1))[0] if word is None else number_of(word, classes)
    inside, said = best == target, True
    if not inside.any():
        lead = maps[target] - maps.max(0)
        inside, said = lead == lead.max(), False
    rival = _rival(classes, target, against)
    return MaskQuestion(target, (maps.shape[1], maps.shape[2]), inside.tobytes(), classes, rival, said=said)


def place_question(
    maps: NDArray[np.floating],
    classes: tuple[str, ...],
    place: Place,
    against: str | int | None = None,
    *,
    temperature: float = 1.0,
) -> MaskQuestion:
    """Return the question about a pixel or a box of the input: why what most of it is said to be, or the place's word.

    Logits over the ``temperature`` are calibrated, for what is told in figures. Errors as of `mask_question`.
    """
    size = (maps.shape[1], maps.shape[2])
    down, across = size[0] / place.size[0], size[1] / place.size[1]
    left, top, right, bottom = place.box
    inside, mix = np.zeros(size, bool), _mix(top * down, left * across, size) if place.is_point else ()
    if place.is_point:
        cells: NDArray[np.floating] = logits_at(maps, np.array([top * down]), np.array([left * across])).T
    else:
        rows, columns = _within(top * down, bottom * down, size[0]), _within(left * across, right * across, size[1])
        inside[rows, columns] = True
        cells = maps[:, inside]
    likeliest = _likeliest(cells)[0]
    target = likeliest if place.word is None else number_of(place.word, classes)
    words = _words(cells / temperature, classes, place)
    rival = _rival(classes, target, against)
    return MaskQuestion(target, size, inside.tobytes(), classes, rival, place.told, target == likeliest, mix, words)


def _within(low: float, high: float, count: int) -> slice:
    """Return the cells whose middles lie between two edges; the nearest to their middle where none does."""
    first, last = math.ceil(low - 0.5), math.ceil(high - 0.5)
    if first >= last:
        first = min(max(int((low + high) / 2), 0), count - 1)
        last = first + 1
    return slice(max(0, first), min(count, last))


def _mix(row: float, column: float, size: tuple[int, int]) -> tuple[tuple[int, float], ...]:
    """Return the cells, and their shares, that a place (in cells) is mixed of: up to four of them."""
    found = []
    y, x = min(max(row - 0.5, 0.0), size[0] - 1.0), min(max(column - 0.5, 0.0), size[1] - 1.0)
    for r, down in ((int(y), 1 - y % 1), (int(y) + 1, y % 1)):
        for c, across in ((int(x), 1 - x % 1), (int(x) + 1, x % 1)):
            if down * across > 0:
                found.append((r * size[1] + c, down * across))
    return tuple(found)


def _words(cells: NDArray[np.floating], classes: tuple[str, ...], place: Place) -> str:
    """Return how likely the classes are at a pixel, or of how much of a box each is said, in a sentence."""
    if place.is_point:
        raised = np.exp(cells[:, 0] - cells[:, 0].max())
        shares, form = raised / raised.sum(), "{share:.2f} {name}"
    else:
        shares = np.bincount(cells.argmax(0), minlength=len(cells)) / cells.shape[1]
        form = "{name} {percent:.0f} %"
    order = np.argsort(-shares, kind="stable")[:3].tolist()
    if place.word is not None and (asked := number_of(place.word, classes)) not in order:
        order.append(asked)
    least = 0.005
    told = [
        form.format(name=classes[one], share=shares[one], percent=100 * shares[one])
        for number, one in enumerate(order)
        if shares[one] >= least or number in (0, 3)
    ]
    where = place.told[:1].upper() + place.told[1:]
    return f"{where}: {', '.join(told)}"


def _rival(classes: tuple[str, ...], target: int, against: str | int | None) -> int | None:
    other = None if against is None else number_of(against, classes)
    if other == target:
        raise DescribeError(f"{classes[target]!r} against itself asks nothing; name another class")
    return other


def _likeliest(cells: NDArray[np.floating]) -> tuple[int, int]:
    """Return the class that most of some cells (K, P) are said to be of, and the second."""
    order = np.argsort(-np.bincount(cells.argmax(0), minlength=len(cells)), kind="stable").tolist()
    return order[0], order[1] if len(order) > 1 else order[0]
