"""Several tags a picture, after training: tables of answers, what they are worth, what may be asked. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import ModelError, RecipeError, StriateError
from striate.metrics.probability import Floats, checked_tags, sigmoid
from striate.tasks.answering import PARTS, Answering, number_of
from striate.tasks.calibrate import HEAD_SPREAD, SPREAD
from striate.tasks.tag_calibration import SHIFT_SPREAD, TagCalibration
from striate.tasks.tag_thresholds import PLAIN, fold_decisions
from striate.tasks.tags import tag_columns
from striate.tasks.values import LabelFacts, Labels, Outputs, State
from striate.words import counted

if TYPE_CHECKING:  # what measures and explains is imported by who does: predicting needs none of it
    from striate.data.pictures.crop_transform import CropTransform
    from striate.settings import Settings
    from striate.tasks.assessment import Basis
    from striate.tasks.decoding import Compared, Decoding, Frame
    from striate.tasks.sections import Part
    from striate.tasks.tag_assessment import TagAssessment
    from striate.tasks.tag_question import TagQuestion
    from striate.train_config import TrainConfig

LOGITS: Final = "logits"
# What tags may be learnt by (striate.tasks.tag_loss); the first where a recipe names none.
LOSSES: Final = ("cross-entropy", "asymmetric")
ASYMMETRIC: Final = LOSSES[1]
_WIDE: Final = 3.0  # how far temperature (its log) and shifts may lie from where they begin, where that says nothing


@dataclass(frozen=True, eq=False)
class LearntTags:
    """What is learnt after training: the calibration, and the threshold (T,) of each tag."""

    calibration: TagCalibration
    thresholds: Floats

    def probabilities(self, logits: NDArray[Any]) -> Floats:
        """Return the calibrated probabilities (N, T) of logits (N, T)."""
        return self.calibration.probabilities(logits)

    @property
    def cuts(self) -> tuple[float, ...]:
        """The logit, as the net gives it, from which on each tag is said."""
        shifts = np.asarray(self.calibration.shifts) if self.calibration.shifts else 0.0
        logits = np.log(self.thresholds) - np.log1p(-self.thresholds)
        return tuple(((logits - shifts) * self.calibration.temperature).tolist())


class TagAnswering(Answering):
    """The answering half of `striate.tasks.tag.Tag`. ``learnt`` is a `LearntTags`."""

    output = LOGITS
    error_at = 1  # behind the tags that are said, before the probabilities

    def columns(self, facts: LabelFacts, top: int | None = None) -> tuple[str, ...]:  # noqa: D102
        return tag_columns(facts.names, top)

    def formula(self, facts: LabelFacts, learnt: Any) -> Mapping[str, Any]:
        """Return the names, the calibration, and from which probability on each tag is said."""
        calibration: TagCalibration = learnt.calibration
        return {
            "kind": "tags",
            "names": list(facts.names),
            "temperature": calibration.temperature,
            "shifts": list(calibration.shifts) or [0.0] * len(facts.names),
            "thresholds": learnt.thresholds.tolist(),
        }

    def decoding(self, facts: LabelFacts, learnt: Any, frame: Frame) -> Decoding:
        """Return the steps to calibrated probabilities, and to which tags are said."""
        from striate.tasks.tag_decoding import tag_decoding

        return tag_decoding(facts, learnt)

    def held(
        self,
        said: Mapping[str, NDArray[Any]],
        answer: Any,
        outputs: Outputs,
        facts: LabelFacts,
        learnt: Any,
        crop: CropTransform | None = None,
    ) -> Compared:
        """Return what a graph said of one picture, against its answer."""
        from striate.tasks.tag_decoding import same_tags

        return same_tags(said, answer)

    def evaluate(
        self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts, learnt: Any, basis: Basis
    ) -> TagAssessment:
        """Return average precision, F1, calibration; out-of-fold answers are calibrated and cut by the other folds."""
        from striate.metrics.tag_report import tag_report
        from striate.tasks.tag_assessment import TagAssessment

        logits = np.asarray(outputs[LOGITS], np.float64)
        wanted = checked_tags(targets, pictures=len(logits), tags=len(facts.names))
        if basis.folds is None:
            scaled, cuts = learnt.calibration.scaled(logits), learnt.thresholds
        else:
            priors = prior_of(basis.config, facts)
            scaled, cuts = fold_decisions(logits, wanted, basis.folds, **priors)
        probabilities = sigmoid(scaled)
        report = tag_report(
            probabilities,
            wanted,
            tags=facts.names,
            thresholds=cuts,
            raw=sigmoid(logits),
            design=basis.effect,
        )
        return TagAssessment(
            report, scaled, probabilities, wanted, cuts, learnt.calibration, basis.judging, basis.effect
        )

    def shown_parts(
        self, values: NDArray[Any], parts: Mapping[str, NDArray[np.int64]], facts: LabelFacts
    ) -> tuple[Part, ...]:
        """Return how many pictures of each part have each tag, and how many have none."""
        from striate.tasks.sections import Table

        used = [part for part in PARTS if len(parts[part])]
        counts = {part: values[parts[part]].sum(axis=0) for part in used}
        none = {part: int((~values[parts[part]].astype(bool).any(axis=1)).sum()) for part in used}
        rows = [(name, *(f"{int(counts[part][tag]):,}" for part in used)) for tag, name in enumerate(facts.names)]
        if any(none.values()):
            rows.append(("without a tag", *(f"{none[part]:,}" for part in used)))
        rows.append(("pictures", *(f"{len(parts[part]):,}" for part in used)))
        heads = ("tag", *(PARTS[part] for part in used))
        return (Table(heads, tuple(rows), label="pictures with each tag, by part", folded=len(rows) > 40),)

    def matched(self, labels: Labels, facts: LabelFacts) -> NDArray[Any]:
        """Return which tags of this model pictures of another source have; a tag that it does not name is on none.

        Errors: StriateError for tags that the model does not know.
        """
        strange = [name for name in labels.names if name not in facts.names]
        if strange:
            known = f"{', '.join(facts.names[:10])}{' ...' if len(facts.names) > 10 else ''}"
            raise StriateError(
                f"has {counted(len(strange), 'tag')} the model does not know:"
                f" {', '.join(strange[:5])}{' ...' if len(strange) > 5 else ''}; it knows {known}"
            )
        values = np.zeros((len(labels.values), len(facts.names)), np.float32)
        values[:, [facts.names.index(name) for name in labels.names]] = labels.values
        return values

    def question(
        self,
        output: NDArray[np.float32],
        facts: LabelFacts,
        learnt: Any,
        word: str | int | None = None,
        against: str | int | None = None,
    ) -> TagQuestion:
        """Return what raises and lowers a tag: the one that is said most surely, or one by its name or number."""
        from striate.tasks.tag_question import TagQuestion

        if against is not None:
            raise StriateError("tags are told one by one, none against another; leave that out, and name the tag alone")
        leads = np.asarray(output, np.float64) - np.asarray(learnt.cuts)
        target = int(leads.argmax()) if word is None else number_of(word, facts.names, "tag")
        return TagQuestion(target, facts.names, learnt.cuts, bool(leads[target] >= 0))

    def map_values(self, output: NDArray[np.float64], facts: LabelFacts, learnt: Any) -> NDArray[np.float64]:
        """Return calibrated probabilities (N, T)."""
        return learnt.probabilities(output)  # type: ignore[no-any-return]


def is_asymmetric(recipe: Settings) -> bool:
    """Return whether a recipe has tags learnt by the asymmetric loss. Errors: RecipeError for a loss that is none."""
    if recipe.loss not in (None, *LOSSES):
        raise RecipeError(f"loss = {recipe.loss!r}: tags are learnt by {' or '.join(LOSSES)}")
    return recipe.loss == ASYMMETRIC


def prior_of(config: TrainConfig | None, facts: LabelFacts) -> dict[str, Any]:
    """Return how the calibration of what a recipe trains begins: the arguments of `tag_calibration.fit`.

    Weights on the positives shift every tag's logit by their logarithm, which is known from the pictures trained on.
    The asymmetric loss draws probabilities up and together, nobody knows how far: there answers alone decide.
    """
    head = config is not None and config.tune == "head"
    trained, begin = facts.facts.get("trained"), None
    if config is not None and config.class_weights == "balanced" and trained is not None:
        there = np.asarray(trained["tags"], np.float64)
        missing = trained["pictures"] - there
        begin = np.where((there > 0) & (missing > 0), np.log(np.maximum(there, 1) / np.maximum(missing, 1)), 0.0)
    if config is not None and not head and is_asymmetric(config):
        return {"spread": _WIDE, "shift_spread": _WIDE, "begin": begin}
    return {"spread": HEAD_SPREAD if head else SPREAD, "shift_spread": SHIFT_SPREAD, "begin": begin}


def learnt_of(state: State, facts: LabelFacts) -> LearntTags:
    """Return a state's calibration and thresholds. Errors: ModelError for what is damaged, or of other tags."""
    calibration, thresholds = state.facts.get("calibration", {}), state.facts.get("thresholds")
    if not isinstance(calibration, Mapping):
        raise ModelError("the model file's calibration does not read: it is no object")
    read = TagCalibration.from_dict(calibration, tags=len(facts.names))
    if thresholds is None:
        return LearntTags(read, np.full(len(facts.names), PLAIN))
    return LearntTags(read, np.array(_checked(thresholds, len(facts.names))))


def _checked(thresholds: object, tags: int) -> Sequence[float]:
    if not isinstance(thresholds, list | tuple) or len(thresholds) != tags:
        raise ModelError(f"the model file's thresholds are not one a tag, {tags} in all")
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and 0 < one < 1 for one in thresholds):
        raise ModelError("the model file's thresholds do not read: each lies between 0 and 1")
    return [float(one) for one in thresholds]
