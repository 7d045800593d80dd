"""TagReport: every measure of an evaluation of several tags a picture, as a value, as JSON and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import StriateError
from striate.metrics.classification import share_of
from striate.metrics.intervals import Interval, bootstrap_mean, widened
from striate.metrics.probability import Ints, checked_tag_pair
from striate.metrics.report_text import columns_of, figure_text, percent_text, shortened
from striate.metrics.tagging import (
    Miss,
    TagMeasure,
    co_occurrence,
    f1_averages,
    mean_average_precision,
    micro_average_precision,
    pooled_calibration_error,
    said,
    tag_measures,
    worst_misses,
)
from striate.words import counted, plural

_SURE = 0.9  # a probability, of a tag or of its absence, from which an answer is a sure one
_SMALLEST = 1e-300  # of a probability whose logarithm is taken


@dataclass(frozen=True, eq=False)
class TagReport:
    """Every measure of one evaluation, with 95 % intervals.

    ``macro`` and ``micro`` are mean average precisions; ``macro_f1`` and ``micro_f1`` are at the thresholds; ``exact``
    is the share of pictures whose tags are all right and no other is said. ``log_loss`` is the mean over pictures and
    tags of -log of the probability given to the truth, in nats, ``calibration_error`` that of all answers together;
    ``raw_*`` is the same before calibration. ``together`` (T, T) counts the pictures that have two tags, ``said`` those
    of which two are said. ``without_tags`` is how many pictures have none, ``unsaid`` of how many none is said.
    ``surely_wrong_expected`` is how many of the answers given at 90 % and more are wrong if those say the truth.
    """

    tags: tuple[str, ...]
    pictures: int
    without_tags: int
    unsaid: int
    macro: Interval
    micro: Interval
    macro_f1: Interval
    micro_f1: Interval
    exact: Interval
    log_loss: Interval
    calibration_error: Interval
    raw_log_loss: Interval
    raw_calibration_error: Interval
    per_tag: tuple[TagMeasure, ...]
    together: Ints
    said: Ints
    worst_misses: tuple[Miss, ...]
    surely_wrong_expected: float

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """The tags that no picture has, about which nothing is known but how often they are said."""
        return tuple(each.name for each in self.per_tag if not each.support)

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON: a number without meaning is None, never NaN."""
        intervals = (
            "macro", "micro", "macro_f1", "micro_f1", "exact", "log_loss", "calibration_error", "raw_log_loss",
            "raw_calibration_error",
        )  # fmt: skip
        names = {"macro": "macro_average_precision", "micro": "micro_average_precision"}
        return {
            "tags": list(self.tags),
            "pictures": self.pictures,
            "without_tags": self.without_tags,
            "unsaid": self.unsaid,
            **{names.get(name, name): getattr(self, name).to_dict() for name in intervals},
            "unmeasured_tags": list(self.unmeasured),
            "per_tag": [measure.to_dict() for measure in self.per_tag],
            "together": self.together.tolist(),
            "said": self.said.tolist(),
            "worst_misses": [miss.to_dict() for miss in self.worst_misses],
            "surely_wrong_expected": self.surely_wrong_expected,
        }

    def text(self, *, tags: int = 20) -> str:
        """Return a summary for the terminal; of many tags the ``tags`` worst by average precision."""
        calibrated = self.calibration_error.value != self.raw_calibration_error.value
        figures = [
            (f"mean average precision{self._measured()}", self.macro, "%"),
            ("  all answers ranked together (micro)", self.micro, "%"),
            ("macro F1", self.macro_f1, "%"),
            ("micro F1", self.micro_f1, "%"),
            ("every tag right", self.exact, "%"),
            ("log loss", self.log_loss, "nats"),
            ("calibration error", self.calibration_error, "%"),
            *([("  before calibration", self.raw_calibration_error, "%")] if calibrated else []),
        ]
        width = max(len(name) for name, _, _ in figures)
        lines = [f"{counted(self.pictures, 'picture')}; 95 % intervals in brackets", ""]
        lines += [f"{name:<{width}}  {figure_text(value, unit)}" for name, value, unit in figures]
        lines += ["", *_table(self.per_tag, tags), *self._caveats()]
        return "\n".join(lines)

    def _measured(self) -> str:
        """Return of how many tags the mean is, where some have no picture."""
        without = len(self.unmeasured)
        return f" ({len(self.tags) - without} of {len(self.tags)} tags)" if without else ""

    def _caveats(self) -> list[str]:
        without = self.unmeasured
        if not without:
            return []
        names = ", ".join(without[:5]) + (f" and {len(without) - 5} more" if len(without) > 5 else "")
        return [
            "",
            f"no picture to measure of {plural(len(without), 'tag')} {names}: how well"
            f" {'it is' if len(without) == 1 else 'they are'} told is not known, and means over tags leave"
            f" {'it' if len(without) == 1 else 'them'} out",
        ]


