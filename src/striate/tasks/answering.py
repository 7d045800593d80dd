"""What a task says after training: tables of answers, what answers are worth, what may be asked of them. No torch.

The answering half of the seam; `striate.tasks.task.Task` is this and the training half. Everything has a plain default
but `evaluate` and `question`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.tasks.values import NOTHING, LabelFacts, Labels, Outputs
from striate.words import counted

if TYPE_CHECKING:  # what measures and explains is imported by who does: predicting needs none of it
    from striate.data.pictures.crop_transform import CropTransform
    from striate.data.pictures.tiles import Tiling
    from striate.tasks.assessment import Assessment, Basis, Cost
    from striate.tasks.decoding import Compared, Decoding, Frame
    from striate.tasks.missed import Missed, Wanted
    from striate.tasks.pairing import Paired, Shared
    from striate.tasks.question import Place, Question
    from striate.tasks.sections import Part
    from striate.tasks.stitcher import Stitcher

PARTS: Final[Mapping[str, str]] = {"train": "train", "val": "validate", "test": "test"}


class Answering(ABC):
    """The answering half of a task. ``learnt`` is always what `Task.opened` made of its state."""

    noun: ClassVar[str]
    output: ClassVar[str]
    headline: ClassVar[str]
    higher_is_better: ClassVar[bool]
    pipeline: ClassVar[str] = ""
    """What the Hugging Face Hub calls such a task (its ``pipeline_tag``); nothing where it has no word for it."""

    # Answers as tables.

    error_at: ClassVar[int] = 0
    """Behind how many of `columns` stands why a picture cannot be read."""

    def columns(self, facts: LabelFacts, top: int | None = None) -> tuple[str, ...]:
        """Return the columns of a table of answers behind the picture: what `Prediction.cells` fills."""
        return ("answer",)

    aims: ClassVar[tuple[str, ...]] = ()
    """What an answer may be asked to reach, each a share: options of `Task.decode`, and of `warnings`, by name."""

    def warnings(self, learnt: Any, options: Mapping[str, Any] = NOTHING) -> tuple[str, ...]:
        """Return sentences to be read with every answer, such as what the model cannot tell."""
        return ()

    # Pictures much larger than the network's input.

    def overlap(self, facts: LabelFacts) -> tuple[float, float]:
        """Return how much of a tile's height and width the next one sees too, a share, for nothing to be lost there."""
        return 0.25, 0.25

    def stitcher(
        self, tiling: Tiling, facts: LabelFacts, learnt: Any, options: Mapping[str, Any] = NOTHING
    ) -> Stitcher:
        """Return what makes one answer of the answers to the tiles of a picture; ``options`` are those of `decode`.

        Errors: StriateError for a task that answers about a picture as a whole.
        """
        raise StriateError(
            f"tiles are for answers that lie in the picture: boxes, masks, counts; this model says a {self.noun} of a"
            " picture as a whole"
        )

    # Copies of a model in other programs and in int8.

    def same(self, outputs: Outputs, others: Outputs) -> NDArray[np.bool_]:
        """Return which of N pictures get the same answer by both; here, numbers within 1e-3 of the largest."""
        mine, theirs = outputs[self.output], others[self.output]
        apart = np.abs(mine - theirs).reshape(len(mine), -1).max(axis=1)
        close: NDArray[np.bool_] = apart <= 1e-3 * max(1.0, float(np.abs(theirs).max(initial=0.0)))
        return close

    def means(self, facts: LabelFacts, learnt: Any) -> Mapping[str, str]:
        """Return in words what each output of the ONNX file is, and how it becomes an answer, for other programs."""
        return {self.output: f"(N, {len(facts.names)}): one a {self.noun}"}

    def decoding(self, facts: LabelFacts, learnt: Any, frame: Frame) -> Decoding:
        """Return how answers are made of the outputs, as steps of an ONNX graph: what a deployed graph puts out.

        ``frame`` is what is known of the graph that they stand in. Errors: StriateError for a task without such steps.
        """
        raise StriateError(
            f"no graph can be written that makes answers of {self.output}; its ONNX file puts out {self.output},"
            f" {self.means(facts, learnt)[self.output]}"
        )

    def held(
        self,
        said: Mapping[str, NDArray[Any]],
        answer: Any,
        outputs: Outputs,
        facts: LabelFacts,
        learnt: Any,
        crop: CropTransform | None = None,
    ) -> Compared:
        """Return what such a graph ``said`` of one picture, against its ``answer``; asked where there is a `decoding`.

        ``outputs`` are the network's for that picture, by which rounding may be told from a difference; ``crop`` is
        where the input lies in the picture, of an answer that lies in it.
        """
        raise NotImplementedError

    def formula(self, facts: LabelFacts, learnt: Any) -> Mapping[str, Any]:
        """Return what makes an answer of the outputs of one picture, as numbers alone: for a page that has no Python.

        ``kind`` says which formula (`render/html/model/answers.js`), the rest is ready for JSON but for arrays.
        Errors: StriateError for a task whose answers a page cannot make.
        """
        raise StriateError(
            f"a page cannot make answers of {self.output} yet: it shows models of classes, tags and numbers; striate"
            " export writes the ONNX file, and striate look shows what the net sees"
        )

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
        """Return what int8 costs: ``before`` are float32's outputs and ``after`` int8's, of the same pictures.

        ``trained``: these pictures were trained on; ``known``: the network has their embeddings stored, whether or
        not it was trained on them.
        """
        from striate.tasks.assessment import Cost

        one, other = (self.measure(outputs, targets, facts) for outputs in (before, after))
        name = next(iter(one))
        a, b = one[name], other[name]
        lost = (a - b if self.higher_is_better else b - a) / max(abs(a), 1e-12)
        on = counted(len(targets), "training picture" if trained else "validation picture")
        words = f"int8 has {self.shown(name, b, facts)} on {on}, float32 {self.shown(name, a, facts)}"
        return Cost(float(lost), words, {"pictures": len(targets), name: a, f"{name}_int8": b, "words": words})

    def cost_words(self, facts: Mapping[str, Any]) -> str:
        """Return what int8 costs in words, from what its file keeps."""
        return str(facts.get("words", ""))

    def adapted(self, learnt: Any, facts: Mapping[str, Any]) -> Any:
        """Return what was learnt as it holds for the int8 file whose `Cost.facts` these are."""
        return learnt

    @abstractmethod
    def measure(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> dict[str, float]:
        """Return an epoch's figures, without intervals: the headline first. ``targets`` are `Labels.values`."""

    def standing(self, loss: float, figures: Mapping[str, float]) -> float:
        """Return what epochs are compared by, the lower the better: the validation ``loss``, or one of ``figures``."""
        return loss

    def shown(self, name: str, value: float, facts: LabelFacts) -> str:
        """Return a figure of `measure` as a person reads it: ``accuracy 87.5 %``."""
        return f"{name} {value:.4g}"

    # What answers are worth.

    @abstractmethod
    def evaluate(
        self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts, learnt: Any, basis: Basis
    ) -> Assessment:
        """Return what answers are worth; ``targets`` (N, ...) are `Labels.values`, N at least 1.

        Out-of-fold answers are judged by what was learnt from the other folds (`Basis.folds`).
        """

    def paired(self, shared: Shared) -> Paired:
        """Return two models compared on the same pictures; here by their losses, picture by picture."""
        from striate.tasks.pairing import LossPaired

        return LossPaired.of(shared)

    def shown_parts(
        self, values: NDArray[Any], parts: Mapping[str, NDArray[np.int64]], facts: LabelFacts
    ) -> tuple[Part, ...]:
        """Return what a run was shown, as parts of its report's section: counts, ranges; here, how many of what.

        ``values`` are `Labels.values` of the whole store, and ``parts`` which rows train, validate and test.
        """
        from striate.tasks.sections import Table

        heads = ("", *(word for part, word in PARTS.items() if len(parts[part])))
        cells = tuple(f"{len(parts[part]):,}" for part in PARTS if len(parts[part]))
        return (Table(heads, (("pictures", *cells),), label="pictures by part"),)

    def matched(self, labels: Labels, facts: LabelFacts) -> NDArray[Any]:
        """Return the values of another source as this model has them: its columns by their names.

        Errors: StriateError that names what only one of both knows, as it stands behind the source's name.
        """
        apart = [name for name in labels.names if name not in facts.names]
        if apart:
            raise StriateError(
                f"has {', '.join(apart[:5])}{' ...' if len(apart) > 5 else ''}, which the model does not know"
            )
        lacking = [name for name in facts.names if name not in labels.names]
        if lacking:
            raise StriateError(f"says nothing of {', '.join(lacking[:5])}{' ...' if len(lacking) > 5 else ''}")
        return labels.values[:, [labels.names.index(name) for name in facts.names]]

    # Looking inside.

    @abstractmethod
    def question(
        self,
        output: NDArray[np.float32],
        facts: LabelFacts,
        learnt: Any,
        word: str | int | None = None,
        against: str | int | None = None,
    ) -> Question:
        """Return what is asked about a picture of which the net says ``output`` (K,).

        Without a ``word`` it is what a person asks first: why the likeliest class, what raises the number. ``word`` is
        the person's own: a class, a tag, a number's name; ``against`` what it is to be held against, where the task
        has such a thing. Errors: StriateError that says what there is to ask about.
        """

    asks: ClassVar[frozenset[str]] = frozenset()
    """What else than a class may be asked about: "object", "missed", "pixel", "box"."""

    def question_at(
        self,
        output: NDArray[np.float32],
        facts: LabelFacts,
        learnt: Any,
        place: Place,
        against: str | int | None = None,
    ) -> Question:
        """Return what is asked about a place of a picture, of tasks that answer at places (`asks`).

        Errors: StriateError for a place or a class that is not there, and of a task that answers for the whole picture.
        """
        raise StriateError("this model answers for the whole picture: there is no place of it to be asked about")

    def missed_object(self, answer: Any, values: NDArray[Any], number: int) -> Wanted:
        """Return the object with a number, from 1, of those that an answer misses in its picture.

        ``values`` are `Labels.values` of that picture alone, in its own pixels. Errors: StriateError.
        """
        raise StriateError("this model finds no objects, so that none can be missed")

    def missed(
        self, output: NDArray[np.float32], facts: LabelFacts, learnt: Any, wanted: Wanted, crop: CropTransform
    ) -> Missed:
        """Return why an object was not found, of tasks that find objects (`asks`). Errors: StriateError."""
        raise StriateError("this model finds no objects, so that none can be missed")

    def map_values(self, output: NDArray[np.float64], facts: LabelFacts, learnt: Any) -> NDArray[np.float64] | None:
        """Return what a map over a larger picture shows (N, names) of outputs (N, K); None where a map has no sense."""
        return None


def wrong_word(word: str | int, names: Sequence[str], noun: str) -> StriateError:
    """Return the refusal of a word that is none of the names, with what is near it."""
    near = get_close_matches(str(word), names, n=3) or list(names[:5])
    return StriateError(f"there is no {noun} {word!r}; near it: {', '.join(near)}")


def number_of(word: str | int, names: Sequence[str], noun: str = "class") -> int:
    """Return the number of a name, or a number as it is. Errors: StriateError for what is none of them."""
    if isinstance(word, str):
        if word not in names:
            raise wrong_word(word, names, noun)
        return list(names).index(word)
    if not 0 <= word < len(names):
        raise StriateError(f"there is no {noun} {word}: they go from 0 to {len(names) - 1}")
    return word
