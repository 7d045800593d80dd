"""Pictures into classes: the loss, the answer, the measure of an epoch, and what is learnt after training.

Torch is imported by what computes with tensors alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.errors import ModelError
from striate.metrics.probability import Ints, checked_targets, log_softmax
from striate.tasks.calibrate import Calibration, calibrate
from striate.tasks.class_answering import LOGITS, ClassAnswering, spread
from striate.tasks.decode import decode
from striate.tasks.ood import PREFIX, OODDetector, fit_ood, fit_ood_at, log_distances
from striate.tasks.prediction import Prediction
from striate.tasks.sketch import spread_evenly
from striate.tasks.task import EMBEDDING, NOTHING, Judged, LabelFacts, Labels, LeftOut, Outputs, State, Task
from striate.words import counted

if TYPE_CHECKING:
    from torch import Tensor

    from striate.data.sources.items import Source
    from striate.data.strata import Strata
    from striate.model.build.model import Outputs as MainAndSides
    from striate.settings import Settings
    from striate.tasks.stranger_skill import StrangerSkill
    from striate.train_config import TrainConfig

FEWEST: Final = 20  # pictures, below which a threshold for "none of these" would be a guess


@dataclass(frozen=True, eq=False)
class Learnt:
    """What is learnt after training: the temperature, and what is known; None where every picture gets a class."""

    calibration: Calibration
    unknown: OODDetector | None


class Classify(ClassAnswering, Task):
    """Pictures into classes, one each."""

    name = "classify"
    kind = "classes"  # `striate.data.sources.items.CLASSES`, which to import is 12 ms of every prediction
    noun = "class"
    pipeline = "image-classification"
    ends = "one a class"
    headline = "accuracy"
    terms = ("cross-entropy",)
    choices = frozenset({"class_weights", "strangers"})

    def labels(self, source: Source, recipe: Settings) -> Labels:
        """Return each picture's class: its place among the names of the source, -1 without a label."""
        values = np.array([item.target for item in source.items], np.int64)
        return Labels(source.label_names, values, values >= 0)

    def check_labels(self, source: Source, labels: Labels) -> None:
        """Refuse a source of which nothing could be measured: one picture a class."""
        from striate.data.labels.enough import check_enough

        check_enough(source)

    def cautions(self, labels: Labels, rows: Sequence[int], config: TrainConfig) -> tuple[str, ...]:
        """Say where one class has far more pictures than another, and nothing weighs them."""
        from striate.data.labels.enough import uneven_note

        counts = Counter(labels.values[list(rows)].tolist())
        return uneven_note(labels.names, dict(counts), config.class_weights)

    def strata(self, labels: Labels) -> Strata:
        """Return the classes: each keeps its share, and has a picture to train on."""
        from striate.data.strata import Strata

        return Strata(labels.values, labels.known, labels.names, self.noun)

    def weights(self, targets: NDArray[Any], facts: LabelFacts, config: TrainConfig) -> Tensor | None:
        """Return the weight of each class (K,), where they are to be balanced."""
        return class_weights_balanced(targets, len(facts.names)) if config.class_weights == "balanced" else None

    def row_weights(self, targets: Tensor, weights: Tensor) -> Tensor:
        """Return the weight of each picture's class (N,)."""
        return weights[targets]

    def loss(
        self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the cross-entropy, with the label smoothing of the config and the weights of the classes."""
        smoothing = config.label_smoothing
        return {
            self.terms[0]: cross_entropy(outputs[LOGITS], targets, label_smoothing=smoothing, class_weights=weights)
        }

    def slopes(
        self, output: Tensor, targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the cross-entropy of each picture, and its derivative: the softmax, less 1 at the own class."""
        import torch

        logs = torch.log_softmax(output, -1)
        own = targets.view(-1, *[1] * (output.dim() - 1)).expand(*output.shape[:-1], 1)
        losses = -logs.gather(-1, own)[..., 0]
        return losses, logs.exp_().scatter_add_(-1, own, torch.full_like(own, -1, dtype=logs.dtype))

    def judges(self, targets: NDArray[Any], seen: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which pictures are of a class that was seen."""
        return np.isin(targets, seen)

    def plain_loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig) -> float:
        """Return the mean cross-entropy."""
        from torch.nn import functional

        return float(functional.cross_entropy(outputs[LOGITS], targets))

    def measure(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> dict[str, float]:
        """Return the accuracy."""
        return measure(outputs[LOGITS], targets)

    def for_mean(self, output: NDArray[Any]) -> NDArray[Any]:
        """Return the logarithms of the probabilities."""
        return log_softmax(output)

    def told(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> str:
        """Return how many are right."""
        right = int((outputs[LOGITS].argmax(axis=1) == targets).sum())
        return f"{right} of {counted(len(targets), 'picture')} right"

    def shown(self, name: str, value: float, facts: LabelFacts) -> str:
        """Return a share in percent: ``accuracy 87.5 %``."""
        return f"{name} {100 * value:.1f} %"

    def fit_state(self, judged: Judged, facts: LabelFacts) -> State:
        """Return the temperature and what is known of "none of these"."""
        logits, targets, config = judged.outputs[LOGITS], judged.targets, judged.config
        calibration = calibrate(logits, targets, folds=judged.folds, spread=spread(config))
        unknown = _known(judged, calibration.temperature) if config.unknown else None
        if unknown is not None:
            # Of a frozen trunk it was measured, unless that has learnt these very classes before.
            frozen = unknown.skill if judged.frozen and not judged.seen_before else None
            unknown = unknown.with_skill(judged.skill or frozen)
        return state_of(Learnt(calibration, unknown))

    def unlearnt(self, why: str) -> State:
        """Return a state without a temperature; ``why`` stands in it."""
        return state_of(Learnt(Calibration(note=why), None))

    def opened(self, state: State, facts: LabelFacts) -> Learnt:
        """Return the temperature and what is known. Errors: ModelError for what is damaged."""
        calibration, unknown = state.facts.get("calibration", {}), state.facts.get("unknown")
        for what, given in (("calibration", calibration), ('"none of these"', {} if unknown is None else unknown)):
            if not isinstance(given, Mapping):
                raise ModelError(f"the model file's {what} does not read: it is no object")
        arrays = {PREFIX + name: array for name, array in state.arrays.items()}
        return Learnt(
            Calibration.from_dict(calibration),
            None if unknown is None else OODDetector.from_tensors(arrays, unknown),
        )

    def distances(
        self, embeddings: NDArray[np.float32], known: NDArray[np.float32], targets: NDArray[Any]
    ) -> NDArray[np.float64] | None:
        """Return the log distance (N,) of embeddings (N, D) to the nearest of those that are known."""
        return log_distances(embeddings, known, targets)

    def leave_out(self, targets: NDArray[Any], train: Ints, held: Ints, groups: Ints) -> tuple[LeftOut, ...]:
        """Return the trainings without every other class, and then without the others."""
        from striate.tasks.left_out import leave_out

        return leave_out(targets, train, held, groups)

    def stranger_skill(
        self,
        trained: tuple[Outputs, NDArray[Any]],
        known: tuple[Outputs, NDArray[Any]],
        strange: tuple[Outputs, NDArray[Any]],
    ) -> StrangerSkill:
        """Return how well the classes left out are told, by thresholds that the known ones set."""
        from striate.tasks.left_out import Answered, skill_without

        given = (trained, known, strange)
        return skill_without(*(Answered(said[LOGITS], said[EMBEDDING], targets) for said, targets in given))

    def decode(
        self, outputs: Outputs, facts: LabelFacts, learnt: Any, *, options: Mapping[str, Any] = NOTHING
    ) -> list[Prediction]:
        """Return the `Scores` of each picture; with the option ``unknown`` False each gets a class."""
        embeddings = outputs.get(EMBEDDING) if options.get("unknown", True) else None
        temperature, unknown = learnt.calibration.temperature, learnt.unknown
        return list(
            decode(outputs[LOGITS], facts.names, temperature=temperature, embeddings=embeddings, unknown=unknown)
        )


def state_of(learnt: Learnt) -> State:
    """Return what is learnt as a model file keeps it; `Classify.opened` reads it."""
    unknown = learnt.unknown
    facts = {
        "calibration": learnt.calibration.to_dict(),
        "unknown": None if unknown is None else unknown.to_dict(),
    }
    return State(facts, {} if unknown is None else _short(unknown.to_tensors()))


def state_of_format_1(
    calibration: Mapping[str, Any], unknown: Mapping[str, Any] | None, arrays: Mapping[str, NDArray[Any]]
) -> State:
    """Return the state of a model file of format 1, where it stood in fields of its own and ``unknown.*`` tensors."""
    return State({"calibration": calibration, "unknown": unknown}, _short(arrays))


def _short(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(PREFIX): array for name, array in arrays.items()}


def _known(judged: Judged, temperature: float) -> OODDetector | None:
    """Return what is known, where there are pictures enough to set a threshold by."""
    if judged.frozen:
        from striate.tasks.frozen import fit_frozen

        outputs, targets = judged.known(None)
        return None if len(targets) < FEWEST else fit_frozen(outputs[EMBEDDING], targets, temperature=temperature)
    if len(judged.targets) < FEWEST or (judged.folds is not None and judged.distances is None):
        return None
    outputs, targets = judged.known(spread_evenly)
    known, logits = outputs[EMBEDDING], judged.outputs[LOGITS]
    if judged.distances is not None:
        return fit_ood_at(known, targets, judged.distances, logits, temperature=temperature)
    return fit_ood(known, targets, judged.outputs[EMBEDDING], logits, temperature=temperature)


def cross_entropy(
    logits: Tensor, targets: Tensor, *, label_smoothing: float = 0.0, class_weights: Tensor | None = None
) -> Tensor:
    """Return the cross-entropy of logits (N, K) with targets (N,) int64, a float32 scalar.

    ``label_smoothing`` shares out that part of the certainty among all classes (Szegedy et al. 2016, section 7).
    ``class_weights`` (K,) multiply the pictures of each class. The sum is divided by the number of pictures, not by
    their weights, so that parts of a batch add up to exactly the whole.
    """
    from torch.nn import functional

    return functional.cross_entropy(
        logits.float(), targets, weight=class_weights, label_smoothing=label_smoothing, reduction="sum"
    ) / len(targets)


def loss(
    outputs: MainAndSides,
    targets: Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: Tensor | None = None,
) -> Tensor:
    """Return the cross-entropy of the main output plus that of each side head times its weight, a float32 scalar.

    Example: ``loss(model.outputs(inputs), torch.tensor([0]), label_smoothing=0.1).backward()``
    """
    main, *sides = losses(outputs, targets, label_smoothing=label_smoothing, class_weights=class_weights)
    return sum(sides, main)


def losses(
    outputs: MainAndSides,
    targets: Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Return what ``loss`` adds up: the cross-entropy of the main output, then each side head's times its weight.

    Source: Szegedy et al. 2014, section 5, for the side heads.

    Example: ``len(losses(model.outputs(inputs), torch.tensor([0])))`` is 1.
    """
    return tuple(
        share * cross_entropy(logits, targets, label_smoothing=label_smoothing, class_weights=class_weights)
        for logits, share in ((outputs.main, 1.0), *outputs.sides)
    )


def class_weights_balanced(targets: ArrayLike, classes: int) -> Tensor:
    """Return (K,) float32 weights under which every class counts the same, 1 on average over the pictures.

    A class of n of N pictures, where k classes occur, gets N / (k n); one without pictures gets 0.

    Example: ``class_weights_balanced([0, 0, 0, 1], 2)`` is ``[0.667, 2.0]``.
    """
    import torch

    wanted = np.asarray(targets)
    wanted = checked_targets(wanted, pictures=len(wanted), classes=classes)
    counts = np.bincount(wanted, minlength=classes).astype(np.float64)
    present = counts > 0
    weights = np.zeros(classes)
    weights[present] = len(wanted) / (present.sum() * counts[present])
    return torch.from_numpy(weights.astype(np.float32))


def measure(logits: ArrayLike, targets: ArrayLike) -> dict[str, float]:
    """Return what an epoch is judged by, without intervals: the share of right answers.

    Example: ``measure([[2.0, 0.0]], [0])`` is ``{"accuracy": 1.0}``.
    """
    from striate.metrics.classification import target_ranks

    return {"accuracy": float((target_ranks(logits, targets) == 0).mean())}


__all__ = ["Classify", "Learnt", "class_weights_balanced", "decode", "loss", "losses", "measure", "spread", "state_of"]