def tag_report(
    probabilities: ArrayLike,
    targets: ArrayLike,
    *,
    tags: Sequence[str],
    thresholds: ArrayLike,
    raw: ArrayLike | None = None,
    design: float = 1.0,
    seed: int = 0,
) -> TagReport:
    """Return every measure of (N, T) calibrated probabilities against (N, T) tags.

    ``thresholds`` (T,), or (N, T) where each picture's were chosen without it; ``raw`` are the probabilities before
    calibration (None: the same). ``design`` is the design effect of answers that are not independent. Errors:
    StriateError for no pictures, or arrays that do not belong together. Where no picture has a tag, what is a mean over
    tags may be anything from 0 to 1.

    Example: ``tag_report([[0.9, 0.2], [0.1, 0.3]], [[1, 0], [0, 1]], tags=("sea", "sand"), thresholds=[0.5, 0.25])
    .macro.value`` is 1.0.
    """
    matrix, wanted = checked_tag_pair(probabilities, targets)
    if matrix.shape[1] != len(tags):
        raise StriateError(f"there are {counted(len(tags), 'tag')} and answers about {matrix.shape[1]}")
    before = matrix if raw is None else checked_tag_pair(raw, wanted)[0]
    answers = said(matrix, thresholds)
    unknown = Interval(0.0, 0.0, 1.0)  # where no picture has a tag: nothing is known, which `unmeasured` names
    macro = micro = macro_f1 = micro_f1 = unknown
    if wanted.any():
        macro_f1, micro_f1 = f1_averages(answers, wanted, seed=seed, design=design)
        macro = mean_average_precision(matrix, wanted, seed=seed, design=design)
        micro = micro_average_precision(matrix, wanted, seed=seed, design=design)

    def loss(given: np.ndarray) -> Interval:
        truth = np.maximum(np.where(wanted, given, 1 - given), _SMALLEST)
        return widened(bootstrap_mean(-np.log(truth).mean(axis=1), seed=seed), design)

    return TagReport(
        tags=tuple(tags),
        pictures=len(matrix),
        without_tags=int((~wanted.any(axis=1)).sum()),
        unsaid=int((~answers.any(axis=1)).sum()),
        macro=macro,
        micro=micro,
        macro_f1=macro_f1,
        micro_f1=micro_f1,
        exact=share_of((answers == wanted).all(axis=1), design=design),
        log_loss=loss(matrix),
        calibration_error=pooled_calibration_error(matrix, wanted, seed=seed, design=design),
        raw_log_loss=loss(before),
        raw_calibration_error=pooled_calibration_error(before, wanted, seed=seed, design=design),
        per_tag=tag_measures(matrix, wanted, thresholds, tuple(tags), design=design),
        together=co_occurrence(wanted),
        said=co_occurrence(answers),
        worst_misses=worst_misses(matrix, wanted, thresholds),
        surely_wrong_expected=float(np.minimum(matrix, 1 - matrix)[np.maximum(matrix, 1 - matrix) >= _SURE].sum()),
    )


def _table(per_tag: Sequence[TagMeasure], limit: int) -> list[str]:
    """Return one line a tag; of more than ``limit`` the worst by average precision, those without one left out."""
    shown, title = list(per_tag), "tag"
    if len(shown) > limit:
        able = [each for each in shown if each.average_precision]
        shown = sorted(able, key=lambda m: (m.average_precision.value if m.average_precision else 0.0, -m.support))
        shown = shown[:limit]
        title = f"tag (the worst {len(shown)} of {len(per_tag)})"
    names = [shortened(each.name) for each in shown]
    width = max([columns_of(name) for name in names] + [len(title)])
    lines = [f"{title:<{width}}  pictures  avg. precision  said from  precision  recall      F1"]
    for name, each in zip(names, shown, strict=True):
        lines.append(
            f"{name}{' ' * (width - columns_of(name))}  {each.support:>8,}  {percent_text(each.average_precision):>14}"
            f"  {each.threshold:>9.2f}  {percent_text(each.precision):>9}  {percent_text(each.recall):>6}"
            f"  {percent_text(each.f1):>6}"
            + (f"  [{each.f1.low * 100:.1f} to {each.f1.high * 100:.1f}]" if each.f1 else "")
        )
    return lines
