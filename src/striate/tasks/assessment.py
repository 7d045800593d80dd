"""What answers are worth, as values: the headline, the figures, the worst of them, what a terminal and a page say.

An `Assessment` is what a task makes of answers to pictures whose labels are known. No torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.metrics.intervals import Interval
from striate.metrics.mistakes import Mistake
from striate.metrics.operating_points import Cut
from striate.metrics.probability import Floats, Ints
from striate.metrics.verdict import Verdict
from striate.tasks.overlays import Overlay
from striate.tasks.sections import Figure, Section, number, percent

if TYPE_CHECKING:
    from striate.train_config import TrainConfig


@dataclass(frozen=True)
class Headline:
    """The one figure that stands for an evaluation: its ``name``, its value with its 95 % interval.

    ``share``: it is read as a percentage. ``unit`` is what it is measured in otherwise.
    """

    name: str
    value: Interval
    share: bool = True
    unit: str = ""
    higher_is_better: bool = True

    def __str__(self) -> str:
        """Say it as it is read: ``accuracy 98.3 % (97.1 to 99.0)``."""
        return f"{self.name} {self.figure}"

    def exactly(self) -> str:
        """Say it to one digit more, as at the end of a training: ``accuracy 98.33 % (97.10 to 99.04)``."""
        if self.share:
            return f"{self.name} {percent(self.value, places=2)}"
        return f"{self.name} {number(self.value, unit=self.unit, digits=4)}"

    @property
    def figure(self) -> Figure:
        """The figure with its interval."""
        return percent(self.value, self.name) if self.share else number(self.value, self.name, unit=self.unit)

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {"name": self.name, **self.value.to_dict(), "share": self.share, "unit": self.unit}


@dataclass(frozen=True, eq=False)
class Basis:
    """How answers came about that are evaluated.

    Of out-of-fold answers ``folds`` (N,) says which fold answered each, ``design`` is the design effect
    (docs/decisions/0010), ``distances`` (N,) are `Task.distances` where they were measured, and ``config`` is what the
    folds were trained by. ``judging``: the answers are of pictures that what was learnt after training stands on.
    ``groups`` (N,) are numbers, equal for copies of a picture, None where there are none.
    """

    config: TrainConfig | None = None
    folds: Ints | None = None
    design: float = 1.0
    distances: Floats | None = None
    judging: bool = False
    groups: Ints | None = None

    @property
    def effect(self) -> float:
        """The design effect with the copies counted once: for measures that do not draw them together by `groups`."""
        return self.design * (1.0 if self.groups is None else len(self.groups) / len(np.unique(self.groups)))


@dataclass(frozen=True, eq=False)
class About:
    """What is known of the pictures of an evaluation, for its verdict.

    ``part``: which pictures those are, as it stands before "pictures" (test, validation, cross-validated; nothing for
    others than a run's own). ``trained`` are the targets of the pictures learnt from, None where they are not known;
    ``from_chance``: photographs were learnt without weights to start from. ``learnt_from``: how many of the evaluated
    pictures the model has learnt from. ``also`` are further sentences for the reasons.
    """

    part: str = "test"
    trained: NDArray[Any] | None = None
    from_chance: bool = False
    learnt_from: int = 0
    also: tuple[str, ...] = ()


class Assessment(ABC):
    """What answers to N pictures are worth, whose labels are known: what `Answering.evaluate` returns.

    ``report`` are all figures as a value of `striate.metrics`, with ``text()`` for a terminal and ``to_dict()`` for
    JSON.
    """

    report: Any
    loss_name: ClassVar[str] = "loss"
    """What `losses` are called where two runs are compared."""

    @property
    @abstractmethod
    def headline(self) -> Headline:
        """The figure that stands for all."""

    @property
    @abstractmethod
    def losses(self) -> Floats:
        """How bad each answer is (N,), lower is better: what two runs are compared by, picture by picture."""

    @property
    def right(self) -> NDArray[np.bool_] | None:
        """Which answers are right (N,); None where an answer is only nearer or farther."""
        return None

    @abstractmethod
    def caption(self, row: int) -> str:
        """Say what was answered of a picture, and what it is where that is something else: ``dog 0.93, is cat``."""

    @abstractmethod
    def verdict(self, about: About) -> Verdict:
        """Return what the figures come to, in a sentence that a person can act on."""

    def beside(self) -> str:
        """Return what a terminal says beside the headline, such as the calibration error; nothing here."""
        return ""

    def caveats(self) -> tuple[str, ...]:
        """Return what has to be said where the headline stands, a sentence each: what it hides."""
        return ()

    def lines(self) -> tuple[str, ...]:
        """Return what else a terminal says below the figures."""
        return ()

    def learnt_lines(self) -> tuple[str, ...]:
        """Return what a terminal says at the end of a training of what was learnt after it."""
        return ()

    def to_dict(self) -> dict[str, Any]:
        """Return what stands in JSON beside ``report.to_dict()``, which it may add to."""
        return {}

    def pictures_to_dict(self, keys: Sequence[str]) -> dict[str, Any]:
        """Return what stands in JSON of single pictures, which ``keys`` (N,) names: the worst answers, worst first."""
        losses = self.losses
        told = [{"picture": keys[row], "answer": self.caption(row), self.loss_name: float(losses[row])}
                for row in self.worst().tolist()]  # fmt: skip
        return {"worst": told}

    def figures(self) -> tuple[Figure, ...]:
        """Return the figures at the head of a page, the headline first."""
        return (self.headline.figure,)

    def worst(self, most: int = 24) -> Ints:
        """Return the rows of the worst answers, worst first."""
        order = np.argsort(-self.losses, kind="stable")
        if self.right is not None:
            order = order[~self.right[order]]
        return np.asarray(order[:most], np.int64)

    def label_issues(self, verdict: Verdict) -> tuple[Mistake, ...]:
        """Return the answers that stand against a label with confidence, where this verdict lets them say anything."""
        return ()

    def confused(self) -> tuple[Floats, Ints] | None:
        """Return the probabilities (N, K) of classes and which they are (N,); None where an answer is no class."""
        return None

    def overlay(self, row: int) -> Overlay | None:
        """Return what is there and what was said in a picture, where that has a place in it."""
        return None

    def cuts(self) -> tuple[Cut, ...]:
        """Return what answers come to from each score on, where they have scores and may be left out below one."""
        return ()

    def sections(self) -> tuple[Section, ...]:
        """Return the sections of a report's page, the worst answers first."""
        return ()

    def card_sections(self) -> tuple[Section, ...]:
        """Return the sections of a model card, of which `striate.tasks.card` takes words and tables: here, the same."""
        return self.sections()


@dataclass(frozen=True)
class Cost:
    """What answering in int8 costs: how much is ``lost``, in ``words``, and the figures as ``facts``, plain JSON.

    ``lost`` is a share, of the pictures or of the figure itself; below 0 where int8 is better. The int8 file keeps the
    facts, and `Answering.adapted` and `Answering.cost_words` read them there.
    """

    lost: float
    words: str
    facts: Mapping[str, Any]

    def __str__(self) -> str:
        return self.words

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return dict(self.facts)
