"""Several tags a picture: each a yes or no by itself, learnt together, said from a threshold of its own on.

Torch is imported by what computes with tensors alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.tags import TAGS
from striate.errors import SourceError, StriateError
from striate.metrics.probability import checked_scores
from striate.tasks.prediction import Prediction
from striate.tasks.tag_answering import LOGITS, LearntTags, TagAnswering, is_asymmetric, learnt_of, prior_of
from striate.tasks.tag_calibration import TagCalibration, calibrate_tags
from striate.tasks.tags import MEAN_AVERAGE_PRECISION, Tags
from striate.tasks.task import Task
from striate.tasks.values import NOTHING, Judged, LabelFacts, Labels, Outputs, State
from striate.words import counted, plural

if TYPE_CHECKING:
    from torch import Tensor

    from striate.data.sources.items import Source
    from striate.data.strata import Strata
    from striate.settings import Settings
    from striate.train_config import TrainConfig


class Tag(TagAnswering, Task):
    """Any number of tags a picture, none included."""

    name = "tag"
    kind = TAGS
    noun = "tag"
    pipeline = "image-classification"
    ends = "one a tag"
    headline = MEAN_AVERAGE_PRECISION
    terms = ("binary cross-entropy",)
    choices = frozenset({"loss", "class_weights"})

    def labels(self, source: Source, recipe: Settings) -> Labels:
        """Return which tags each picture has (N, T) float32; of a source of classes each class is a tag.

        Errors: SourceError for other numbers, RecipeError for a loss that tags are not learnt by.
        """
        is_asymmetric(recipe)
        known = np.array([item.labelled for item in source.items], bool)
        values = np.zeros((len(source.items), len(source.label_names)), np.float32)
        for row, item in enumerate(source.items):
            if isinstance(item.target, tuple):
                values[row] = item.target
            elif item.place >= 0:
                values[row, item.place] = 1
        if not np.isin(values, (0, 1)).all():
            raise SourceError(f"{source.location}: a tag is there or not, 1 or 0, and its labels hold other numbers")
        return Labels(source.label_names, values, known, notes=_notes(values[known], source.label_names))

    def check_labels(self, source: Source, labels: Labels) -> None:
        """Refuse a source without a tag that some pictures have, two at least, and some have not."""
        values = labels.values[labels.known]
        counts = values.sum(axis=0)
        if not len(labels.names) or not counts.any():
            raise SourceError(
                f"{source.location}: none of {counted(len(values), 'picture')} has a tag; there is nothing to learn"
            )
        if not ((counts >= 2) & (counts < len(values))).any():
            most = int(counts.argmax())
            raise SourceError(
                f"{source.location}: no tag is on two pictures and missing on another ({labels.names[most]!r} is on"
                f" {int(counts[most])} of {counted(len(values), 'picture')}); add pictures with it and without"
            )

    def strata(self, labels: Labels) -> Strata:
        """Return the tags: each keeps its share of every part, the rare ones too."""
        from striate.data.strata import Strata

        return Strata(labels.values > 0, labels.known, noun=self.noun)

    def settle(self, labels: Labels, rows: Sequence[int]) -> Labels:
        """Return labels with how many of the pictures trained on have each tag."""
        counts = labels.values[np.asarray(rows, np.int64)].sum(axis=0).astype(int).tolist()
        return replace(labels, facts={**labels.facts, "trained": {"pictures": len(rows), "tags": counts}})

    def weights(self, targets: NDArray[Any], facts: LabelFacts, config: TrainConfig) -> Tensor | None:
        """Return the weight of each tag's positives (T,), where they are to be balanced."""
        if config.class_weights != "balanced":
            return None
        from striate.tasks.tag_loss import positive_weights_balanced

        return positive_weights_balanced(targets)

    def loss(
        self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the binary cross-entropy, with the label smoothing of the recipe and the weights of the positives.

        Where the recipe says so it is the asymmetric loss, which is not smoothed.
        """
        from striate.tasks import tag_loss

        if is_asymmetric(config):
            return {self.terms[0]: tag_loss.asymmetric(outputs[LOGITS], targets, positive_weights=weights)}
        smoothing = config.label_smoothing
        found = tag_loss.cross_entropy(outputs[LOGITS], targets, positive_weights=weights, smoothing=smoothing)
        return {self.terms[0]: found}

    def slopes(
        self, output: Tensor, targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the binary cross-entropy summed over tags, and its derivative: the sigmoid less 1 where it is there.

        So a head is a logistic regression of each tag against the rest, all solved at once; whatever loss the recipe
        names, for the asymmetric one is not convex.
        """
        from torch.nn import functional

        there = targets.to(output.dtype)
        there = there.view(len(there), *[1] * (output.dim() - 2), -1)
        p = output.sigmoid()
        if weights is None:
            return (functional.softplus(output) - there * output).sum(-1), p - there
        weight = weights.to(output) * there
        missed, passed = functional.softplus(-output), functional.softplus(output)
        return (weight * missed + (1 - there) * passed).sum(-1), weight * (p - 1) + (1 - there) * p

    def plain_loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig) -> float:
        """Return the loss that is learnt by, summed over tags, a mean over pictures."""
        from striate.tasks import tag_loss

        found = tag_loss.asymmetric if is_asymmetric(config) else tag_loss.cross_entropy
        return float(found(outputs[LOGITS], targets))

    def measure(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> dict[str, float]:
        """Return the mean average precision over the tags that these pictures have; 0 where they have none."""
        from striate.metrics.tagging import average_precisions

        each = average_precisions(outputs[LOGITS], targets)
        there = each[~np.isnan(each)]
        return {MEAN_AVERAGE_PRECISION: float(there.mean()) if len(there) else 0.0}

    def shown(self, name: str, value: float, facts: LabelFacts) -> str:
        """Return a share in percent: ``mean average precision 87.5 %``."""
        return f"{name} {100 * value:.1f} %"

    def fit_state(self, judged: Judged, facts: LabelFacts) -> State:
        """Return the calibration, and from which probability on each tag is said."""
        from striate.tasks.tag_thresholds import choose_thresholds

        logits, targets = np.asarray(judged.outputs[LOGITS], np.float64), judged.targets
        calibration = calibrate_tags(logits, targets, folds=judged.folds, **prior_of(judged.config, facts))
        cuts = choose_thresholds(calibration.probabilities(logits), targets) if len(logits) else None
        notes = _few_notes(targets, facts.names) if len(logits) else ()
        state = {"calibration": calibration.to_dict(), "thresholds": None if cuts is None else cuts.tolist()}
        return State(state, notes=notes)

    def unlearnt(self, why: str) -> State:
        """Return a state of plain answers; ``why`` stands in it."""
        return State({"calibration": TagCalibration(note=why).to_dict(), "thresholds": None})

    def opened(self, state: State, facts: LabelFacts) -> LearntTags:
        """Return the calibration and the thresholds. Errors: ModelError for what is damaged."""
        return learnt_of(state, facts)

    def decode(
        self, outputs: Outputs, facts: LabelFacts, learnt: Any, *, options: Mapping[str, Any] = NOTHING
    ) -> list[Prediction]:
        """Return the `Tags` of each picture."""
        logits = checked_scores(outputs[LOGITS])
        if logits.shape[1] != len(facts.names):
            raise StriateError(
                f"the answers are about {counted(logits.shape[1], 'tag')} but there"
                f" {plural(len(facts.names), 'is')} {counted(len(facts.names), 'tag')}"
            )
        return [Tags(facts.names, row, learnt.thresholds) for row in learnt.probabilities(logits)]


def _notes(values: NDArray[np.float32], names: Sequence[str]) -> tuple[str, ...]:
    """Return what a person should know: pictures without a tag, tags that nothing can be learnt of."""
    notes, counts = [], values.sum(axis=0)
    without = int((~values.any(axis=1)).sum()) if values.size else 0
    if without:
        notes.append(
            f"{counted(without, 'picture')} {plural(without, 'has')} no tag, and {plural(without, 'is')} learnt as such"
        )
    alone = [name for name, count in zip(names, counts, strict=True) if count == 1]
    if alone:
        notes.append(
            f"only one picture has the {plural(len(alone), 'tag')} {_some(alone)}: how well"
            f" {'it is' if len(alone) == 1 else 'they are'} told cannot be measured"
        )
    always = [name for name, count in zip(names, counts, strict=True) if len(values) and count == len(values)]
    if always:
        notes.append(
            f"every picture has the tag{'s' if len(always) > 1 else ''} {_some(always)}: nothing is learnt of it"
        )
    return tuple(notes)


def _few_notes(targets: NDArray[Any], names: Sequence[str]) -> tuple[str, ...]:
    """Return of which tags the threshold rests on the probabilities alone."""
    none = [name for name, count in zip(names, np.asarray(targets).sum(axis=0), strict=True) if not count]
    if not none:
        return ()
    return (
        f"no picture that it is calibrated by has the {plural(len(none), 'tag')} {_some(none)}: from where on"
        f" {'it is' if len(none) == 1 else 'they are'} said rests on the probabilities alone",
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
