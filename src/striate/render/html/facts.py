"""What the report of a run is made from: plain values, and the sections that are made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.metrics.intervals import Interval
from striate.metrics.mistakes import Mistake
from striate.metrics.report import ClassificationReport
from striate.metrics.verdict import Verdict
from striate.spec.survey import Survey
from striate.words import counted

FEW_CLASSES = 12  # up to which a table of them fits into half of a wide screen
DRAWN = 132  # pixels a side that the larger pictures of a report are drawn at
WORDS = {"test": "test picture", "val": "validation picture", "train": "training picture"}


@dataclass(frozen=True)
class Section:
    """A question as a heading, and its answer as HTML. ``half``: two of these stand side by side on a wide screen."""

    title: str
    body: str
    half: bool = False
    anchor: str = ""


@dataclass(frozen=True)
class Page:
    """What a report shows. ``probabilities`` (N, classes) are calibrated, on ``calibrated_on`` answers.

    ``pixels`` (M, H, W, C) uint8 is the whole store and ``rows`` (N,) where in it the evaluated pictures are;
    ``refused`` of them were answered "none of these" (None: that was not to be had). ``counts``: pictures of each
    class, (classes,), by part; ``samples``: of each class a few rows of the store. ``first`` the first layer's filters
    where there are any to read. ``date`` as it is to be read, ``seconds`` how long the training took. ``more`` are
    further sections, which stand behind what it was shown. ``strangers`` says how well strangers are told.
    ``label_issues`` are the evaluated pictures whose label is worth a look (`striate.metrics.mistakes.label_issues`).
    """

    name: str
    part: str
    keys: tuple[str, ...]
    targets: np.ndarray
    probabilities: np.ndarray
    pixels: np.ndarray
    rows: np.ndarray
    report: ClassificationReport
    verdict: Verdict
    calibrated_on: int
    refused: int | None
    history: Sequence[Mapping[str, Any]]
    survey: Survey
    first: np.ndarray | None
    source: Mapping[str, Any]
    counts: Mapping[str, np.ndarray]
    samples: Sequence[Sequence[int]]
    recipe_toml: str
    environment: Mapping[str, Any]
    date: str
    seconds: float
    more: tuple[Section, ...] = ()
    strangers: str | None = None
    label_issues: tuple[Mistake, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.report.classes

    @property
    def pictures(self) -> str:
        """How many pictures of which kind were evaluated, in words."""
        return counted(len(self.keys), WORDS.get(self.part, f"{self.part} picture"))

    @property
    def enlarged(self) -> str:
        """That its pictures are shown larger than they are, in a sentence after a space; "" where they are not."""
        given = self.pixels.shape[1:3]
        size = self.source.get("size")
        came = given if size is None else (int(size["height"]), int(size["width"]))
        height, width = came if max(came) < max(given) else given
        if max(height, width) >= DRAWN:
            return ""
        if (height, width) != came:
            return f" Shown enlarged: {height} x {width} pixels, as the net is given them."
        about = "" if size is None or size["all"] else "about "
        return f" Shown enlarged: {about}{height} x {width} pixels."

    @property
    def frozen(self) -> bool:
        """Whether its first layer kept the weights that it was given."""
        return bool(self.survey.rows and self.survey.rows[0].frozen)


def percent(share: float) -> str:
    """Return a share as it is read: ``98.3 %``."""
    return f"{100 * share:.1f} %"


def between(value: Interval) -> str:
    """Return the ends of a share's interval, in percent: ``95.8 to 99.4``."""
    return f"{100 * value.low:.1f} to {100 * value.high:.1f}"
