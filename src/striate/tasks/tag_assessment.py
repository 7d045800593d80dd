"""What answers in tags are worth: the report, the worst misses, what a terminal and a page say. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.metrics.operating_points import Cut, points_of
from striate.metrics.probability import Bools, Floats, Ints, log_sigmoid
from striate.metrics.tag_report import TagReport
from striate.metrics.tag_verdict import tag_verdict
from striate.metrics.tagging import Miss, said
from striate.metrics.verdict import Verdict
from striate.tasks.assessment import About, Assessment, Headline
from striate.tasks.sections import Bar, Bars, Figure, Matrix, Section, Table, Text, Tile, Tiles, percent
from striate.tasks.tag_calibration import TagCalibration
from striate.tasks.tags import MEAN_AVERAGE_PRECISION
from striate.words import counted, plural

_TILES = 12  # worst misses shown of either kind
_BARS = 40  # tags of which a bar is drawn
_TOGETHER = 24  # tags of which it is shown how often they stand together


@dataclass(frozen=True, eq=False)
class TagAssessment(Assessment):
    """Answers in tags, measured.

    ``probabilities`` (N, T) are calibrated, ``scaled`` (N, T) the logits they are of, ``targets`` (N, T) which tags are
    there; ``thresholds`` (T,), or of out-of-fold answers (N, T), chosen by the other folds. ``judging``: these pictures
    were learnt from, or it is they that thresholds and calibration stand on. ``design``: the answers' design effect.
    """

    report: TagReport
    scaled: Floats
    probabilities: Floats
    targets: Bools
    thresholds: Floats
    calibration: TagCalibration
    judging: bool = False
    design: float = 1.0

    loss_name = "log loss"

    @property
    def headline(self) -> Headline:  # noqa: D102
        return Headline(MEAN_AVERAGE_PRECISION, self.report.macro)

    @property
    def losses(self) -> Floats:
        """Minus the log of the probability given to the truth, the mean over the tags of a picture, in nats."""
        each = np.where(self.targets, log_sigmoid(self.scaled), log_sigmoid(-self.scaled))
        mean: Floats = -each.mean(axis=1)
        return mean

    @cached_property
    def answers(self) -> Bools:
        """Which tags are said (N, T)."""
        return said(self.probabilities, self.thresholds)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Of which pictures all tags are said, and no other."""
        right: NDArray[np.bool_] = (self.answers == self.targets).all(axis=1)
        return right

    def caption(self, row: int) -> str:
        """Say which tags were said, and where that is wrong what is there: ``sea 0.97, snow 0.55; is sea, sunset``."""
        order = np.argsort(-self.probabilities[row], kind="stable")
        names = self.report.tags
        told = ", ".join(f"{names[t]} {self.probabilities[row, t]:.2f}" for t in order if self.answers[row, t])
        own = ", ".join(names[t] for t in np.flatnonzero(self.targets[row])) or "without a tag"
        return (told or "no tag") + ("" if self.right[row] else f"; is {own}")

    def worst(self, most: int = 24) -> Ints:
        """Return the rows with the most surprising wrong answers, the most surprising first."""
        return np.array(list(dict.fromkeys(miss.index for miss in self.report.worst_misses))[:most], np.int64)

    def verdict(self, about: About) -> Verdict:  # noqa: D102
        trained = None
        if about.trained is not None and np.ndim(about.trained) == 2:
            trained = np.asarray(about.trained).sum(axis=0).astype(int).tolist()
        return tag_verdict(
            self.report,
            part=about.part,
            trained=trained,
            from_chance=about.from_chance,
            learnt_from=about.learnt_from,
            also=about.also,
        )

    def beside(self) -> str:  # noqa: D102
        return f"macro F1 {100 * self.report.macro_f1.value:.1f} %"

    def caveats(self) -> tuple[str, ...]:
        """Return which tags had no picture to measure: the mean leaves them out."""
        without = self.report.unmeasured
        if not without:
            return ()
        names = ", ".join(without[:5]) + (f" and {len(without) - 5} more" if len(without) > 5 else "")
        return (f"no picture to measure of the {plural(len(without), 'tag')} {names}, which the mean leaves out",)

    def lines(self) -> tuple[str, ...]:  # noqa: D102
        return (str(self.calibration),) if self.calibration.pictures else ()

    def learnt_lines(self) -> tuple[str, ...]:  # noqa: D102
        cuts = [each.threshold for each in self.report.per_tag]
        between = f"{min(cuts):.2f}" if max(cuts) - min(cuts) < 0.005 else f"{min(cuts):.2f} to {max(cuts):.2f}"
        return (f"a tag is said from a probability of {between} on, where F1 is highest", *self.lines())

    def to_dict(self) -> dict[str, Any]:  # noqa: D102
        return {"calibration": self.calibration.to_dict()}

    def figures(self) -> tuple[Figure, ...]:
        """Return the mean average precision, the lowest of a tag, the F1s, how often all is right, calibration."""
        report = self.report
        tiles = [percent(report.macro, f"{MEAN_AVERAGE_PRECISION} over the tags")]
        tested = [each for each in report.per_tag if each.average_precision is not None]
        tested.sort(key=lambda each: each.average_precision.value if each.average_precision else 1.0)
        worst = tested[0] if len(tested) > 1 else None
        if worst is not None and worst.average_precision is not None:
            on = counted(worst.support, "picture")
            tiles.append(percent(worst.average_precision, f"average precision of {worst.name}, the lowest, on {on}"))
        tiles.append(percent(report.macro_f1, "macro F1: of the tags that are said from their thresholds on"))
        tiles.append(percent(report.exact, "of the pictures have every tag right and no other"))
        tiles.append(percent(report.calibration_error, "calibration error: how far probabilities are from truth"))
        return tuple(tiles)

    def cuts(self) -> tuple[Cut, ...]:
        """Return what each tag comes to from each of its probabilities on."""
        return tuple(
            Cut(
                one.name,
                points_of(self.probabilities[:, t], self.targets[:, t], int(self.targets[:, t].sum())),
                one.threshold,
                self.design,
            )
            for t, one in enumerate(self.report.per_tag)
        )

    def sections(self) -> tuple[Section, ...]:
        """Return the worst misses, the tags one by one, and which of them stand together."""
        return tuple(section for section in (self._misses(), self._each_tag(), self._together()) if section is not None)

    def _misses(self) -> Section | None:
        missed = [miss for miss in self.report.worst_misses if miss.missed][:_TILES]
        alarms = [miss for miss in self.report.worst_misses if not miss.missed][:_TILES]
        parts = [
            Tiles(tuple(Tile(miss.index, self._miss(miss)) for miss in some), heading)
            for some, heading in ((alarms, "Said with confidence, and not there"), (missed, "There, and missed"))
            if some
        ]
        if not parts:
            return None
        told = Text("Look at the tags of these first: where the answer is right, the list is wrong.")
        return Section("Where was it most wrong?", (told, *parts), anchor="misses")

    def _miss(self, miss: Miss) -> str:
        own = ", ".join(self.report.tags[t] for t in np.flatnonzero(self.targets[miss.index])) or "no tag"
        return f"{self.report.tags[miss.tag]} {miss.probability:.2f}; has {own}"

    def _each_tag(self) -> Section:
        report = self.report
        heads = (
            "tag",
            "pictures",
            "average precision",
            "said from",
            "said",
            "precision",
            "recall",
            "F1",
            "calibration",
        )
        rows = tuple(
            (
                each.name,
                f"{each.support:,}",
                *(_share(each.average_precision),),
                f"{each.threshold:.2f}",
                f"{each.predicted:,}",
                *(_share(one) for one in (each.precision, each.recall, each.f1)),
                f"{100 * each.calibration_error:.1f} %",
            )
            for each in report.per_tag
        )
        measured = [each for each in report.per_tag if each.f1 is not None]
        measured.sort(key=lambda each: each.f1.value if each.f1 else 0.0)
        bars = tuple(
            Bar(each.name, each.f1.value, f"{100 * each.f1.value:.0f} %", each.f1.low, each.f1.high)
            for each in measured[:_BARS]
            if each.f1 is not None
        )
        others = "pictures that are not measured here"
        if self.judging:
            others = (
                "pictures that it was calibrated by, which these are, or were learnt from (expect less of new ones)"
            )
        told = Text(
            "F1 of each tag, the lowest first, with its 95 % interval. A tag is said where its probability is at least"
            f" its threshold, chosen so that F1 is highest on {others}; with few pictures of a tag the calibrated"
            " probabilities decide."
        )
        shown = (Bars(bars, "F1 of each tag", top=1.0),) if bars else ()
        table = Table(heads, rows, "figures of every tag", folded=len(rows) > _BARS)
        return Section("How well is each tag told?", (told, *shown, table), anchor="tags")

    def _together(self) -> Section | None:
        report = self.report
        if len(report.tags) < 2:
            return None
        counts = report.together.diagonal()
        kept = np.sort(np.argsort(-counts, kind="stable")[:_TOGETHER])
        names = tuple(report.tags[t] for t in kept)
        there, told = report.together[np.ix_(kept, kept)], report.said[np.ix_(kept, kept)]
        shares = there / np.maximum(counts[kept], 1)[:, None]
        words = tuple(
            tuple(f"{there[a, b]:,}" if there[a, b] == told[a, b] else f"{there[a, b]:,} ({told[a, b]:,})"
                  for b in range(len(kept)))
            for a in range(len(kept))
        )  # fmt: skip
        parts: tuple[Any, ...] = (
            Text(
                "In how many pictures two tags stand together; in brackets in how many both are said, where that"
                " differs. The diagonal is how many have the tag. The stronger the colour, the larger the share of the"
                " row's pictures."
                + (f" The {len(kept)} commonest of {len(report.tags)} tags." if len(kept) < len(report.tags) else "")
            ),
            Matrix(names, names, shares, words, "has, and has", "how often two tags stand together"),
        )
        return Section("Which tags stand together?", parts, anchor="together")


def _share(value: Any) -> Figure | str:
    return "-" if value is None else percent(value)
