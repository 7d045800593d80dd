"""The seam between what is learnt and everything else: a task is one file here and one line in ``TASKS``.

Whoever trains, predicts, measures or explains asks a `Task`, and knows neither its name nor what its outputs mean. The
arrays that a network gives are `Outputs`, by name: that of the task's ``output``, and ``embedding``. Four kinds of
values go through the seam: `Labels`, what a source says of its pictures; `LabelFacts`, what of them a model file keeps;
`State`, what was learnt after training; and `Judged`, the answers that it was learnt from (`striate.tasks.values`).
What is asked of a task after training is its other half, `striate.tasks.answering`.

A task imports no torch but inside `Task.loss`, `Task.slopes` and what computes with tensors: predicting needs none.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.errors import DescribeError, RecipeError, ShapeError
from striate.metrics.probability import Ints
from striate.spec.shape import Shape
from striate.tasks.answering import Answering
from striate.tasks.prediction import Prediction
from striate.tasks.values import EMBEDDING, NOTHING, Judged, LabelFacts, Labels, LeftOut, Outputs, State
from striate.words import counted, plural

if TYPE_CHECKING:
    from torch import Tensor

    from striate.data.batches.moves import Moves
    from striate.data.pictures.crop_transform import CropTransform
    from striate.data.sources.items import Source
    from striate.data.strata import Strata
    from striate.settings import Settings
    from striate.spec.net import Net
    from striate.spec.survey import Survey
    from striate.tasks.stranger_skill import StrangerSkill
    from striate.train_config import TrainConfig

__all__ = ["EMBEDDING", "NOTHING", "Judged", "LabelFacts", "Labels", "LeftOut", "Outputs", "State", "Task"]

SOME_TASKS = ("loss", "circular", "class_weights", "strangers")
"""Fields of a recipe that not every task makes use of (`Task.choices`)."""


class Task(Answering):
    """What a network is for. One value of each kind stands in `striate.tasks.table.TASKS`."""

    name: ClassVar[str]
    """How it is called in recipes, runs and model files."""
    kind: ClassVar[str]
    """The kind of labels it takes where nobody says which task it is: `Source.kind` of what it learns from."""
    output: ClassVar[str]
    """How the network's main output is called: in run files, in ONNX files, and in `Outputs`."""
    noun: ClassVar[str]
    """What one of its names is called in a sentence, in the singular: class, tag, number."""
    headline: ClassVar[str]
    """The first figure of `measure`, in words: accuracy."""
    ends: ClassVar[str]
    """What a last dense layer without a number gives, in words: one a class."""
    higher_is_better: ClassVar[bool] = True
    """Of the headline."""
    terms: ClassVar[tuple[str, ...]]
    """The names of the terms of the loss, in the order of `loss`."""
    decays: ClassVar[tuple[float, ...]] = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)
    """The weight decays that a head on features chooses among, from the strongest; always eight."""
    blind_decay: ClassVar[float] = 0.03
    """The one it takes where no picture can choose."""
    feature_floor: ClassVar[float] = 0.0
    """How far a head on features takes rare ones down: each is divided by the root of its variance and of this share,
    squared, of the mean variance of all. 0: each counts the same, however seldom it is there."""
    choices: ClassVar[frozenset[str]] = frozenset()
    """Which of the fields of a recipe that are not for every task (`SOME_TASKS`) it makes use of."""
    implied_by: ClassVar[str] = ""
    """The field of a recipe that says that this is the task, where no task is named; "" for none."""
    placed: ClassVar[bool] = False
    """Whether its labels and answers lie somewhere in the picture, as points, boxes and masks do. Then it is asked to
    `place` and `move` its labels, and its predictions to go back (`Prediction.in_picture`)."""
    solved: ClassVar[bool] = True
    """Whether a new head on a frozen trunk is one dense layer, solved on features (`slopes`). Otherwise it answers at
    places (`on_trunk`) and learns step by step from the trunk's maps; `slopes` is then never asked."""
    zooms: ClassVar[int] = 0
    """How many views at other sizes a head on maps is shown of each picture, beside it and its mirror image."""
    sized_by_labels: ClassVar[bool] = False
    """Whether `size_for`, `on_trunk` and `from_chance` look at the labels: they are then given those of the pictures to
    train on alone, which takes reading all files once more."""
    by_chance: ClassVar[str] = "a pyramid on a slim ResNet"  # the net of `from_chance`, in words
    light: ClassVar[float] = 0.0
    """How far the views in the mirror differ in brightness and contrast, of a head on maps."""
    defaults: ClassVar[Mapping[str, Any]] = NOTHING
    """What a recipe that leaves them open has otherwise than `striate.defaults` say, field by field."""

    def check_recipe(self, recipe: Settings) -> None:
        """Refuse what a recipe asks for and this task would not do. Errors: RecipeError."""
        for name in SOME_TASKS:
            said = getattr(recipe, name)
            if name not in self.choices and said not in (None, type(recipe).model_fields[name].default):
                raise RecipeError(
                    f"{name} = {said if isinstance(said, bool) else repr(said)}: task {self.name} makes no use of it;"
                    " leave it out, or say which task it is for (--task)"
                )
        if recipe.augment == "windows" and not self.placed:
            raise RecipeError(f"augment = 'windows': task {self.name} answers for whole pictures; say light")

    # Labels.

    @abstractmethod
    def labels(self, source: Source, recipe: Settings) -> Labels:
        """Return what is to be learnt of a source's pictures; nothing is decoded, and nothing refused for being few.

        Errors: SourceError for labels that are none of this task.
        """

    @abstractmethod
    def check_labels(self, source: Source, labels: Labels) -> None:
        """Refuse what cannot be learnt, before anything is decoded: too few pictures, a number that is always the same.

        Errors: SourceError with the numbers and what it takes.
        """

    @abstractmethod
    def strata(self, labels: Labels) -> Strata:
        """Return in what groups of pictures a split and folds keep their shares."""

    def cautions(self, labels: Labels, rows: Sequence[int], config: TrainConfig) -> tuple[str, ...]:
        """Return what a person should know of the labels of the pictures to train on, whose ``rows`` these are."""
        return ()

    def settle(self, labels: Labels, rows: Sequence[int]) -> Labels:
        """Return labels with those facts that are learnt from the pictures trained on, whose ``rows`` these are."""
        return labels

    def place(self, labels: Labels, crops: Sequence[CropTransform]) -> Labels:
        """Return labels that lie in pixels of the network's input; of a source they lie in the person's pictures.

        ``crops`` has where the input lies in each picture, row by row; asked of tasks that are `placed`, once the
        pictures are decoded.
        """
        return labels

    def move(self, targets: NDArray[Any], moves: Moves) -> NDArray[Any]:
        """Return the targets of a batch (N, ...), of `encode`, taken to where ``moves`` take its N pictures.

        Asked of tasks that are `placed`, in the thread that prepares batches. It may not change ``targets``.
        """
        return targets

    def encode(self, labels: Labels, rows: Sequence[int] | NDArray[np.int64] | None = None) -> NDArray[Any]:
        """Return the targets that `loss` and `slopes` take, (N, ...), of some rows, or of all.

        Of a row that is not labelled it is whatever the type has room for: nobody asks.
        """
        return labels.values if rows is None else labels.values[np.asarray(rows, np.int64)]

    # The network.

    def width(self, facts: LabelFacts) -> int:
        """Return how many numbers the main output has for a picture; a last dense layer without a number gets it."""
        return len(facts.names)

    def size_for(self, height: int, width: int, labels: Labels) -> tuple[int, int] | None:
        """Return the (height, width) that pictures of this median size are trained at by itself; None: as usual.

        ``labels`` lie in the pictures, where they lie anywhere: small objects may want larger pictures. Of a task that
        is `sized_by_labels` they are those of the pictures to train on.
        """
        return None

    def on_trunk(self, net: Net, shape: Shape, labels: Labels) -> Net:
        """Return the net of this task on a trunk, whose old head may be on it yet: it waits for `width` numbers.

        ``shape`` is the input. Asked of tasks that are not `solved`. Errors: DescribeError for what is no trunk.
        """
        raise DescribeError(f"task {self.name} has no head of its own to put on a trunk")

    def from_chance(self, shape: Shape, labels: Labels) -> Net:
        """Return the net of this task where nobody says one and no weights are started from; as of `on_trunk`."""
        raise DescribeError(f"task {self.name} has no net of its own; say which (--net)")

    def usual(self, pictures: int, *, chance: bool) -> Mapping[str, Any]:
        """Return what a recipe that leaves them open has otherwise than `striate.defaults` say, field by field.

        ``pictures`` are those to train on; ``chance``: no weights are started from.
        """
        return self.defaults

    def learns_whole(self, labels: Labels) -> bool:
        """Whether the later parts of a trunk learn behind a head on maps where nobody says; labels as of `size_for`."""
        return False

    def laid_out(self, labels: Labels, survey: Survey) -> Labels:
        """Return labels with those facts that lie in the net: how its output is laid out."""
        return labels

    def check(self, survey: Survey, facts: LabelFacts) -> None:
        """Refuse a whole net that does not end as it has to, auxiliary heads included.

        Errors: ShapeError that names where, what is there, and what would fit.
        """
        width = self.width(facts)
        take = "takes" if len(facts.names) == 1 else "take"
        following = [*survey.rows[1:], None]
        ends = {
            row.path: row.output
            for row, after in zip(survey.rows, following, strict=True)
            if row.auxiliary and row.output is not None and (after is None or not after.auxiliary)
        }
        for where, output in {**ends, "the net": survey.output}.items():
            if output != Shape(width):
                raise ShapeError(
                    f"{where} puts out {output}, and {counted(len(facts.names), self.noun)} {take}"
                    f" {counted(width, 'number')} a picture; let it end in: flatten >> dense (without a number, dense"
                    f" gives {self.ends})"
                )

    # Training.

    def weights(self, targets: NDArray[Any], facts: LabelFacts, config: TrainConfig) -> Tensor | None:
        """Return what makes up for uneven ``targets`` (of the training pictures), where the config asks for that."""
        return None

    def row_weights(self, targets: Tensor, weights: Tensor) -> Tensor:
        """Return how much each picture of ``targets`` (N, ...) counts (N,) for a head on features, by `weights`.

        Weights that do not belong to whole pictures are for `slopes` to use.
        """
        import torch

        return torch.ones(len(targets))

    @abstractmethod
    def loss(
        self,
        outputs: Mapping[str, Tensor],
        targets: Tensor,
        config: TrainConfig,
        weights: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return what is minimised, by `terms`, each a float32 scalar; their sum is.

        ``outputs`` are a batch's, of whatever precision; ``targets`` (N, ...) are `encode`'s. Each is divided by the
        number of pictures alone, so that parts of a batch add up to exactly the whole.
        """

    def slopes(
        self, output: Tensor, targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the loss of each picture and its derivative by the output, for a head that is solved on features.

        ``output`` (N, width) or (N, heads, width) float64, ``targets`` (N, ...) `encode`'s. Returns (N,) or (N, heads),
        and the shape of ``output``. It has to be convex in the output, and smooth; the solver is the same for all
        tasks (`engine.head`, `engine.heads`). ``weights`` that `row_weights` has used already are left alone.
        """
        raise RecipeError(f"task {self.name} has no head that is solved on features")

    def judges(self, targets: NDArray[Any], seen: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which pictures may judge a head that was fitted to ``seen`` ones (`Labels.values` both).

        A picture of a class that it has seen nothing of may not.
        """
        return np.ones(len(targets), bool)

    def for_mean(self, output: NDArray[Any]) -> NDArray[Any]:
        """Return the main output (N, ...) in the form of which several networks' mean is an answer."""
        return output

    @abstractmethod
    def plain_loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig) -> float:
        """Return the validation loss, without smoothing or weights: the lower the better. ``targets`` are `encode`'s.

        ``outputs`` are tensors on the CPU, float32 or float64.
        """

    @abstractmethod
    def measure(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> dict[str, float]:
        """Return an epoch's figures, without intervals: the headline first. ``targets`` are `Labels.values`."""

    def told(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> str:
        """Return in words how good some answers are, for a line: ``27 of 30 pictures right``."""
        figures = self.measure(outputs, targets, facts)
        return ", ".join(self.shown(name, value, facts) for name, value in figures.items())

    # After training.

    @abstractmethod
    def fit_state(self, judged: Judged, facts: LabelFacts) -> State:
        """Return all that is learnt after training: calibration, thresholds, intervals, what is known.

        Never fails for want of pictures: what cannot be learnt is left out, and ``notes`` say so.
        """

    def unlearnt(self, why: str) -> State:
        """Return the state of a model after whose training nothing is learnt, or not yet; ``why`` in a sentence."""
        return State()

    def opened(self, state: State, facts: LabelFacts) -> Any:
        """Return a state as the task's own values, read and checked once; `decode` takes these.

        Errors: ModelError for a state that is damaged, or is of other labels.
        """
        return state

    def distances(
        self, embeddings: NDArray[np.float32], known: NDArray[np.float32], targets: NDArray[Any]
    ) -> NDArray[np.float64] | None:
        """Return how far pictures (N,) lie from ``known`` ones, of which the ``targets`` are, where `fit_state` asks.

        This is measured fold by fold, where a fold's network is there to be asked about what it has seen.
        """
        return None

    def leave_out(self, targets: NDArray[Any], train: Ints, held: Ints, groups: Ints) -> tuple[LeftOut, ...]:
        """Return the trainings without some of what is learnt that measure how well strangers are told.

        ``targets`` (N, ...) are of all pictures; such a training may learn from the rows ``train``, and is measured on
        those of ``held`` too. ``groups`` (N,) are numbers, equal for copies: no picture is a stranger to its copy.

        Errors: RecipeError that says why there are none.
        """
        raise self._without_strangers()

    def stranger_skill(
        self,
        trained: tuple[Outputs, NDArray[Any]],
        known: tuple[Outputs, NDArray[Any]],
        strange: tuple[Outputs, NDArray[Any]],
    ) -> StrangerSkill:
        """Return how well a network of `leave_out` tells strangers: each is its outputs and their targets.

        Asked only where `leave_out` found a training. Errors: RecipeError, as there.
        """
        raise self._without_strangers()

    def _without_strangers(self) -> RecipeError:
        """Return why a task that leaves nothing out measures no strangers."""
        return RecipeError(
            f"strangers: there is no net without some of the {plural(2, self.noun)} to tell strangers by; leave it out"
        )

    @abstractmethod
    def decode(
        self, outputs: Outputs, facts: LabelFacts, learnt: Any, *, options: Mapping[str, Any] = NOTHING
    ) -> list[Prediction]:
        """Return the answer to each picture, by NumPy alone. ``learnt`` is what `opened` gave.

        ``options`` are the task's own, by name; one that it does not know is left alone. Errors: StriateError for
        outputs that are not those of its names, or are not finite.
        """
