"""What the report of a run is made from: plain values, and the sections that are made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.data.sources.items import Item
from striate.metrics.intervals import Interval
from striate.metrics.mistakes import Mistake
from striate.metrics.verdict import Verdict
from striate.spec.survey import Survey
from striate.tasks.assessment import Assessment
from striate.tasks.task import LabelFacts, Task
from striate.words import counted

if TYPE_CHECKING:
    from markupsafe import Markup

FEW_CLASSES = 12  # names up to which a table of them fits into half of a wide screen
DRAWN = 132  # pixels a side that the larger pictures of a report are drawn at
CROSS_VALIDATED = "cross-validated"  # each picture answered for by what had not seen it
WORDS = {"test": "test picture", "val": "validation picture", "train": "training picture"}


@dataclass(frozen=True)
class Section:
    """A question as a heading, and its answer as HTML. ``half``: two of these stand side by side on a wide screen."""

    title: str
    body: Markup
    half: bool = False
    anchor: str = ""


@dataclass(frozen=True)
class Page:
    """What a report shows. ``found`` is what the task makes of the answers, ``verdict`` what that comes to.

    ``pixels`` (M, H, W, C) uint8 is the whole store, of the source's ``items``; ``values`` (M, ...) are their labels,
    which ``labels`` names, and ``parts`` says which rows train, val and test are. ``rows`` (N,) are those that were
    evaluated, and ``keys`` (N,) what these are called. ``first`` the first layer's filters where there are any to read.
    ``date`` as it is to be read, ``seconds`` how long the training took. ``more`` are further sections, which stand
    behind the first of the task's own. ``label_issues`` are the evaluated pictures whose label is worth a look
    (`striate.metrics.mistakes.label_issues`).
    """

    name: str
    part: str
    task: Task
    labels: LabelFacts
    items: Sequence[Item]
    pixels: np.ndarray
    values: np.ndarray
    parts: Mapping[str, np.ndarray]
    keys: tuple[str, ...]
    rows: np.ndarray
    found: Assessment
    verdict: Verdict
    history: Sequence[Mapping[str, Any]]
    survey: Survey
    first: np.ndarray | None
    source: Mapping[str, Any]
    recipe_toml: str
    environment: Mapping[str, Any]
    date: str
    seconds: float
    more: tuple[Section, ...] = ()
    label_issues: tuple[Mistake, ...] = ()

    @property
    def few(self) -> bool:
        """Whether tables of its names fit into half of a wide screen."""
        return len(self.labels.names) <= FEW_CLASSES

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
