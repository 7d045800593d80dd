"""A task of one file and one line: how bright a picture is. It has nothing that the seam does not ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.data.sources.items import Source
from striate.data.strata import Strata
from striate.errors import ModelError, SourceError, StriateError
from striate.metrics.intervals import Interval, bootstrap_mean
from striate.metrics.probability import Floats
from striate.metrics.verdict import Verdict
from striate.settings import Settings
from striate.tasks.assessment import About, Assessment, Basis, Headline
from striate.tasks.prediction import Prediction, Value
from striate.tasks.question import Question
from striate.tasks.sections import Bar, Bars, Figure, Matrix, Points, Section, Table, Text, Tile, Tiles
from striate.tasks.task import NOTHING, Judged, LabelFacts, Labels, Outputs, State, Task
from striate.train_config import TrainConfig

if TYPE_CHECKING:
    from torch import Tensor

ERROR = "mean absolute error"


@dataclass(frozen=True, eq=False)
class Brightness(Prediction):
    """How bright a picture is, and how far that is off on average."""

    value: float
    off: float

    def __str__(self) -> str:
        return f"{self.value:.2f} bright, give or take {self.off:.2f}"

    def to_dict(self, top: int | None = None) -> dict[str, object]:
        """Return the answer ready for JSON."""
        return {"brightness": self.value, "off": self.off}

    def cells(self, top: int | None = None) -> tuple[Value, ...]:
        """Return both numbers."""
        return self.value, self.off


@dataclass(frozen=True)
class BrightnessReport:
    """The error, with its interval."""

    error: Interval

    def text(self) -> str:
        """Return a line for the terminal."""
        return f"{ERROR} {self.error}"

    def to_dict(self) -> dict[str, object]:
        """Return it ready for JSON."""
        return {"error": self.error.to_dict()}


@dataclass(frozen=True, eq=False)
class BrightnessAssessment(Assessment):
    """How far off answers are."""

    report: BrightnessReport
    said: Floats
    is_: Floats
    loss_name = "absolute error"

    @property
    def headline(self) -> Headline:
        return Headline(ERROR, self.report.error, share=False, unit="of 1", higher_is_better=False)

    @property
    def losses(self) -> Floats:
        return np.abs(self.said - self.is_)

    def caption(self, row: int) -> str:
        return f"{self.said[row]:.2f}, is {self.is_[row]:.2f}"

    def verdict(self, about: About) -> Verdict:
        trained = "no" if about.trained is None else len(about.trained)
        return Verdict("fine", f"Off by {self.report.error.value:.2f} after {trained} pictures.", about.also)

    def sections(self) -> tuple[Section, ...]:
        """Return one section of every kind of part."""
        worst = tuple(Tile(row, self.caption(row)) for row in self.worst(6).tolist())
        return (
            Section("Where is it farthest off?", (Text("Worst <first>.", strong=True), Tiles(worst, "Worst"))),
            Section(
                "How does it do?",
                (
                    Points(self.is_, self.said, "is", "said", "said against is", diagonal=True, level=0.5),
                    Bars((Bar("all & sundry", self.report.error.value, "so far", 0.0, 0.3),), "errors"),
                    Table(("what", "figure"), (("error", Figure("0.1", "0.0 to 0.2")),), "figures", folded=True),
                    Matrix(("dark",), ("dark", "light"), np.array([[0.9, 0.1]]), (("9", "1"),), "is, said", "matrix"),
                ),
                half=True,
            ),
        )


@dataclass(frozen=True)
class BrightnessQuestion(Question):
    """What raises the brightness that is said."""

    name: str

    @property
    def title(self) -> str:
        return f"What raises the {self.name}, and what lowers it?"

    @property
    def answer(self) -> str:
        return self.name

    @property
    def signed(self) -> bool:
        return True

    def score(self, output: Tensor) -> Tensor:
        return output[:, 0]

    def level(self, output: Tensor) -> Tensor:
        whole, nothing = output[0, 0], output[1, 0]
        apart = whole - nothing
        return (output[:, 0] - nothing) / (apart if abs(float(apart)) > 1e-9 else 1.0)

    def value(self, output: Tensor) -> float:
        return float(output[0, 0])


class Toy(Task):
    """Pictures to how bright they are."""

    name = "brightness"
    kind = "numbers"
    output = "brightness"
    noun = "level"
    ends = "one number"
    headline = ERROR
    higher_is_better = False
    terms = ("squared error",)

    def labels(self, source: Source, recipe: Settings) -> Labels:
        known = np.array([isinstance(item.target, tuple) for item in source.items], bool)
        if not known.any():
            raise SourceError(f"{source.location} says nothing of brightness")
        rows = [item.target if isinstance(item.target, tuple) else (np.nan,) for item in source.items]
        return Labels(source.label_names[:1], np.array(rows, np.float64)[:, :1], known, {"scale": 1.0})

    def check_labels(self, source: Source, labels: Labels) -> None:
        if labels.known.sum() < 4:
            raise SourceError("brightness takes four pictures")

    def strata(self, labels: Labels) -> Strata:
        bright = (labels.values[:, 0] > np.nanmedian(labels.values)).astype(np.int64)
        return Strata(np.where(labels.known, bright, -1), labels.known)

    def encode(self, labels: Labels, rows: Sequence[int] | NDArray[np.int64] | None = None) -> NDArray[Any]:
        """Return float32, which the net puts out."""
        return super().encode(labels, rows).astype(np.float32)

    def loss(
        self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> dict[str, Tensor]:
        return {self.terms[0]: ((outputs[self.output].float() - targets) ** 2).sum() / len(targets)}

    def slopes(
        self, output: Tensor, targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        wanted = targets.view(len(targets), *[1] * (output.dim() - 2), 1).to(output.dtype)
        apart = output - wanted
        return (apart**2).sum(-1), 2 * apart

    def plain_loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig) -> float:
        return float(((outputs[self.output] - targets) ** 2).mean())

    def measure(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> dict[str, float]:
        return {ERROR: float(np.abs(outputs[self.output] - targets).mean())}

    def fit_state(self, judged: Judged, facts: LabelFacts) -> State:
        apart = np.abs(judged.outputs[self.output] - judged.targets)[:, 0]
        return State({"off": float(apart.mean()) if len(apart) else 0.0}, {"apart": apart.astype(np.float32)})

    def opened(self, state: State, facts: LabelFacts) -> float:
        off = state.facts.get("off", 1.0)
        if isinstance(off, bool) or not isinstance(off, int | float) or not 0 <= off < 1e9:
            raise ModelError("the model file's brightness does not read")
        return float(off)

    def decode(
        self, outputs: Outputs, facts: LabelFacts, learnt: Any, *, options: Mapping[str, Any] = NOTHING
    ) -> list[Prediction]:
        values = outputs[self.output]
        if values.shape[1:] != (1,) or not np.isfinite(values).all():
            raise StriateError("a brightness is one finite number")
        return [Brightness(float(value), learnt) for value in values[:, 0]]

    def columns(self, facts: LabelFacts, top: int | None = None) -> tuple[str, ...]:
        return facts.names[0], "off"

    def evaluate(
        self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts, learnt: Any, basis: Basis
    ) -> BrightnessAssessment:
        said, is_ = outputs[self.output][:, 0].astype(np.float64), np.asarray(targets, np.float64)[:, 0]
        return BrightnessAssessment(BrightnessReport(bootstrap_mean(np.abs(said - is_))), said, is_)

    def question(
        self,
        output: NDArray[np.float32],
        facts: LabelFacts,
        learnt: Any,
        word: str | int | None = None,
        against: str | int | None = None,
    ) -> BrightnessQuestion:
        return BrightnessQuestion(facts.names[0])
