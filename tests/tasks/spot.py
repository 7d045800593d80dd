"""A task whose labels lie in the picture: where a spot is. It has nothing that the seam for places does not ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.tasks.toy import BrightnessAssessment, BrightnessReport, Toy
from torch import Tensor

from striate.data.batches.moves import Moves
from striate.data.pictures.crop_transform import CropTransform
from striate.data.sources.items import Source
from striate.metrics.intervals import bootstrap_mean
from striate.settings import Settings
from striate.tasks.assessment import Basis
from striate.tasks.prediction import Prediction
from striate.tasks.task import NOTHING, LabelFacts, Labels, Outputs
from striate.train_config import TrainConfig

ERROR = "mean distance"


@dataclass(frozen=True, eq=False, repr=False)
class Spot(Prediction):
    """Where it is, (x, y) in pixels."""

    at: tuple[float, float]

    def __str__(self) -> str:
        return f"at {self.at[0]:.1f}, {self.at[1]:.1f}"

    def in_picture(self, crop: CropTransform) -> Spot:
        x, y = crop.points_back([self.at])[0].tolist()
        return Spot((x, y))

    def to_dict(self, top: int | None = None) -> dict[str, object]:
        return {"x": self.at[0], "y": self.at[1]}


class Where(Toy):
    """Pictures to where their spot is; targets and outputs are pixels of the input."""

    name = "spot"
    output = "spot"
    noun = "coordinate"
    headline = ERROR
    placed = True

    def labels(self, source: Source, recipe: Settings) -> Labels:
        found = super().labels(source, recipe)
        return Labels(source.label_names, np.array([item.target for item in source.items], np.float64), found.known)

    def place(self, labels: Labels, crops: Sequence[CropTransform]) -> Labels:
        moved = [crop.points([at])[0] for at, crop in zip(labels.values, crops, strict=True)]
        return replace(labels, values=np.array(moved))

    def move(self, targets: NDArray[Any], moves: Moves) -> NDArray[Any]:
        return moves.points(targets, of=np.arange(len(targets))).astype(np.float32)

    def measure(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> dict[str, float]:
        return {ERROR: float(np.hypot(*(outputs[self.output] - targets).T).mean())}

    def loss(
        self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> dict[str, Tensor]:
        return {self.terms[0]: ((outputs[self.output].float() - targets) ** 2).sum() / len(targets)}

    def decode(
        self, outputs: Outputs, facts: LabelFacts, learnt: Any, *, options: Mapping[str, Any] = NOTHING
    ) -> list[Prediction]:
        return [Spot((float(x), float(y))) for x, y in outputs[self.output]]

    def evaluate(
        self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts, learnt: Any, basis: Basis
    ) -> BrightnessAssessment:
        apart = np.hypot(*(np.asarray(outputs[self.output], np.float64) - targets).T)
        return BrightnessAssessment(BrightnessReport(bootstrap_mean(apart)), apart, np.zeros(len(apart)))
