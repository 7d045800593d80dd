"""Evidence as a value: where in the picture the answer comes from, by which method, and how far to trust that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.crop_transform import Box
from striate.interpret.attribution.cascading_randomization import Shuffled
from striate.interpret.attribution.curves import Curves
from striate.tasks.question import Question

LEAST = 0.02  # a gain below it is none, however little random orders have
GOOD = 2.0  # how many times what random orders reach a good gain is, at least
APART = 0.3  # mean likeness with shuffled weights, up to which evidence is plainly another
SAME = 0.5  # mean likeness with shuffled weights, by ranks or by structure, from which a method is not trusted


@dataclass(frozen=True, eq=False)
class Trust:
    """How far to trust an evidence picture: two checks, and what follows from them."""

    curves: Curves
    shuffled: Shuffled

    @property
    def score(self) -> float:
        """The gain of the curves, and 0 where a check fails: 0 is no better than chance, 1 the most there is."""
        return 0.0 if self.reason else self.curves.gain

    @property
    def reason(self) -> str | None:
        """Why it is not to be trusted; None where both checks hold."""
        for alike, measure in ((self.shuffled.mean, "rank correlation"), (self.shuffled.structure, "structure")):
            if alike is not None and alike >= SAME:
                return (
                    f"with shuffled weights the picture stays much the same ({measure} {alike:.2f}): it shows what "
                    "is in the picture, not what the network learnt"
                )
        if self.curves.gain <= max(self.curves.chance_gain, LEAST):
            return (
                f"the answer does not follow it: a gain of {self.curves.gain:.2f} is within what random orders have "
                f"(up to {self.curves.chance_gain:.2f})"
            )
        return None

    @property
    def level(self) -> Literal["good", "weak", "none"]:
        """How far to trust it in a word.

        ``none``: a check fails. ``good``: the gain is twice what random orders reach, and what shuffled weights give is
        plainly another picture (likeness up to 0.3). ``weak``: both checks hold, and one of them not by much.
        """
        if self.reason is not None:
            return "none"
        alike = self.shuffled.alike
        clear = self.curves.gain >= GOOD * max(self.curves.chance_gain, LEAST)
        return "good" if clear and (alike is None or alike <= APART) else "weak"

    @property
    def words(self) -> tuple[str, ...]:
        """Both checks in a sentence each, for somebody who has never heard of them; the one that fails first."""
        curves, alike = self.curves, self.shuffled.alike
        follows = curves.gain > max(curves.chance_gain, LEAST)
        # A number may go beyond both its ends, and then nothing bounds the area.
        most = " of at most 1" if max(abs(curves.gain), abs(curves.chance_gain)) <= 1 else ""
        lead = (
            f"Removing first what is marked lowers the answer sooner than removing pieces at random: a lead of"
            f" {curves.gain:.2f}{most}, where random orders reach {max(0.0, curves.chance_gain):.2f}."
            if follows
            else f"Removing first what is marked lowers the answer no sooner than removing pieces at random: a lead of"
            f" {curves.gain:.2f}{most}, which random orders reach too (up to {curves.chance_gain:.2f})."
        )
        if alike is None:
            return (lead,)
        changes = (
            f"Of a network with shuffled weights the marks are others (likeness {alike:.2f}, where 1 is the same): they"
            " show what was learnt."
            if alike < SAME
            else f"Of a network with shuffled weights the marks are much the same (likeness {alike:.2f}, where 1 is the"
            " same): they show what is in the picture, not what was learnt."
        )
        return (changes, lead) if alike >= SAME else (lead, changes)

    @property
    def phrase(self) -> str:
        """The trust in one line: the word first, then why."""
        return " ".join((f"Trust: {self.level}.", *self.words))


@dataclass(frozen=True)
class Choice:
    """At which part of the net the evidence is best, measured on ``pictures`` pictures: means over them.

    ``parts`` in the net's order, ``gains`` of their curves, ``alike`` their likeness with shuffled weights, ``areas``
    the share of the picture on which 80 % of their evidence lies, ``chance`` the gain random orders have. Taken is the
    part that says it with the least area of those that lag behind the best by less than a quarter of ``chance``, among
    those whose evidence changes with the weights (among all where none does).
    """

    parts: tuple[str, ...]
    gains: tuple[float, ...]
    alike: tuple[float, ...]
    areas: tuple[float, ...]
    chance: float
    pictures: int

    @property
    def part(self) -> str:
        """The part taken."""
        changing = [n for n, alike in enumerate(self.alike) if alike < SAME] or list(range(len(self.parts)))
        best = max(self.gains[n] for n in changing)
        near = [n for n in changing if self.gains[n] >= best - self.chance / 4]
        return self.parts[min(near, key=lambda n: (self.areas[n], -n))]


def area(heat: NDArray[np.floating]) -> float:
    """Return the share of the picture on which 80 % of the evidence for the answer (heat above 0) lies; 1 for none."""
    falling = np.sort(np.maximum(heat, 0), axis=None)[::-1].cumsum(dtype=np.float64)
    return (int(np.searchsorted(falling, 0.8 * falling[-1])) + 1) / heat.size if falling[-1] else 1.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """Where in the picture the answer comes from.

    ``heat`` (H, W) float32 in ``unit``, in pixels of the network's input ``pixels`` (H, W, C) uint8; more is more
    evidence, less than 0 speaks against. ``answer`` is what was asked about, ``against`` what it is compared with,
    ``value`` what a person reads of it (a probability, between the two where they are compared; a number). ``part``
    where it was looked at and ``choice`` how that part was found. ``missing`` (integrated gradients) is what the heat's
    sum lacks of the score. ``trust`` is None where it was not asked for.
    """

    method: str
    title: str
    question: Question
    answer: str
    against: str | None
    value: float
    pixels: NDArray[np.uint8]
    heat: NDArray[np.float32]
    unit: str
    part: str | None
    choice: Choice | None
    missing: float | None
    trust: Trust | None
    shows: str
    hides: str

    def share(self, box: Box) -> float:
        """Return the share of the evidence for the answer (heat above 0) that lies in a box of the input."""
        positive = np.maximum(self.heat, 0)
        top, left, bottom, right = (round(side) for side in box)
        return float(positive[top:bottom, left:right].sum() / (positive.sum() or 1))

    @property
    def focus(self) -> str:
        """Where most of it lies, in a sentence: how little of the picture holds 80 % of it, and around where."""
        positive = np.maximum(self.heat, 0).astype(np.float64)
        total = positive.sum()
        if not total:
            return "Nothing in the picture speaks for the answer by this method."
        middle = [float((positive.sum(1 - axis) * (np.arange(side) + 0.5)).sum() / total)
                  for axis, side in enumerate(positive.shape)]  # fmt: skip
        names = [("top", "middle", "bottom"), ("left", "middle", "right")]
        place = [words[min(2, int(3 * at / side))]
                 for words, at, side in zip(names, middle, positive.shape, strict=True)]  # fmt: skip
        where = "in the middle" if place == ["middle", "middle"] else f"at the {' '.join(dict.fromkeys(place))}"
        return (
            f"80 % of the evidence lies on {100 * area(self.heat):.0f} % of the picture, {where} "
            f"(around row {middle[0]:.0f} of {positive.shape[0]}, column {middle[1]:.0f} of {positive.shape[1]})."
        )
