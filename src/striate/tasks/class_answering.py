"""Pictures into classes, after training: tables of answers, what they are worth, what may be asked. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.metrics.probability import softmax
from striate.tasks.answering import PARTS, Answering
from striate.tasks.calibrate import HEAD_SPREAD, SPREAD, fold_temperatures
from striate.tasks.prediction import columns_of
from striate.tasks.values import EMBEDDING, NOTHING, LabelFacts, Labels, Outputs

if TYPE_CHECKING:  # what measures and explains is imported by who does: predicting needs none of it
    from striate.data.pictures.crop_transform import CropTransform
    from striate.tasks.assessment import Basis, Cost
    from striate.tasks.class_assessment import ClassAssessment
    from striate.tasks.class_pairing import ClassPaired
    from striate.tasks.class_question import ClassQuestion
    from striate.tasks.decoding import Compared, Decoding, Frame
    from striate.tasks.ood import OODDetector
    from striate.tasks.pairing import Shared
    from striate.tasks.sections import Part
    from striate.train_config import TrainConfig

LOGITS: Final = "logits"


class ClassAnswering(Answering):
    """The answering half of `striate.tasks.classify.Classify`. What was learnt is a temperature, and what is known."""

    output = LOGITS
    error_at = 4  # behind what was answered, before the probabilities

    def columns(self, facts: LabelFacts, top: int | None = None) -> tuple[str, ...]:  # noqa: D102
        return columns_of(facts.names, top)

    def warnings(self, learnt: Any, options: Mapping[str, Any] = NOTHING) -> tuple[str, ...]:
        """Return that strangers cannot be told, where that was measured and "none of these" is wanted."""
        skill = None if learnt.unknown is None else learnt.unknown.skill
        if skill is None or skill.tells or not options.get("unknown", True):
            return ()
        return ("this model cannot tell strangers; whatever it is shown, it answers with one of its classes",)

    def formula(self, facts: LabelFacts, learnt: Any) -> Mapping[str, Any]:
        """Return the names, the temperature, and what "none of these" is said by."""
        temperature, detector = learnt.calibration.temperature, learnt.unknown
        told: dict[str, Any] = {"kind": "classes", "names": list(facts.names), "temperature": temperature}
        return {**told, "unknown": None if detector is None else _formula(detector)}

    def decoding(self, facts: LabelFacts, learnt: Any, frame: Frame) -> Decoding:
        """Return the steps to calibrated probabilities and to "none of these"."""
        from striate.tasks.class_decoding import class_decoding

        return class_decoding(facts, learnt)

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
        from striate.tasks.class_decoding import same_class

        return same_class(said, answer)

    def same(self, outputs: Outputs, others: Outputs) -> NDArray[np.bool_]:
        """Return which pictures get the same class by both."""
        same: NDArray[np.bool_] = outputs[LOGITS].argmax(1) == others[LOGITS].argmax(1)
        return same

    def cost(
        self,
        before: Outputs,
        after: Outputs,
        targets: NDArray[Any],
        facts: LabelFacts,
        learnt: Any,
        *,
        trained: bool,
        known: bool,
    ) -> Cost:
        """Return the pictures that int8 gets wrong more, and where "none of these" begins in it."""
        from striate.tasks.class_int8 import class_cost

        logits, embeddings = ((before[name], after[name]) for name in (LOGITS, EMBEDDING))
        return class_cost(logits, embeddings, targets, learnt.unknown, trained=trained, known=known)

    def cost_words(self, facts: Mapping[str, Any]) -> str:  # noqa: D102
        from striate.tasks.class_int8 import class_cost_words

        return class_cost_words(facts)

    def adapted(self, learnt: Any, facts: Mapping[str, Any]) -> Any:  # noqa: D102
        from striate.tasks.class_int8 import adapted

        return type(learnt)(learnt.calibration, adapted(learnt.unknown, facts))

    def evaluate(
        self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts, learnt: Any, basis: Basis
    ) -> ClassAssessment:
        """Return accuracy, classes, calibration; of out-of-fold answers by the temperature of the other folds."""
        from striate.metrics.report import classification_report
        from striate.tasks.class_assessment import ClassAssessment
        from striate.tasks.left_out import beyond_other_folds

        logits, calibration, unknown = outputs[LOGITS], learnt.calibration, learnt.unknown
        temperature: Any = calibration.temperature
        flags = None
        if basis.folds is not None:
            temperature = fold_temperatures(logits, targets, basis.folds, spread=spread(basis.config))
            if unknown is not None and basis.distances is not None:
                flags = beyond_other_folds(unknown, basis.distances, logits, basis.folds)
        elif unknown is not None and len(targets) and not basis.judging:
            flags = unknown.is_unknown(unknown.score(outputs[EMBEDDING], logits))
        report = classification_report(
            logits,
            targets,
            classes=facts.names,
            temperature=calibration.temperature,
            temperatures=None if basis.folds is None else temperature,
            design=basis.effect,
        )
        told = None if unknown is None else unknown.told()
        return ClassAssessment(report, logits, targets, calibration, temperature, flags, told, basis.effect)

    def shown_parts(
        self, values: NDArray[Any], parts: Mapping[str, NDArray[np.int64]], facts: LabelFacts
    ) -> tuple[Part, ...]:
        """Return how many pictures of each class each part has."""
        from striate.tasks.sections import Table

        used = [part for part in PARTS if len(parts[part])]
        many = {part: np.bincount(values[parts[part]] + 1, minlength=len(facts.names) + 1)[1:] for part in used}
        rows = [(name, *(f"{many[part][kind]:,}" for part in used)) for kind, name in enumerate(facts.names)]
        heads = ("class", *(PARTS[part] for part in used))
        return (Table(heads, tuple(rows), label="pictures of each class, by part", folded=len(rows) > 40),)

    def paired(self, shared: Shared) -> ClassPaired:  # noqa: D102
        from striate.tasks.class_pairing import class_paired

        return class_paired(shared)

    def matched(self, labels: Labels, facts: LabelFacts) -> NDArray[Any]:
        """Return each picture's class as this model numbers it, -1 without one. Errors: StriateError."""
        strange = [name for name in labels.names if name not in facts.names]
        if strange:
            known = f"{', '.join(facts.names[:10])}{' ...' if len(facts.names) > 10 else ''}"
            many = f"{len(strange)} class{'es' if len(strange) > 1 else ''}"
            raise StriateError(
                f"has {many} the model does not know: {', '.join(strange[:5])}{' ...' if len(strange) > 5 else ''};"
                f" it knows {known}"
            )
        place = np.array([*(facts.names.index(name) for name in labels.names), -1], np.int64)
        found: NDArray[Any] = place[labels.values]
        return found

    def question(
        self,
        output: NDArray[np.float32],
        facts: LabelFacts,
        learnt: Any,
        word: str | int | None = None,
        against: str | int | None = None,
    ) -> ClassQuestion:
        """Return why the likeliest class, or one by its name or number; of two, against the other."""
        from striate.tasks.class_question import class_question

        return class_question(output.tolist(), facts.names, word, against)

    def map_values(self, output: NDArray[np.float64], facts: LabelFacts, learnt: Any) -> NDArray[np.float64]:
        """Return calibrated probabilities (N, K)."""
        return softmax(output, learnt.calibration.temperature)


def spread(config: TrainConfig | None) -> float:
    """Return how far from 1 the temperature of what a recipe trains is thought to lie, before it is fitted."""
    return HEAD_SPREAD if config is not None and config.tune == "head" else SPREAD


def _formula(detector: OODDetector) -> dict[str, Any]:
    """Return what `OODDetector.score` and `is_unknown` compute by, for who has no NumPy."""
    from striate.tasks.sketch import WIDTH, folding

    return {
        "stored": detector.stored,
        "folding": folding(detector.width) if detector.width > WIDTH else None,
        "temperature": detector.temperature,
        "distance": [detector.distance.mean, detector.distance.spread],
        "indecision": [detector.indecision.mean, detector.indecision.spread],
        "threshold": detector.threshold if detector.answers else None,
        "measure": detector.measure,
        "words": str(detector.told()["words"]),
    }
